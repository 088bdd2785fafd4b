"""What the first sheet shows that no total of the run says, gathered while the rows stream: savings and confidence."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from reports.workbook.values import Chunk, MachineRow, SavingsRow

TOP = 10
STARS = 5
PERCENT_A_STAR = 20


@dataclass(frozen=True, slots=True, order=True)
class Saver:
    """A machine among the top savings; the largest savings sort first, the earlier row among equals."""

    negative_savings: Decimal
    row: int
    of: SavingsRow = field(compare=False)


@dataclass(slots=True)
class Savings:
    """Sums over the machines that have a price in all three scenarios, and how many those are."""

    rows: int = 0
    comparable: int = 0
    saved: Decimal = Decimal(0)
    further: Decimal = Decimal(0)
    top: list[Saver] = field(default_factory=list)

    def add(self, row: SavingsRow) -> None:
        """The next row of the table."""
        possible = row.possible
        if possible is not None:
            self.comparable += 1
            self.saved += row.saved or Decimal(0)
            self.further += row.further or Decimal(0)
            if possible > 0 and (len(self.top) < TOP or -possible < self.top[-1].negative_savings):
                self.top = heapq.nsmallest(TOP, [*self.top, Saver(-possible, self.rows, row)])
        self.rows += 1


@dataclass(slots=True)
class Figures:
    """Everything gathered. `stars` counts machines by confidence, None for those to which it does not apply."""

    savings: Savings = field(default_factory=Savings)
    stars: Counter[int | None] = field(default_factory=Counter)

    def add(self, chunk: Chunk) -> None:
        """Takes the rows of a chunk in."""
        for machine in chunk.machines:
            self.stars[stars_of(machine)] += 1
        for row in chunk.savings:
            self.savings.add(row)


def stars_of(machine: MachineRow) -> int | None:
    """One star up to and including 20 %, five above 80 %."""
    percent = machine.confidence_percent
    if percent is None:
        return None
    return max(1, min(STARS, -int(-percent // PERCENT_A_STAR)))
