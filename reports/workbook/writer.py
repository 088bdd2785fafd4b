"""A `Report` written as an xlsx file, in memory that does not grow with the number of rows.

The rows of all tables stream to files in one pass over the report; then XlsxWriter writes the workbook around them,
with formulas that know where the rows are; then both are put together.
"""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from xlsxwriter import Workbook

from reports.workbook.cleaning import clean_text, cut_text
from reports.workbook.figures import Figures
from reports.workbook.formats import Book, excel_date
from reports.workbook.layouts import LAYOUTS, NEWEST_LAYOUT, Layout
from reports.workbook.overview import NAME as OVERVIEW_NAME
from reports.workbook.overview import write_overview
from reports.workbook.properties import write_properties, write_read_me
from reports.workbook.rows import Part, RowWriter
from reports.workbook.sheets import PROPERTIES, STANDARD, Sheet, sheets_of
from reports.workbook.splicing import splice
from reports.workbook.summary import Tables, summary_lines
from reports.workbook.tables import Table, add_table
from reports.workbook.values import Report

MAX_SHEET_ROWS = 1_048_576  # Excel's limit, the header row included
MAX_PROPERTY_CHARACTERS = 255


def write_workbook(
    report: Report, target: Path | IO[bytes], *, layout: str = NEWEST_LAYOUT, max_sheet_rows: int = MAX_SHEET_ROWS
) -> None:
    """Write the report to a path or an open binary file; the same report gives the same bytes.

    `layout` is a key of `LAYOUTS`. When the source of rows raises, so does this, and nothing is written to the target.
    """
    with TemporaryDirectory(prefix="workbook-") as name:
        folder = Path(name)
        with closing(new_workbook(folder)) as workbook:  # closed on errors too: open row files would leak
            parts = _write_sheets(workbook, report, LAYOUTS[layout], folder=folder, max_sheet_rows=max_sheet_rows)
        with (folder / "workbook.xlsx").open("w+b") as finished:
            splice(folder / "frame.xlsx", parts, finished)
            finished.seek(0)
            deliver(finished, target)


def new_workbook(folder: Path) -> Workbook:
    """The workbook `frame.xlsx` in a folder that also takes its temporary files."""
    options = {
        "constant_memory": True,
        "tmpdir": str(folder),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "use_zip64": True,
    }
    return Workbook(str(folder / "frame.xlsx"), options)


def _write_sheets(
    workbook: Workbook, report: Report, layout: Layout, *, folder: Path, max_sheet_rows: int
) -> dict[str, Part]:
    """Write everything; returns the rows of each worksheet by the worksheet's name in the file."""
    book = Book(workbook, report.settings.currency, report.look)
    _describe(workbook, report)
    sheets = sheets_of(report, layout)
    figures = Figures()
    parts = _stream(report, sheets, book, figures, folder=folder, max_sheet_rows=max_sheet_rows)
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


def _stream(
    report: Report, sheets: Sequence[Sheet], book: Book, figures: Figures, *, folder: Path, max_sheet_rows: int
) -> list[list[Part]]:
    """One pass over the report: the rows of each table go to its own files, figures for the first sheet are kept."""
    with ExitStack() as stack:
        writers = []
        for sheet in sheets:
            own = folder / sheet.key
            own.mkdir()
            writer = RowWriter(own, sheet.columns, book.styles, max_sheet_rows=max_sheet_rows)
            stack.callback(writer.abandon)
            writers.append(writer)
        for chunk in report.chunks():
            figures.add(chunk)
            for sheet, writer in zip(sheets, writers, strict=True):
                writer.write(getattr(chunk, sheet.key))
        return [writer.close() for writer in writers]


def _describe(workbook: Workbook, report: Report) -> None:
    title = cut_text(clean_text(report.assessment_name), MAX_PROPERTY_CHARACTERS)
    created = excel_date(report.created_at)
    workbook.set_properties({"title": title, "author": "migrate_hub", "created": created})


def deliver(finished: IO[bytes], target: Path | IO[bytes]) -> None:
    """Copies a finished file to where it is wanted."""
    if not isinstance(target, Path):
        shutil.copyfileobj(finished, target)
        return
    with target.open("wb") as file:
        shutil.copyfileobj(finished, file)
