"""The worksheets of the tables, without their rows: header, widths, filter, colors; and where their cells stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from reports.workbook.columns import Column
from reports.workbook.formats import Book
from reports.workbook.sheets import Sheet
from reports.workbook.wording import READINESS

HEADER_HEIGHT_POINTS = 48
CHARACTERS_A_PAGE = 230  # that can still be read across a landscape page


@dataclass(frozen=True, slots=True)
class Table:
    """Where the rows of a table ended up: per worksheet its name and its number of rows, the header apart."""

    keys: tuple[str, ...]
    sheets: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.sheets)

    def has(self, *keys: str) -> bool:
        """Whether all these columns are there."""
        return set(keys) <= set(self.keys)

    def columns(self, *keys: str) -> list[tuple[str, ...]]:
        """The cells of some columns, one tuple a worksheet that has rows; nothing unless all of them are there."""
        return list(zip(*(self.ranges(key) for key in keys), strict=True)) if self.has(*keys) else []

    def ranges(self, key: str) -> list[str]:
        """The cells of one column, as absolute references: one a worksheet that has rows; none where it is not."""
        if key not in self.keys:
            return []
        letter = xl_col_to_name(self.keys.index(key))
        return [f"{name}!${letter}$2:${letter}${rows + 1}" for name, rows in self.sheets if rows]

    def cell(self, key: str, row: int) -> str:
        """The cell of one column in the row at this index, counted over all worksheets."""
        for name, rows in self.sheets:
            if row < rows:
                return f"{name}!${xl_col_to_name(self.keys.index(key))}${row + 2}"
            row -= rows
        raise IndexError(f"the table has no row {row} rows after its last")

    def formula_of(self, key: str, row: int) -> str | None:
        """What shows the cell of one column elsewhere; None where the column is not."""
        return f"={self.cell(key, row)}" if key in self.keys else None


def add_table(book: Book, sheet: Sheet, rows: Sequence[int]) -> Table:
    """Add the worksheets of a table, `name`, `name_2` and so on: `rows` says how many rows each will have."""
    placed = []
    for number, count in enumerate(rows, start=1):
        name = sheet.name if number == 1 else f"{sheet.name}_{number}"
        _add_worksheet(book, name, sheet.columns, rows=count)
        placed.append((name, count))
    return Table(tuple(column.key for column in sheet.columns), tuple(placed))


def _add_worksheet(book: Book, name: str, columns: Sequence[Column[Any]], *, rows: int) -> None:
    sheet = book.workbook.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.repeat_rows(0)
    sheet.repeat_columns(0, 0)
    sheet.fit_to_pages(max(1, round(sum(column.width for column in columns) / CHARACTERS_A_PAGE)), 0)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.set_row(0, HEADER_HEIGHT_POINTS)
    for number, column in enumerate(columns):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, book.heading(column.heading), book.header)
        if column.key == "readiness" and rows:
            _color_readiness(book, sheet, number, rows=rows)
    sheet.autofilter(0, 0, rows, len(columns) - 1)


def _color_readiness(book: Book, sheet: Worksheet, column: int, *, rows: int) -> None:
    for code, fill in book.readiness_fills.items():
        rule = {"type": "cell", "criteria": "==", "value": f'"{READINESS[code]}"', "format": fill}
        sheet.conditional_format(1, column, rows, column, rule)
