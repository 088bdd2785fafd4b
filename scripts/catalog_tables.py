"""Reading the source tables of the catalog: rows as published, figures as decimals, sources numbered as met."""

import csv
import io
import lzma
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from assessments.catalog.catalog_file import LeftOut, SourceRow
from scripts.catalog_sources import PUBLISHED

Record = dict[str, str]

GRADES: dict[str, Literal["A", "B"]] = {"A": "A", "B": "B"}


@dataclass
class Ledger:
    """The numbered sources met so far, and the count of what was left out."""

    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def source(self, mark: str, dated: str, grade: str = "") -> int:
        """The number of this source. The S4 marks carry the page they were read from after a blank."""
        return self.numbers.setdefault((mark, dated, grade), len(self.numbers) + 1)

    def drop(self, what: str, reason: str) -> None:
        self.left_out[what, reason] += 1

    def source_rows(self) -> list[SourceRow]:
        return [_source_row(number, *key) for key, number in self.numbers.items()]

    def left_out_rows(self) -> list[LeftOut]:
        return [LeftOut(what=what, rows=rows, reason=why) for (what, why), rows in sorted(self.left_out.items())]


def _source_row(number: int, mark: str, dated: str, grade: str) -> SourceRow:
    name, _, page = mark.partition(" ")
    title, license = PUBLISHED[name]
    return SourceRow(
        source=number,
        mark=name,
        title=f"{title}, {page}" if page else title,
        dated=dated,
        grade=GRADES.get(grade),
        license=license,
    )


def read_table(folder: Path, name: str) -> list[Record]:
    """The rows of one table as text, exactly as published."""
    raw = (folder / name).read_bytes()
    text = (lzma.decompress(raw) if name.endswith(".xz") else raw).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def decimal(text: str) -> Decimal | None:
    return Decimal(text).normalize() if text else None


def whole(text: str) -> int | None:
    return None if not text else int(Decimal(text))


def price(text: str) -> Decimal | None:
    """A price of zero in the source is a missing price (formats, trap 9)."""
    figure = decimal(text)
    return figure if figure is not None and figure > 0 else None
