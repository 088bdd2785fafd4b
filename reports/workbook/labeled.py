"""A first sheet of labels and values, as the reports of a difference and of a project have: long texts are wrapped."""

import unicodedata
from collections.abc import Collection, Sequence

from xlsxwriter.worksheet import Worksheet

from reports.workbook.blocks import Placed
from reports.workbook.cleaning import clean_text
from reports.workbook.columns import Kind
from reports.workbook.formats import INK, LINE, Book
from reports.workbook.overview import ROW_HEIGHT_POINTS, write_cell
from reports.workbook.summary import Line

LABEL_CHARACTERS, VALUE_CHARACTERS = 40, 44  # widths of the two columns
MAX_ROW_POINTS = 400  # Excel's limit is 409
LINE_POINTS = 15


def set_up(sheet: Worksheet) -> None:
    """Widths, and one page when it is printed."""
    sheet.hide_gridlines(2)
    sheet.set_default_row(ROW_HEIGHT_POINTS)
    sheet.set_column(0, 0, LABEL_CHARACTERS)
    sheet.set_column(1, 1, VALUE_CHARACTERS)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.center_horizontally()
    sheet.fit_to_pages(1, 1)
    sheet.set_footer("&L&A&R&P / &N")


def write_title(book: Book, sheet: Worksheet, title: str) -> None:
    style = book.format(Kind.TEXT, bold=True, font_size=18, font_color=book.look.primary)
    write_cell(sheet, Placed(0, 0, title, style))
    if book.look.display_name:
        by = book.format(Kind.TEXT, font_color=book.look.primary)
        write_cell(sheet, Placed(1, 0, book.look.display_name, by))


def line_cells(book: Book, lines: Sequence[Line], *, first_row: int, strong: Collection[str] = ()) -> list[Placed]:
    """Labels and values; what `strong` names by its label stands out."""
    cells = []
    for row, line in enumerate(lines, start=first_row):
        look: dict[str, str | int | bool] = {"bottom": 1, "bottom_color": LINE, "font_color": INK, "valign": "vcenter"}
        if line.label in strong:
            look |= {"bold": True, "bg_color": book.look.pale, "font_color": book.look.primary}
        cells.append(Placed(row, 0, line.label, book.format(Kind.TEXT, **look)))
        look |= {"text_wrap": True, "align": "left" if _lines_of(line) > 1 else "right"}
        cells.append(Placed(row, 1, line.value, book.format(line.kind, **look), line.formula))
    return cells


def set_heights(sheet: Worksheet, lines: Sequence[Line], *, first_row: int) -> int:
    """Makes room for wrapped texts; the height of all the lines in pixels. Must come before their cells."""
    points = 0
    for row, line in enumerate(lines, start=first_row):
        count = _lines_of(line)
        height = ROW_HEIGHT_POINTS if count == 1 else min(MAX_ROW_POINTS, count * LINE_POINTS + 3)
        if count > 1:
            sheet.set_row(row, height)
        points += height
    return points * 4 // 3


def _lines_of(line: Line) -> int:
    """How many lines the value takes; a character of East Asia is as wide as two."""
    if not isinstance(line.value, str):
        return 1
    found = 0
    for part in clean_text(line.value).split("\n"):
        width = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in part)
        found += -(-width // (VALUE_CHARACTERS - 4)) or 1  # a line breaks at a blank, so not all of it is used
    return found
