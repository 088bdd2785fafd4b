"""Asking for a report, and taking it back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from assessments.models import UNFINISHED, Assessment, AssessmentRun, RunStatus
from assessments.packed_run import refuse_without_inputs
from assessments.queueing import CANCELLED
from migrate_hub.errors import DomainError
from migrate_hub.files.models import StoredFile
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor, current_tenant_id
from migrate_hub.tenants.models import Project
from migrate_hub.tenants.quotas import count_alone
from reports.models import Report, ReportFormat, ReportRun, ReportTemplate
from reports.report_templates.using import copy_of
from reports.workbook import LAYOUTS, NEWEST_LAYOUT, REFUSED_SHOWN

REPORT_TASK = "reports.make"
KEEP = timedelta(days=30)
MAX_REPORTS = 10_000
MAX_ASSESSMENTS = 1_000  # in one report


def queue_report(
    assessment: Assessment,
    *,
    now: datetime,
    format: str | None = None,
    layout: str | None = None,
    refused_shown: int | None = None,
    run: UUID | None = None,
    before_run: UUID | None = None,
    template: ReportTemplate | None = None,
) -> Report:
    """A report of the run that is published now, or of another completed one; or of what changed since another run.

    What is not given is as the template says, of which the report keeps a copy; without one as we have it.
    409 when there is no published run yet.
    """
    shown = assessment.current_run if run is None else _run_of(assessment, run)
    if shown is None:
        raise DomainError(
            code="no_results_yet", status=409, detail="No run of this assessment has completed yet. Ask again later."
        )
    format = format or (template.format if template else ReportFormat.XLSX)
    layout = layout or (template.layout if template else NEWEST_LAYOUT)
    if layout not in LAYOUTS:
        raise DomainError(code="invalid", detail=f"layout must be one of {', '.join(LAYOUTS)}.")
    _refuse_too_many()
    before = None if before_run is None else _before(assessment, before_run, shown)
    report: Report = Report.objects.create(
        project=assessment.project,
        assessment=assessment,
        run=shown,
        before_run=before,
        format=format,
        layout=layout,
        refused_shown=refused_shown or (template.refused_shown if template else REFUSED_SHOWN),
        choice=_choice(template, format=format, shown=shown, is_difference=before is not None),
        created_by=current_actor.get().user_id,
        created_at=now,
        expires_at=now + KEEP,
    )
    enqueue(REPORT_TASK, report.id, queue="bulk")
    audit.record("report.create", report)
    return report


def _choice(
    template: ReportTemplate | None, *, format: str, shown: AssessmentRun, is_difference: bool
) -> dict[str, Any]:
    """A copy of the template; a difference has other sheets and takes its look alone."""
    if is_difference:
        return copy_of(template, format="")
    return copy_of(template, format=format, currency=shown.settings["currency"])


def make_again(report_id: UUID, now: datetime) -> None:
    """Has a report that failed made once more, for an operator."""
    failed = Report.objects.filter(id=report_id, status=RunStatus.FAILED)
    if not failed.update(status=RunStatus.CREATED, failure_code="", failure_detail="", finished_at=None):
        raise DomainError(code="not_failed", status=409, detail="This report is not failed any more.")
    enqueue(REPORT_TASK, report_id, queue="bulk")


def queue_project_report(
    project: Project,
    *,
    now: datetime,
    format: str = ReportFormat.XLSX,
    assessments: Sequence[UUID] | None = None,
    template: ReportTemplate | None = None,
) -> Report:
    """A report over several assessments, by default all that have results; it pins the runs that are published now.

    Of a template it takes the look alone.
    """
    _refuse_too_many()
    runs = _published_runs(project, assessments)
    report: Report = Report.objects.create(
        project=project,
        format=format,
        layout=NEWEST_LAYOUT,
        choice=copy_of(template, format=""),
        created_by=current_actor.get().user_id,
        created_at=now,
        expires_at=now + KEEP,
    )
    pinned = [ReportRun.new(report=report, run_id=run_id, position=place) for place, run_id in enumerate(runs)]
    ReportRun.objects.bulk_create(pinned)
    enqueue(REPORT_TASK, report.id, queue="bulk")
    audit.record("report.create", report, assessments=len(runs))
    return report


def _published_runs(project: Project, wanted: Sequence[UUID] | None) -> list[UUID]:
    """The ids of the published runs, by the names of their assessments. Refuses what is not there or has no results."""
    rows = Assessment.objects.filter(project=project, deleted_at=None).order_by("name", "id")
    if wanted is None:
        rows = rows.filter(current_run__isnull=False)
    else:
        rows = rows.filter(id__in=wanted)
        if rows.count() != len(set(wanted)):
            raise DomainError(code="unknown_assessment", detail="assessments names one that is not in this project.")
        without = rows.filter(current_run=None).values_list("name", flat=True).first()
        if without is not None:
            raise DomainError(code="no_results_yet", status=409, detail=f"No run of {without!r} has completed yet.")
    found = list(rows.values_list("current_run_id", flat=True)[: MAX_ASSESSMENTS + 1])
    if len(found) > MAX_ASSESSMENTS:
        raise DomainError(
            code="limit_reached",
            status=409,
            detail=f"A report is about at most {MAX_ASSESSMENTS:,} assessments: say which by `assessments`.",
        )
    if not found:
        raise DomainError(
            code="no_results_yet", status=409, detail="No assessment of this project has results yet. Ask again later."
        )
    return found


def _refuse_too_many() -> None:
    count_alone("reports", current_tenant_id())
    if Report.objects.filter(revoked_at=None).count() >= MAX_REPORTS:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A tenant has at most {MAX_REPORTS} reports. Delete some."
        )


def _run_of(assessment: Assessment, run_id: UUID) -> AssessmentRun:
    """A completed run of the assessment."""
    found: AssessmentRun | None = AssessmentRun.objects.filter(
        assessment=assessment, status=RunStatus.COMPLETED, id=run_id
    ).first()
    if found is None:
        raise DomainError(
            code="unknown_run",
            detail="run names no completed run of this assessment. GET .../runs/ lists an assessment's runs.",
        )
    return found


def _before(assessment: Assessment, run_id: UUID, after: AssessmentRun) -> AssessmentRun:
    """The completed run of the same project that a difference starts from."""
    runs = AssessmentRun.objects.filter(
        assessment__project=assessment.project_id, assessment__deleted_at=None, status=RunStatus.COMPLETED
    )
    found: AssessmentRun | None = runs.exclude(id=after.id).filter(id=run_id).first()
    if found is None:
        raise DomainError(
            code="unknown_run",
            detail="before_run names no other completed run of this project. GET .../runs/ lists an assessment's runs.",
        )
    for run in (found, after):
        refuse_without_inputs(run)
    if found.settings["currency"] != after.settings["currency"]:
        raise DomainError(
            code="currencies_differ", status=409, detail="The runs are in two currencies; assess in one of them."
        )
    return found


def cancel_report(report: Report, now: datetime) -> None:
    """Ends the making of a report, which stays in the list as cancelled. 409 when it is made or has failed."""
    changed = Report.objects.filter(id=report.id, status__in=UNFINISHED).update(
        status=RunStatus.FAILED,
        failure_code=CANCELLED,
        failure_detail="Cancelled by a member of the tenant.",
        finished_at=now,
    )
    if not changed:
        raise DomainError(code="nothing_to_cancel", status=409, detail="This report is not being made any more.")
    cancel_jobs(report.id)
    audit.record("report.cancel", report)


def revoke_report(report: Report, now: datetime) -> None:
    """Deletes the file; links to it stop working at once."""
    cancel_jobs(report.id)
    file_id: UUID | None = report.file_id
    report.revoked_at, report.file = now, None
    report.save(update_fields=["revoked_at", "file"])
    if file_id:
        StoredFile.objects.filter(id=file_id).delete()
    audit.record("report.revoke", report)
