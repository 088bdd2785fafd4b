"""The background of rolled-up rows: those that runs used within a day are made anew when the hour or the points change.

A beat looks at every tenant, which costs a few reads where no run was; docs/adr/0014 says why only rows in use.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection
from django.utils import timezone

from ingest.bulk import rows, run
from ingest.rollups import KEPT_AFTER_USE, MACHINES_A_TRANSACTION, full_hour, has_stale, refresh
from migrate_hub.jobs.claiming import Claim
from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.models import OPEN_STATES, Job
from migrate_hub.jobs.queueing import enqueue
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
REFRESH_TASK = "ingest.rollups"
QUEUE = "maintenance"
NO_ID = UUID(int=0)
FORGET = """
DELETE FROM ingest_rollup WHERE (tenant_id, machine_id, window_name) IN (
    SELECT tenant_id, machine_id, window_name FROM ingest_rollup WHERE tenant_id = %s AND used_at < %s
    ORDER BY machine_id, window_name LIMIT %s FOR UPDATE SKIP LOCKED)
"""
FORGET_BATCH = 10_000
IN_USE = """
SELECT DISTINCT machine_id FROM ingest_rollup WHERE tenant_id = %s AND machine_id >= %s ORDER BY machine_id LIMIT %s
"""
ONE_PLANNER_A_TENANT = "SELECT pg_advisory_xact_lock(hashtextextended('ingest_rollup', %s))"


def plan_refreshes(now: datetime) -> None:
    """Enqueues what has to be made anew, tenant by tenant. Called twice, or beside itself, it enqueues no more."""

    def plan(tenant: Tenant) -> None:
        forget_unused(tenant.id, now)
        plan_refresh(tenant.id, now)

    each_tenant(plan, Tenant.objects.filter(is_active=True))


def forget_unused(tenant_id: int, now: datetime) -> None:
    """Deletes the rows that no run used for a day."""
    while True:
        with tenant_context(tenant_id):
            if run(FORGET, [tenant_id, now - KEPT_AFTER_USE, FORGET_BATCH]) < FORGET_BATCH:
                return


def plan_refresh(tenant_id: int, now: datetime) -> int:
    """Enqueues a job for each slice of machines in use that has something to make anew; how many there are."""
    firsts = [ids[0] for ids in _slices(tenant_id) if _has_stale(tenant_id, ids, now)]
    if not firsts:
        return 0
    with tenant_context(tenant_id):
        with connection.cursor() as cursor:
            cursor.execute(ONE_PLANNER_A_TENANT, [tenant_id])
        if Job.objects.filter(tenant_id=tenant_id, task=REFRESH_TASK, state__in=OPEN_STATES).exists():
            return 0
        for first in firsts:
            enqueue(REFRESH_TASK, first, queue=QUEUE)
    return len(firsts)


def _slices(tenant_id: int) -> Iterator[list[UUID]]:
    """The machines whose rows are in use, some at a time."""
    first = NO_ID
    while ids := _slice(tenant_id, first):
        yield ids
        first = UUID(int=ids[-1].int + 1)


def _slice(tenant_id: int, first: UUID) -> list[UUID]:
    with tenant_context(tenant_id):
        return [machine_id for (machine_id,) in rows(IN_USE, [tenant_id, first, MACHINES_A_TRANSACTION])]


def _has_stale(tenant_id: int, machine_ids: list[UUID], now: datetime) -> bool:
    with tenant_context(tenant_id):
        return has_stale(machine_ids, full_hour(now))


def refresh_slice(claim: Claim) -> None:
    """Makes the rows anew of the machines from the job's id on. Done twice, the second time does nothing."""
    now = timezone.now()
    refresh(claim.tenant_id, _slice(claim.tenant_id, claim.object_id), full_hour(now), now=now, used=False)
    with tenant_context(claim.tenant_id):
        claim.finish()


def leave_stale(object_id: UUID, failure: str) -> None:
    """What could not be made anew is read from the blocks, and tried again with the next beat."""
    log.warning("rollups_not_refreshed", first_machine=str(object_id), failure=failure)
