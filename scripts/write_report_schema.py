"""Writes docs/report-schema.md from the code: `python scripts/write_report_schema.py > docs/report-schema.md`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reports.workbook import LAYOUTS, NEWEST_LAYOUT, OWN_SHEETS, REFUSED_SHOWN, SCHEMA_VERSION

INTRODUCTION = f"""# What stands in the workbook

Schema version {SCHEMA_VERSION}, written by `scripts/write_report_schema.py` from the code; a test keeps both equal.
The four standard sheets have the names and the order of columns of Azure Migrate's exports: `layout` chooses the
generation ({", ".join(LAYOUTS)}; default {NEWEST_LAYOUT}). `{{currency}}` stands for the assessment's currency.
Our own sheets come behind them. An empty cell or "Not applicable" means that there is no figure, never zero. Money is
unrounded in the cell and shown in cents; totals are formulas with the computed value stored beside them.

`Assessment_Summary` holds labels in column A and values in column B; beside and below them stand charts over live
cells, the totals of all scenarios, the top ten savings, and the cells that a reader may change: `discount_percent`,
`uptime_days_per_month` and `uptime_hours_per_day`. The compute cost, the total and the charts move with them; they
start at what the run computed (`run_discount_percent` and so on in `Assessment_Properties`), and a commitment under
the rule `strict` moves with neither. `Read_me` says where the figures come from. A table that has more rows than a
sheet takes (1,048,576) continues on `..._2`.

`Decision_Trace` has a row for each machine (and each disk, named in `Disk`) and each of the {REFUSED_SHOWN} cheaper
sizes (or disks) nearest in price that were refused, with what each lacks; `Cheaper ones refused, in all` counts all.
`Price_Lines` add up to a machine's compute and storage cost, to the cent. `Savings` compares compute only, and only
where pay-as-you-go, the chosen and the cheapest scenario all have a price; own licenses and Dev/Test are compared only
where the assessment's settings choose them.
"""


def columns(title: str, headings: list[str]) -> str:
    """A section with the columns in order, numbered from 1."""
    rows = "\n".join(f"| {number} | {heading} |" for number, heading in enumerate(headings, start=1))
    return f"\n## {title}\n\n| column | heading |\n|---|---|\n{rows}\n"


def document() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for name, layout in sorted(LAYOUTS.items(), reverse=True):
        parts.append(columns(f"All_Assessed_Machines, layout {name}", [column.heading for column in layout.machines]))
        parts.append(columns(f"All_Assessed_Disks, layout {name}", [column.heading for column in layout.disks]))
    for sheet in OWN_SHEETS:
        parts.append(columns(f"{sheet.name}: {sheet.meaning}", [column.heading for column in sheet.columns]))
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
