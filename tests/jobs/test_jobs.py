"""Jobs among tenants: one that cannot end keeps nobody, and the limit of a tenant forgets nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from assessments.queueing import PLAN_TASK
from migrate_hub.jobs.claiming import claim
from migrate_hub.jobs.models import Job, JobState
from tests import make
from tests.conftest import wait_until


def job(tenant_id: int, task: str = PLAN_TASK, **fields: Any) -> Job:
    """A job of a tenant about nothing that exists."""
    made: Job = Job.objects.create(tenant_id=tenant_id, task=task, object_id=uuid4(), **fields)
    return made


def held_for_minutes() -> dict[str, Any]:
    return {
        "state": JobState.RUNNING,
        "lease_until": timezone.now() + timedelta(minutes=5),
        "lease_token": uuid4(),
    }


def state(of: Job) -> str:
    return Job.objects.values_list("state", flat=True).get(id=of.id)


@pytest.mark.usefixtures("background")
def test_a_job_that_cannot_even_fail_does_not_keep_the_others() -> None:
    ours, theirs = make.cast().tenant, make.cast().tenant
    poison = job(ours.id, "gone.task", attempt=5)
    exhausted = job(theirs.id, "reports.make", attempt=5)
    for one in (poison, exhausted):
        wait_until(lambda one=one: state(one) == JobState.FAILED, what="the end of an exhausted job")


def test_a_job_over_the_limit_is_turned_away_and_marked_to_be_sent_again() -> None:
    tenant = make.cast().tenant
    held = held_for_minutes()
    running = [job(tenant.id, **held) for _ in range(settings.RUNNING_JOBS_PER_TENANT)]
    waiting = job(tenant.id, sent_at=timezone.now())
    assert claim(tenant.id, waiting.id) is None
    assert Job.objects.get(id=waiting.id).sent_at is None
    Job.objects.filter(id=running[0].id).update(state=JobState.DONE)
    assert claim(tenant.id, waiting.id) is not None
    Job.objects.filter(tenant=tenant).delete()


def test_another_tenants_limit_keeps_nobody() -> None:
    busy, free = make.cast().tenant, make.cast().tenant
    held = held_for_minutes()
    for _ in range(settings.RUNNING_JOBS_PER_TENANT):
        job(busy.id, **held)
    assert claim(free.id, job(free.id).id) is not None
    Job.objects.filter(tenant__in=[busy, free]).delete()
