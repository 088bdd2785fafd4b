"""The report over several assessments as a workbook: sums where there may be any, charts over the largest, tables."""

from functools import partial
from pathlib import Path
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from reports.workbook.assembling import MAX_SHEET_ROWS, assemble, stream
from reports.workbook.blocks import FIRST_COLUMN, NAME_CHARACTERS, Block, Content, block, short_name
from reports.workbook.charts import Place, stacked_chart
from reports.workbook.columns import Kind
from reports.workbook.formats import READINESS_COLORS, Book, excel_date
from reports.workbook.labeled import line_cells, set_heights, set_up, write_title
from reports.workbook.overview import ROW_HEIGHT_PIXELS, insert_logo, write_cell
from reports.workbook.project import OVERVIEW, PROJECT_SHEETS, ProjectReport, project_lines
from reports.workbook.properties import write_pairs
from reports.workbook.rows import Part
from reports.workbook.summary import Line
from reports.workbook.tables import Table, add_table
from reports.workbook.wording import READINESS_HEADINGS

FIRST_ROW = 2
SHOWN = 12  # assessments in the charts
CHART_WIDTH_PIXELS, CHART_GAP_PIXELS = 500, 8
MIN_CHART_PIXELS, MAX_CHART_PIXELS = 400, 640
COSTS = ("compute_monthly_cost", "storage_monthly_cost")
KEYS = (*COSTS, *(f"{code}_machines" for code in READINESS_COLORS))
KINDS = (*(Kind.MONEY for _ in COSTS), *(Kind.COUNT for _ in READINESS_COLORS))
HEADINGS = (
    "Largest assessments",
    "Compute {currency}",
    "Storage {currency}",
    *(READINESS_HEADINGS[code] for code in READINESS_COLORS),
)


def write_project_workbook(
    report: ProjectReport, target: Path | IO[bytes], *, max_sheet_rows: int = MAX_SHEET_ROWS
) -> None:
    """Write the workbook; the same report gives the same bytes."""
    assemble(partial(_write_sheets, report, max_sheet_rows=max_sheet_rows), target)


def _write_sheets(report: ProjectReport, workbook: Workbook, folder: Path, *, max_sheet_rows: int) -> dict[str, Part]:
    workbook.set_properties({"author": "migrate_hub", "created": excel_date(report.created_at)})
    book = Book(workbook, report.currency, report.look)
    streamed = stream(report.batches(), PROJECT_SHEETS, book, folder=folder, max_sheet_rows=max_sheet_rows)
    overview = workbook.add_worksheet(OVERVIEW)
    places: dict[str, Part] = {}
    tables: dict[str, Table] = {}
    for sheet, parts in zip(PROJECT_SHEETS, streamed, strict=True):
        first = len(workbook.worksheets()) + 1
        tables[sheet.key] = add_table(book, sheet, [part.rows for part in parts])
        places |= {f"xl/worksheets/sheet{number}.xml": part for number, part in enumerate(parts, start=first)}
    meanings = [Line(label=f"Sheet {sheet.name}", value=sheet.meaning) for sheet in PROJECT_SHEETS]
    about = workbook.add_worksheet("Read_me")
    write_pairs(book, about, headings=("About this workbook", ""), lines=[*project_lines(report), *meanings])
    _write_overview(book, overview, report, tables["assessments"])
    return places


def _write_overview(book: Book, sheet: Worksheet, report: ProjectReport, table: Table) -> None:
    set_up(sheet)
    sheet.set_column(2, 2, 3)
    sheet.set_column(FIRST_COLUMN, FIRST_COLUMN, NAME_CHARACTERS + 4)
    sheet.set_column(FIRST_COLUMN + 1, FIRST_COLUMN + len(HEADINGS) - 1, 16)
    write_title(book, sheet, "Assessments of a project")
    insert_logo(sheet, report.look)
    lines = project_lines(report, table)
    height = max(MIN_CHART_PIXELS, set_heights(sheet, lines, first_row=FIRST_ROW))
    header_row = FIRST_ROW + -(-height // ROW_HEIGHT_PIXELS) + 1
    largest = _largest(book, report, table, header_row=header_row)
    cells = [*line_cells(book, lines, first_row=FIRST_ROW, strong={f"Total monthly cost {report.currency}"})]
    for cell in sorted([*cells, *largest.cells], key=lambda cell: (cell.row, cell.column)):
        write_cell(sheet, cell)
    for row, line in enumerate(lines, start=FIRST_ROW + 1):
        if line.name and line.formula:
            book.workbook.define_name(line.name, f"={OVERVIEW}!$B${row}")
    _insert_charts(book, sheet, largest, is_money=bool(report.currency), height=min(height, MAX_CHART_PIXELS))


def _largest(book: Book, report: ProjectReport, table: Table, *, header_row: int) -> Block:
    """The dearest assessments (or the largest, where amounts do not compare), as references to their rows."""
    places = {id(row): place for place, row in enumerate(report.rows)}
    lines: list[list[Content]] = []
    for row in report.largest(SHOWN):
        place = places[id(row)]
        line: list[Content] = [(short_name(row.assessment_name), Kind.TEXT, None)]
        for key, kind in zip(KEYS, KINDS, strict=True):
            line.append((getattr(row, key), kind, table.formula_of(key, place)))
        lines.append(line)
    return block(book, HEADINGS, lines, header_row=header_row)


def _insert_charts(book: Book, sheet: Worksheet, largest: Block, *, is_money: bool, height: int) -> None:
    """Right of the labels and values, over the block below; costs only where they compare."""
    rows = (largest.header_row + 1, largest.last_row, FIRST_COLUMN)
    charts = []
    if is_money:
        place = Place(OVERVIEW, *rows, FIRST_COLUMN + 1)
        costs = (book.look.primary, book.look.secondary)
        charts.append(stacked_chart(book, place, title="Monthly cost", colors=costs, kind=Kind.MONEY))
    place = Place(OVERVIEW, *rows, FIRST_COLUMN + 3)
    colors = tuple(READINESS_COLORS.values())
    charts.append(stacked_chart(book, place, title="Machines by readiness", colors=colors, kind=Kind.COUNT))
    for number, chart in enumerate(charts):
        chart.set_size({"width": CHART_WIDTH_PIXELS, "height": height})
        offset = number * (CHART_WIDTH_PIXELS + CHART_GAP_PIXELS)
        sheet.insert_chart(FIRST_ROW, FIRST_COLUMN, chart, {"x_offset": offset})
