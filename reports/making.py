"""Making a report: rows to a temporary file, the file into the store, all or nothing."""

import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import IO
from uuid import UUID

from django.utils import timezone

from assessments.models import RunStatus
from ingest.imports.child import scratch_folder
from ingest.imports.parsed import UnreadableFileError
from migrate_hub.files.storage import store_file
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.tenants.row_level_security import tenant_context
from reports.data import build_report
from reports.kinds import difference_writer, project_writer
from reports.listing import machines_of, with_machines
from reports.models import Report, ReportFormat, ReportKind
from reports.own_workbook.filling import fill_workbook, read_workbook, sheets_needed
from reports.report_templates.using import choice_of, file_content, look_of
from reports.summary_pdf import write_pdf
from reports.workbook import OWN_SHEET_NAMES, Chunk, write_csv, write_jsonl, write_workbook
from reports.workbook import Report as Values

PROGRESS_SECONDS = 1.0
FAILURE_CHARACTERS = 500


@dataclass(frozen=True)
class Form:
    """How one format is made: from which of our own sheets, by whom, and what the file is."""

    own_sheets: frozenset[str]
    write: Callable[[Values, IO[bytes], str], None]
    content_type: str
    ending: str


FORMS: dict[str, Form] = {
    ReportFormat.XLSX: Form(
        OWN_SHEET_NAMES,
        lambda values, file, layout: write_workbook(values, file, layout=layout),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ReportFormat.CSV: Form(
        OWN_SHEET_NAMES,
        lambda values, file, layout: write_csv(values, file, layout=layout),
        "application/zip",
        "csv.zip",
    ),
    ReportFormat.JSONL: Form(
        OWN_SHEET_NAMES, lambda values, file, _layout: write_jsonl(values, file), "application/jsonl", "jsonl"
    ),
    ReportFormat.PDF: Form(
        frozenset({"Savings"}), lambda values, file, _layout: write_pdf(values, file), "application/pdf", "pdf"
    ),
}


def make_report(claim: Claim) -> None:
    """Writes the file of the report's run. Killed and repeated, it starts over; no half file is ever served."""
    with tenant_context(claim.tenant_id):
        report = _unfinished(claim)
        Report.objects.filter(id=report.id).update(status=RunStatus.RUNNING, machines_done=0)
        form = FORMS[report.format]
        write = _writer(report, form)
    with tempfile.TemporaryFile() as file:
        try:
            write(file)
        except UnreadableFileError as error:
            _refuse(claim, report, error)
            return
        file.seek(0)
        with tenant_context(claim.tenant_id):
            stored = store_file(
                file, name=file_name(report), content_type=form.content_type, expires_at=report.expires_at
            )
            Report.objects.filter(id=report.id).update(
                status=RunStatus.COMPLETED,
                machines_done=machines_of(report),
                file=stored,
                finished_at=timezone.now(),
            )
            claim.finish()


def _refuse(claim: Claim, report: Report, error: UnreadableFileError) -> None:
    """Ends a report whose own workbook cannot be filled: the same again would fail again."""
    with tenant_context(claim.tenant_id):
        Report.objects.filter(id=report.id).update(
            status=RunStatus.FAILED,
            failure_code=error.code,
            failure_detail=error.detail[:FAILURE_CHARACTERS],
            finished_at=timezone.now(),
        )
        claim.finish()


def _writer(report: Report, form: Form) -> Callable[[IO[bytes]], None]:
    """What writes the file; needs the tenant's context now and none later."""
    if report.kind == ReportKind.PROJECT:
        return project_writer(report, Progress(report))
    if report.kind == ReportKind.DIFFERENCE:
        return difference_writer(report, Progress(report))
    if report.choice.get("workbook"):
        return _own_workbook_writer(report)
    choice = choice_of(report.choice)
    wanted = form.own_sheets if report.format == ReportFormat.PDF else frozenset(filter(choice.has, form.own_sheets))
    told = _values(report, wanted)
    return lambda file: form.write(told, file, report.layout)


def _values(report: Report, own_sheets: frozenset[str]) -> Values:
    values = build_report(report.run, own_sheets, refused_shown=report.refused_shown)
    choice, look = choice_of(report.choice), look_of(report.choice)
    return replace(values, chunks=partial(_told, report, values.chunks), choice=choice, look=look)


def _own_workbook_writer(report: Report) -> Callable[[IO[bytes]], None]:
    """What fills the tenant's own workbook; it is read anew, since only that tells what is in it."""
    content = file_content(UUID(report.choice["workbook"]))

    def write(file: IO[bytes]) -> None:
        with scratch_folder() as folder:
            path = folder / "file"
            path.write_bytes(content)
            found = read_workbook(path)
            with tenant_context(report.tenant_id):
                told = _values(report, sheets_needed(found))
            fill_workbook(told, path, found, file)

    return write


def _told(report: Report, chunks: Callable[[], Iterable[Chunk]]) -> Iterator[Chunk]:
    """The chunks, and every second how far they are."""
    done, progress = 0, Progress(report)
    for chunk in chunks():
        yield chunk
        done += len(chunk.machines)
        progress(done)


class Progress:
    """Told how many machines are done, it notes that every second; ends the making that nobody wants any more."""

    def __init__(self, report: Report) -> None:
        self.report, self.told_at = report, time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self.told_at >= PROGRESS_SECONDS:
            self.told_at = time.monotonic()
            _tell(self.report, done)


def _tell(report: Report, done: int) -> None:
    with tenant_context(report.tenant_id):
        wanted = Report.objects.filter(id=report.id, status=RunStatus.RUNNING, revoked_at=None)
        if not wanted.update(machines_done=done):
            raise LeaseLostError(f"report {report.id} is no longer wanted")


def _unfinished(claim: Claim) -> Report:
    related = ("project", "run__assessment__group", "run__assessment__project", "run__catalog")
    before = ("before_run__assessment", "before_run__catalog")
    report = (
        with_machines(Report.objects.all())
        .select_related(*related, *before)
        .filter(id=claim.object_id, status__in=[RunStatus.CREATED, RunStatus.RUNNING], revoked_at=None)
        .first()
    )
    if report is None:
        raise LeaseLostError(f"report {claim.object_id} is no longer wanted")
    return report


def file_name(report: Report) -> str:
    """A name that is safe on every system: letters, digits, hyphens."""
    ending = FORMS[report.format].ending
    if report.run is None:
        return f"{_safe(report.project.name, 'project')}-assessments-{report.created_at:%Y-%m-%d}.{ending}"
    what = "run" if report.before_run_id is None else "changes-to-run"
    return f"{_safe(report.run.assessment.name, 'assessment')}-{what}-{report.run.number}.{ending}"


def _safe(name: str, otherwise: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or otherwise


def fail_report(report_id: UUID, failure: str) -> None:
    """Tells the user that the report could not be made. Runs inside the tenant."""
    Report.objects.filter(id=report_id, status__in=[RunStatus.CREATED, RunStatus.RUNNING]).update(
        status=RunStatus.FAILED,
        failure_code="report_failed",
        failure_detail="The report could not be made. Ask for it again; if it fails again tell the operator its id.",
        finished_at=timezone.now(),
    )
