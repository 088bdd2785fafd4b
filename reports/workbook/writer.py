"""A `Report` written as an xlsx file, sheet by sheet, in memory that does not grow with the number of rows."""

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from xlsxwriter import Workbook

from reports.workbook.cleaning import clean_text, cut_text
from reports.workbook.formats import Book, excel_date
from reports.workbook.layouts import ISSUES, LAYOUTS, NEWEST_LAYOUT, SCENARIOS, Layout
from reports.workbook.overview import NAME as OVERVIEW_NAME
from reports.workbook.overview import write_overview
from reports.workbook.properties import write_properties, write_read_me
from reports.workbook.summary import Tables, summary_lines
from reports.workbook.tables import Table, without_observations, write_table
from reports.workbook.values import Report

SCHEMA_VERSION = "1.0"
MAX_SHEET_ROWS = 1_048_576  # Excel's limit, the header row included
MAX_PROPERTY_CHARACTERS = 255


def write_workbook(
    report: Report, target: Path | BinaryIO, *, layout: str = NEWEST_LAYOUT, max_sheet_rows: int = MAX_SHEET_ROWS
) -> None:
    """Write the report to a path or an open binary file; the same report gives the same bytes.

    `layout` is a key of `LAYOUTS`. When a source of rows raises, so does this, and nothing is written to the target.
    """
    with TemporaryDirectory(prefix="workbook-") as folder:
        path = Path(folder) / "workbook.xlsx"
        with closing(_new_workbook(path)) as workbook:  # closed on errors too: open row files would leak
            _write_sheets(workbook, report, layout=LAYOUTS[layout], max_sheet_rows=max_sheet_rows)
        _deliver(path, target)


def _new_workbook(path: Path) -> Workbook:
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "use_zip64": True,
    }
    return Workbook(str(path), options)


def _write_sheets(workbook: Workbook, report: Report, *, layout: Layout, max_sheet_rows: int) -> None:
    book = Book(workbook, report.settings.currency)
    _describe(workbook, report)
    overview = workbook.add_worksheet(OVERVIEW_NAME)  # first in the file, written last: it refers to the others
    machines, disks = _write_assessed(book, report, layout=layout, max_sheet_rows=max_sheet_rows)
    write_properties(book, report)
    scenarios = _write_own_tables(book, report, max_sheet_rows=max_sheet_rows)
    if report.origin:
        write_read_me(book, report, report.origin, layout=layout, schema_version=SCHEMA_VERSION)
    tables = Tables(machines, disks, scenarios)
    write_overview(book, overview, report=report, lines=summary_lines(report, layout, tables), tables=tables)


def _write_assessed(book: Book, report: Report, *, layout: Layout, max_sheet_rows: int) -> tuple[Table, Table]:
    machine_columns, disk_columns = layout.machines, layout.disks
    if report.settings.sizing_criterion == "as_on_premises":
        machine_columns, disk_columns = without_observations(machine_columns), without_observations(disk_columns)
    machines = write_table(
        book, "All_Assessed_Machines", machine_columns, rows=report.machines(), max_sheet_rows=max_sheet_rows
    )
    disks = write_table(book, "All_Assessed_Disks", disk_columns, rows=report.disks(), max_sheet_rows=max_sheet_rows)
    return machines, disks


def _write_own_tables(book: Book, report: Report, *, max_sheet_rows: int) -> Table | None:
    """Write our own sheets that were asked for, and say where the scenarios are."""
    scenarios = None
    if report.scenarios:
        rows = report.scenarios()
        scenarios = write_table(book, "Scenarios", SCENARIOS, rows=rows, max_sheet_rows=max_sheet_rows)
    if report.issues:
        write_table(book, "Readiness_Issues", ISSUES, rows=report.issues(), max_sheet_rows=max_sheet_rows)
    return scenarios


def _describe(workbook: Workbook, report: Report) -> None:
    title = cut_text(clean_text(report.assessment_name), MAX_PROPERTY_CHARACTERS)
    created = excel_date(report.created_at)
    workbook.set_properties({"title": title, "author": "migrate_hub", "created": created})


def _deliver(path: Path, target: Path | BinaryIO) -> None:
    if isinstance(target, Path):
        shutil.copyfile(path, target)
        return
    with path.open("rb") as source:
        shutil.copyfileobj(source, target)
