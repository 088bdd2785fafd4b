"""A report over several assessments: pins what is published, adds up only what can be, in every form."""

import io
import json
import zipfile
from decimal import Decimal
from typing import Any
from uuid import uuid4

import openpyxl
import pytest

from tests import make
from tests.conftest import wait_until
from tests.estate import DONE, assessed, enrolled, finished, group_of_all, machine, machine_ids
from tests.reports.workbooks import pairs, records

pytestmark = pytest.mark.usefixtures("catalog", "background")
NAMES = ["=1+1", "web-01", "\u202eevil", "数据库服务器"]
CENT = Decimal("0.005")
Place = tuple[make.Cast, str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """Bob's project: assessments of two machines each, of all of them, and of all of them in another currency."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine(f"id-{number}", name=name) for number, name in enumerate(NAMES)])
    ids = machine_ids(cast.bob, project)
    everything = group_of_all(cast.bob, project)
    first, second = (
        cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": name, "machines": members}), 201)["id"]
        for name, members in (("=SUM(A1)", [ids[NAMES[0]], ids[NAMES[1]]]), ("East", [ids[NAMES[2]], ids[NAMES[3]]]))
    )
    as_is = {"sizing_criterion": "as_on_premises"}
    made = {
        "first": assessed(cast.bob, project, first, name="@first wave", **as_is),
        "second": assessed(cast.bob, project, second, name="second " + "x" * 190, **as_is, comfort_factor=2),
        "all": assessed(cast.bob, project, everything, name="all of it", **as_is),
        "euro": assessed(cast.bob, project, everything, name="in euro", **as_is, currency="EUR"),
    }
    assert {row["status"] for row in made.values()} == {"completed"}
    return cast, project, made


def asked(place: Place, *which: str, **body: Any) -> dict[str, Any]:
    """A finished report over these assessments, by default over all."""
    cast, project, made = place
    if which:
        body["assessments"] = [made[name]["id"] for name in which]
    path = f"projects/{project}/reports/"
    report = cast.bob.ok(cast.bob.post(path, {"format": "xlsx", **body}), 202)

    def ended() -> Any:
        answer = cast.bob.ok(cast.bob.get(f"{path}{report['id']}/"))
        return answer if answer["status"] in DONE else None

    answer: dict[str, Any] = wait_until(ended, seconds=60, what="the report")
    assert answer["status"] == "completed", answer
    return answer


def content_of(report: dict[str, Any]) -> bytes:
    response = make.Api(None).get(report["download_url"].replace("http://testserver", ""))
    return b"".join(response.streaming_content)


def workbook(report: dict[str, Any]) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content_of(report)), data_only=True)


def cost(assessment: dict[str, Any], part: str = "total") -> Decimal:
    return Decimal(assessment["summary"]["monthly_cost"][part])


def test_each_assessment_has_a_row_with_the_figures_of_the_api(place: Place) -> None:
    _, _, made = place
    rows = {row["Assessment"]: row for row in records(workbook(asked(place))["Assessments"])}
    assert set(rows) == {assessment["name"] for assessment in made.values()}
    for assessment in made.values():
        row, summary = rows[assessment["name"]], assessment["summary"]
        assert abs(Decimal(str(row["Total monthly cost"])) - cost(assessment)) < CENT
        assert abs(Decimal(str(row["Compute monthly cost"])) - cost(assessment, "compute")) < CENT
        assert (row["Machines"], row["Ready for Azure"]) == (summary["machines"], summary["readiness"]["ready"])
        assert (row["Currency"], row["Run"], row["Freshness"]) == (summary["currency"], 1, "Current")
        assert "As on-premises" in row["Settings"]
        assert row["Cheapest scenario"] != "Not applicable"


def test_every_scenario_of_every_assessment_is_there(place: Place) -> None:
    _, _, made = place
    rows = records(workbook(asked(place, "all"))["Scenarios"])
    told = {row["Scenario"]: row["Compute monthly cost USD"] for row in rows}
    scenarios = made["all"]["summary"]["scenarios"]
    assert len(rows) == len(scenarios)
    assert abs(Decimal(str(told["Pay as you go"])) - Decimal(scenarios["pay_as_you_go"]["monthly_compute_cost"])) < CENT
    assert [row["Scenario"] for row in rows if row["Chosen"] == "Yes"] == ["Pay as you go, own licenses"]


def test_disjoint_assessments_in_one_currency_are_added_up_by_a_formula(place: Place) -> None:
    _, _, made = place
    data = content_of(asked(place, "first", "second"))
    lines = pairs(openpyxl.load_workbook(io.BytesIO(data), data_only=True)["Project_Summary"])
    total = cost(made["first"]) + cost(made["second"])
    assert abs(Decimal(str(lines["Total monthly cost USD"])) - total) < CENT
    assert lines["Machines, each counted once"] == 4
    formula = pairs(openpyxl.load_workbook(io.BytesIO(data))["Project_Summary"])["Total monthly cost USD"]
    assert formula.startswith("=SUM(Assessments!$")


def test_a_machine_in_several_assessments_is_told_and_nothing_is_added_up(place: Place) -> None:
    book = workbook(asked(place, "first", "all"))
    lines = pairs(book["Project_Summary"])
    assert lines["Total monthly cost"] == "Not added up: 2 machines are in several of the assessments."
    assert lines["Machines, each counted once"] == 4
    shared = {row["Machine"]: row for row in records(book["Machines_In_Several"])}
    assert set(shared) == {"=1+1", "web-01"}
    assert shared["web-01"]["Which"] == "@first wave; all of it"
    rows = {row["Assessment"]: row["Of them in other assessments too"] for row in records(book["Assessments"])}
    assert rows == {"@first wave": 2, "all of it": 2}


def test_two_currencies_are_stated_and_never_added(place: Place) -> None:
    book = workbook(asked(place, "second", "euro"))
    lines = pairs(book["Project_Summary"])
    assert lines["Total monthly cost"] == "Not added up: the assessments are in several currencies (EUR, USD)."
    assert {row["Currency"] for row in records(book["Assessments"])} == {"EUR", "USD"}
    sheet = book["Assessments"]
    column = [cell.value for cell in sheet[1]].index("Total monthly cost")
    assert sheet.cell(2, column + 1).number_format == "#,##0.00"


def test_names_of_assessments_are_text_and_long_ones_are_whole(place: Place) -> None:
    _, _, made = place
    sheet = openpyxl.load_workbook(io.BytesIO(content_of(asked(place))))["Assessments"]
    names = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in names} == {"s"}
    assert made["second"]["name"] in {cell.value for cell in names}


def test_csv_has_every_table_and_no_formula(place: Place) -> None:
    archive = zipfile.ZipFile(io.BytesIO(content_of(asked(place, format="csv"))))
    names = ["Project_Summary.csv", "Assessments.csv", "Scenarios.csv", "Machines_In_Several.csv"]
    assert archive.namelist() == names
    lines = archive.read("Assessments.csv").decode("utf-8-sig").splitlines()
    assert len(lines) == 5
    assert any(line.startswith("'@first wave,'=SUM(A1),") for line in lines)


def test_json_lines_have_codes_and_decimal_strings(place: Place) -> None:
    _, _, made = place
    head, *rows = [json.loads(line) for line in content_of(asked(place, format="jsonl")).splitlines()]
    assert (head["table"], head["assessments"], head["currencies"]) == ("project_report", 4, ["EUR", "USD"])
    assert "monthly_cost" not in head
    found = {row["assessment_name"]: row for row in rows if row["table"] == "Assessments"}
    row, summary = found["all of it"], made["all"]["summary"]
    assert Decimal(row["compute_monthly_cost"]) == Decimal(summary["monthly_cost"]["compute"])
    assert row["chosen_scenario"] == "pay_as_you_go_hybrid_benefit"
    storage = Decimal(summary["monthly_cost"]["storage"])
    compute = Decimal(summary["scenarios"]["pay_as_you_go"]["monthly_compute_cost"])
    assert Decimal(row["pay_as_you_go_monthly_cost"]) == compute + storage
    assert sum(row["table"] == "Machines_In_Several" for row in rows) == 4


def test_the_report_keeps_the_runs_that_were_published_and_says_which(place: Place) -> None:
    cast, project, _ = place
    group = group_of_all(cast.bob, project, name=f"group {uuid4().hex[:6]}")
    own = assessed(cast.bob, project, group, sizing_criterion="as_on_premises")
    report = cast.bob.ok(cast.bob.post(f"projects/{project}/reports/", {"assessments": [own["id"]]}), 202)
    assert report["runs"] == [
        {"assessment": own["id"], "assessment_name": own["name"], "run": report["runs"][0]["run"], "run_number": 1}
    ]
    cast.bob.ok(cast.bob.post(f"projects/{project}/assessments/{own['id']}/recalculate/", {}), 202)
    finished(cast.bob, project, own["id"])
    path = f"projects/{project}/reports/{report['id']}/"
    shown = wait_until(
        lambda: (found := cast.bob.ok(cast.bob.get(path)))["status"] in DONE and found, what="the report"
    )
    assert (shown["is_current_run"], shown["runs"]) == (False, report["runs"])
    assert [row["Run"] for row in records(workbook(shown)["Assessments"])] == [1]
    cast.bob.delete(f"projects/{project}/assessments/{own['id']}/")


def test_the_list_tells_kinds_apart_and_filters(place: Place) -> None:
    cast, project, made = place
    path = f"projects/{project}/reports/"
    of_project = asked(place)["id"]
    of_one = cast.bob.ok(cast.bob.post(f"projects/{project}/assessments/{made['all']['id']}/reports/", {}), 202)["id"]
    rows = {row["id"]: row for row in cast.rita.ok(cast.rita.get(path))["results"]}
    assert (rows[of_project]["kind"], rows[of_project]["assessment"]) == ("project", None)
    assert (rows[of_one]["kind"], rows[of_one]["assessment_name"]) == ("assessment", "all of it")
    assert (rows[of_project]["machines"], rows[of_project]["machines_done"]) == (12, 12)

    def listed(query: str) -> set[str]:
        return {row["id"] for row in cast.rita.ok(cast.rita.get(f"{path}?{query}"))["results"]}

    assert of_one not in listed("kind=project") >= {of_project}
    assert listed(f"assessment={made['all']['id']}") == {of_one}
    assert of_project in listed("status=completed")
    assert of_project not in listed("status=failed")
    assert cast.rita.get(f"{path}?kind=other").status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"assessments": []}, 400, "invalid"),
        ({"assessments": ["01890000-0000-7000-8000-000000000000"]}, 400, "unknown_assessment"),
        ({"assessments": ["x"]}, 400, "invalid"),
        ({"assessments": ["01890000-0000-7000-8000-000000000000"] * 1001}, 400, "invalid"),
        ({"format": "docx"}, 400, "invalid"),
        ({"layout": "2020"}, 400, "invalid"),
    ],
)
def test_what_cannot_be_made_is_refused(place: Place, body: dict[str, Any], status: int, code: str) -> None:
    cast, project, _ = place
    answer = cast.bob.post(f"projects/{project}/reports/", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_project_without_results_has_nothing_to_report(place: Place) -> None:
    cast = place[0]
    answer = cast.bob.post(f"projects/{make.project(cast.bob)}/reports/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_results_yet")


def test_readers_and_strangers_make_none(place: Place) -> None:
    cast, project, _ = place
    path = f"projects/{project}/reports/"
    assert cast.rita.post(path, {}).status_code == 403
    stranger = make.cast().alice
    assert (stranger.get(path).status_code, stranger.post(path, {}).status_code) == (404, 404)
