"""The tenant's background work over the API: what runs and ran, about what, for whom, how far, and how it is ended."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.catalog.models import Catalog
from assessments.models import Assessment, AssessmentRun, RunStatus, Sensitivity
from assessments.serializers import AssessmentIn
from assessments.settings import complete_settings
from ingest.imports.models import FileImport, ImportFormat, ImportStatus
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.jobs.work import made_at
from migrate_hub.tenants.models import Project, User, uuid7
from migrate_hub.tenants.row_level_security import tenant_context
from reports.models import Report, ReportRun
from tests import make
from tests.estate import Estate, assessed, enrolled, group_of_all, machine, reported, whole_estate


@pytest.fixture(scope="module")
def estate(catalog: None, background: None) -> Estate:
    return whole_estate()


@pytest.fixture
def cast(catalog: None) -> make.Cast:
    """A tenant for which no worker works: what is queued stays queued."""
    return make.cast()


def jobs(api: make.Api, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.ok(api.get(f"jobs/{query}"))["results"]
    return rows


def running_import(cast: make.Cast, project: str, **fields: Any) -> UUID:
    """An import of which nothing but the row is there."""
    with tenant_context(cast.tenant.id):
        row = FileImport.objects.create(
            **{
                "project_id": project, "format": ImportFormat.RVTOOLS, "status": ImportStatus.RUNNING,
                "file_name": "estate.xlsx", "sha256": bytes(32), "sequence": 1, **fields,
            }
        )  # fmt: skip
    id: UUID = row.id
    return id


def queued_runs(cast: make.Cast, project: str, *, count: int = 1) -> list[UUID]:
    """Runs of as many new assessments, that no worker has begun."""
    group, now = group_of_all(cast.bob, project, f"group {uuid7()}"), datetime.now(UTC)
    with tenant_context(cast.tenant.id):
        asked = AssessmentIn(data={"name": "any", "settings": {}})
        asked.is_valid(raise_exception=True)
        settings = complete_settings(Project.objects.get(id=project), asked.validated_data["settings"])
        named = [
            Assessment.new(project_id=project, group_id=group, name=f"{uuid7()}", settings=settings)
            for _ in range(count)
        ]
        Assessment.objects.bulk_create(named)
        runs = [
            AssessmentRun.new(
                assessment=assessment, number=1, settings=settings, catalog=Catalog.objects.current(),
                region="westeurope", performance_start_at=now, performance_end_at=now, group_membership_version=1,
                machine_count=7,
            )
            for assessment in named
        ]  # fmt: skip
        AssessmentRun.objects.bulk_create(runs)
    return [run.id for run in runs]


def test_everything_that_people_asked_for_is_listed_newest_first(estate: Estate) -> None:
    rows = jobs(estate.cast.rita)
    assert {"assessment", "report", "import"} <= {row["kind"] for row in rows}
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    run = next(row for row in rows if row["kind"] == "assessment")
    assert (run["id"], run["subject_id"], run["project"]) == tuple(
        estate.ids[name] for name in ("run", "assessment", "project")
    )
    assert (run["state"], run["progress"]) == ("completed", {"done": 2, "total": 2, "unit": "machines"})
    assert run["attempt"] == 1
    assert run["finished_at"] > run["created_at"]
    assert run["can_cancel"] is False


def test_work_says_who_asked_for_it(estate: Estate) -> None:
    rows = jobs(estate.cast.alice)
    alice = str(User.objects.get(email=estate.cast.emails["alice"]).id)
    assert {row["created_by"] for row in rows if row["kind"] in ("assessment", "report", "import")} == {alice}


def test_unfinished_and_finished_work_are_told_apart(cast: make.Cast) -> None:
    project = make.project(cast.bob)
    moving, ended = (
        str(running_import(cast, project, status=status, progress_done=1, progress_total=4))
        for status in (ImportStatus.RUNNING, ImportStatus.FAILED)
    )
    assert [row["id"] for row in jobs(cast.rita, "?state=unfinished")] == [moving]
    assert [row["id"] for row in jobs(cast.rita, "?state=finished")] == [ended]
    assert jobs(cast.rita, "?state=unfinished")[0]["progress"] == {"done": 25, "total": 100, "unit": "percent"}
    answer = cast.rita.get("jobs/?state=done")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_work_of_one_project_is_its_own(cast: make.Cast) -> None:
    here, there = make.project(cast.bob), make.project(cast.bob)
    row = str(running_import(cast, here))
    assert [each["id"] for each in jobs(cast.rita, f"?project={here}")] == [row]
    assert jobs(cast.rita, f"?project={there}") == []


def test_a_failure_is_told_in_words(cast: make.Cast) -> None:
    project = make.project(cast.bob)
    row = running_import(cast, project, status=ImportStatus.FAILED, failure_detail="The workbook is damaged.")
    with tenant_context(cast.tenant.id):
        Job.objects.create(
            tenant_id=cast.tenant.id, task="ingest.import", object_id=row, state=JobState.FAILED, attempt=5
        )
    (failed,) = jobs(cast.rita)
    assert (failed["state"], failed["failure"], failed["attempt"]) == ("failed", "The workbook is damaged.", 5)


def test_a_queued_run_is_cancelled_here(cast: make.Cast) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    (run,) = queued_runs(cast, project)
    assert jobs(cast.bob)[0]["can_cancel"] is True
    assert cast.rita.post(f"jobs/{run}/cancel/").status_code == 403
    ended = cast.bob.ok(cast.bob.post(f"jobs/{run}/cancel/"))
    assert (ended["state"], ended["failure"], ended["can_cancel"]) == ("cancelled", "", False)
    again = cast.bob.post(f"jobs/{run}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_cancel")
    actions = [event["action"] for event in cast.alice.ok(cast.alice.get("audit/"))["results"]]
    assert "assessment.cancel" in actions


def test_an_import_is_cancelled_here(cast: make.Cast) -> None:
    row = running_import(cast, make.project(cast.bob))
    assert cast.bob.ok(cast.bob.post(f"jobs/{row}/cancel/"))["state"] == "cancelled"


def test_undoing_an_import_runs_to_its_end(cast: make.Cast) -> None:
    row = running_import(cast, make.project(cast.bob), status=ImportStatus.UNDOING)
    (work,) = jobs(cast.bob)
    assert (work["kind"], work["state"], work["can_cancel"]) == ("import_undo", "running", False)
    assert cast.bob.post(f"jobs/{row}/cancel/").status_code == 409


def test_a_report_in_the_making_is_cancelled_here(estate: Estate) -> None:
    with tenant_context(estate.cast.tenant.id):
        made = Report.objects.get(id=estate.ids["report"])
        report = Report.objects.create(
            project=made.project, assessment=made.assessment, run=made.run, layout=made.layout,
            expires_at=made.expires_at, status=RunStatus.RUNNING, machines_done=1,
        )  # fmt: skip
    work = next(row for row in jobs(estate.cast.bob) if row["id"] == str(report.id))
    assert (work["kind"], work["progress"]) == ("report", {"done": 1, "total": 2, "unit": "machines"})
    assert estate.cast.bob.ok(estate.cast.bob.post(f"jobs/{report.id}/cancel/"))["state"] == "cancelled"


def test_a_report_over_several_assessments_tells_how_many_machines_it_is_about(estate: Estate) -> None:
    with tenant_context(estate.cast.tenant.id):
        made = Report.objects.get(id=estate.ids["report"])
        report = Report.objects.create(
            project=made.project, layout=made.layout, expires_at=made.expires_at, status=RunStatus.RUNNING,
            machines_done=1,
        )  # fmt: skip
        for position in range(2):
            ReportRun.objects.create(report=report, run=made.run, position=position)
    work = next(row for row in jobs(estate.cast.bob) if row["id"] == str(report.id))
    assert work["progress"] == {"done": 1, "total": 4, "unit": "machines"}
    with tenant_context(estate.cast.tenant.id):
        Report.objects.filter(id=report.id).update(status=RunStatus.COMPLETED)
    work = next(row for row in jobs(estate.cast.bob) if row["id"] == str(report.id))
    assert work["progress"] == {"done": 4, "total": 4, "unit": "machines"}


def test_a_grid_that_was_asked_for_is_work_until_it_is_there(cast: make.Cast) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    (run,) = queued_runs(cast, project)
    with tenant_context(cast.tenant.id):
        AssessmentRun.objects.filter(id=run).update(status=RunStatus.COMPLETED)
        Sensitivity.objects.create(run_id=run, percentiles_status=RunStatus.COMPLETED, grid_status=RunStatus.RUNNING)
    grid = jobs(cast.bob, "?state=unfinished")[0]
    assert (grid["kind"], grid["state"], grid["progress"]["unit"]) == ("sensitivity", "running", "positions")
    cast.bob.ok(cast.bob.post(f"jobs/{grid['id']}/cancel/"))
    assert jobs(cast.bob, "?state=unfinished") == []


def test_what_failed_of_what_if_is_told_by_the_name_of_its_page(cast: make.Cast) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    (run,) = queued_runs(cast, project)
    with tenant_context(cast.tenant.id):
        Sensitivity.objects.create(run_id=run, percentiles_status=RunStatus.FAILED)
    (failed,) = (row for row in jobs(cast.rita) if row["kind"] == "percentiles")
    assert "Open What if of the assessment" in failed["failure"]


def test_what_was_deleted_is_no_work(catalog: None, background: None) -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    made = assessed(cast.bob, project, group_of_all(cast.bob, project))
    reported(cast.bob, project, made["id"])
    assert jobs(cast.bob)
    cast.alice.ok(cast.alice.delete(f"projects/{project}/"), 204)
    assert jobs(cast.bob) == []


def test_another_tenants_work_is_not_there(estate: Estate) -> None:
    charlie = make.stranger()
    assert jobs(charlie) == []
    assert charlie.get(f"jobs/{estate.ids['run']}/").status_code == 404


def test_the_list_costs_the_same_however_long_it_is(cast: make.Cast) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    counts = []
    for more in (1, 40):
        queued_runs(cast, project, count=more)
        for _ in range(more):
            running_import(cast, project)
        with CaptureQueriesContext(connection) as queries:
            assert len(jobs(cast.bob)) == 2 * (more if more == 1 else more + 1)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_id_tells_when_it_was_made() -> None:
    assert abs(made_at(uuid7()) - datetime.now(UTC)) < timedelta(seconds=1)
