"""What writes the reports that are not of one run: differences, and those over several assessments, in every form."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import IO

from reports.difference import build_difference
from reports.models import Report, ReportFormat
from reports.project import build_project_report
from reports.report_templates.using import look_of
from reports.summary_pdf import write_difference_pdf, write_project_pdf
from reports.workbook import (
    Difference,
    DifferenceRow,
    ProjectReport,
    difference_content,
    project_content,
    write_content_csv,
    write_content_jsonl,
    write_difference,
    write_project_workbook,
)

Write = Callable[[IO[bytes]], None]
Tell = Callable[[int], None]

DIFFERENCE_FORMS: dict[str, Callable[[Difference, IO[bytes]], None]] = {
    ReportFormat.XLSX: write_difference,
    ReportFormat.CSV: lambda found, file: write_content_csv(difference_content(found), file),
    ReportFormat.JSONL: lambda found, file: write_content_jsonl(difference_content(found), file),
    ReportFormat.PDF: write_difference_pdf,
}
PROJECT_FORMS: dict[str, Callable[[ProjectReport, IO[bytes]], None]] = {
    ReportFormat.XLSX: write_project_workbook,
    ReportFormat.CSV: lambda found, file: write_content_csv(project_content(found), file),
    ReportFormat.JSONL: lambda found, file: write_content_jsonl(project_content(found), file),
    ReportFormat.PDF: write_project_pdf,
}


def difference_writer(report: Report, tell: Tell) -> Write:
    """Needs the tenant's context now and none later; `tell` hears how many machines are done."""
    found = build_difference(report.before_run, report.run)
    told = replace(found, rows=lambda: _counted(found, tell), look=look_of(report.choice))
    return lambda file: DIFFERENCE_FORMS[report.format](told, file)


def _counted(found: Difference, tell: Tell) -> Iterator[Sequence[DifferenceRow]]:
    done = 0
    for rows in found.rows():
        yield rows
        done += len(rows)
        tell(done)


def project_writer(report: Report, tell: Tell) -> Write:
    """Needs the tenant's context now, for the look. When it writes it enters the tenant by itself: freshness is looked
    at in a short transaction an assessment.
    """
    look = look_of(report.choice)
    return lambda file: PROJECT_FORMS[report.format](replace(build_project_report(report, tell), look=look), file)
