"""What operators do with a job: have failed work done again, end what has not ended. Inside the job's tenant."""

from datetime import datetime

from migrate_hub.errors import DomainError
from migrate_hub.jobs.handlers import handler, known_tasks
from migrate_hub.jobs.models import OPEN_STATES, Job, JobState
from migrate_hub.jobs.queueing import cancel_jobs
from migrate_hub.jobs.work import cancel_work


def can_try_again(job: Job) -> bool:
    """Whether the work of this job can be done again at an operator's word."""
    return job.state == JobState.FAILED and not _ends_for_good(job)


def _ends_for_good(job: Job) -> bool:
    return job.task in known_tasks() and handler(job.task).ends_for_good


def try_again(job: Job, now: datetime) -> None:
    """Has the work of a failed job done again. Raises DomainError 409 where that cannot be.

    Work that people asked for begins anew as they would have it; anything else gets its attempts back.
    """
    if job.state != JobState.FAILED:
        raise DomainError(code="not_failed", status=409, detail="Only a failed job is tried again.")
    if _ends_for_good(job):
        raise DomainError(
            code="ended_for_good",
            status=409,
            detail="What this work needs is gone since it failed. Whoever asked for it has to ask anew.",
        )
    again = handler(job.task).again if job.task in known_tasks() else None
    if again is not None:
        again(job.object_id, now)
        return
    opened = Job.objects.filter(tenant_id=job.tenant_id, task=job.task, object_id=job.object_id, part=job.part)
    if opened.filter(state__in=OPEN_STATES).exists():
        raise DomainError(code="job_open", status=409, detail="The same work is queued already.")
    Job.objects.filter(id=job.id, state=JobState.FAILED).update(
        state=JobState.QUEUED, attempt=0, sent_at=None, not_before=now, finished_at=None, failure=""
    )


def cancel_job(job: Job, now: datetime) -> None:
    """Ends the work of an open job with all its parts: as its owner would where people asked for it."""
    if job.state not in OPEN_STATES:
        raise DomainError(code="nothing_to_cancel", status=409, detail="This job has ended.")
    try:
        cancel_work(job.object_id, now)
    except DomainError as error:
        if error.status != 404:
            raise
        cancel_jobs(job.object_id)
