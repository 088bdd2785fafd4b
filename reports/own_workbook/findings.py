"""What was found in a tenant's own workbook, as it is told to people; and what a child is told to fill in."""

from typing import Literal

from msgspec import Struct

from reports.workbook.columns import Kind

Value = str | int | float | None


class FoundCell(Struct):
    """A name of one cell that will be filled."""

    name: str
    sheet: str
    cell: str
    meaning: str


class FoundColumn(Struct):
    """A column of a table: what it is filled with, or that its formula is repeated, or that it is left empty."""

    heading: str
    filled_with: Literal["value", "formula", "nothing"]
    key: str | None = None
    near: list[str] = []


class FoundTable(Struct):
    """A table, or a named range with headings, that will be filled; `fills` is the key of a NamedTable."""

    name: str
    fills: str
    sheet: str
    ref: str
    columns: list[FoundColumn]
    is_range: bool = False


class Unknown(Struct):
    """A name or table that nothing will be filled into, why, and names of ours that look like it."""

    name: str
    kind: Literal["name", "table"]
    where: str
    why: str
    near: list[str] = []


class Found(Struct):
    """Everything that an uploaded workbook says of itself; `currencies` are those that its headings name."""

    cells: list[FoundCell] = []
    tables: list[FoundTable] = []
    unknown: list[Unknown] = []
    notes: list[str] = []
    currencies: list[str] = []
    kept_names: int = 0


class FillTask(Struct):
    """Values of named cells, and of each table of `Found.tables` how many rows its file holds."""

    cells: dict[str, Value]
    rows: list[int]


TASK, FOUND, FILLED = "task.msgpack", "found.msgpack", "filled.xlsx"
DATES = {Kind.INSTANT: 22, Kind.DAY: 14}  # Excel's own number formats for an instant and a day


def rows_file(number: int) -> str:
    """The file with the rows of a table: frames of msgpack, four bytes of length before each."""
    return f"rows-{number}.msgpack"
