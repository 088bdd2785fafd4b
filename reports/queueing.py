"""Asking for a report, and taking it back."""

from datetime import datetime, timedelta
from uuid import UUID

from assessments.models import Assessment, AssessmentRun, RunStatus
from assessments.packed_run import refuse_without_inputs
from migrate_hub.errors import DomainError
from migrate_hub.files.models import StoredFile
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor
from reports.models import Report, ReportFormat
from reports.workbook import LAYOUTS, NEWEST_LAYOUT, REFUSED_SHOWN

REPORT_TASK = "reports.make"
KEEP = timedelta(days=30)
MAX_REPORTS = 10_000


def queue_report(
    assessment: Assessment,
    *,
    now: datetime,
    format: str = ReportFormat.XLSX,
    layout: str = NEWEST_LAYOUT,
    refused_shown: int = REFUSED_SHOWN,
    before_run: UUID | None = None,
) -> Report:
    """A report of the run that is published now, or of what changed since another run of the project.

    409 when there is no published run yet.
    """
    if assessment.current_run is None:
        raise DomainError(
            code="no_results_yet", status=409, detail="No run of this assessment has completed yet. Ask again later."
        )
    if layout not in LAYOUTS:
        raise DomainError(code="invalid", detail=f"layout must be one of {', '.join(LAYOUTS)}.")
    if Report.objects.filter(revoked_at=None).count() >= MAX_REPORTS:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A tenant has at most {MAX_REPORTS} reports. Delete some."
        )
    before = None if before_run is None else _before(assessment, before_run, format)
    report: Report = Report.objects.create(
        project=assessment.project,
        assessment=assessment,
        run=assessment.current_run,
        before_run=before,
        format=format,
        layout=layout,
        refused_shown=refused_shown,
        created_by=current_actor.get().user_id,
        created_at=now,
        expires_at=now + KEEP,
    )
    enqueue(REPORT_TASK, report.id, queue="bulk")
    audit.record("report.create", report)
    return report


def _before(assessment: Assessment, run_id: UUID, format: str) -> AssessmentRun:
    """The completed run of the same project that a difference starts from."""
    if format != ReportFormat.XLSX:
        raise DomainError(code="invalid", detail="A difference between two runs is made as xlsx only.")
    runs = AssessmentRun.objects.filter(
        assessment__project=assessment.project_id, assessment__deleted_at=None, status=RunStatus.COMPLETED
    )
    found: AssessmentRun | None = runs.exclude(id=assessment.current_run_id).filter(id=run_id).first()
    if found is None:
        raise DomainError(
            code="unknown_run",
            detail="before_run names no other completed run of this project. GET .../runs/ lists an assessment's runs.",
        )
    refuse_without_inputs(found)
    if assessment.current_run is not None and found.settings["currency"] != assessment.current_run.settings["currency"]:
        raise DomainError(
            code="currencies_differ", status=409, detail="The runs are in two currencies; assess in one of them."
        )
    return found


def revoke_report(report: Report, now: datetime) -> None:
    """Deletes the file; links to it stop working at once."""
    cancel_jobs(report.id)
    file_id: UUID | None = report.file_id
    report.revoked_at, report.file = now, None
    report.save(update_fields=["revoked_at", "file"])
    if file_id:
        StoredFile.objects.filter(id=file_id).delete()
    audit.record("report.revoke", report)
