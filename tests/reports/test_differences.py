"""A workbook of the difference between two runs adds up to what the API tells, by cause and by machine."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine, reported
from tests.reports.test_workbook_office import recalculated
from tests.reports.workbooks import pairs, records

pytestmark = pytest.mark.usefixtures("catalog", "background")
CENT = Decimal("0.005")
MACHINES = [machine("large", cores=16, memory_mb=65536), machine("small"), machine("=1+1", cores=8)]
CAUSES = ("membership", "inventory", "performance", "settings", "price")
Place = tuple[make.Cast, str, dict[str, Any], dict[str, Any]]


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
    cast, project, before, after = place
    stranger = make.cast()
    other, _ = enrolled(stranger.bob, [machine("other")])
    foreign = assessed(stranger.bob, other, group_of_all(stranger.bob, other), sizing_criterion="as_on_premises")
    path = f"projects/{project}/assessments/{after['id']}/reports/"
    for run in (run_of(stranger.bob, other, foreign), run_of(cast.bob, project, after)):
        answer = cast.bob.post(path, {"before_run": run})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_run")
    csv = cast.bob.post(path, {"before_run": run_of(cast.bob, project, before), "format": "csv"})
    assert csv.status_code == 400


def test_long_names_of_runs_shrink_instead_of_losing_their_beginning(made: io.BytesIO) -> None:
    sheet = openpyxl.load_workbook(made)["Difference"]
    lines = [row[1] for row in sheet.iter_rows(min_row=2, max_col=2) if row[0].value in ("Project", "Before", "After")]
    assert [cell.alignment.shrink_to_fit for cell in lines] == [True] * 3


def test_the_chart_leaves_room_left_of_the_lowest_bar(place: Place, made: io.BytesIO) -> None:
    sheet: Any = openpyxl.load_workbook(made)["Difference"]
    (chart,) = sheet._charts
    lowest = min(Decimal(compared(place)["causes"][cause]) for cause in CAUSES)
    assert lowest < 0
    assert chart.y_axis.scaling.min < float(lowest)
