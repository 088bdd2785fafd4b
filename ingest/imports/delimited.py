"""A small table of separated values from untrusted hands: any encoding and separator that spreadsheets write."""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.imports.parsed import UnreadableFileError

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_BYTES = 64 * 1024
PIECE_BYTES = 1024 * 1024
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FALLBACK = "cp1252"
Line = tuple[int, Sequence[str]]


def encoding_of(path: Path) -> str:
    """UTF-8 and UTF-16 with or without their mark; whatever is neither is taken for Windows-1252."""
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
        for mark, name in BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return name
        if b"\0" in head:
            return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(head)
            for piece in iter(lambda: file.read(PIECE_BYTES), b""):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return FALLBACK
    return "utf-8"


def table(path: Path, *, encoding: str, known: Callable[[Sequence[str]], int]) -> Iterator[Line]:
    """The lines of a table, numbered from 1 by the line they start in; blank ones come as empty lists.

    `known` counts the headings that it knows: the separator by which it knows most is taken.
    """
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        sample = list(islice(file, 20))
        separator = _separator(sample, known)
        file.seek(0)
        yield from _lines(csv.reader(file, delimiter=separator))


def _separator(sample: list[str], known: Callable[[Sequence[str]], int]) -> str:
    """The separator of the first line that is not blank; Excel may name it there ("sep=;")."""
    first = next((line for line in sample if line.strip()), "")
    if first.lower().startswith("sep=") and len(first) > 4:
        return first[4]
    try:
        return max(SEPARATORS, key=lambda separator: known(next(csv.reader([first], delimiter=separator), [])))
    except csv.Error as error:
        raise _unreadable(error) from error


def _lines(reader: Any) -> Iterator[Line]:
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _unreadable(error, start) from error
        if cells is None:
            return
        if not (start == 1 and len(cells) <= 2 and cells and cells[0].lower().startswith("sep=")):
            yield start, cells
        start = reader.line_num + 1


def _unreadable(error: csv.Error, line: int = 1) -> UnreadableFileError:
    return UnreadableFileError(
        "unreadable_csv", f"The file cannot be read as a CSV from line {line} on: {error}. Save it again as CSV UTF-8."
    )
