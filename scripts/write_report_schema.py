"""Writes docs/report-schema.md from the code: `python scripts/write_report_schema.py > docs/report-schema.md`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reports.workbook import LAYOUTS, NEWEST_LAYOUT, SCHEMA_VERSION
from reports.workbook.layouts import ISSUES, SCENARIOS

INTRODUCTION = f"""# What stands in the workbook

Schema version {SCHEMA_VERSION}, written by `scripts/write_report_schema.py` from the code; a test keeps both equal.
The four standard sheets have the names and the order of columns of Azure Migrate's exports: `layout` chooses the
generation ({", ".join(LAYOUTS)}; default {NEWEST_LAYOUT}). `{{currency}}` stands for the assessment's currency.
Our own sheets come behind them. An empty cell or "Not applicable" means that there is no figure, never zero. Money is
unrounded in the cell and shown in cents; totals are formulas with the computed value stored beside them.

`Assessment_Summary` holds labels in column A and values in column B, with charts and scenario totals beside them.
`Assessment_Properties` holds the settings of the run, `Read_me` where the figures come from.
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
    parts.append(columns("Scenarios", [column.heading for column in SCENARIOS]))
    parts.append(columns("Readiness_Issues", [column.heading for column in ISSUES]))
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
