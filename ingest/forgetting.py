"""Deleting the history of deleted projects in batches; what is missed goes with the retention."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ingest.bulk import plain_array, rows, run
from migrate_hub.jobs.claiming import Claim
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import Project
from migrate_hub.tenants.row_level_security import tenant_context

MACHINES_A_BATCH = 200
# For a day after its deletion a project is looked at each hour: a fold or an upload may have been under way.
LOOK_BACK = timedelta(days=1)
FIRST_ID = UUID(int=0)

TABLES = ("ingest_performanceblock", "ingest_foldedday", "ingest_dailystatistics")
MACHINES_OF_PROJECT = """
SELECT id FROM ingest_machine WHERE tenant_id = %s AND project_id = %s AND id > %s ORDER BY id LIMIT %s
"""


def projects_to_forget(now: datetime) -> list[UUID]:
    """The projects of the current tenant that were deleted lately."""
    deleted = Project.objects.filter(deleted_at__gt=now - LOOK_BACK, deleted_at__lte=now)
    return list(deleted.values_list("id", flat=True))


def forget_project(held: Claim) -> None:
    """Deletes points, folded days and daily statistics of all machines of a deleted project, a batch a transaction."""
    after = FIRST_ID
    while True:
        with tenant_context(held.tenant_id):
            machines = _machines(held.object_id, after)
            forget_machines(machines)
            if not machines:
                held.finish()
                return
            held.renew()
        after = machines[-1]


def _machines(project_id: UUID, after: UUID) -> list[UUID]:
    found = rows(MACHINES_OF_PROJECT, [current_tenant_id(), project_id, after, MACHINES_A_BATCH])
    return [machine_id for (machine_id,) in found]


def forget_machines(machine_ids: Sequence[UUID]) -> int:
    """Deletes all history of these machines of the current tenant; returns how many rows that were."""
    parameters = [current_tenant_id(), plain_array(machine_ids)]
    sql = "DELETE FROM {} WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[])"
    return sum(run(sql.format(table), parameters) for table in TABLES)
