"""Claiming a job by lease and fencing token, keeping the lease while it runs, ending it with the work's effects."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from migrate_hub import metrics

log = structlog.get_logger(__name__)

CLAIM = """
UPDATE jobs_job SET state = 'running', attempt = attempt + 1, lease_token = %(token)s,
       lease_until = now() + make_interval(secs => %(lease)s)
WHERE id = %(id)s AND tenant_id = %(tenant)s AND attempt < max_attempts AND not_before <= now()
  AND (state = 'queued' OR (state = 'running' AND lease_until < now()))
  AND (SELECT count(*) FROM jobs_job other WHERE other.tenant_id = %(tenant)s AND other.state = 'running'
       AND other.lease_until > now())
      < COALESCE((SELECT max_running_jobs FROM tenants_tenant WHERE id = %(tenant)s), %(limit)s)
RETURNING task, object_id, part, attempt, max_attempts
"""
# Turned away by the limit: whoever ends next sends it again.
TURN_AWAY = """
UPDATE jobs_job SET sent_at = NULL WHERE id = %s AND tenant_id = %s AND state = 'queued' AND not_before <= now()
"""
RENEW = """
UPDATE jobs_job SET lease_until = now() + make_interval(secs => %s)
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
FINISH = """
UPDATE jobs_job SET state = 'done', lease_token = NULL, lease_until = NULL, finished_at = now()
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
RETRY = """
UPDATE jobs_job SET state = 'queued', lease_token = NULL, lease_until = NULL, sent_at = NULL, failure = %s,
       not_before = now() + make_interval(secs => %s)
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
PUT_OFF = """
UPDATE jobs_job SET state = 'queued', attempt = 0, lease_token = NULL, lease_until = NULL, sent_at = NULL,
       not_before = now()
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
PROGRESS = """
UPDATE jobs_job SET progress_done = %s, progress_total = %s, lease_until = now() + make_interval(secs => %s)
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
FAIL = """
UPDATE jobs_job SET state = 'failed', lease_token = NULL, lease_until = NULL, failure = %s, finished_at = now()
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
MAX_BACK_OFF_SECONDS = 60


class LeaseLostError(Exception):
    """Somebody else holds the job now, or it was cancelled: what this worker did is rolled back."""


@dataclass(frozen=True)
class Claim:
    """A job held by this worker. `finish` belongs into the same transaction as the work's effects."""

    tenant_id: int
    job_id: UUID
    token: UUID
    task: str
    object_id: UUID
    part: int
    attempt: int
    max_attempts: int

    @property
    def is_last_attempt(self) -> bool:
        return self.attempt >= self.max_attempts

    def finish(self) -> None:
        """Marks the job done; raises LeaseLostError, which rolls the effects back, when it is no longer ours."""
        if not _execute(FINISH, [self.job_id, self.token]):
            raise LeaseLostError(str(self.job_id))
        metrics.JOBS.labels(self.task, "done").inc()

    def renew(self) -> None:
        """Extends the lease; raises LeaseLostError when it is no longer ours (also: cancelled)."""
        if not _execute(RENEW, [settings.JOB_LEASE_SECONDS, self.job_id, self.token]):
            raise LeaseLostError(str(self.job_id))

    def progress(self, done: int, total: int) -> None:
        """Notes how far the work is, and extends the lease as renew() does."""
        if not _execute(PROGRESS, [done, total, settings.JOB_LEASE_SECONDS, self.job_id, self.token]):
            raise LeaseLostError(str(self.job_id))

    def put_off(self) -> None:
        """Gives the job back although there is more to do, so that others get their turn: no attempt is counted."""
        if not _execute(PUT_OFF, [self.job_id, self.token]):
            raise LeaseLostError(str(self.job_id))

    def retry_later(self, failure: str) -> bool:
        back_off = min(MAX_BACK_OFF_SECONDS, 2**self.attempt)
        return _execute(RETRY, [failure, back_off, self.job_id, self.token])

    def fail(self, failure: str) -> bool:
        metrics.JOBS.labels(self.task, "failed").inc()
        return _execute(FAIL, [failure, self.job_id, self.token])


def _execute(sql: str, parameters: list[str | float | UUID]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        changed: int = cursor.rowcount
    return changed == 1


def claim(tenant_id: int, job_id: UUID) -> Claim | None:
    """Takes the job if it is free; None when it is done, held, not due, or the tenant has enough running."""
    token = uuid4()
    parameters = {
        "id": job_id,
        "tenant": tenant_id,
        "token": token,
        "lease": settings.JOB_LEASE_SECONDS,
        "limit": settings.RUNNING_JOBS_PER_TENANT,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(TURN_AWAY, [job_id, tenant_id])
    return Claim(tenant_id, job_id, token, *row) if row else None


@contextmanager
def kept_alive(held: Claim) -> Iterator[None]:
    """Renews the lease from a thread of its own while the work runs, on its own connection."""
    stop = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(stop, held.renew), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _renew_until(stop: threading.Event, renew: Callable[[], None]) -> None:
    try:
        while not stop.wait(settings.JOB_LEASE_SECONDS / 3):
            try:
                renew()
            except LeaseLostError:
                return
            except DatabaseError:
                log.warning("lease_not_renewed")
                connection.close()
    finally:
        connection.close()
