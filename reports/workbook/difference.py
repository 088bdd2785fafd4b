"""The workbook of the difference between two runs: totals by cause as formulas and a chart, and a row a machine."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from reports.workbook.blocks import Placed
from reports.workbook.charts import Place, cost_chart
from reports.workbook.columns import Cell, Column, Kind
from reports.workbook.formats import ACCENT, INK, LINE, PALE, Book, excel_date
from reports.workbook.overview import ROW_HEIGHT_PIXELS, ROW_HEIGHT_POINTS, write_cell
from reports.workbook.rows import Part, RowWriter
from reports.workbook.sheets import SCHEMA_VERSION, Sheet
from reports.workbook.splicing import splice
from reports.workbook.summary import sum_formula
from reports.workbook.tables import Table, add_table
from reports.workbook.values import Readiness
from reports.workbook.wording import READINESS, worded
from reports.workbook.writer import MAX_SHEET_ROWS, deliver, new_workbook

OVERVIEW = "Difference"
CAUSES = ("membership", "inventory", "performance", "settings", "price")
FIRST_ROW = 2
ROOM_FOR_AMOUNTS = Decimal("0.4")  # of the space between the lowest and the highest amount
CHART_WIDTH_PIXELS = 560


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """One machine in two runs, absent from one of them where its readiness is None. Causes add up to `difference`."""

    machine_name: str
    before_readiness: Readiness | None
    after_readiness: Readiness | None
    before_sku: str | None
    after_sku: str | None
    before_monthly_cost: Decimal | None
    after_monthly_cost: Decimal | None
    difference: Decimal
    membership: Decimal
    inventory: Decimal
    performance: Decimal
    settings: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs."""

    assessment_name: str
    run_number: int
    machines: int
    monthly_cost: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From one run to another. `rows` starts from the first at each call, the largest difference first."""

    project_name: str
    currency: str
    before: Side
    after: Side
    causes: dict[str, Decimal]
    notes: tuple[str, ...]
    rows: Callable[[], Iterable[Sequence[DifferenceRow]]]


R = Column[DifferenceRow]
COLUMNS: tuple[R, ...] = (
    R(heading="Machine", key="machine_name", width=28),
    R(heading="Readiness before", key="before_readiness", width=24, value=lambda row: _ready(row.before_readiness)),
    R(heading="Readiness after", key="after_readiness", width=24, value=lambda row: _ready(row.after_readiness)),
    R(heading="Size before", key="before_sku", width=22),
    R(heading="Size after", key="after_sku", width=22),
    R(heading="Monthly cost before {currency}", key="before_monthly_cost", kind=Kind.MONEY),
    R(heading="Monthly cost after {currency}", key="after_monthly_cost", kind=Kind.MONEY),
    R(heading="Difference {currency}", key="difference", kind=Kind.MONEY),
    *(R(heading=f"By {cause} {{currency}}", key=cause, kind=Kind.MONEY) for cause in CAUSES),
)
MACHINES = Sheet("Machines", "machines", COLUMNS, "Every machine of both runs, the largest difference first")


def _ready(code: Readiness | None) -> str:
    return "Not in this run" if code is None else worded(READINESS, code) or ""


def write_difference(found: Difference, target: Path | IO[bytes], *, max_sheet_rows: int = MAX_SHEET_ROWS) -> None:
    """Write the workbook; the same difference gives the same bytes."""
    with TemporaryDirectory(prefix="workbook-") as name:
        folder = Path(name)
        with closing(new_workbook(folder)) as workbook:
            places = _write_sheets(workbook, found, folder, max_sheet_rows=max_sheet_rows)
        with (folder / "workbook.xlsx").open("w+b") as finished:
            splice(folder / "frame.xlsx", places, finished)
            finished.seek(0)
            deliver(finished, target)


def _write_sheets(workbook: Workbook, found: Difference, folder: Path, *, max_sheet_rows: int) -> dict[str, Part]:
    workbook.set_properties({"author": "migrate_hub", "created": excel_date(found.after.created_at)})
    book = Book(workbook, found.currency)
    writer = RowWriter(folder, COLUMNS, book.styles, max_sheet_rows=max_sheet_rows)
    try:
        for rows in found.rows():
            writer.write(rows)
    except BaseException:
        writer.abandon()
        raise
    parts = writer.close()
    overview = workbook.add_worksheet(OVERVIEW)
    table = add_table(book, MACHINES, [part.rows for part in parts])
    _write_overview(book, overview, found, table)
    return {f"xl/worksheets/sheet{number}.xml": part for number, part in enumerate(parts, start=2)}


Line = tuple[str, Cell, Kind, str | None]


def _write_overview(book: Book, sheet: Worksheet, found: Difference, table: Table) -> None:
    sheet.hide_gridlines(2)
    sheet.set_default_row(ROW_HEIGHT_POINTS)
    sheet.set_column(0, 0, 40)
    sheet.set_column(1, 1, 44)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 1)
    title = book.format(Kind.TEXT, bold=True, font_size=18, font_color=ACCENT)
    write_cell(sheet, Placed(0, 0, "Difference between two runs", title))
    lines = _lines(found, table)
    for row, (label, value, kind, formula) in enumerate(lines, start=FIRST_ROW):
        look: dict[str, str | int | bool] = {"bottom": 1, "bottom_color": LINE, "font_color": INK}
        if label == "Difference":
            look |= {"bold": True, "bg_color": PALE}
        write_cell(sheet, Placed(row, 0, label, book.format(Kind.TEXT, **look)))
        # A long name would lose its beginning behind the label.
        write_cell(sheet, Placed(row, 1, value, book.format(kind, align="right", shrink=True, **look), formula))
    first = FIRST_ROW + next(row for row, line in enumerate(lines) if line[0] == "By membership")
    height = (len(lines) - 1) * ROW_HEIGHT_PIXELS
    place = Place(OVERVIEW, first, first + len(CAUSES) - 1, 0, 1)
    chart = cost_chart(book, place, title="Difference a month by cause", height=height)
    lowest = min(found.causes.values())
    if lowest < 0:  # its amount stands left of the bar, and must not reach the names
        room = {"min": float(lowest + ROOM_FOR_AMOUNTS * (lowest - max(found.causes.values())))}
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, **room})
    chart.set_size({"width": CHART_WIDTH_PIXELS, "height": height})
    sheet.insert_chart(FIRST_ROW, 3, chart)


def _lines(found: Difference, table: Table) -> list[Line]:
    total = sum(found.causes.values(), Decimal(0))
    return [
        ("Project", found.project_name, Kind.TEXT, None),
        *_side("Before", found.before),
        *_side("After", found.after),
        ("Total before", found.before.monthly_cost, Kind.MONEY, sum_formula(table, "before_monthly_cost")),
        ("Total after", found.after.monthly_cost, Kind.MONEY, sum_formula(table, "after_monthly_cost")),
        ("Difference", total, Kind.MONEY, sum_formula(table, "difference")),
        *((f"By {cause}", found.causes[cause], Kind.MONEY, sum_formula(table, cause)) for cause in CAUSES),
        *((note, None, Kind.TEXT, None) for note in found.notes),  # alone in its row, so that it runs on
        ("Schema version", SCHEMA_VERSION, Kind.TEXT, None),
    ]


def _side(label: str, side: Side) -> list[Line]:
    return [
        (label, f"{side.assessment_name}, run {side.run_number}", Kind.TEXT, None),
        (f"{label}: of (UTC)", side.created_at, Kind.INSTANT, None),
        (f"{label}: machines", side.machines, Kind.COUNT, None),
    ]
