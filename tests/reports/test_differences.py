"""A workbook of the difference between two runs adds up to what the API tells, by cause and by machine."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reports.workbook import Difference, Side, write_difference
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine, reported
from tests.reports.test_workbook_office import recalculated
from tests.reports.workbooks import pairs, records

pytestmark = pytest.mark.usefixtures("catalog", "background")
CENT = Decimal("0.005")
MACHINES = [machine("large", cores=16, memory_mb=65536), machine("small"), machine("=1+1", cores=8)]
CAUSES = ("membership", "inventory", "performance", "settings", "price")
Place = tuple[make.Cast, str, dict[str, Any], dict[str, Any]]
SIDE = Side(
    assessment_name="one",
    run_number=1,
    machines=1,
    monthly_cost=Decimal(1),
    created_at=datetime(2026, 11, 1, tzinfo=UTC),
)
DIFFERENCE = Difference(
    project_name="p",
    currency="USD",
    before=SIDE,
    after=SIDE,
    causes=dict.fromkeys(CAUSES, Decimal(0)),
    notes=(),
    rows=list,
)


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """A cast, a project, and two assessments: of all machines, and of two of them with more headroom."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, MACHINES)
    everything = group_of_all(cast.bob, project)
    ids = [row["id"] for row in cast.bob.ok(cast.bob.get(f"projects/{project}/machines/"))["results"]]
    some = cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": "some", "machines": ids[:2]}), 201)["id"]
    before = assessed(cast.bob, project, everything, sizing_criterion="as_on_premises")
    after = assessed(cast.bob, project, some, sizing_criterion="as_on_premises", comfort_factor=2)
    return cast, project, before, after


def run_of(api: make.Api, project: str, assessment: dict[str, Any]) -> str:
    return str(api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/runs/"))["results"][0]["id"])


@pytest.fixture(scope="module")
def made(place: Place) -> io.BytesIO:
    """The workbook from the first assessment to the second one."""
    cast, project, before, after = place
    report = reported(cast.bob, project, after["id"], before_run=run_of(cast.bob, project, before))
    assert report["status"] == "completed", report
    response = make.Api(None).get(report["download_url"].replace("http://testserver", ""))
    assert response["Content-Disposition"].endswith('-changes-to-run-1.xlsx"')
    return io.BytesIO(b"".join(response.streaming_content))


def compared(place: Place) -> dict[str, Any]:
    cast, project, before, after = place
    path = f"projects/{project}/assessments/{before['id']}/compare/?with={after['id']}"
    answer: dict[str, Any] = cast.bob.ok(cast.bob.get(path))
    return answer


def near(value: Any, amount: str) -> bool:
    return abs(Decimal(str(value)) - Decimal(amount)) < CENT


def test_totals_and_causes_are_those_of_the_api(place: Place, made: io.BytesIO) -> None:
    told, lines = compared(place), pairs(openpyxl.load_workbook(made, data_only=True)["Difference"])
    assert Decimal(told["difference"]) != 0
    assert near(lines["Total before"], told["before"]["monthly_cost"])
    assert near(lines["Total after"], told["after"]["monthly_cost"])
    assert near(lines["Difference"], told["difference"])
    assert all(near(lines[f"By {cause}"], told["causes"][cause]) for cause in CAUSES)


def test_every_machine_has_its_two_sides_and_its_causes(place: Place, made: io.BytesIO) -> None:
    told = {row["name"]: row for row in compared(place)["results"]}
    rows = {row["Machine"]: row for row in records(openpyxl.load_workbook(made, data_only=True)["Machines"])}
    assert set(rows) == set(told) == {"large", "small", "=1+1"}
    for name, row in rows.items():
        assert near(row["Difference USD"], told[name]["difference"])
        assert all(near(row[f"By {cause} USD"], told[name]["causes"][cause]) for cause in CAUSES)
        after = told[name].get("after")
        assert row["Size after"] == (after or {}).get("recommended_sku")
        assert (row["Readiness after"] == "Not in this run") == (after is None)


@pytest.mark.e2e
def test_libreoffice_comes_to_the_same_sums(place: Place, made: io.BytesIO, tmp_path: Path) -> None:
    told, lines = compared(place), pairs(recalculated(openpyxl.load_workbook(made), tmp_path)["Difference"])
    assert near(lines["Difference"], told["difference"])
    assert all(near(lines[f"By {cause}"], told["causes"][cause]) for cause in CAUSES)


@pytest.mark.parametrize("body", [{"before_run": "01890000-0000-7000-8000-000000000000"}, {"before_run": "x"}])
def test_a_run_that_is_not_there_is_refused(place: Place, body: dict[str, Any]) -> None:
    cast, project, _, after = place
    assert cast.bob.post(f"projects/{project}/assessments/{after['id']}/reports/", body).status_code == 400


def test_a_run_of_another_tenant_or_the_same_run_is_refused(place: Place) -> None:
    cast, project, _, after = place
    stranger = make.cast()
    other, _ = enrolled(stranger.bob, [machine("other")])
    foreign = assessed(stranger.bob, other, group_of_all(stranger.bob, other), sizing_criterion="as_on_premises")
    path = f"projects/{project}/assessments/{after['id']}/reports/"
    for run in (run_of(stranger.bob, other, foreign), run_of(cast.bob, project, after)):
        answer = cast.bob.post(path, {"before_run": run})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_run")


def test_a_name_of_255_characters_is_wrapped_and_its_row_is_as_high_as_it_needs() -> None:
    for name, least in (("x" * 255, 6), ("数" * 255, 12), ("word " * 51, 6)):
        target = io.BytesIO()
        write_difference(replace(DIFFERENCE, before=replace(SIDE, assessment_name=name)), target)
        sheet = openpyxl.load_workbook(target)["Difference"]
        cell = next(row[1] for row in sheet.iter_rows(max_col=2) if row[0].value == "Before")
        assert (cell.value, cell.alignment.wrap_text) == (f"{name}, run 1", True)
        assert sheet.row_dimensions[cell.row or 0].height >= least * 15


@pytest.mark.parametrize("form", ["csv", "jsonl", "pdf"])
def test_every_other_form_tells_the_same(place: Place, form: str) -> None:
    cast, project, before, after = place
    body = {"before_run": run_of(cast.bob, project, before), "format": form}
    report = reported(cast.bob, project, after["id"], **body)
    assert report["status"] == "completed", report
    assert report["kind"] == "difference"
    response = make.Api(None).get(report["download_url"].replace("http://testserver", ""))
    TELLS[form](b"".join(response.streaming_content), compared(place))


def csv_tells(data: bytes, told: dict[str, Any]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.namelist() == ["Difference.csv", "Machines.csv"]
    lines = dict(csv.reader(io.StringIO(archive.read("Difference.csv").decode("utf-8-sig"))))
    assert Decimal(lines["Difference"]) == Decimal(told["difference"])
    machines = list(csv.DictReader(io.StringIO(archive.read("Machines.csv").decode("utf-8-sig"))))
    assert {row["Machine"] for row in machines} == {"large", "small", "'=1+1"}
    assert sum(Decimal(row["Difference USD"]) for row in machines) == Decimal(told["difference"])


def jsonl_tells(data: bytes, told: dict[str, Any]) -> None:
    head, *rows = [json.loads(line) for line in data.splitlines()]
    assert head["table"] == "difference"
    assert {cause: Decimal(part) for cause, part in head["causes"].items()} == {
        cause: Decimal(part) for cause, part in told["causes"].items()
    }
    assert {row["machine_name"]: Decimal(row["difference"]) for row in rows} == {
        row["name"]: Decimal(row["difference"]) for row in told["results"]
    }


def pdf_tells(data: bytes, told: dict[str, Any]) -> None:
    assert data.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type /Page\b", data)) <= 4


TELLS = {"csv": csv_tells, "jsonl": jsonl_tells, "pdf": pdf_tells}


def test_any_two_completed_runs_can_be_told_apart(place: Place) -> None:
    cast, project, before, after = place
    body = {"run": run_of(cast.bob, project, after), "before_run": run_of(cast.bob, project, before)}
    assert reported(cast.bob, project, after["id"], **body, format="jsonl")["run"] == body["run"]
    path = f"projects/{project}/assessments/{after['id']}/reports/"
    other = cast.bob.post(path, {"run": run_of(cast.bob, project, before)})
    assert (other.status_code, other.json()["code"]) == (400, "unknown_run")


def test_the_chart_leaves_room_left_of_the_lowest_bar(place: Place, made: io.BytesIO) -> None:
    sheet: Any = openpyxl.load_workbook(made)["Difference"]
    (chart,) = sheet._charts
    lowest = min(Decimal(compared(place)["causes"][cause]) for cause in CAUSES)
    assert lowest < 0
    assert chart.y_axis.scaling.min < float(lowest)
