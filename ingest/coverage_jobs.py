"""Coverage in the background: whose days are due, and a job a tenant that counts them in short turns."""

import time
from datetime import datetime
from uuid import UUID

import structlog
from django.utils import timezone

from ingest.coverage import count_day, days_to_count, has_days_to_count
from ingest.fold_jobs import MAINTENANCE, TURN_SECONDS
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.jobs.each_tenant import each_tenant, start_times
from migrate_hub.jobs.queueing import enqueue_once
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
COVERAGE_TASK = "ingest.coverage"


class CountFailedError(Exception):
    """Some days could not be counted; the others were."""


def queue_counts(now: datetime) -> None:
    """A job for each tenant with days whose count is not right any more."""
    starts = start_times(now)

    def queue(tenant: Tenant) -> None:
        with tenant_context(tenant.id):
            if has_days_to_count(now):
                enqueue_once(COVERAGE_TASK, tenant.public_id, queue=MAINTENANCE, not_before=next(starts))

    each_tenant(queue)


def count_in_turns(held: Claim, *, turn_seconds: float = TURN_SECONDS) -> None:
    """Counts a tenant's days, a transaction each, newest first, until there are none or the turn is over.

    A day that cannot be counted keeps no other: the job fails, and is tried again, when all the rest is counted.
    """
    now, ends_at = timezone.now(), time.monotonic() + turn_seconds
    with tenant_context(held.tenant_id):
        due = days_to_count(now)
    failed = 0
    for number, row in enumerate(due):
        try:
            with tenant_context(held.tenant_id):
                held.progress(number, len(due))
                count_day(row, now)
        except LeaseLostError:
            raise
        except Exception:
            log.exception("day_not_counted", appliance=str(row.appliance_id), day=str(row.day), tenant=held.tenant_id)
            failed += 1
        else:
            if time.monotonic() > ends_at and number + 1 < len(due):
                held.put_off()
                return
    if failed:
        raise CountFailedError(f"{failed} days")
    held.finish()


def leave_uncounted(object_id: UUID, failure: str) -> None:
    """Nothing to tell anybody: the next hour makes a new job, and answers say when their days were counted."""
