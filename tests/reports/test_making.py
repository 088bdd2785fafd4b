"""A worker that dies or loses its report leaves no file; who comes next starts over. Old reports go by themselves."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from assessments.models import Assessment
from migrate_hub.files.models import StoredFile
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.tenants.row_level_security import tenant_context
from reports.making import make_report
from reports.models import Report
from reports.queueing import REPORT_TASK
from reports.tasks import REMEMBER, delete_old_reports
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine, reported

pytestmark = pytest.mark.usefixtures("catalog", "background")


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> tuple[make.Cast, str, str]:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("one"), machine("two")])
    group = group_of_all(cast.bob, project)
    return cast, project, assessed(cast.bob, project, group, sizing_criterion="as_on_premises")["id"]


def asked_for(tenant_id: int, assessment_id: str, **changes: Any) -> Report:
    """A report that no job makes."""
    run = Assessment.objects.get(id=assessment_id).current_run
    row = {"layout": "2024", "expires_at": timezone.now() + timedelta(days=1), "status": "running", **changes}
    report: Report = Report.objects.create(
        project_id=run.assessment.project_id, assessment_id=UUID(assessment_id), run=run, **row
    )
    return report


def held(tenant_id: int, report: Report) -> Claim:
    """A job of the report that this test runs."""
    token, until = uuid4(), timezone.now() + timedelta(minutes=5)
    job = Job.objects.create(
        tenant_id=tenant_id,
        task=REPORT_TASK,
        object_id=report.id,
        state=JobState.RUNNING,
        attempt=2,
        lease_token=token,
        lease_until=until,
    )
    return Claim(tenant_id, job.id, token, REPORT_TASK, report.id, 0, 2, 5)


def test_who_lost_the_lease_leaves_no_file_and_who_holds_it_starts_over(place: Any) -> None:
    cast, _, assessment = place
    tenant = cast.tenant.id
    with tenant_context(tenant):
        report, files = asked_for(tenant, assessment, machines_done=1), StoredFile.objects.count()
        claim = held(tenant, report)
    with pytest.raises(LeaseLostError):
        make_report(Claim(tenant, claim.job_id, uuid4(), REPORT_TASK, report.id, 0, 1, 5))
    with tenant_context(tenant):
        report.refresh_from_db()
        assert (report.status, report.file_id, StoredFile.objects.count()) == ("running", None, files)
    make_report(claim)
    with tenant_context(tenant):
        report.refresh_from_db()
        assert (report.status, report.machines_done, StoredFile.objects.count()) == ("completed", 2, files + 1)


def test_a_report_revoked_while_it_is_made_is_not_made(place: Any) -> None:
    cast, _, assessment = place
    with tenant_context(cast.tenant.id):
        report = asked_for(cast.tenant.id, assessment, revoked_at=timezone.now())
        claim = held(cast.tenant.id, report)
    with pytest.raises(LeaseLostError):
        make_report(claim)


def test_an_expired_report_is_listed_for_a_month_and_then_gone(place: Any) -> None:
    cast, project, assessment = place
    path = f"projects/{project}/assessments/{assessment}/reports/"
    expired, old = (reported(cast.bob, project, assessment)["id"] for _ in range(2))
    with tenant_context(cast.tenant.id):
        Report.objects.filter(id=expired).update(expires_at=timezone.now() - timedelta(hours=1))
        Report.objects.filter(id=old).update(expires_at=timezone.now() - REMEMBER - timedelta(hours=1))
    delete_old_reports()
    listed = {row["id"]: row for row in cast.rita.ok(cast.rita.get(path))["results"]}
    assert "download_url" not in listed[expired]
    assert old not in listed
    assert cast.rita.get(f"{path}{old}/").status_code == 404
