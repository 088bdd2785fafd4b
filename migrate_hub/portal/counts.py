"""How much is in each of some projects: one query a table, however many projects there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass
class Counts:
    """What a project holds."""

    appliances: int = 0
    machines: int = 0
    groups: int = 0
    assessments: int = 0


def counts_of_projects(project_ids: Iterable[UUID]) -> dict[UUID, Counts]:
    return {project_id: Counts() for project_id in project_ids}
