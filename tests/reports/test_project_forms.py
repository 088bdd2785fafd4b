"""The report over several assessments as a file: pages, sheet limits, names of any kind."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace

import openpyxl
import pytest

from reports.summary_pdf import write_project_pdf
from reports.workbook import ProjectReport, SharedMachineRow, write_project_workbook
from tests.reports.test_workbook_text import CLEANED, HARMLESS
from tests.reports.workbooks import ASSESSMENT, PROJECT, headings

NAMES = [*HARMLESS[:20], *list(CLEANED)[:5], "数" * 255, "שלום " * 51]


def named(names: Sequence[str]) -> ProjectReport:
    return replace(
        PROJECT, rows=[replace(ASSESSMENT, assessment_name=name, run=str(n)) for n, name in enumerate(names)]
    )


def written(report: ProjectReport, **options: int) -> bytes:
    target = io.BytesIO()
    write_project_workbook(report, target, **options)
    return target.getvalue()


@pytest.mark.parametrize("report", [PROJECT, named(NAMES), named([f"assessment {n}" for n in range(1000)])])
def test_the_summary_has_two_to_four_pages(report: ProjectReport) -> None:
    target = io.BytesIO()
    write_project_pdf(report, target)
    assert 2 <= len(re.findall(rb"/Type /Page\b", target.getvalue())) <= 4


def test_more_shared_machines_than_a_sheet_takes_go_to_a_further_sheet() -> None:
    rows = [SharedMachineRow(machine_name=f"m-{n}", assessments=2, assessment_names="a; b") for n in range(5)]
    report = replace(PROJECT, shared_machines=5, shared=lambda: [rows])
    book = openpyxl.load_workbook(io.BytesIO(written(report, max_sheet_rows=4)))
    further = book["Machines_In_Several_2"]
    assert [further["A2"].value, further["A3"].value] == ["m-3", "m-4"]
    assert headings(further) == headings(book["Machines_In_Several"])


def test_the_same_report_gives_the_same_bytes() -> None:
    assert written(PROJECT) == written(PROJECT)


def test_names_of_any_kind_come_back_as_text() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(written(named(HARMLESS))))["Assessments"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == list(HARMLESS)
    assert {row[0].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}
