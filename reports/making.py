"""Making a report: rows to a temporary file, the file into the store, all or nothing."""

import re
import tempfile
from uuid import UUID

from django.utils import timezone

from assessments.models import RunStatus
from migrate_hub.files.storage import store_file
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.tenants.row_level_security import tenant_context
from reports.data import build_report
from reports.models import Report
from reports.workbook import write_workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def make_report(claim: Claim) -> None:
    """Writes the workbook of the report's run. Killed and repeated, it starts over; no half file is ever served."""
    with tenant_context(claim.tenant_id):
        report = _unfinished(claim)
        Report.objects.filter(id=report.id).update(status=RunStatus.RUNNING)
        values = build_report(report.run)
    with tempfile.TemporaryFile() as file:
        write_workbook(values, file, layout=report.layout)
        file.seek(0)
        with tenant_context(claim.tenant_id):
            stored = store_file(file, name=file_name(report), content_type=XLSX, expires_at=report.expires_at)
            Report.objects.filter(id=report.id).update(
                status=RunStatus.COMPLETED, file=stored, finished_at=timezone.now()
            )
            claim.finish()


def _unfinished(claim: Claim) -> Report:
    report = (
        Report.objects.select_related("run__assessment__group", "run__assessment__project", "run__catalog")
        .filter(id=claim.object_id, status__in=[RunStatus.CREATED, RunStatus.RUNNING], revoked_at=None)
        .first()
    )
    if report is None:
        raise LeaseLostError(f"report {claim.object_id} is no longer wanted")
    return report  # type: ignore[no-any-return]


def file_name(report: Report) -> str:
    """A name that is safe on every system: letters, digits, hyphens."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", report.run.assessment.name).strip("-")[:60] or "assessment"
    return f"{name}-run-{report.run.number}.xlsx"


def fail_report(report_id: UUID, failure: str) -> None:
    """Tells the user that the report could not be made. Runs inside the tenant."""
    Report.objects.filter(id=report_id, status__in=[RunStatus.CREATED, RunStatus.RUNNING]).update(
        status=RunStatus.FAILED,
        failure_code="report_failed",
        failure_detail="The report could not be made. Ask for it again; if it fails again tell the operator its id.",
        finished_at=timezone.now(),
    )
