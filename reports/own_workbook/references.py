"""References to cells: read, written, and moved to the new end of a table that grew."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl.utils.cell import column_index_from_string, get_column_letter

_SHEET = r"(?:'(?P<quoted>(?:[^']|'')+)'|(?P<plain>[^'!:,()\s]+))!"
_CELLS = r"\$?(?P<c1>[A-Z]{1,3})\$?(?P<r1>\d{1,7})(?::\$?(?P<c2>[A-Z]{1,3})\$?(?P<r2>\d{1,7}))?"
QUALIFIED = re.compile(_SHEET + _CELLS)
PLAIN = re.compile(_CELLS)


@dataclass(frozen=True, slots=True)
class Area:
    """Some cells; rows and columns count from 1."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def ref(self) -> str:
        """`A1:B2`, or `A1` for one cell."""
        first = f"{get_column_letter(self.first_column)}{self.first_row}"
        last = f"{get_column_letter(self.last_column)}{self.last_row}"
        return first if first == last else f"{first}:{last}"

    def meets(self, other: "Area") -> bool:
        """Whether the two have a cell in common."""
        rows = self.first_row <= other.last_row and other.first_row <= self.last_row
        return rows and self.first_column <= other.last_column and other.first_column <= self.last_column

    def is_within_columns_of(self, other: "Area") -> bool:
        """Whether it reaches no further to the left or right."""
        return other.first_column <= self.first_column and self.last_column <= other.last_column


def area_of(text: str) -> Area | None:
    """The area of `A1` or `A1:B2`; None for whole columns, several areas and what is none."""
    found = PLAIN.fullmatch(text.strip())
    return _area(found) if found else None


def place_of(text: str) -> tuple[str, Area] | None:
    """Sheet and area of `'My sheet'!$A$1:$B$2`; None for anything else."""
    found = QUALIFIED.fullmatch(text.strip().removeprefix("="))
    return (_sheet(found), _area(found)) if found else None


def _sheet(found: re.Match[str]) -> str:
    return (found["quoted"] or "").replace("''", "'") or found["plain"]


def _area(found: re.Match[str]) -> Area:
    first, last = found["c1"], found["c2"] or found["c1"]
    return Area(
        int(found["r1"]),
        int(found["r2"] or found["r1"]),
        column_index_from_string(first),
        column_index_from_string(last),
    )


@dataclass(frozen=True, slots=True)
class Growth:
    """The rows of a table on a sheet, as they were (its data alone) and where they end now."""

    sheet: str
    old: Area
    last_row: int

    def covers(self, area: Area) -> bool:
        """Whether an area is one of the table's columns or several of them, from top to bottom."""
        inside = self.old.first_column <= area.first_column and area.last_column <= self.old.last_column
        tops = (self.old.first_row, self.old.first_row - 1)
        return inside and area.last_row == self.old.last_row and area.first_row in tops

    def grown(self, area: Area) -> Area:
        """The same columns, to the new end."""
        return Area(area.first_row, self.last_row, area.first_column, area.last_column)


def grow_areas(text: str, sheet: str, growths: Sequence[Growth]) -> str:
    """A list of areas of one sheet, such as a rule's `sqref`: those that cover a table's columns reach its new end."""
    return " ".join(_grow_one(part, sheet, growths) for part in text.split())


def _grow_one(text: str, sheet: str, growths: Sequence[Growth]) -> str:
    area = area_of(text)
    for growth in growths:
        if area and growth.sheet == sheet and growth.covers(area):
            return growth.grown(area).ref
    return text


def grow_formula(text: str, growths: Sequence[Growth]) -> str:
    """References with a sheet's name that cover a table's columns, as charts and names have them, to its new end."""

    def moved(found: re.Match[str]) -> str:
        area, sheet = _area(found), _sheet(found)
        for growth in growths:
            if growth.sheet == sheet and growth.covers(area) and growth.last_row != area.last_row:
                # A single cell below the headings is the whole column of a table of one row.
                if found["c2"] is None and area.first_row != growth.old.first_row:
                    continue
                head = found[0][: found[0].index("!") + 1] if found["plain"] else found[0][: found[0].rindex("'!") + 2]
                first, last = (get_column_letter(column) for column in (area.first_column, area.last_column))
                return f"{head}${first}${area.first_row}:${last}${growth.last_row}"
        return found[0]

    return QUALIFIED.sub(moved, text)
