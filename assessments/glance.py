"""How a tenant is, at one glance: what it holds, what needs somebody, what runs and when data came last."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, QuerySet

from assessments.freshness import freshness
from assessments.models import Assessment, RunStatus
from ingest.health import health_of, with_health
from ingest.imports.models import FileImport, ImportStatus
from ingest.models import Appliance, Machine
from migrate_hub.jobs.work import unfinished_by_project
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import Project

# Beyond these a glance would not be one; whoever has more sees them counted as "at least".
MAX_APPLIANCES = 1000
MAX_ASSESSMENTS = 500
# Members of a group by filter are found by searching the machines, so only the newest of those are searched.
MAX_BY_FILTER = 10
# Machines of runs that are compared with what is there now, the newest assessments first: about a second's work.
MAX_COMPARED = 200_000

CHANGED_SINCE = """
SELECT a.run_id, bool_or(m.id IS NULL OR m.removed_at IS NOT NULL OR m.duplicate_of_id IS NOT NULL),
       COALESCE(bool_or(m.configuration_version <> a.configuration_version), false)
FROM assessments_assessedmachine a LEFT JOIN ingest_machine m ON m.tenant_id = a.tenant_id AND m.id = a.machine_id
WHERE a.tenant_id = %s AND a.run_id = ANY(%s::uuid[]) GROUP BY a.run_id
"""


@dataclass(frozen=True)
class Glance:
    """One tenant. `appliances` and `assessments` count by health and by freshness; what is well is counted too."""

    machines: int = 0
    appliances: dict[str, int] = field(default_factory=dict)
    assessments: dict[str, int] = field(default_factory=dict)
    running: int = 0
    last_data_at: datetime | None = None

    @property
    def broken(self) -> int:
        """What does not work: appliances that are silent or fail, assessments whose newest run failed."""
        return self._of("silent", "failing") + self.assessments.get("failed", 0)

    @property
    def aging(self) -> int:
        """What works, but tells of yesterday: late appliances, assessments that no longer fit the machines."""
        return self._of("late") + sum(self.assessments.get(name, 0) for name in ("out_of_sync", "outdated"))

    @property
    def attention(self) -> str:
        """`broken`, `aging` or `none`."""
        return "broken" if self.broken else "aging" if self.aging else "none"

    def _of(self, *healths: str) -> int:
        return sum(self.appliances.get(health, 0) for health in healths)


def glance(now: datetime) -> Glance:
    """The current tenant as it is now, in a fixed number of queries but for groups by filter, which are bounded."""
    machines = Machine.objects.filter(removed_at=None, duplicate_of=None, project__deleted_at=None)
    appliances = Appliance.objects.filter(project__deleted_at=None).order_by("-created_at")
    judged = list(with_health(appliances, now)[:MAX_APPLIANCES])
    imports = FileImport.objects.filter(status=ImportStatus.COMPLETED, dry_run=False)
    imported = imports.aggregate(last=Max("finished_at"))["last"]
    instants = [appliance.last_upload_at for appliance in judged] + [imported]
    return Glance(
        machines=machines.count(),
        appliances=dict(Counter(health_of(appliance, now).state for appliance in judged)),
        assessments=dict(Counter(_states(_living()))),
        running=sum(unfinished_by_project().values()),
        last_data_at=max((at for at in instants if at is not None), default=None),
    )


def _living() -> list[Assessment]:
    projects = Project.objects.filter(deleted_at=None).values("id")
    rows: QuerySet[Assessment] = Assessment.objects.filter(deleted_at=None, project__in=projects)
    related = rows.select_related("current_run", "latest_run", "group")
    return list(related.defer("current_run__summary", "latest_run__summary").order_by("-created_at")[:MAX_ASSESSMENTS])


def states_of(assessments: list[Assessment], *, max_compared: int, max_by_filter: int = 0) -> list[str]:
    """The state of each, in a fixed number of queries but for the groups by filter that are searched."""
    return list(_states(assessments, max_compared=max_compared, max_by_filter=max_by_filter))


def _states(
    assessments: list[Assessment], *, max_compared: int = MAX_COMPARED, max_by_filter: int = MAX_BY_FILTER
) -> Iterator[str]:
    """One word an assessment: failed, unfinished (its first run), out_of_sync, outdated, current or not_compared."""
    changed = _changed_since(_within_bounds(assessments, max_compared))
    searches = iter(range(max_by_filter))
    for assessment in assessments:
        run: Any = assessment.current_run
        if assessment.latest_run is not None and assessment.latest_run.status == RunStatus.FAILED:
            yield "failed"
        elif run is None:
            yield "unfinished"
        elif assessment.group.membership_version != run.group_membership_version:
            yield "out_of_sync"
        elif run.id not in changed:
            yield "not_compared"
        elif assessment.group.filter is not None and next(searches, None) is not None:
            yield freshness(run, assessment.group)["status"]
        else:
            left, differs = changed[run.id]
            yield "out_of_sync" if left else "outdated" if differs else "current"


def _within_bounds(assessments: list[Assessment], max_compared: int) -> list[UUID]:
    """The published runs of the newest assessments that together have at most so many machines."""
    runs = [assessment.current_run for assessment in assessments if assessment.current_run is not None]
    sums = accumulate(run.machine_count for run in runs)
    return [run.id for run, machines in zip(runs, sums, strict=True) if machines <= max_compared]


def _changed_since(run_ids: list[UUID]) -> dict[UUID, tuple[bool, bool]]:
    """Of each run: whether a machine of it has vanished, and whether one has changed."""
    if not run_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_SINCE, [current_tenant_id(), run_ids])
        return {run_id: (left, changed) for run_id, left, changed in cursor.fetchall()}
