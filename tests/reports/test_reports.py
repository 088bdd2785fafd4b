"""A report over the API: made by a worker, fetched by a signed link, opened again."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import openpyxl
import pytest
from django.utils import timezone
from openpyxl.utils import get_column_letter

from migrate_hub.tenants.row_level_security import tenant_context
from reports.models import Report
from reports.workbook.wording import scenario_words
from tests import make
from tests.estate import assessed, enrolled, finished, group_of_all, machine, reported

pytestmark = pytest.mark.usefixtures("catalog", "background")
HOSTILE = ["=1+1", "+49", "-1", "@SUM(A1)", "\u202eevil", "x" * 255, "a<r>b</r>"]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> tuple[make.Cast, str, dict[str, Any]]:
    """A cast, a project, and a finished assessment of machines with hostile names."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine(f"id-{i}", name=name) for i, name in enumerate(HOSTILE)])
    group = group_of_all(cast.bob, project)
    return cast, project, assessed(cast.bob, project, group, sizing_criterion="as_on_premises")


def path_of(link: str) -> str:
    return link.replace("http://testserver", "")


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_the_workbook_opens_and_its_total_is_that_of_the_api(place: Any) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"])
    response = make.Api(None).get(path_of(report["download_url"]))
    assert response["Content-Type"].endswith("spreadsheetml.sheet")
    assert "attachment" in response["Content-Disposition"]
    assert response["Cache-Control"] == "private, no-store"
    data = content_of(response)
    assert len(data) == report["size_bytes"]
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    standard = ["Assessment_Summary", "All_Assessed_Machines", "All_Assessed_Disks", "Assessment_Properties"]
    assert book.sheetnames[:4] == standard
    rows = list(book["All_Assessed_Machines"].iter_rows(values_only=True))
    column = rows[0].index("Compute monthly cost estimate USD")
    total = sum(Decimal(str(row[column])) for row in rows[1:])
    assert abs(total - Decimal(assessment["summary"]["monthly_cost"]["compute"])) < Decimal("0.005")
    assert {row[0] for row in rows[1:]} >= {"=1+1", "@SUM(A1)"}
    formulas = openpyxl.load_workbook(io.BytesIO(data))
    assert all(cell.data_type == "s" for row in formulas["All_Assessed_Machines"]["A2:A8"] for cell in row)


def test_every_scenarios_total_is_what_its_formula_adds_up(place: Any) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"])
    data = io.BytesIO(content_of(make.Api(None).get(path_of(report["download_url"]))))
    book = openpyxl.load_workbook(data, data_only=True)
    rows = list(book["Scenarios"].iter_rows(values_only=True))
    name, cost = rows[0].index("Scenario"), rows[0].index("Compute monthly cost USD")
    for scenario, total in assessment["summary"]["scenarios"].items():
        added = sum(Decimal(str(row[cost])) for row in rows[1:] if row[name] == scenario and row[cost] is not None)
        lines = book["Assessment_Summary"].iter_rows(values_only=True)
        stored = next(row[4] for row in lines if row[3] == scenario_words(scenario))
        assert abs(added - Decimal(str(stored or 0))) < Decimal("0.005")
        assert abs(added - Decimal(total.get("monthly_compute_cost", 0))) < Decimal("0.005")
    formulas = openpyxl.load_workbook(data)
    column = get_column_letter(cost + 1)
    row = next(row for row in formulas["Assessment_Summary"].iter_rows() if row[3].value == "Pay as you go")
    assert f"${column}$" in str(row[4].value)


def test_no_benefit_is_claimed_where_none_is_chosen(place: Any) -> None:
    cast, project, _ = place
    group = cast.bob.ok(cast.bob.get(f"projects/{project}/groups/"))["results"][0]["id"]
    paid = assessed(cast.bob, project, group, hybrid_benefit="none")
    report = reported(cast.bob, project, paid["id"])
    data = io.BytesIO(content_of(make.Api(None).get(path_of(report["download_url"]))))
    rows = list(openpyxl.load_workbook(data, data_only=True)["All_Assessed_Machines"].iter_rows(values_only=True))
    column = rows[0].index("Estimated monthly savings from Azure Hybrid Benefit for Windows OS USD")
    assert {row[column] for row in rows[1:]} <= {None, "Not applicable"}


def test_the_real_server_streams_the_same_file(place: Any, web: str) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"])
    answer = httpx.get(web + path_of(report["download_url"]), headers={"Host": "testserver"})
    assert answer.status_code == 200
    assert answer.content == content_of(make.Api(None).get(path_of(report["download_url"])))


def test_a_forged_link_is_not_there(place: Any) -> None:
    cast, project, assessment = place
    link = path_of(reported(cast.bob, project, assessment["id"])["download_url"])
    forged = link[:-3] + ("AA/" if not link.endswith("AA/") else "BB/")
    answer = make.Api(None).get(forged)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_revoked_report_is_gone_at_once_link_and_all(place: Any) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"])
    path = f"projects/{project}/assessments/{assessment['id']}/reports/"
    assert cast.bob.delete(f"{path}{report['id']}/").status_code == 204
    assert make.Api(None).get(path_of(report["download_url"])).status_code == 404
    assert report["id"] not in {row["id"] for row in cast.bob.ok(cast.bob.get(path))["results"]}


def test_an_expired_report_has_no_link(place: Any) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"])
    with tenant_context(cast.tenant.id):
        Report.objects.filter(id=report["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert make.Api(None).get(path_of(report["download_url"])).status_code == 404
    path = f"projects/{project}/assessments/{assessment['id']}/reports/{report['id']}/"
    assert "download_url" not in cast.rita.ok(cast.rita.get(path))


def test_a_reader_downloads_but_does_not_make_reports(place: Any) -> None:
    cast, project, assessment = place
    path = f"projects/{project}/assessments/{assessment['id']}/reports/"
    assert cast.rita.post(path, {"format": "xlsx"}).status_code == 403
    report = reported(cast.bob, project, assessment["id"])
    shown = cast.rita.ok(cast.rita.get(f"{path}{report['id']}/"))
    assert make.Api(None).get(path_of(shown["download_url"])).status_code == 200


@pytest.mark.parametrize("body", [{"format": "docx"}, {"layout": "1999"}, {"extra": 1}])
def test_an_unknown_form_is_refused(place: Any, body: dict[str, Any]) -> None:
    cast, project, assessment = place
    answer = cast.bob.post(f"projects/{project}/assessments/{assessment['id']}/reports/", body)
    assert answer.status_code == 400


FORMS = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx", b"PK"),
    "csv": ("application/zip", ".csv.zip", b"PK"),
    "jsonl": ("application/jsonl", ".jsonl", b'{"table":"report"'),
    "pdf": ("application/pdf", ".pdf", b"%PDF-"),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_is_made_and_named(place: Any, form: str) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"], format=form)
    assert report["status"] == "completed", report
    content_type, ending, start = FORMS[form]
    response = make.Api(None).get(path_of(report["download_url"]))
    assert (response["Content-Type"], response["Content-Disposition"].endswith(f'-run-1{ending}"')) == (
        content_type,
        True,
    )
    assert content_of(response).startswith(start)


def test_json_lines_tell_the_totals_and_every_machine(place: Any) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"], format="jsonl")
    data = content_of(make.Api(None).get(path_of(report["download_url"])))
    head, *lines = [json.loads(line) for line in data.splitlines()]
    assert Decimal(head["summary"]["compute_monthly_cost"]) == Decimal(assessment["summary"]["monthly_cost"]["compute"])
    machines = [line for line in lines if line["table"] == "All_Assessed_Machines"]
    assert {line["machine_name"] for line in machines} >= {"=1+1", "@SUM(A1)", "x" * 255}


def test_the_list_says_who_made_a_report_of_which_run_and_how_far_it_is(place: Any) -> None:
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"])
    emails = {member["user"]: member["email"] for member in cast.alice.ok(cast.alice.get("members/"))["results"]}
    assert report["created_by_email"] == emails[report["created_by"]]
    assert (report["machines_done"], report["machines"]) == (len(HOSTILE), len(HOSTILE))
    assert (report["run_number"], report["is_current_run"]) == (1, True)


def test_a_report_keeps_showing_its_run_when_the_assessment_is_recalculated(place: Any) -> None:
    cast, project, _ = place
    group = cast.bob.ok(cast.bob.get(f"projects/{project}/groups/"))["results"][0]["id"]
    own = assessed(cast.bob, project, group, sizing_criterion="as_on_premises")
    report = reported(cast.bob, project, own["id"])
    path = f"projects/{project}/assessments/{own['id']}/"
    cast.bob.ok(cast.bob.post(f"{path}recalculate/"), 202)
    finished(cast.bob, project, own["id"])
    shown = cast.bob.ok(cast.bob.get(f"{path}reports/{report['id']}/"))
    assert (shown["run"], shown["is_current_run"]) == (report["run"], False)
    assert reported(cast.bob, project, own["id"])["run_number"] == 2
