"""How projects are: what they hold, how their appliances and newest assessments are, what works for them.

A fixed number of queries, however many projects.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery

from assessments.glance import states_of
from assessments.models import Assessment
from ingest.health import health_of, with_health
from ingest.models import Appliance
from migrate_hub.jobs.work import unfinished_by_project
from migrate_hub.portal.counts import Counts, counts_of_projects
from migrate_hub.tenants.models import Project

# Beyond these a page would take too long; the counts beside them are of all.
MAX_APPLIANCES = 1000
# Machines of runs that are compared with what is there now while somebody waits for the page.
MAX_COMPARED = 15_000
# In the order in which they are told.
HEALTHS = (("silent", "bad"), ("failing", "bad"), ("late", "warn"), ("never_registered", ""), ("ok", "good"))
HEALTH_WORDS = {"never_registered": "not enrolled yet"}
FRESHNESS = {
    "current": ("good", "current"),
    "out_of_sync": ("warn", "out of sync"),
    "outdated": ("warn", "outdated"),
    "failed": ("bad", "newest run failed"),
    "unfinished": ("", "first run"),
    "not_compared": ("", "not compared"),
}


@dataclass(frozen=True)
class Newest:
    """The newest assessment of a project: what it costs a month, and whether that still holds."""

    assessment: Any
    state: str

    @property
    def look(self) -> tuple[str, str]:
        return FRESHNESS[self.state]


@dataclass
class ProjectState:
    """One project at a glance."""

    counts: Counts
    healths: Counter[str] = field(default_factory=Counter)
    newest: Newest | None = None
    working: int = 0

    @property
    def told_healths(self) -> list[tuple[str, int, str]]:
        """How each looks, how many there are, and what they are called; the worst first."""
        return [
            (look, self.healths[code], HEALTH_WORDS.get(code, code)) for code, look in HEALTHS if self.healths[code]
        ]


def states_of_projects(project_ids: Collection[UUID], now: datetime) -> dict[UUID, ProjectState]:
    """The state of each project of the current tenant."""
    states = {id: ProjectState(counts) for id, counts in counts_of_projects(project_ids).items()}
    if not states:
        return states
    for appliance in with_health(Appliance.objects.filter(project_id__in=states), now)[:MAX_APPLIANCES]:
        states[appliance.project_id].healths[health_of(appliance, now).state] += 1
    newest = newest_assessments(states)
    for assessment, state in zip(newest, states_of(newest, max_compared=MAX_COMPARED), strict=True):
        states[assessment.project_id].newest = Newest(assessment, state)
    for project_id, count in unfinished_by_project().items():
        if project_id in states:
            states[project_id].working = count
    return states


def newest_assessments(project_ids: Collection[UUID]) -> list[Assessment]:
    """The newest assessment of each project that has one."""
    own = Assessment.objects.filter(project=OuterRef("id"), deleted_at=None).order_by("-created_at", "id").values("id")
    projects = Project.objects.filter(id__in=project_ids).annotate(newest_id=Subquery(own[:1]))
    ids = [newest_id for newest_id in projects.values_list("newest_id", flat=True) if newest_id is not None]
    return list(with_costs(Assessment.objects.filter(id__in=ids)))


def with_costs(assessments: "QuerySet[Assessment]") -> "QuerySet[Assessment]":
    """With `total` and `currency` of the published run, without the rest of its summary."""
    related = assessments.select_related("current_run", "latest_run", "group")
    return related.defer("current_run__summary", "latest_run__summary", "settings").annotate(
        total=F("current_run__summary__monthly_cost__total"), currency=F("current_run__summary__currency")
    )


def freshness_of(assessments: Sequence[Assessment], *, max_compared: int) -> list[str]:
    """One word each, as in FRESHNESS."""
    return states_of(list(assessments), max_compared=max_compared)
