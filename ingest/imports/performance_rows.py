"""Reads a long performance CSV, machine by machine or instant by instant, as arrays of codes and values.

pandas reads the plain pieces. A piece that it cannot read, or would read wrongly (a line with too many fields, a stray
quote), is read line by line instead, so that a wrong row costs only itself and its number is right.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.imports.parsed import UnreadableFileError
from ingest.imports.performance_names import REQUIRED_COLUMNS, column_meanings

SEPARATORS = ",;\t|"
HEADER_LINES = 30
SAMPLE_LINES = 200
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
MAX_SHOWN_HEADINGS = 300
TEXTS = ("machine", "timestamp", "metric", "part", "unit")


@dataclass(frozen=True)
class Texts:
    """A column of text: `values[codes[i]]` is what row i holds."""

    codes: NDArray[np.int64]
    values: list[str]


@dataclass(frozen=True)
class Rows:
    """Rows of a piece of the file; `lines[i]` is the number of row i's line, 1 being the first of the file.

    `values` is NaN where there is none; `unreadable` where something stands that is no number. `ragged` are the lines
    that do not have as many fields as the heading.
    """

    lines: NDArray[np.int64]
    texts: dict[str, Texts]
    values: NDArray[np.float64]
    unreadable: NDArray[np.bool_]
    ragged: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Dialect:
    """How a file is written: its separator, its headings, the decimal sign, and how many lines stand above the data."""

    separator: str
    headings: list[str]
    lines: int
    decimal: str = "."

    @cached_property
    def meanings(self) -> dict[str, int]:
        """Which column is which: meaning -> index."""
        return column_meanings(self.headings)

    @cached_property
    def used(self) -> list[int]:
        return sorted(self.meanings.values())

    def heading(self, meaning: str) -> str:
        """What the file itself calls a column; empty when it has none of that meaning."""
        return self.headings[self.meanings[meaning]] if meaning in self.meanings else ""


def recognised(text: str) -> Dialect:
    """How a file is written, from its beginning. Raises UnreadableFileError when no line names the four columns."""
    lines = text.split("\n", HEADER_LINES + SAMPLE_LINES)
    if lines and re.fullmatch(r"sep=.\s*", lines[0], re.IGNORECASE):
        lines[0] = ""
    for number, line in enumerate(lines[:HEADER_LINES]):
        for separator in SEPARATORS:
            dialect = Dialect(separator, _fields(line, separator), number + 1)
            if all(meaning in dialect.meanings for meaning in REQUIRED_COLUMNS):
                decimal = _decimal(dialect, lines[number + 1 : -1][:SAMPLE_LINES])
                return Dialect(separator, dialect.headings, number + 1, decimal)
    raise _no_heading(lines)


def _fields(line: str, separator: str) -> list[str]:
    """The fields of one line; none of a line that is no CSV."""
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _decimal(dialect: Dialect, lines: Sequence[str]) -> str:
    index = dialect.meanings["value"]
    values = [fields[index] for line in lines if len(fields := _fields(line, dialect.separator)) > index]
    return "," if any(DECIMAL_COMMA.fullmatch(value.strip()) for value in values) else "."


def _no_heading(lines: Sequence[str]) -> UnreadableFileError:
    found = next((line for line in lines if line.strip()), "")[:MAX_SHOWN_HEADINGS]
    best = max((_fields(found, separator) for separator in SEPARATORS), key=len)
    lacking = [meaning for meaning in REQUIRED_COLUMNS if meaning not in column_meanings(best)]
    detail = (
        f"No line names the columns machine, timestamp, metric and value. The first one lacks {', '.join(lacking)}."
    )
    return UnreadableFileError("missing_columns", f"{detail} Export one row a machine, instant and metric.")


class RowReader:
    """The rows of a file, piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Reads the first piece to see how the file is written; raises UnreadableFileError when that is unknown."""
        self._pieces = pieces
        self._first = next(pieces, b"")
        self.dialect = recognised(self._first.decode())

    def __iter__(self) -> Iterator[Rows]:
        start = 0
        for _ in range(self.dialect.lines):
            start = self._first.find(b"\n", start) + 1 or len(self._first)
        line = self.dialect.lines + 1
        for piece in self._all(start):
            if piece:
                yield self._rows(piece, line)
            line += piece.count(b"\n")

    def _all(self, start: int) -> Iterator[bytes]:
        first, self._first = self._first[start:], b""
        yield first
        yield from self._pieces

    def _rows(self, piece: bytes, line: int) -> Rows:
        count = piece.count(b"\n") + (not piece.endswith(b"\n"))
        # pandas drops fields that are too many and fills up those that lack: the separators tell.
        if piece.count(self.dialect.separator.encode()) != count * (len(self.dialect.headings) - 1):
            return self._line_by_line(piece, line)
        try:
            frame, unreadable = self._table(piece)
        except pd.errors.ParserError as error:
            if "out of memory" in str(error):
                raise MemoryError from error
            return self._line_by_line(piece, line)
        if len(frame) != count:
            return self._line_by_line(piece, line)
        texts = {meaning: _texts(frame[index]) for meaning, index in self._text_columns()}
        values = frame[self.dialect.meanings["value"]].to_numpy(np.float64)
        return Rows(np.arange(line, line + count), texts, values, unreadable)

    def _text_columns(self) -> Iterator[tuple[str, int]]:
        return ((meaning, self.dialect.meanings[meaning]) for meaning in TEXTS if meaning in self.dialect.meanings)

    def _table(self, piece: bytes) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """A piece as a table with the values as numbers, and where no number stands; the quick way first."""
        value = self.dialect.meanings["value"]
        try:
            frame = self._read(piece, "float64")
            return frame, np.zeros(len(frame), dtype=bool)
        except ValueError as error:
            if isinstance(error, pd.errors.ParserError):
                raise
        frame = self._read(piece, "str")
        frame[value], unreadable = _numbers(frame[value], self.dialect.decimal)
        return frame, unreadable

    def _read(self, piece: bytes, values_as: str) -> pd.DataFrame:
        dialect = self.dialect
        types = dict.fromkeys(dialect.used, "category") | {dialect.meanings["value"]: values_as}
        return pd.read_csv(
            io.BytesIO(piece),
            sep=dialect.separator,
            decimal=dialect.decimal,
            header=None,
            names=range(len(dialect.headings)),
            usecols=dialect.used,
            dtype=types,
            na_filter=False,
            index_col=False,
            skip_blank_lines=False,
            engine="c",
            low_memory=False,
        )

    def _line_by_line(self, piece: bytes, line: int) -> Rows:
        width = len(self.dialect.headings)
        kept: list[list[str]] = []
        lines: list[int] = []
        ragged: list[int] = []
        for number, fields in enumerate(self._split(piece.decode().removesuffix("\n").split("\n")), line):
            if len(fields) == width:
                kept.append(fields)
                lines.append(number)
            elif any(fields):
                ragged.append(number)
        texts = {
            meaning: _texts(pd.Series([fields[index] for fields in kept], dtype="category"))
            for meaning, index in self._text_columns()
        }
        written = pd.Series([fields[self.dialect.meanings["value"]] for fields in kept], dtype=str)
        values, unreadable = _numbers(written, self.dialect.decimal)
        return Rows(np.array(lines, dtype=np.int64), texts, values, unreadable, ragged)

    def _split(self, texts: list[str]) -> list[list[str]]:
        """The fields of each line. When a quote swallows a line's end, each line is read on its own."""
        try:
            found = list(csv.reader(texts, delimiter=self.dialect.separator))
        except csv.Error:
            found = []
        return found if len(found) == len(texts) else [_fields(text, self.dialect.separator) for text in texts]


NOTHING = ("", "-", "n/a", "na", "nan", "null", "none", "no data")


def _numbers(column: "pd.Series[str]", decimal: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The values, NaN where there is none, and where something else stands than a number or a word for no value."""
    texts = column.str.strip()
    plain = texts.str.replace(",", ".", regex=False) if decimal == "," else texts
    values = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    return values, np.isnan(values) & ~texts.str.lower().isin(NOTHING).to_numpy(bool)


def _texts(column: "pd.Series[Any]") -> Texts:
    """Missing fields are empty ones."""
    categories = column.cat.categories
    codes = column.cat.codes.to_numpy().astype(np.int64)
    values = [str(value).strip() for value in categories]
    if (codes < 0).any():
        codes = np.where(codes < 0, len(values), codes)
        values.append("")
    return Texts(codes, values)
