"""`Assessment_Summary`: labels and values for machines that parse it, charts and blocks beside them for people."""

import io
from collections.abc import Sequence
from decimal import Decimal

from xlsxwriter.worksheet import Worksheet

from reports.workbook import blocks
from reports.workbook.blocks import FIRST_COLUMN, INPUTS, Block, Placed
from reports.workbook.charts import Place, column_chart, cost_chart, readiness_chart, savings_chart
from reports.workbook.cleaning import clean_text, cut
from reports.workbook.columns import Kind
from reports.workbook.figures import Figures
from reports.workbook.formats import INK, LINE, READINESS_FILLS, Book, put
from reports.workbook.look import Look, png_size
from reports.workbook.summary import STORAGE_LABELS, Line, Tables, is_live
from reports.workbook.values import Report
from reports.workbook.what_if import COMMITMENT_FACTOR, HOURLY_FACTOR

NAME = "Assessment_Summary"
TITLE = "Azure Migrate"  # what the exports have in the first cell
FIRST_LINE_ROW = 2
COLUMN_WIDTHS = (36, 34, 3, 42, 22, 22, 34)
ROW_HEIGHT_POINTS = 18
ROW_HEIGHT_PIXELS = ROW_HEIGHT_POINTS * 4 // 3
READINESS_CHART_WIDTH_PIXELS = 340
COST_CHART_WIDTH_PIXELS = 520  # both charts and a gap are as wide as the blocks below
CHART_GAP_PIXELS = 8
BLOCK_CHART_WIDTH_PIXELS = 500  # as labels and values above it
MIN_BLOCK_ROWS = 12
CHART_ROWS_BELOW = 2  # that the charts may reach below the last label
LOGO_COLUMN, LOGO_WIDTH_PIXELS, LOGO_HEIGHT_PIXELS = 6, 230, 44
TITLE_CHARACTERS = 66  # what has room left of the logo; more would widen the printed page until nothing can be read
INPUT_LIMITS = ((0, 100), (0, 31), (0, 24))


def write_overview(
    book: Book, sheet: Worksheet, *, report: Report, lines: Sequence[Line], tables: Tables, figures: Figures
) -> None:
    _set_up(sheet)
    live = blocks.what_if(book, report, header_row=FIRST_LINE_ROW) if is_live(tables) else None
    below = _blocks(book, report, tables, figures, first_row=FIRST_LINE_ROW + len(lines) + CHART_ROWS_BELOW + 1)
    cells = [*_title(book, report), *_lines(book, lines), *(live.cells if live else ())]
    cells += [cell for _, block in below for cell in block.cells]
    for cell in sorted(cells, key=lambda cell: (cell.row, cell.column)):
        write_cell(sheet, cell)
    _name_cells(book, lines)
    insert_logo(sheet, report.look)
    if live:
        _offer_inputs(book, sheet, live)
    _insert_charts(book, sheet, lines, first_row=live.last_row + 2 if live else FIRST_LINE_ROW)
    for kind, block in below:
        _insert_block_chart(book, sheet, kind, block)


def _blocks(book: Book, report: Report, tables: Tables, figures: Figures, *, first_row: int) -> list[tuple[str, Block]]:
    """The blocks for which there are figures, one below the other."""
    found: list[tuple[str, Block]] = []

    def next_row() -> int:
        return first_row + sum(max(block.rows, MIN_BLOCK_ROWS) + 1 for _, block in found)

    if report.scenario_totals:
        found.append(("scenarios", blocks.scenarios(book, report.scenario_totals, tables, header_row=next_row())))
    if tables.savings and figures.savings.top:
        block = blocks.top_savings(book, figures.savings, tables.savings, header_row=next_row())
        found.append(("savings", block))
    if any(count for count in figures.stars if count is not None):
        found.append(("confidence", blocks.confidence(book, figures, tables.machines, header_row=next_row())))
    return found


def _set_up(sheet: Worksheet) -> None:
    sheet.hide_gridlines(2)
    sheet.set_default_row(ROW_HEIGHT_POINTS)
    for column, width in enumerate(COLUMN_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.set_margins(left=0.4, right=0.4, top=0.4, bottom=0.5)
    sheet.center_horizontally()
    sheet.fit_to_pages(1, 1)
    sheet.set_footer("&L&A&R&P / &N")


def _title(book: Book, report: Report) -> list[Placed]:
    title = book.format(Kind.TEXT, bold=True, font_size=18, font_color=book.look.primary)
    subtitle = book.format(Kind.TEXT, font_size=12, font_color=INK, bold=True)
    name = f"{report.assessment_name} - {report.group_name}, {report.project_name}"
    cells = [Placed(0, 0, TITLE, title), Placed(0, FIRST_COLUMN, cut(name, TITLE_CHARACTERS), subtitle)]
    if report.look.display_name:
        by = book.format(Kind.TEXT, font_color=report.look.primary)
        cells.append(Placed(1, FIRST_COLUMN, cut(report.look.display_name, TITLE_CHARACTERS), by))
    return cells


def insert_logo(sheet: Worksheet, look: Look) -> None:
    """At the right of the title, as large as two rows allow."""
    if look.logo is None:
        return
    width, height = png_size(look.logo)
    scale = min(LOGO_WIDTH_PIXELS / width, LOGO_HEIGHT_PIXELS / height)
    options = {"x_scale": scale, "y_scale": scale, "x_offset": 4, "y_offset": 2, "description": look.display_name}
    sheet.insert_image(0, LOGO_COLUMN, "logo.png", {"image_data": io.BytesIO(look.logo), **options})


def _lines(book: Book, lines: Sequence[Line]) -> list[Placed]:
    cells = []
    for row, line in enumerate(lines, start=FIRST_LINE_ROW):
        style = _style(line, book.look)
        cells.append(Placed(row, 0, line.label, book.format(Kind.TEXT, **style)))
        right = style | {"align": "right", "indent": 0}
        cells.append(Placed(row, 1, line.value, book.format(line.kind, **right), line.formula))
    return cells


def _style(line: Line, look: Look) -> dict[str, str | int | bool]:
    """Totals stand out, readiness has its color, disk costs are indented under the storage they are part of."""
    style: dict[str, str | int | bool] = {"bottom": 1, "bottom_color": LINE, "font_color": INK}
    name = line.name or ""
    if name in STORAGE_LABELS:
        return style | {"indent": 1}
    if name in ("monthly_cost", "machines_total"):
        return style | {"bold": True, "bg_color": look.pale, "font_color": look.primary}
    if name.removeprefix("machines_") in READINESS_FILLS:
        return style | {"bg_color": READINESS_FILLS[name.removeprefix("machines_")]}
    return style


def write_cell(sheet: Worksheet, cell: Placed) -> None:
    """Writes one cell; a formula with its computed value."""
    if cell.value is None:
        sheet.write_blank(cell.row, cell.column, None, cell.format)
    elif cell.formula and isinstance(cell.value, int | Decimal | str):
        stored = float(cell.value) if isinstance(cell.value, Decimal) else cell.value
        if isinstance(stored, str):
            stored = clean_text(stored)
        sheet.write_formula(cell.row, cell.column, cell.formula, cell.format, stored)
    else:
        put(sheet, cell.row, cell.column, cell.value, cell.format)


def _name_cells(book: Book, lines: Sequence[Line]) -> None:
    for row, line in enumerate(lines, start=FIRST_LINE_ROW + 1):
        if line.name:
            book.workbook.define_name(line.name, f"={NAME}!$B${row}")


def _offer_inputs(book: Book, sheet: Worksheet, live: Block) -> None:
    """Name the cells that a reader may change, and keep what makes no sense out of them."""
    column = FIRST_COLUMN + 1
    for row, (name, limits) in enumerate(zip(INPUTS, INPUT_LIMITS, strict=True), start=live.header_row + 1):
        book.workbook.define_name(name, f"={NAME}!$E${row + 1}")
        rule = {"validate": "decimal", "criteria": "between", "minimum": limits[0], "maximum": limits[1]}
        sheet.data_validation(row, column, row, column, rule)
    for row, name in enumerate((HOURLY_FACTOR, COMMITMENT_FACTOR), start=live.last_row):
        book.workbook.define_name(name, f"={NAME}!$E${row}")


def _insert_charts(book: Book, sheet: Worksheet, lines: Sequence[Line], *, first_row: int) -> None:
    rows = {line.name: row for row, line in enumerate(lines, start=FIRST_LINE_ROW) if line.name}
    height = (FIRST_LINE_ROW + len(lines) + CHART_ROWS_BELOW - first_row) * ROW_HEIGHT_PIXELS
    codes = sorted(READINESS_FILLS, key=lambda code: rows[f"machines_{code}"])
    place = Place(NAME, rows[f"machines_{codes[0]}"], rows[f"machines_{codes[-1]}"], 0, 1)
    ring = readiness_chart(book, place, codes=codes)
    ring.set_size({"width": READINESS_CHART_WIDTH_PIXELS, "height": height})
    sheet.insert_chart(first_row, FIRST_COLUMN, ring)
    costs = [row for name, row in rows.items() if name.endswith("_monthly_cost")]
    place = Place(NAME, min(costs), max(costs), 0, 1)
    parts = [row for name, row in rows.items() if name in STORAGE_LABELS]
    bars = cost_chart(book, place, title="Monthly cost by part", height=height, paler_rows=parts)
    bars.set_size({"width": COST_CHART_WIDTH_PIXELS, "height": height})
    sheet.insert_chart(first_row, FIRST_COLUMN, bars, {"x_offset": READINESS_CHART_WIDTH_PIXELS + CHART_GAP_PIXELS})


def _insert_block_chart(book: Book, sheet: Worksheet, kind: str, block: Block) -> None:
    """Beside the block, under labels and values, where no cell may stand for those who parse them."""
    last_row = block.last_row - 1 if kind == "savings" else block.last_row  # the last line there is the sum
    place = Place(NAME, block.header_row + 1, last_row, FIRST_COLUMN, FIRST_COLUMN + 1)
    height = max(block.rows, MIN_BLOCK_ROWS) * ROW_HEIGHT_PIXELS
    if kind == "savings":
        amounts = [cell.value for cell in block.cells if isinstance(cell.value, Decimal)]
        chart = savings_chart(book, place, from_zero=min(amounts) >= 0)
    elif kind == "confidence":
        chart = column_chart(book, place, title="Machines by confidence")
    else:
        chart = cost_chart(book, place, title="Monthly compute cost by scenario", height=height)
    chart.set_size({"width": BLOCK_CHART_WIDTH_PIXELS, "height": height})
    sheet.insert_chart(block.header_row, 0, chart)
