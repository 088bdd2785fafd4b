"""An office suite computes the formulas anew and must come to the totals that stand beside them."""

import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from reports.workbook import PriceLineRow, ScenarioTotal, write_project_workbook
from reports.workbook.values import DiskType
from tests.reports.workbooks import (
    FULL_REPORT,
    FULL_ROWS,
    PROJECT,
    SAVING,
    SCENARIO,
    TERM,
    TIER,
    WEB_DISK,
    opened,
    pairs,
    with_rows,
)

DISK_TYPES: tuple[DiskType, ...] = ("standard_hdd", "premium_ssd", "standard_hdd", "ultra", "premium_ssd")
DISKS = [
    replace(WEB_DISK, disk_name=f"scsi0:{number}", recommended_disk_type=kind, monthly_cost=Decimal("3.333333"))
    for number, kind in enumerate(DISK_TYPES)
]
REPORT = replace(
    with_rows(FULL_REPORT, FULL_ROWS, disks=DISKS),
    summary=replace(
        FULL_REPORT.summary,
        standard_hdd_monthly_cost=Decimal("6.666666"),
        premium_monthly_cost=Decimal("6.666666"),
        ultra_monthly_cost=Decimal("3.333333"),
    ),
)


def recalculated(book: Workbook, folder: Path) -> Workbook:
    """The workbook, saved without its stored values and computed by LibreOffice."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is missing. Install it: apt-get install libreoffice-calc"
    book.save(folder / "bare.xlsx")
    command = [soffice, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", str(folder / "out"), str(folder / "bare.xlsx")], check=True, timeout=120)
    return load_workbook(folder / "out" / "bare.xlsx", data_only=True)


@pytest.mark.e2e
def test_libreoffice_computes_the_totals_that_are_stored(tmp_path: Path) -> None:
    formulas = opened(REPORT, values=False, max_sheet_rows=4)
    cells = [cell.coordinate for row in formulas["Assessment_Summary"].iter_rows() for cell in row if is_formula(cell)]
    stored = opened(REPORT, max_sheet_rows=4)["Assessment_Summary"]
    computed = recalculated(formulas, tmp_path)["Assessment_Summary"]
    assert len(cells) > 10
    assert {cell: computed[cell].value for cell in cells} == {
        cell: pytest.approx(stored[cell].value, abs=0.000001) for cell in cells
    }


def is_formula(cell: object) -> bool:
    return getattr(cell, "data_type", None) == "f"


@pytest.mark.e2e
def test_libreoffice_finds_no_error_in_any_cell(tmp_path: Path) -> None:
    book = recalculated(opened(REPORT, values=False), tmp_path)
    values = [value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row]
    assert len(values) > 100
    assert not [value for value in values if isinstance(value, str) and value.startswith(("#", "Err:"))]


HOURLY = replace(
    TERM, kind="linux", unit="hour", unit_price=Decimal("0.135939"), hours=744, moves_with="uptime_and_discount"
)
COMMITTED = replace(TERM, amount=Decimal("50"), moves_with="discount")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("lines", "compute"),
    [
        ([HOURLY], Decimal("101.138616") / 2 * Decimal("0.9")),
        ([TERM], Decimal("101.138616")),
        ([HOURLY, COMMITTED], (Decimal("101.138616") / 2 + 50) * Decimal("0.9")),
    ],
)
def test_discount_and_uptime_move_the_total(tmp_path: Path, lines: list[PriceLineRow], compute: Decimal) -> None:
    book = opened(with_rows(FULL_REPORT, FULL_ROWS, price_lines=[*lines, TIER]), values=False)
    for name, value in {"discount_percent": 10, "uptime_hours_per_day": 12}.items():
        sheet, cell = book.defined_names[name].attr_text.replace("$", "").split("!")
        book[sheet][cell] = value
    computed = pairs(recalculated(book, tmp_path)["Assessment_Summary"])
    assert computed["Compute monthly cost USD"] == pytest.approx(float(compute), abs=1e-6)
    total = compute + Decimal("5.89") + Decimal("14.6")
    assert computed["Total monthly cost estimate USD"] == pytest.approx(float(total), abs=1e-6)


SAVED = replace(
    SAVING,
    headline_hourly_monthly_cost=Decimal("1.138616"),
    best_hourly_monthly_cost=Decimal(0),
    best_monthly_cost=Decimal(90),
)
PRICED = [
    replace(SCENARIO, scenario="pay_as_you_go", compute_monthly_cost=Decimal(200), hourly_monthly_cost=Decimal(200)),
    replace(SCENARIO, scenario="reservation_3y", compute_monthly_cost=Decimal(100), hourly_monthly_cost=Decimal(30)),
]
TOTALS = tuple(
    ScenarioTotal(scenario=row.scenario, priced_machines=1, machines=1, compute_monthly_cost=row.compute_monthly_cost)
    for row in PRICED
)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("rule", "discount", "committed", "hourly"),
    [("combine", 10, Decimal("0.9"), Decimal("0.45")), ("strict", 10, Decimal(1), Decimal("0.45"))],
)
def test_discount_and_uptime_move_scenarios_and_savings(
    tmp_path: Path, rule: str, discount: int, committed: Decimal, hourly: Decimal
) -> None:
    """Half the uptime and a discount, on a run without one."""
    settings = replace(FULL_REPORT.settings, commitment_rule=rule, discount_percent=Decimal(0))
    rows = with_rows(FULL_REPORT, FULL_ROWS, scenarios=PRICED, savings=[SAVED])
    book = opened(replace(rows, settings=settings, scenario_totals=TOTALS), values=False)
    for name, value in {"discount_percent": discount, "uptime_hours_per_day": 12}.items():
        sheet, cell = book.defined_names[name].attr_text.replace("$", "").split("!")
        book[sheet][cell] = value
    computed = recalculated(book, tmp_path)
    told = {cells[3].value: cells[4].value for cells in computed["Assessment_Summary"].iter_rows()}
    assert told["Pay as you go"] == pytest.approx(float(200 * hourly))
    assert told["3-year reservation"] == pytest.approx(float(70 * committed + 30 * hourly))
    saved = computed["Savings"]
    pay_as_you_go, chosen = Decimal("250.5") * hourly, 100 * committed + Decimal("1.138616") * hourly
    assert saved["F2"].value == pytest.approx(float(pay_as_you_go - chosen))
    assert saved["J2"].value == pytest.approx(float(chosen - 90 * committed))


@pytest.mark.e2e
def test_the_workbook_of_a_project_is_computed_without_errors(tmp_path: Path) -> None:
    target = BytesIO()
    write_project_workbook(PROJECT, target)
    formulas = load_workbook(target)
    computed = recalculated(formulas, tmp_path)
    lines = pairs(computed["Project_Summary"])
    assert lines["Total monthly cost USD"] == pytest.approx(float(2 * (Decimal("101.138616") + Decimal("5.89"))))
    values = [value for sheet in computed for row in sheet.iter_rows(values_only=True) for value in row]
    assert not [value for value in values if isinstance(value, str) and value.startswith(("#", "Err:"))]
