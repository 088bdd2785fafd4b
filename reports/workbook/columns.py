"""What a column of a sheet is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Cell = str | int | float | Decimal | date | None


class Kind(Enum):
    """How a cell is shown."""

    TEXT = auto()
    COUNT = auto()
    PLAIN = auto()
    NUMBER = auto()
    MONEY = auto()
    UNIT_PRICE = auto()
    INSTANT = auto()
    DAY = auto()


@dataclass(frozen=True, kw_only=True)
class Column(Generic[Row]):
    """One column: its heading (`{currency}` is filled in), and where its cell comes from in a row.

    `key` is the column's stable name, by default also the row's attribute; `missing` is what an absent value reads.
    `value` is the cell in words, `coded` in the JSON lines, where it is not the attribute. In a workbook `formula`
    computes the cell, which stores the value beside it.
    An observed column tells of performance history, so it reads "Not applicable" when sizing was as on premises.
    """

    heading: str
    key: str
    kind: Kind = Kind.TEXT
    width: float = 14
    value: Callable[[Row], Cell] | None = None
    coded: Callable[[Row], Any] | None = None
    formula: Callable[[Row], str | None] | None = None
    missing: str | None = None
    observed: bool = False

    @property
    def cell(self) -> Callable[[Row], Cell]:
        return self.value or attrgetter(self.key)

    @property
    def code(self) -> Callable[[Row], Any]:
        return self.coded or attrgetter(self.key)
