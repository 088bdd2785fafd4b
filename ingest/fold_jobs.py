"""Folding in the background: who has days to fold, and a job a tenant that folds them in short turns."""

import time
from datetime import date, datetime
from uuid import UUID

import structlog
from django.utils import timezone

from ingest.folding import FoldFailedError, days_to_fold, fold_day
from ingest.forgetting import projects_to_forget
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.jobs.each_tenant import each_tenant, start_times
from migrate_hub.jobs.queueing import enqueue_once
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
FOLD_TASK = "ingest.fold"
FORGET_TASK = "ingest.forget"
MAINTENANCE = "maintenance"
# A job gives way after this long: what else waits for the worker waits no longer.
TURN_SECONDS = 10.0


def queue_folds(now: datetime) -> None:
    """A job for each tenant with days to fold, and one for each deleted project that still has points."""
    starts = start_times(now)

    def queue(tenant: Tenant) -> None:
        with tenant_context(tenant.id):
            if days_to_fold(now):
                enqueue_once(FOLD_TASK, tenant.public_id, queue=MAINTENANCE, not_before=next(starts))
            for project_id in projects_to_forget(now):
                enqueue_once(FORGET_TASK, project_id, queue=MAINTENANCE, not_before=next(starts))

    each_tenant(queue)


def fold_in_turns(held: Claim, *, turn_seconds: float = TURN_SECONDS) -> None:
    """Folds a tenant's days, oldest first, until there are none or the turn is over.

    What cannot be folded keeps nothing else: the job fails, and is tried again, when all the rest is folded.
    """
    now, ends_at = timezone.now(), time.monotonic() + turn_seconds
    with tenant_context(held.tenant_id):
        days = days_to_fold(now)
    failed = 0
    for number, day in enumerate(days):
        held.progress(number, len(days))
        try:
            finished = _fold_until(ends_at, held, day)
        except LeaseLostError:
            raise
        except Exception:
            log.exception("fold_failed", day=str(day), tenant=held.tenant_id)
            failed += 1
        else:
            if not finished:
                held.put_off()
                return
    if failed:
        raise FoldFailedError(f"{failed} days")
    held.finish()


def _fold_until(ends_at: float, held: Claim, day: date) -> bool:
    """Folds chunks of a day until it is done (True) or the turn is over (False): each turn folds one at least."""
    chunks = fold_day(held.tenant_id, day, before_chunk=held.renew)
    return all(time.monotonic() <= ends_at for _ in chunks)


def fold_failed(object_id: UUID, failure: str) -> None:
    """Nothing to tell anybody: the next hour makes a new job, and the metrics show what is not folded."""
