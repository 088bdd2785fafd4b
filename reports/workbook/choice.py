"""Which sheets and columns of a report are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`sheets` None means all; a sheet that `columns` does not name has all its columns. Order is never changed.

    The first sheet and `Read_me` are always there: they tell the totals, and what was left out.
    """

    template: str = ""
    sheets: frozenset[str] | None = None
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def has(self, sheet: str) -> bool:
        """Whether a sheet is wanted."""
        return self.sheets is None or sheet in self.sheets

    def has_column(self, sheet: str, key: str) -> bool:
        """Whether a column of a sheet is wanted."""
        return sheet not in self.columns or key in self.columns[sheet]
