"""Job: the truth about one piece of background work. Celery and Redis are only the hint that it is there."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from migrate_hub.tenants.models import Tenant, uuid7


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    """One unit of work on one object of a tenant: who holds it, until when, and how often it was tried.

    Claimed by a conditional UPDATE that sets `lease_token`; whoever lost the lease can no longer write its end.
    Read by the sweeper before a tenant is known, so it holds ids, states, counts and leases, never customer data.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    task = models.CharField(max_length=64)
    queue = models.CharField(max_length=32, default="interactive")
    object_id = models.UUIDField()
    part = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=200, blank=True, help_text="Class of the last error; no customer data.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "task", "object_id", "part"],
                condition=Q(state__in=["queued", "running"]),
                name="one_open_job_a_part",
            ),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
        ]
        indexes = [
            models.Index(
                fields=["state", "not_before"], name="job_to_sweep", condition=Q(state__in=["queued", "running"])
            ),
            models.Index(fields=["tenant", "object_id"], name="job_by_object"),
            models.Index(fields=["finished_at"], name="job_by_end"),
            # The admin lists the newest that failed, among a million that did not.
            models.Index(fields=["state", "-id"], name="job_not_done", condition=Q(state__in=["failed", "cancelled"])),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.object_id}/{self.part} {self.state}"
