"""Writes docs/report-schema.md from the code: `python scripts/write_report_schema.py > docs/report-schema.md`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reports.workbook import LAYOUTS, MAX_REFUSED_SHOWN, NEWEST_LAYOUT, OWN_SHEETS, REFUSED_SHOWN, SCHEMA_VERSION
from reports.workbook.columns import Column
from reports.workbook.difference import COLUMNS as DIFFERENCE_COLUMNS
from reports.workbook.project import PROJECT_SHEETS
from reports.workbook.sheets import DISKS, MACHINES

INTRODUCTION = f"""# What stands in the workbook

Schema version {SCHEMA_VERSION}, written by `scripts/write_report_schema.py` from the code; a test keeps both equal.
The four standard sheets have the names and the order of columns of Azure Migrate's exports: `layout` chooses the
generation ({", ".join(LAYOUTS)}; default {NEWEST_LAYOUT}). `{{currency}}` stands for the assessment's currency.
Our own sheets come behind them. An empty cell or "Not applicable" means that there is no figure, never zero. Money is
unrounded in the cell and shown in cents; totals are formulas with the computed value stored beside them.

`Assessment_Summary` holds labels in column A and values in column B; beside and below them stand charts over live
cells, the totals of all scenarios, the top ten savings, and the cells that a reader may change: `discount_percent`,
`uptime_days_per_month` and `uptime_hours_per_day`. The compute cost, the total, the totals of the scenarios, `Savings`
and the charts move with them; they start at what the run computed (`run_discount_percent` and so on in
`Assessment_Properties`). What is billed by the hour moves with discount and uptime (`hourly_factor`), a commitment
under the rule `combine` with the discount (`commitment_factor`) and its license with both, a commitment under `strict`
with neither; a run with a discount of 100 % knows no prices to start from, and its scenarios move with the uptime
alone. Sizes, the cheapest scenario and the costs in the other sheets stay those of the run: only a new run knows what
another discount would choose. Without the sheet `Price_Lines` nothing moves. `Read_me` says where the figures come
from. A table that has more rows than a sheet takes (1,048,576) continues on `..._2`.

As `csv` the same tables are files in a zip (RFC 4180, UTF-8 with a byte order mark, instants in ISO 8601, figures
unrounded); a text that a spreadsheet would take for a formula has an apostrophe before it. As `jsonl` each line is an
object that names its `table`: first the line of the table `report` (settings, totals, schema version), then one line a
row; the fields are named at the end of this page, codes and money (decimal strings) are those of the API, and what has
no value is left out. As `pdf` there is a summary of three or four pages for people; it is not made to be parsed.

`Decision_Trace` has a row for each machine (and each disk, named in `Disk`) and each of the {REFUSED_SHOWN} cheaper
sizes (or disks) nearest in price that were refused, with what each lacks; `Cheaper ones refused, in all` counts all.
`refused_shown` (1 to {MAX_REFUSED_SHOWN}) asks for another number of them; all of one machine are in the API.
The percentiles of CPU and memory at its end are those over the run's window. A job reads them after the run was
published: they are empty in a report that was asked for before, in a window of one's own, and as on-premises.
`Price_Lines` add up to a machine's compute and storage cost, to the cent. `Savings` compares compute only, and only
where pay-as-you-go, the chosen and the cheapest scenario all have a price; own licenses and Dev/Test are compared only
where the assessment's settings choose them.
"""


DIFFERENCE = """
## The difference between two runs

A workbook of its own: `Difference` holds both runs, their totals and the difference by cause, as sums over the rows of
`Machines` and as a chart; the causes of a machine add up to its difference exactly. As `csv` it is `Difference.csv`
(labels and values) and `Machines.csv`; as `jsonl` a first line of the table `difference`, then one a machine; as `pdf`
two to four pages with the machines that differ most.
"""

PROJECT = """
## Several assessments of a project

A workbook of its own: `Project_Summary` holds labels, values and charts of the largest assessments, `Assessments` a row
for each (its run, settings, readiness, confidence, costs in every scenario, freshness when the report was made, catalog
date), `Scenarios` each assessment in each scenario, `Machines_In_Several` the machines that are in more than one of
them. There is a total only where all assessments are in one currency and share no machine; else `Total monthly cost`
says why there is none. With several currencies each amount is in the `Currency` of its row, and headings name none. As
`csv` these are four files, as `jsonl` a first line of the table `project_report` and then one a row, as `pdf` two to
four pages.
"""


def columns(title: str, headings: list[str]) -> str:
    """A section with the columns in order, numbered from 1."""
    rows = "\n".join(f"| {number} | {heading} |" for number, heading in enumerate(headings, start=1))
    return f"\n## {title}\n\n| column | heading |\n|---|---|\n{rows}\n"


def fields(name: str, of: Sequence[Column[Any]]) -> str:
    """A section with the names of the fields of a table in the JSON lines."""
    names = ", ".join(f"`{column.key}`" for column in of)
    return f"\n## JSON lines of the table {name}\n\n{names}\n"


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for name, layout in sorted(LAYOUTS.items(), reverse=True):
        parts.append(columns(f"All_Assessed_Machines, layout {name}", [column.heading for column in layout.machines]))
        parts.append(columns(f"All_Assessed_Disks, layout {name}", [column.heading for column in layout.disks]))
    for sheet in OWN_SHEETS:
        parts.append(columns(f"{sheet.name}: {sheet.meaning}", [column.heading for column in sheet.columns]))
    parts.append(DIFFERENCE)
    parts.append(columns("Machines of a difference", [column.heading for column in DIFFERENCE_COLUMNS]))
    parts.append(PROJECT)
    for sheet in PROJECT_SHEETS:
        parts.append(columns(f"{sheet.name} of a project: {sheet.meaning}", [one.heading for one in sheet.columns]))
    newest = LAYOUTS[NEWEST_LAYOUT]
    parts += [fields(MACHINES, newest.machines), fields(DISKS, newest.disks)]
    parts += [fields(sheet.name, sheet.columns) for sheet in OWN_SHEETS]
    parts.append(fields("Machines, of a difference", DIFFERENCE_COLUMNS))
    parts += [fields(f"{sheet.name}, of a project", sheet.columns) for sheet in PROJECT_SHEETS]
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
