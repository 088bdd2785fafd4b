"""Writing jobs and telling the broker about them: the row first, the message on commit, the broker's errors logged."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from migrate_hub.jobs.models import OPEN_STATES, Job, JobState
from migrate_hub.tenants.context import current_tenant_id

log = structlog.get_logger(__name__)
CELERY_TASK = "jobs.run"


def enqueue(task: str, object_id: UUID, *, queue: str = "interactive", parts: Sequence[int] = (0,)) -> list[Job]:
    """Adds one job a part for an object of the current tenant; must run inside the transaction that needs it done."""
    jobs = [
        Job(
            tenant_id=current_tenant_id(),
            task=task,
            queue=queue,
            object_id=object_id,
            part=part,
            sent_at=timezone.now(),
        )
        for part in parts
    ]
    Job.objects.bulk_create(jobs, batch_size=1000)
    transaction.on_commit(partial(_send_new, jobs), robust=True)
    return jobs


def _send_new(jobs: Sequence[Job]) -> None:
    """Tells the broker of new jobs. One that hangs is asked once: the rest are marked unsent, for the next sweep."""
    for number, job in enumerate(jobs):
        if not send(job.tenant_id, job.id, job.queue):
            Job.objects.filter(id__in=[unsent.id for unsent in jobs[number:]]).update(sent_at=None)
            return


def enqueue_once(task: str, object_id: UUID, *, queue: str, not_before: datetime) -> None:
    """Adds a job for an object of the current tenant unless one is open; the sweeper sends it when its time comes."""
    job = Job(tenant_id=current_tenant_id(), task=task, queue=queue, object_id=object_id, not_before=not_before)
    Job.objects.bulk_create([job], ignore_conflicts=True)


def send(tenant_id: int, job_id: UUID, queue: str, *, countdown: float = 0) -> bool:
    """Tells the broker; False when it is away, which the sweeper makes good."""
    try:
        current_app.send_task(
            CELERY_TASK, args=[tenant_id, str(job_id)], queue=queue, countdown=countdown or None, retry=False
        )
    except (OperationalError, OSError) as error:
        log.warning("broker_unavailable", job=str(job_id), error=type(error).__name__)
        return False
    return True


def cancel_jobs(object_id: UUID, *, task: str | None = None) -> int:
    """Cancels what is open for an object, or its jobs of one task: a queued job never starts, a running one loses its
    lease."""
    jobs = Job.objects.filter(tenant_id=current_tenant_id(), object_id=object_id, state__in=OPEN_STATES)
    if task is not None:
        jobs = jobs.filter(task=task)
    return jobs.update(state=JobState.CANCELLED, lease_token=None, lease_until=None, finished_at=timezone.now())
