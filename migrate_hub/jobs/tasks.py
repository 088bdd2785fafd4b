"""The Celery tasks: run one job, sweep for what the broker forgot, keep the house."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import structlog
from celery import shared_task
from django.db import connection, transaction
from django.utils import timezone

from migrate_hub.jobs.claiming import Claim, LeaseLostError, claim, kept_alive
from migrate_hub.jobs.handlers import handler
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.jobs.queueing import send
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
KEEP_FINISHED = timedelta(days=30)
SWEEP_BATCH = 200
RESEND_AFTER_SECONDS = 30

DUE = """
SELECT id, tenant_id, queue FROM jobs_job
WHERE attempt < max_attempts AND not_before <= now()
  AND ((state = 'queued' AND (sent_at IS NULL OR sent_at < now() - make_interval(secs => %s)))
       OR (state = 'running' AND lease_until < now()))
ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED
"""
EXHAUSTED = """
SELECT id, tenant_id, task, object_id, failure FROM jobs_job
WHERE attempt >= max_attempts AND (state = 'queued' OR (state = 'running' AND lease_until < now()))
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
WORKER_DIED = "WorkerDied"


@shared_task(name="jobs.run")
def run(tenant_id: int, job_id: str) -> None:
    """Runs one job if it is free to take. Called twice, or for a job that is done, it does nothing."""
    held = claim(tenant_id, UUID(job_id))
    if held is None:
        return
    try:
        with kept_alive(held):
            handler(held.task).run(held)
    except LeaseLostError:
        log.info("lease_lost", job=job_id, tenant=tenant_id)
    except Exception as error:
        log.exception("job_failed", job=job_id, task=held.task, attempt=held.attempt, tenant=tenant_id)
        _after_failure(held, type(error).__name__)
    _send_waiting(tenant_id)


WAITING = """
UPDATE jobs_job SET sent_at = now() WHERE id = (
    SELECT id FROM jobs_job
    WHERE tenant_id = %s AND state = 'queued' AND sent_at IS NULL AND not_before <= now() AND attempt < max_attempts
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, queue
"""


def _send_waiting(tenant_id: int) -> None:
    """Sends the tenant's oldest job that was turned away because enough of the tenant's were running."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [tenant_id])
        for job_id, queue in cursor.fetchall():
            send(tenant_id, job_id, queue)


def _after_failure(held: Claim, failure: str) -> None:
    if not held.is_last_attempt:
        held.retry_later(failure)
        return
    with tenant_context(held.tenant_id):
        if held.fail(failure):
            handler(held.task).on_failed(held.object_id, failure)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Re-sends queued jobs that the broker forgot and running ones whose worker died; fails what was tried too often.

    Any number of sweepers may run at once.
    """
    _resend_due()
    _fail_exhausted()


def _resend_due() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DUE, [RESEND_AFTER_SECONDS, SWEEP_BATCH])
        due = cursor.fetchall()
        sent = [job_id for job_id, tenant_id, queue in due if send(tenant_id, job_id, queue)]
        Job.objects.filter(id__in=sent).update(sent_at=timezone.now())


def _fail_exhausted() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(EXHAUSTED, [SWEEP_BATCH])
        rows = cursor.fetchall()
    for job_id, tenant_id, task, object_id, failure in rows:
        try:
            with tenant_context(tenant_id):
                if _end(job_id):
                    handler(task).on_failed(object_id, failure or WORKER_DIED)
        except Exception:
            # One job that cannot even fail must not keep the others: it ends, whoever asked for it sees no reason.
            log.exception("failing_failed", job=str(job_id), task=task, tenant=tenant_id)
            _end(job_id)


def _end(job_id: UUID) -> bool:
    return bool(
        Job.objects.filter(id=job_id, state__in=[JobState.QUEUED, JobState.RUNNING]).update(
            state=JobState.FAILED, lease_token=None, lease_until=None, finished_at=timezone.now()
        )
    )


_housekeepers: list[Callable[[], None]] = []


def every_hour(function: Callable[[], None]) -> Callable[[], None]:
    """Registers something small that has to happen once in a while and may happen twice."""
    _housekeepers.append(function)
    return function


@shared_task(name="jobs.housekeeping")
def housekeeping() -> None:
    """Runs the registered housekeepers, each on its own: one that fails does not keep the others."""
    for function in _housekeepers:
        try:
            function()
        except Exception:
            log.exception("housekeeping_failed", function=function.__name__)


@every_hour
def forget_finished_jobs() -> None:
    Job.objects.filter(finished_at__lt=timezone.now() - KEEP_FINISHED).delete()
