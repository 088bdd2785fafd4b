"""The difference between two runs: totals by cause as formulas and a chart, and a row a machine."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from reports.workbook.assembling import MAX_SHEET_ROWS, assemble, stream
from reports.workbook.charts import Place, cost_chart
from reports.workbook.columns import Column, Kind
from reports.workbook.formats import Book, excel_date
from reports.workbook.labeled import line_cells, set_heights, set_up, write_title
from reports.workbook.look import Look
from reports.workbook.overview import insert_logo, write_cell
from reports.workbook.rows import Part
from reports.workbook.sheets import SCHEMA_VERSION, Sheet
from reports.workbook.summary import NO_TABLE, Line, sum_formula
from reports.workbook.tables import Table, add_table
from reports.workbook.text_forms import Content
from reports.workbook.values import Readiness
from reports.workbook.wording import READINESS, worded

OVERVIEW = "Difference"
CAUSES = ("membership", "inventory", "performance", "settings", "price")
FIRST_ROW = 2
ROOM_FOR_AMOUNTS = Decimal("0.4")  # of the space between the lowest and the highest amount
CHART_WIDTH_PIXELS, MAX_CHART_PIXELS = 560, 480


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
    look: Look = field(default_factory=Look)
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


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some rows, under the key of their sheet."""

    machines: Sequence[DifferenceRow]


def difference_content(found: Difference) -> Content:
    """The difference as CSV files and JSON lines have it."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "project_name": found.project_name,
        "currency": found.currency,
        "before": asdict(found.before),
        "after": asdict(found.after),
        "causes": found.causes,
        "notes": found.notes,
    }
    return Content(
        table="difference",
        head=head,
        pairs=[(OVERVIEW, _lines(found, NO_TABLE))],
        currency=found.currency,
        sheets=[MACHINES],
        batches=lambda: (_Batch(rows) for rows in found.rows()),
    )


def write_difference(found: Difference, target: Path | IO[bytes], *, max_sheet_rows: int = MAX_SHEET_ROWS) -> None:
    """Write the workbook; the same difference gives the same bytes."""
    assemble(partial(_write_sheets, found, max_sheet_rows=max_sheet_rows), target)


def _write_sheets(found: Difference, workbook: Workbook, folder: Path, *, max_sheet_rows: int) -> dict[str, Part]:
    workbook.set_properties({"author": "migrate_hub", "created": excel_date(found.after.created_at)})
    book = Book(workbook, found.currency, found.look)
    batches = (_Batch(rows) for rows in found.rows())
    (parts,) = stream(batches, [MACHINES], book, folder=folder, max_sheet_rows=max_sheet_rows)
    overview = workbook.add_worksheet(OVERVIEW)
    table = add_table(book, MACHINES, [part.rows for part in parts])
    _write_overview(book, overview, found, table)
    return {f"xl/worksheets/sheet{number}.xml": part for number, part in enumerate(parts, start=2)}


def _write_overview(book: Book, sheet: Worksheet, found: Difference, table: Table) -> None:
    set_up(sheet)
    write_title(book, sheet, "Difference between two runs")
    insert_logo(sheet, found.look)
    lines = _lines(found, table)
    height = set_heights(sheet, lines, first_row=FIRST_ROW)
    for cell in line_cells(book, lines, first_row=FIRST_ROW, strong={"Difference"}):
        write_cell(sheet, cell)
    first = FIRST_ROW + next(row for row, line in enumerate(lines) if line.label == "By membership")
    place = Place(OVERVIEW, first, first + len(CAUSES) - 1, 0, 1)
    chart = cost_chart(book, place, title="Difference a month by cause", height=min(height, MAX_CHART_PIXELS))
    lowest = min(found.causes.values())
    if lowest < 0:  # its amount stands left of the bar, and must not reach the names
        room = {"min": float(lowest + ROOM_FOR_AMOUNTS * (lowest - max(found.causes.values())))}
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}, **room})
    chart.set_size({"width": CHART_WIDTH_PIXELS, "height": min(height, MAX_CHART_PIXELS)})
    sheet.insert_chart(FIRST_ROW, 3, chart)


def _lines(found: Difference, table: Table) -> list[Line]:
    total = sum(found.causes.values(), Decimal(0))

    def money(label: str, value: Decimal, key: str) -> Line:
        return Line(label=label, value=value, kind=Kind.MONEY, formula=sum_formula(table, key))

    return [
        Line(label="Project", value=found.project_name),
        *_side("Before", found.before),
        *_side("After", found.after),
        money("Total before", found.before.monthly_cost, "before_monthly_cost"),
        money("Total after", found.after.monthly_cost, "after_monthly_cost"),
        money("Difference", total, "difference"),
        *(money(f"By {cause}", found.causes[cause], cause) for cause in CAUSES),
        *(Line(label="Note", value=note) for note in found.notes),
        Line(label="Schema version", value=SCHEMA_VERSION),
    ]


def _side(label: str, side: Side) -> list[Line]:
    return [
        Line(label=label, value=f"{side.assessment_name}, run {side.run_number}"),
        Line(label=f"{label}: of (UTC)", value=side.created_at, kind=Kind.INSTANT),
        Line(label=f"{label}: machines", value=side.machines, kind=Kind.COUNT),
    ]
