"""Asking for a report, and taking it back."""

from datetime import datetime, timedelta
from uuid import UUID

from assessments.models import Assessment
from migrate_hub.errors import DomainError
from migrate_hub.files.models import StoredFile
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor
from reports.models import Report, ReportFormat
from reports.workbook import LAYOUTS, NEWEST_LAYOUT

REPORT_TASK = "reports.make"
KEEP = timedelta(days=30)
MAX_REPORTS = 10_000


def queue_report(
    assessment: Assessment, *, now: datetime, format: str = ReportFormat.XLSX, layout: str = NEWEST_LAYOUT
) -> Report:
    """A report of the run that is published now. 409 when there is none yet."""
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
    report: Report = Report.objects.create(
        assessment=assessment,
        run=assessment.current_run,
        format=format,
        layout=layout,
        created_by=current_actor.get().user_id,
        created_at=now,
        expires_at=now + KEEP,
    )
    enqueue(REPORT_TASK, report.id, queue="bulk")
    audit.record("report.create", report)
    return report


def revoke_report(report: Report, now: datetime) -> None:
    """Deletes the file; links to it stop working at once."""
    cancel_jobs(report.id)
    file_id: UUID | None = report.file_id
    report.revoked_at, report.file = now, None
    report.save(update_fields=["revoked_at", "file"])
    if file_id:
        StoredFile.objects.filter(id=file_id).delete()
    audit.record("report.revoke", report)
