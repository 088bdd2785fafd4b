"""Sheets of a workbook from untrusted hands as rows with named columns, read as a stream by openpyxl."""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.workbook.workbook import Workbook

from ingest.imports.cells import text
from ingest.imports.parsed import UnreadableFileError

MAX_ROWS = 1_048_576
MAX_COLUMNS = 1024
UNIT = re.compile(r" (mb|mib)$")


@dataclass(frozen=True)
class Row:
    """A row of a sheet: `number` as the spreadsheet counts, cells by the normal form of their heading."""

    number: int
    cells: Sequence[object]
    columns: Mapping[str, int]

    def __getitem__(self, heading: str) -> object:
        """The cell below a heading; None where there is no such column or no such cell."""
        place = self.columns.get(heading)
        return self.cells[place] if place is not None and place < len(self.cells) else None


def heading(value: object) -> str:
    """The normal form of a heading: no stray spaces, no capitals, no unit ("MB" of RVTools is MiB, too)."""
    return UNIT.sub("", text(value).lower())


class Sheet:
    """One sheet. `columns` are its headings; rows() gives what stands below them, once."""

    def __init__(self, name: str, rows: Iterable[Any], aliases: Mapping[str, str]) -> None:
        self.name = name
        self.phantom_rows = 0
        self._rows = enumerate(rows, start=1)
        self.columns: dict[str, int] = {}
        self._aliases = aliases
        self._find_headings()

    def _find_headings(self) -> None:
        for _, cells in self._rows:
            if any(cell is not None for cell in cells):
                for place, cell in enumerate(cells[:MAX_COLUMNS]):
                    name = heading(cell)
                    self.columns.setdefault(self._aliases.get(name, name), place)
                self.columns.pop("", None)
                return

    def rows(self) -> Iterator[Row]:
        """The rows that hold anything. Blank rows that the file contains are counted as phantoms."""
        for number, cells in self._rows:
            if number > MAX_ROWS:
                raise UnreadableFileError("too_many_rows", f"The sheet {self.name} has more than {MAX_ROWS} rows.")
            if any(cell is not None and cell != "" for cell in cells):
                yield Row(number, cells, self.columns)
            elif not isinstance(cells, list):  # openpyxl fills a gap between rows with empty lists
                self.phantom_rows += 1


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turns whatever a library throws at a damaged file into an answer for people."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFileError(
            "unreadable_workbook",
            f"The file cannot be read as {what} ({type(error).__name__}). Open it in a spreadsheet program, save it as "
            "a new .xlsx file and send that.",
        ) from error


@contextmanager
def opened_workbook(path: Path) -> Iterator[Workbook]:
    """The workbook, its sheets unread. A stream, because the stored file's name has no ending."""
    with readable("an Excel workbook (.xlsx)"), path.open("rb") as file:
        yield openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)


def sheet_of(book: Workbook, name: str, aliases: Mapping[str, str]) -> Sheet | None:
    """A sheet by name, whatever the case; None when the workbook has none."""
    for sheet in book.worksheets:
        if sheet.title.strip().casefold() == name.casefold():
            sheet.reset_dimensions()  # what a file says of its own size is often wrong
            return Sheet(name, sheet.iter_rows(values_only=True), aliases)
    return None
