"""Which tables a report has, in which order: the same for the workbook, the CSV files and the JSON lines."""

from dataclasses import dataclass, replace
from typing import Any

from reports.workbook.choice import Choice
from reports.workbook.columns import Column
from reports.workbook.layouts import Layout
from reports.workbook.own_sheets import ISSUES, PRICE_LINES, SAVINGS, SCENARIOS, TRACES
from reports.workbook.values import Report
from reports.workbook.wording import NOT_APPLICABLE

SCHEMA_VERSION = "2.2"
LIVE_COLUMNS = ("amount", "part", "moves_with")  # of the price lines, which discount and uptime move
MACHINES, DISKS, PROPERTIES = "All_Assessed_Machines", "All_Assessed_Disks", "Assessment_Properties"
STANDARD = frozenset({MACHINES, DISKS})


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: its name, its columns, and the attribute of a chunk that its rows are in."""

    name: str
    key: str
    columns: tuple[Column[Any], ...]
    meaning: str


OWN_SHEETS: tuple[Sheet, ...] = (
    Sheet("Scenarios", "scenarios", SCENARIOS, "Every machine under every pricing scenario"),
    Sheet("Savings", "savings", SAVINGS, "The chosen scenario beside pay-as-you-go and the cheapest, compute only"),
    Sheet("Readiness_Issues", "issues", ISSUES, "Every finding with its remedy"),
    Sheet("Decision_Trace", "traces", TRACES, "Why each size and disk was chosen, and what refused the cheaper ones"),
    Sheet("Price_Lines", "price_lines", PRICE_LINES, "Every price in every cost; a machine's lines add up to its cost"),
)
OWN_SHEET_NAMES = frozenset(sheet.name for sheet in OWN_SHEETS)


def sheets_of(report: Report, layout: Layout) -> tuple[Sheet, ...]:
    """The tables of a report, in order: the standard ones in the words of the layout, and ours that are wanted."""
    machines, disks = layout.machines, layout.disks
    if report.settings.sizing_criterion == "as_on_premises":
        machines, disks = without_observations(machines), without_observations(disks)
    whole = (
        Sheet(MACHINES, "machines", machines, "One row a machine: readiness, size, monthly cost, what was observed"),
        Sheet(DISKS, "disks", disks, "One row a disk"),
        *(sheet for sheet in OWN_SHEETS if sheet.name in report.own_sheets),
    )
    chosen = tuple(_chosen(sheet, report.choice) for sheet in whole if report.choice.has(sheet.name))
    keys = {column.key for sheet in chosen if sheet.key == "price_lines" for column in sheet.columns}
    return chosen if keys.issuperset(LIVE_COLUMNS) else tuple(map(_without_formulas, chosen))


def _without_formulas(sheet: Sheet) -> Sheet:
    """Where no cell of discount and uptime is offered, nothing moves with them."""
    return replace(sheet, columns=tuple(replace(column, formula=None) for column in sheet.columns))


def _chosen(sheet: Sheet, choice: Choice) -> Sheet:
    columns = tuple(column for column in sheet.columns if choice.has_column(sheet.name, column.key))
    return replace(sheet, columns=columns)


def left_out(report: Report, layout: Layout) -> list[tuple[str, str]]:
    """What the choice leaves out, as labels and words; nothing when it leaves nothing out."""
    choice, currency = report.choice, report.settings.currency
    lines = [("Template", choice.template)] if choice.template else []
    sheets = sheets_of(replace(report, choice=Choice(), own_sheets=OWN_SHEET_NAMES), layout)
    out = [name for name in (*(sheet.name for sheet in sheets), PROPERTIES) if not choice.has(name)]
    if out:
        lines.append(("Sheets left out", ", ".join(out)))
    for sheet in (sheet for sheet in sheets if choice.has(sheet.name)):
        missing = [column.heading for column in sheet.columns if not choice.has_column(sheet.name, column.key)]
        if missing:
            kept, words = len(sheet.columns) - len(missing), ", ".join(missing).replace("{currency}", currency)
            lines.append((f"Columns of {sheet.name}", f"{kept} of {len(sheet.columns)}; left out: {words}"))
    return lines


def without_observations(columns: tuple[Column[Any], ...]) -> tuple[Column[Any], ...]:
    """The columns for sizing as on premises: nothing was observed, and the exports say so in words."""
    return tuple(
        replace(column, value=lambda _row: NOT_APPLICABLE) if column.observed else column for column in columns
    )
