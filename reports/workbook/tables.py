"""Streaming sheets: rows go out as they come in, and continue on a further sheet where Excel's limit is reached."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from reports.workbook.columns import Column
from reports.workbook.formats import Book, put
from reports.workbook.wording import NOT_APPLICABLE, READINESS

Row = TypeVar("Row")
HEADER_HEIGHT_POINTS = 48


@dataclass(frozen=True, slots=True)
class Table:
    """Where the rows of a table ended up: per sheet its name and its number of rows, the header apart."""

    keys: tuple[str, ...]
    sheets: tuple[tuple[str, int], ...]

    def ranges(self, key: str) -> list[str]:
        """The cells of one column, as absolute references: one a sheet that has rows."""
        letter = xl_col_to_name(self.keys.index(key))
        return [f"{name}!${letter}$2:${letter}${rows + 1}" for name, rows in self.sheets if rows]


def write_table(
    book: Book, name: str, columns: Sequence[Column[Row]], *, rows: Iterable[Row], max_sheet_rows: int
) -> Table:
    """Write the rows to sheet `name`, and on to `name_2` where it would exceed `max_sheet_rows`, header included."""
    cells = [(number, column.cell, column.missing, book.cells[column.kind]) for number, column in enumerate(columns)]
    sheets: list[tuple[str, int]] = []
    sheet, row_number = _start_sheet(book, name, columns), 0
    for row in rows:
        row_number += 1
        if row_number == max_sheet_rows:
            sheets.append(_finish_sheet(book, sheet, columns, rows=row_number - 1))
            sheet, row_number = _start_sheet(book, f"{name}_{len(sheets) + 1}", columns), 1
        for number, cell, missing, cell_format in cells:
            value = cell(row)
            if value is None or value == "":
                value = missing
            if value is not None:
                put(sheet, row_number, number, value, cell_format)
    sheets.append(_finish_sheet(book, sheet, columns, rows=row_number))
    return Table(tuple(column.key for column in columns), tuple(sheets))


def without_observations(columns: Sequence[Column[Row]]) -> tuple[Column[Row], ...]:
    """The columns for sizing as on premises: nothing was observed, and the exports say so in words."""
    return tuple(
        replace(column, value=lambda _row: NOT_APPLICABLE) if column.observed else column for column in columns
    )


def _start_sheet(book: Book, name: str, columns: Sequence[Column[Row]]) -> Worksheet:
    sheet = book.workbook.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.repeat_rows(0)
    sheet.repeat_columns(0, 0)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.set_row(0, HEADER_HEIGHT_POINTS)
    for number, column in enumerate(columns):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, book.heading(column.heading), book.header)
    return sheet


def _finish_sheet(book: Book, sheet: Worksheet, columns: Sequence[Column[Row]], *, rows: int) -> tuple[str, int]:
    sheet.autofilter(0, 0, rows, len(columns) - 1)
    for number, column in enumerate(columns):
        if column.key == "readiness" and rows:
            _color_readiness(book, sheet, number, rows=rows)
    return str(sheet.name), rows


def _color_readiness(book: Book, sheet: Worksheet, column: int, *, rows: int) -> None:
    for code, fill in book.readiness_fills.items():
        rule = {"type": "cell", "criteria": "==", "value": f'"{READINESS[code]}"', "format": fill}
        sheet.conditional_format(1, column, rows, column, rule)
