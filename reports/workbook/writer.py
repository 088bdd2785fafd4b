"""A `Report` written as an xlsx file, in memory that does not grow with the number of rows.

The rows of all tables stream to files in one pass over the report; then XlsxWriter writes the workbook around them,
with formulas that know where the rows are; then both are put together.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from xlsxwriter import Workbook

from reports.workbook.assembling import MAX_SHEET_ROWS, assemble, stream
from reports.workbook.cleaning import clean_text, cut_text
from reports.workbook.figures import Figures
from reports.workbook.formats import Book, excel_date
from reports.workbook.layouts import LAYOUTS, NEWEST_LAYOUT, Layout
from reports.workbook.overview import NAME as OVERVIEW_NAME
from reports.workbook.overview import write_overview
from reports.workbook.properties import write_properties, write_read_me
from reports.workbook.rows import Part
from reports.workbook.sheets import PROPERTIES, STANDARD, sheets_of
from reports.workbook.summary import Tables, summary_lines
from reports.workbook.tables import Table, add_table
from reports.workbook.values import Chunk, Report

MAX_PROPERTY_CHARACTERS = 255


def write_workbook(
    report: Report, target: Path | IO[bytes], *, layout: str = NEWEST_LAYOUT, max_sheet_rows: int = MAX_SHEET_ROWS
) -> None:
    """Write the report to a path or an open binary file; the same report gives the same bytes.

    `layout` is a key of `LAYOUTS`. When the source of rows raises, so does this, and nothing is written to the target.
    """
    assemble(partial(_write_sheets, report, LAYOUTS[layout], max_sheet_rows=max_sheet_rows), target)


def _write_sheets(
    report: Report, layout: Layout, workbook: Workbook, folder: Path, *, max_sheet_rows: int
) -> dict[str, Part]:
    book = Book(workbook, report.settings.currency, report.look)
    _describe(workbook, report)
    sheets = sheets_of(report, layout)
    figures = Figures()
    parts = stream(_counted(report, figures), sheets, book, folder=folder, max_sheet_rows=max_sheet_rows)
    overview = workbook.add_worksheet(OVERVIEW_NAME)  # first in the file, written last: it refers to the others
    tables: dict[str, Table] = {}
    places: dict[str, Part] = {}
    behind_standard = sum(sheet.name in STANDARD for sheet in sheets)
    for number, (sheet, found) in enumerate(zip(sheets, parts, strict=True)):
        if number == behind_standard and report.choice.has(PROPERTIES):
            write_properties(book, report)
        first = len(workbook.worksheets()) + 1
        tables[sheet.key] = add_table(book, sheet, [part.rows for part in found])
        places |= {f"xl/worksheets/sheet{number}.xml": part for number, part in enumerate(found, start=first)}
    if len(sheets) == behind_standard and report.choice.has(PROPERTIES):
        write_properties(book, report)
    if report.origin:
        write_read_me(book, report, report.origin, layout=layout, sheets=sheets)
    known = Tables(**tables)
    lines = summary_lines(report, layout, known)
    write_overview(book, overview, report=report, lines=lines, tables=known, figures=figures)
    return places


def _counted(report: Report, figures: Figures) -> Iterator[Chunk]:
    """The report's rows, of which figures for the first sheet are kept."""
    for chunk in report.chunks():
        figures.add(chunk)
        yield chunk


def _describe(workbook: Workbook, report: Report) -> None:
    title = cut_text(clean_text(report.assessment_name), MAX_PROPERTY_CHARACTERS)
    created = excel_date(report.created_at)
    workbook.set_properties({"title": title, "author": "migrate_hub", "created": created})
