"""`Assessment_Summary`: labels and values for machines that parse it, charts and scenarios beside them for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.workbook.charts import Size, cost_chart, readiness_chart
from reports.workbook.columns import Cell, Kind
from reports.workbook.formats import ACCENT, INK, LINE, PALE, READINESS_FILLS, Book, put
from reports.workbook.summary import STORAGE_LABELS, Line, Tables, scenario_formula
from reports.workbook.values import Report, ScenarioTotal

NAME = "Assessment_Summary"
TITLE = "Azure Migrate"  # what the exports have in the first cell
FIRST_LINE_ROW = 2
CHART_COLUMN = 3
SCENARIO_HEADINGS = ("Scenario", "Compute a month {currency}", "Machines priced", "of machines")
COLUMN_WIDTHS = (36, 34, 3, 40, 22, 20, 20)
ROW_HEIGHT_POINTS = 18
ROW_HEIGHT_PIXELS = ROW_HEIGHT_POINTS * 4 // 3
READINESS_CHART_WIDTH_PIXELS = 290
COST_CHART_WIDTH_PIXELS = 434  # both charts and a gap are as wide as the scenarios' four columns
CHART_GAP_PIXELS = 10
SCENARIO_CHART_WIDTH_PIXELS = 500  # as labels and values above it
MIN_SCENARIO_CHART_ROWS = 12


@dataclass(frozen=True, slots=True)
class Placed:
    """A cell to write. The sheet streams as well, so all its cells are gathered and written row by row."""

    row: int
    column: int
    value: Cell
    format: Format
    formula: str | None = None


def write_overview(book: Book, sheet: Worksheet, *, report: Report, lines: Sequence[Line], tables: Tables) -> None:
    _set_up(sheet)
    scenario_row = FIRST_LINE_ROW + len(lines) + 1
    cells = [*_title(book, report), *_lines(book, lines)]
    if report.scenario_totals:
        cells += _scenarios(book, report.scenario_totals, tables=tables, first_row=scenario_row)
    for cell in sorted(cells, key=lambda cell: (cell.row, cell.column)):
        _write(sheet, cell)
    _name_cells(book, lines)
    _insert_charts(book, sheet, lines)
    if report.scenario_totals:
        _insert_scenario_chart(book, sheet, header_row=scenario_row, count=len(report.scenario_totals))


def _set_up(sheet: Worksheet) -> None:
    sheet.hide_gridlines(2)
    sheet.set_default_row(ROW_HEIGHT_POINTS)
    for column, width in enumerate(COLUMN_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 1)
    sheet.set_footer("&L&A&R&P / &N")


def _title(book: Book, report: Report) -> list[Placed]:
    title = book.format(Kind.TEXT, bold=True, font_size=18, font_color=ACCENT)
    subtitle = book.format(Kind.TEXT, font_size=12, font_color=INK, bold=True)
    name = f"{report.assessment_name} - {report.group_name}, {report.project_name}"
    return [Placed(0, 0, TITLE, title), Placed(0, CHART_COLUMN, name, subtitle)]


def _lines(book: Book, lines: Sequence[Line]) -> list[Placed]:
    cells = []
    for row, line in enumerate(lines, start=FIRST_LINE_ROW):
        style = _style(line)
        cells.append(Placed(row, 0, line.label, book.format(Kind.TEXT, **style)))
        right = style | {"align": "right", "indent": 0}
        cells.append(Placed(row, 1, line.value, book.format(line.kind, **right), line.formula))
    return cells


def _style(line: Line) -> dict[str, str | int | bool]:
    """Totals stand out, readiness has its color, disk costs are indented under the storage they are part of."""
    style: dict[str, str | int | bool] = {"bottom": 1, "bottom_color": LINE, "font_color": INK}
    name = line.name or ""
    if name in STORAGE_LABELS:
        return style | {"indent": 1}
    if name in ("monthly_cost", "machines_total"):
        return style | {"bold": True, "bg_color": PALE, "font_color": ACCENT}
    if name.removeprefix("machines_") in READINESS_FILLS:
        return style | {"bg_color": READINESS_FILLS[name.removeprefix("machines_")]}
    return style


def _scenarios(book: Book, totals: Sequence[ScenarioTotal], *, tables: Tables, first_row: int) -> list[Placed]:
    cells = [
        Placed(first_row, CHART_COLUMN + number, book.heading(heading), book.header)
        for number, heading in enumerate(SCENARIO_HEADINGS)
    ]
    for row, total in enumerate(totals, start=first_row + 1):
        formula = scenario_formula(tables.scenarios, f"D{row + 1}")
        values: list[tuple[Cell, Kind, str | None]] = [
            (total.scenario, Kind.TEXT, None),
            (total.compute_monthly_cost, Kind.MONEY, formula),
            (total.priced_machines, Kind.COUNT, None),
            (total.machines, Kind.COUNT, None),
        ]
        for column, (value, kind, live) in enumerate(values, start=CHART_COLUMN):
            cells.append(
                Placed(row, column, value, book.format(kind, bottom=1, bottom_color=LINE, font_color=INK), live)
            )
    return cells


def _write(sheet: Worksheet, cell: Placed) -> None:
    if cell.value is None:
        sheet.write_blank(cell.row, cell.column, None, cell.format)
    elif cell.formula and isinstance(cell.value, int | Decimal):
        stored = cell.value if isinstance(cell.value, int) else float(cell.value)
        sheet.write_formula(cell.row, cell.column, cell.formula, cell.format, stored)
    else:
        put(sheet, cell.row, cell.column, cell.value, cell.format)


def _name_cells(book: Book, lines: Sequence[Line]) -> None:
    for row, line in enumerate(lines, start=FIRST_LINE_ROW + 1):
        if line.name:
            book.workbook.define_name(line.name, f"={NAME}!$B${row}")


def _insert_charts(book: Book, sheet: Worksheet, lines: Sequence[Line]) -> None:
    rows = {line.name: row for row, line in enumerate(lines, start=FIRST_LINE_ROW) if line.name}
    height = len(lines) * ROW_HEIGHT_PIXELS
    counts = sorted(READINESS_FILLS, key=lambda code: rows[f"machines_{code}"])
    ring_size = Size(READINESS_CHART_WIDTH_PIXELS, height)
    ring = readiness_chart(book, NAME, first_row=rows[f"machines_{counts[0]}"], codes=counts, size=ring_size)
    sheet.insert_chart(FIRST_LINE_ROW, CHART_COLUMN, ring)
    costs = [row for name, row in rows.items() if name.endswith("_monthly_cost")]
    bars_size = Size(COST_CHART_WIDTH_PIXELS, height)
    bars = cost_chart(
        book, NAME, title="Monthly cost by part", columns=(0, 1), rows=(min(costs), max(costs)), size=bars_size
    )
    offset = {"x_offset": READINESS_CHART_WIDTH_PIXELS + CHART_GAP_PIXELS}
    sheet.insert_chart(FIRST_LINE_ROW, CHART_COLUMN, bars, offset)


def _insert_scenario_chart(book: Book, sheet: Worksheet, *, header_row: int, count: int) -> None:
    """Beside the scenarios' table, under labels and values, where no cell may stand for those who parse them."""
    bars = cost_chart(
        book,
        NAME,
        title="Monthly compute cost by scenario",
        columns=(CHART_COLUMN, CHART_COLUMN + 1),
        rows=(header_row + 1, header_row + count),
        size=Size(SCENARIO_CHART_WIDTH_PIXELS, max(count + 1, MIN_SCENARIO_CHART_ROWS) * ROW_HEIGHT_PIXELS),
    )
    sheet.insert_chart(header_row, 0, bars)
