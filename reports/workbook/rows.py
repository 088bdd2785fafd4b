"""The rows of a table as the XML of a worksheet, streamed to a file of its own until all sheets are known.

XlsxWriter writes everything else. It takes nearly 4 microseconds a cell, six times as long as formatting a row at once;
a report has 16 million cells, and all its sheets grow together from one reading of the database.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from xlsxwriter.utility import xl_col_to_name

from reports.workbook.cleaning import clean_text
from reports.workbook.columns import Column, Kind
from reports.workbook.formats import excel_date

EPOCH = datetime(1899, 12, 30)  # day 0 of Excel's calendar for all days after February 1900
SECONDS_PER_DAY = 86_400
TEXTS_KEPT = 16_384
_ESCAPED = re.compile(r"(_x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one worksheet: the file of their XML, and how many there are, the header apart."""

    path: Path
    rows: int


class RowWriter:
    """Formats the rows of one table, and starts a further part where a worksheet is full."""

    def __init__(
        self, folder: Path, columns: Sequence[Column[Any]], styles: dict[Kind, int], *, max_sheet_rows: int
    ) -> None:
        self._cells = [
            (xl_col_to_name(number), styles[column.kind], column.cell, column.missing, column.formula)
            for number, column in enumerate(columns)
        ]
        self._folder = folder
        self._max_rows = max_sheet_rows - 1  # the header takes one
        self._full: list[Part] = []
        self._start()

    def _start(self) -> None:
        self._rows = 0
        self._path = self._folder / f"rows-{len(self._full) + 1}.xml"
        self._file: BinaryIO = self._path.open("wb")

    def write(self, rows: Sequence[Any]) -> None:
        """Append rows."""
        done = 0
        while done < len(rows):
            if self._rows == self._max_rows:
                self._finish()
                self._start()
            now = rows[done : done + self._max_rows - self._rows]
            first = self._rows + 2
            text = "".join([self._row(number, row) for number, row in enumerate(now, start=first)])
            self._file.write(text.encode())
            self._rows += len(now)
            done += len(now)

    def close(self) -> list[Part]:
        """All parts, at least one. The files stay until their folder goes."""
        self._finish()
        return self._full

    def abandon(self) -> None:
        """Closes the file of a report that failed."""
        self._file.close()

    def _finish(self) -> None:
        self._file.close()
        self._full.append(Part(self._path, self._rows))

    def _row(self, number: int, row: Any) -> str:
        found = [f'<row r="{number}">']
        for letter, style, cell, missing, formula in self._cells:
            value = cell(row)
            if value is None or value == "":
                value = missing
            if value is None:
                continue
            if formula is not None and not isinstance(value, str):
                found.append(_formula_xml(letter, number, style, value=value, formula=formula(row)))
            elif isinstance(value, str):
                found.append(f'<c r="{letter}{number}" s="{style}" t="inlineStr"><is>{text_xml(value)}</is></c>')
            else:
                found.append(f'<c r="{letter}{number}" s="{style}"><v>{number_xml(value)}</v></c>')
        found.append("</row>")
        return "".join(found)


def _formula_xml(
    letter: str, number: int, style: int, *, value: int | float | Decimal | date, formula: str | None
) -> str:
    """A cell with the formula that computes it, if it has one; formulas of ours need no escaping."""
    told = f"<f>{formula}</f>" if formula else ""
    return f'<c r="{letter}{number}" s="{style}">{told}<v>{number_xml(value)}</v></c>'


@lru_cache(maxsize=TEXTS_KEPT)
def text_xml(text: str) -> str:
    """The text of a cell: cleaned, and escaped for XML and for the format's own escapes (`_x0041_` would read `A`)."""
    text = clean_text(text)
    if "_x" in text:
        text = _ESCAPED.sub(r"_x005F\1", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    keep = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() or "\n" in text else ""
    return f"<t{keep}>{text}</t>"


def number_xml(value: int | float | Decimal | date) -> str:
    """A number or an instant as a cell stores it. Raises TypeError for what no cell can hold."""
    if isinstance(value, date):
        return serial(value)
    if not math.isfinite(value):
        raise TypeError(f"{value} is not a number that a cell can hold")
    return repr(float(value)) if isinstance(value, Decimal) else repr(value)


def serial(value: date) -> str:
    """Days since Excel's epoch, instants in UTC."""
    since = excel_date(value) - EPOCH
    return repr(since.days + since.seconds / SECONDS_PER_DAY) if since.seconds else str(since.days)
