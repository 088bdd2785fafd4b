"""The reports of a project as people see them: made, found again, given out by links, cancelled, deleted."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from migrate_hub.tenants.row_level_security import tenant_context
from reports.models import Report
from tests import make
from tests.conftest import wait_until
from tests.estate import DONE, assessed, enrolled, group_of_all, machine
from tests.portal.browsing import Browser, sign_in, text_of

pytestmark = pytest.mark.usefixtures("catalog", "background")
Place = tuple[make.Cast, str, list[dict[str, Any]], Browser, Browser]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """A project with two finished assessments, and the browsers of bob and of rita, who only reads."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("one"), machine("two")])
    group = group_of_all(cast.bob, project)
    as_is = {"sizing_criterion": "as_on_premises"}
    made = [assessed(cast.bob, project, group, name=name, **as_is) for name in ("plain", "=1+1 <b>bold</b>")]
    return cast, project, made, sign_in(cast, "bob"), sign_in(cast, "rita")


def made_by(browser: Browser, project: str, **fields: Any) -> str:
    """The id of a report that the form asked for."""
    asked = {"format": "jsonl", "layout": "2024", "refused_shown": "3", **fields}
    response = browser.post("portal:new-report", project, **asked)
    assert response.status_code == 302, text_of(response)
    return str(response.url.rstrip("/").rpartition("/")[2])


def ended(place: Place, report: str) -> dict[str, Any]:
    cast, project = place[0], place[1]
    path = f"projects/{project}/reports/{report}/"
    wait_until(lambda: cast.bob.ok(cast.bob.get(path))["status"] in DONE, what="the report")
    answer: dict[str, Any] = cast.bob.ok(cast.bob.get(path))
    assert answer["status"] == "completed", answer
    return answer


@pytest.fixture(scope="module")
def report(place: Place) -> str:
    """A report of the first assessment, made by the form."""
    found = made_by(place[3], place[1], assessment=place[2][0]["id"])
    ended(place, found)
    return found


def test_a_report_of_one_assessment_is_made_by_the_form(place: Place, report: str) -> None:
    _, project, _, bob, rita = place
    page = rita.see("portal:project-report", project, report)
    assert "Report of plain" in page
    assert "plain , run 1 of" in page
    assert "by bob" in page
    downloaded = rita.get("portal:download-report", project, report)
    assert b"".join(downloaded.streaming_content).startswith(b'{"table":"report"')
    assert "plain" in bob.see("portal:report-center", project)


def test_a_report_over_all_assessments_is_made_by_the_form(place: Place) -> None:
    _, project, made, bob, _ = place
    found = made_by(bob, project)
    assert {run["assessment"] for run in ended(place, found)["runs"]} == {row["id"] for row in made}
    response = bob.get("portal:project-report", project, found)
    assert "=1+1 &lt;b&gt;bold&lt;/b&gt;" in response.content.decode()


def test_a_difference_is_made_by_the_form(place: Place) -> None:
    cast, project, made, bob, _ = place
    runs = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{made[1]['id']}/runs/"))["results"]
    asked = bob.get("portal:new-report", project, query=f"?assessment={made[0]['id']}&before_run={runs[0]['id']}")
    assert asked.content.decode().count(" selected") >= 2
    found = made_by(bob, project, assessment=made[0]["id"], before_run=runs[0]["id"])
    assert ended(place, found)["kind"] == "difference"
    assert "Beside =1+1 <b>bold</b> , run 1 of" in bob.see("portal:project-report", project, found)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"format": "docx"}, "docx is not one of the available choices"),
        ({"refused_shown": "21"}, "less than or equal to 20"),
        ({"assessment": "01890000-0000-7000-8000-000000000000"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_made_is_told_beside_the_field(place: Place, fields: dict[str, Any], problem: str) -> None:
    _, project, made, bob, _ = place
    asked = {"assessment": made[0]["id"], "format": "pdf", "layout": "2024", "refused_shown": "3", **fields}
    response = bob.post("portal:new-report", project, **asked)
    assert response.status_code == 400
    assert problem in text_of(response)


def test_a_difference_without_an_assessment_is_told(place: Place) -> None:
    cast, project, made, bob, _ = place
    runs = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{made[1]['id']}/runs/"))["results"]
    asked = {"format": "pdf", "layout": "2024", "refused_shown": "3", "before_run": runs[0]["id"]}
    response = bob.post("portal:new-report", project, **asked)
    assert "choose which" in text_of(response)


def test_the_list_narrows_by_assessment_kind_and_state(place: Place, report: str) -> None:
    _, project, made, bob, _ = place

    def listed(query: str) -> bool:
        return f"/reports/{report}/" in bob.get("portal:report-center", project, query=query).content.decode()

    assert listed(f"?assessment={made[0]['id']}&kind=assessment&status=completed")
    assert not listed(f"?assessment={made[1]['id']}")
    assert not listed("?kind=project")
    assert not listed("?status=failed")
    assert listed("?status=nonsense&assessment=x")


def test_a_link_is_made_copied_and_revoked(place: Place, report: str) -> None:
    _, project, _, bob, rita = place
    assert bob.post("portal:project-report", project, report, lifetime_hours="24").status_code == 302
    page = rita.get("portal:project-report", project, report).content.decode()
    (address,) = set(re.findall(r"http://testserver/api/v1/report-downloads/[^<]+", page))
    path = address.replace("http://testserver", "")
    assert make.Api(None).get(path).status_code == 200
    (link,) = set(
        re.findall(r"/links/([0-9a-f-]+)/revoke/", bob.get("portal:project-report", project, report).content.decode())
    )
    assert bob.post("portal:revoke-report-link", project, report, link).status_code == 302
    assert make.Api(None).get(path).status_code == 404
    assert "revoked" in rita.see("portal:project-report", project, report)


def test_all_links_are_revoked_and_the_report_stays(place: Place, report: str) -> None:
    _, project, _, bob, _ = place
    bob.post("portal:project-report", project, report, lifetime_hours="1")
    assert bob.post("portal:revoke-report-links", project, report).status_code == 302
    assert "works until" not in bob.see("portal:project-report", project, report)
    assert bob.get("portal:download-report", project, report).status_code == 200


@pytest.mark.parametrize("hours", ["0", "721", "x", ""])
def test_a_link_of_no_allowed_lifetime_is_refused(place: Place, report: str, hours: str) -> None:
    _, project, _, bob, _ = place
    response = bob.post("portal:project-report", project, report, lifetime_hours=hours)
    assert (response.status_code, "errorlist" in response.content.decode()) == (400, True)


def test_readers_see_no_form_that_changes_something(place: Place, report: str) -> None:
    _, project, _, _, rita = place
    for name, ids in (("report-center", [project]), ("project-report", [project, report])):
        content = rita.get(f"portal:{name}", *ids).content.decode()
        forms = re.findall(r'<form[^>]*method="post"[^>]*>', content.partition("<main")[2])
        assert forms == []
    assert rita.get("portal:new-report", project).status_code == 403


def test_a_report_that_is_being_made_is_watched_and_cancelled(place: Place) -> None:
    cast, project, made, bob, _ = place
    found = made_by(bob, project, assessment=made[0]["id"])
    ended(place, found)
    with tenant_context(cast.tenant.id):  # as it was before the worker was done
        Report.objects.filter(id=found).update(status="running", file=None, machines_done=1)
    section = bob.get("portal:report-center-part", project).content.decode()
    assert section.startswith("<section")
    assert 'hx-trigger="every 2s"' in section
    assert "1 of 2 machines" in text_of(bob.get("portal:report-state", project, found))
    assert bob.post("portal:cancel-report", project, found).status_code == 302
    assert "Cancelled by a member" in bob.see("portal:project-report", project, found)
    told = text_of(bob.post("portal:cancel-report", project, found, follow=True))
    assert "not being made any more" in told


def test_a_deleted_report_is_gone(place: Place) -> None:
    _, project, made, bob, _ = place
    found = made_by(bob, project, assessment=made[0]["id"])
    assert bob.post("portal:delete-report", project, found).status_code == 302
    assert bob.get("portal:project-report", project, found).status_code == 404
    assert found not in bob.get("portal:report-center", project).content.decode()


def test_the_list_says_how_long_reports_are_kept_and_what_is_expired(place: Place) -> None:
    cast, project, made, bob, _ = place
    found = made_by(bob, project, assessment=made[1]["id"])
    ended(place, found)
    with tenant_context(cast.tenant.id):
        Report.objects.filter(id=found).update(expires_at=timezone.now() - timedelta(days=1))
    page = bob.see("portal:report-center", project, query=f"?assessment={made[1]['id']}")
    assert "kept for 30 days" in page
    assert "Expired" in page


def test_many_reports_cost_no_more_queries_than_few(place: Place) -> None:
    cast, project, made, bob, _ = place

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert bob.get("portal:report-center", project).status_code == 200
        return len(seen)

    before = queries()
    with tenant_context(cast.tenant.id):
        some = Report.objects.filter(assessment=made[0]["id"])[0]
        copies = [
            Report.new(
                project_id=project,
                assessment_id=some.assessment_id,
                run_id=some.run_id,
                layout="2024",
                status="failed",
                expires_at=some.expires_at,
                created_by=some.created_by,
            )
            for _ in range(60)
        ]
        Report.objects.bulk_create(copies)
    assert queries() == before
    assert "Next" in bob.see("portal:report-center", project)
