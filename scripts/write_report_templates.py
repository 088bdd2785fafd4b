"""Writes docs/report-templates.md from the code: run `write_report_templates.py > docs/report-templates.md`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reports.own_workbook.names import CELLS, TABLES, NamedTable
from reports.workbook.look import SHAPE_CONTRAST, TEXT_CONTRAST

INTRODUCTION = f"""# Report templates

Written by `scripts/write_report_templates.py` from the code; a test keeps both equal.

A template says how a tenant wants its reports. It is made in the portal under "Report templates" or over the API
(`/api/v1/report-templates/`): every member reads and uses templates, contributors and owners change them. A report
takes a copy of its template when it is asked for (`template` of a report): a later change or deletion does not touch
it. One template can be the tenant's default: reports that name no template take it; `"template": null` takes none.

## Sheets, columns and look

`sheets` says which sheets a report has, `columns` which columns of a sheet, by the keys in `docs/report-schema.md`.
Their order is always that of the layout: with all columns chosen the standard sheets are exactly those of Azure
Migrate. `Assessment_Summary` and `Read_me` are always there; `Read_me` (in CSV the summary, in JSON lines the first
line) says what was left out. Totals whose rows were left out stay as figures, without a formula.

`display_name`, a logo and up to three colors are used on the first sheet, on headings, in charts and in the PDF. White
text stands on the first color and titles are written in it: it needs a contrast of {TEXT_CONTRAST}:1 (WCAG 2.2), or it
is refused with the nearest shade that has it; the others need {SHAPE_CONTRAST}:1 against white. A logo is a PNG or
JPEG of up to 2 MiB and 16 million pixels; it is drawn anew, so nothing but its pixels is kept. Reports over several
assessments and those of a difference take this look alone.

## A workbook of your own

An `.xlsx` of up to 10 MiB, sent as part `file` to `.../{{template}}/workbook/`, is what xlsx reports with this template
become. Cells with the names below get values, tables with the names below get a row a machine, disk and so on. The
answer to the upload lists what will be filled, which names are not known with those that look like them, and what to
mind. The other formats take the sheets and columns of the template.

- A **cell** is named in Excel under Formulas > Define Name (for the workbook, one cell). It keeps its look; a date in
  a cell that shows none gets a date format.
- A **table** (Insert > Table, then Table Design > Table Name) is filled below its headings: any of the columns below,
  in any order, by heading (of any layout, with or without the currency at its end) or by key. A column of your own
  with a formula in its first row gets that formula in every row; one without stays empty. Rows look as the first one.
  A named range whose first row holds the headings works like a table.
- Rules and drop-down lists that cover a column of the table, charts on it, names of it and the source of a pivot table
  reach its new end. Formulas do where they name the table (`=SUM(mh_machines[Compute monthly cost])`) or whole columns.
- A **print area** from the table's headings or first row to its last row grows with it. One of more columns than the
  table, or that begins above its headings, does not grow: clear it to print all rows.
- What stands **beside** the table stays where it is. What stands **below** it, in its columns, would be run over: such
  a workbook is refused, also one whose table has a totals row. Put totals above or on another sheet.
- **Everything else stays as it is**: formulas, pivot tables, charts, pictures, shapes, conditional formats, widths,
  further sheets. The workbook is computed anew when it is opened, pivot tables read their source anew then. Values that
  formulas had before are taken out, since they would be wrong: programs that do not calculate show nothing there.
- Text is always text, whatever it begins with; numbers, money and dates are numbers.
- Refused, with what to do: macros and add-ins, links to other files and linked pictures, formulas that fetch or call
  (WEBSERVICE, IMAGE, RTD, DDE, CALL), digital signatures, encrypted or damaged files, document types, zip bombs, more
  than 200 parts, and headings that name another currency than the assessment's (409 when the report is asked for).

## Names of cells

| name | what it shows |
|---|---|
"""


def table_section(table: NamedTable) -> str:
    """A table, its other name, and its columns."""
    other = f" (or `{table.sheet}`)" if table.sheet else ""
    rows = "\n".join(f"| {column.heading} | `{column.key}` |" for column in table.columns)
    return f"\n### `{table.name}`{other}\n\n{table.meaning}.\n\n| heading | key |\n|---|---|\n{rows}\n"


def main() -> None:
    cells = "\n".join(f"| `{cell.name}` | {cell.meaning} |" for cell in CELLS)
    tables = "".join(table_section(table) for table in TABLES)
    sys.stdout.write(f"{INTRODUCTION}{cells}\n\n## Tables\n{tables}")


if __name__ == "__main__":
    main()
