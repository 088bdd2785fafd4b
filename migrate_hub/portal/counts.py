"""How much is in each of some projects: one query a table, however many projects there are."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count

from assessments.models import Assessment
from groups.models import Group
from ingest.models import Appliance, Machine


@dataclass
class Counts:
    """What a project holds."""

    appliances: int = 0
    machines: int = 0
    groups: int = 0
    assessments: int = 0


def counts_of_projects(project_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """The counts of each project; what was deleted or removed is not counted, what is seen twice once."""
    counts = {project_id: Counts() for project_id in project_ids}
    if not counts:
        return counts
    tables: dict[str, Any] = {
        "appliances": Appliance.objects.all(),
        "machines": Machine.objects.filter(removed_at=None, duplicate_of=None),
        "groups": Group.objects.filter(deleted_at=None),
        "assessments": Assessment.objects.filter(deleted_at=None),
    }
    for name, rows in tables.items():
        counted = rows.filter(project_id__in=counts).order_by().values("project_id").annotate(count=Count("id"))
        for row in counted:
            setattr(counts[row["project_id"]], name, row["count"])
    return counts
