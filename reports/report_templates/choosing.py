"""Which sheets and columns there are to choose from, and what a template says of them as values of a workbook."""

from collections.abc import Mapping, Sequence
from typing import Any

from reports.workbook import LAYOUTS, NEWEST_LAYOUT, OWN_SHEETS, Choice
from reports.workbook.columns import Column
from reports.workbook.sheets import DISKS, MACHINES, PROPERTIES

NEWEST = LAYOUTS[NEWEST_LAYOUT]
# An older layout has some of the newest one's columns, under the same keys.
COLUMNS: Mapping[str, tuple[Column[Any], ...]] = {
    MACHINES: NEWEST.machines,
    DISKS: NEWEST.disks,
    **{sheet.name: sheet.columns for sheet in OWN_SHEETS},
}
SHEETS: tuple[str, ...] = (MACHINES, DISKS, PROPERTIES, *(sheet.name for sheet in OWN_SHEETS))


def problems_of(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What is wrong with a choice of columns, by sheet; nothing when all is well."""
    found = {}
    for sheet, keys in columns.items():
        known = {column.key for column in COLUMNS.get(sheet, ())}
        unknown = sorted(set(keys) - known)
        if not known:
            found[sheet] = f"There are no columns to choose on a sheet {sheet}. Those sheets are: {', '.join(COLUMNS)}."
        elif unknown:
            found[sheet] = f"{sheet} has no column {', '.join(unknown[:10])}. docs/report-schema.md lists them by key."
        elif not keys:
            found[sheet] = f"Choose a column of {sheet} at least, or leave the whole sheet out in `sheets`."
    return found


def in_order(columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The choice as it is stored: in the order of the sheets, without sheets that have all their columns."""
    stored = {}
    for sheet, known in COLUMNS.items():
        kept = [column.key for column in known if column.key in columns.get(sheet, ())]
        if kept and len(kept) < len(known):
            stored[sheet] = kept
    return stored


def as_choice(name: str, sheets: Sequence[str] | None, columns: Mapping[str, Sequence[str]]) -> Choice:
    """For the workbook. Columns that the layout has not are no loss of the choice."""
    return Choice(
        template=name,
        sheets=None if sheets is None else frozenset(sheets),
        columns={sheet: frozenset(keys) for sheet, keys in columns.items()},
    )
