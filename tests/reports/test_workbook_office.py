"""An office suite computes the formulas anew and must come to the totals that stand beside them."""

import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from reports.workbook import PriceLineRow
from reports.workbook.values import DiskType
from tests.reports.workbooks import FULL_REPORT, FULL_ROWS, TERM, TIER, WEB_DISK, opened, pairs, with_rows

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
