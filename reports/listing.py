"""Reports as they are listed: which, of what, by whom, how far, and where the file is while there is one."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from assessments.models import RunStatus
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import Membership, Project
from reports.links import download_url
from reports.models import Report, ReportKind, ReportRun

NAMES = (
    *("id", "kind", "format", "layout", "refused_shown", "status", "assessment_id", "run_id", "before_run_id"),
    *("machines_done", "created_by", "created_at", "expires_at"),
)
OF_KIND = {
    ReportKind.PROJECT: Q(assessment=None),
    ReportKind.ASSESSMENT: Q(assessment__isnull=False, before_run=None),
    ReportKind.DIFFERENCE: Q(before_run__isnull=False),
}


def reports_of(
    project: Project, *, assessment: UUID | None = None, status: str | None = None, kind: str | None = None
) -> "QuerySet[Report]":
    """The reports of a project that were not deleted, with what a list shows of them."""
    rows: QuerySet[Report] = Report.objects.filter(project=project, revoked_at=None)
    if assessment is not None:
        rows = rows.filter(assessment=assessment)
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(OF_KIND[ReportKind(kind)])
    pinned = ReportRun.objects.filter(report=OuterRef("id"))
    newer = Exists(pinned.exclude(run=F("run__assessment__current_run")))
    return with_machines(rows).select_related("file", "run", "assessment").annotate(has_newer_runs=newer)


def with_machines(reports: "QuerySet[Report]") -> "QuerySet[Report]":
    """Reports that know how many machines their pinned runs have."""
    pinned = ReportRun.objects.filter(report=OuterRef("id"))
    machines = pinned.order_by().values("report").annotate(all=Sum("run__machine_count")).values("all")
    return reports.annotate(pinned_machines=Subquery(machines, output_field=IntegerField()))


def machines_of(report: Report) -> int:
    """How many machines a listed report is about; one in several assessments counts in each."""
    return report.run.machine_count if report.run else getattr(report, "pinned_machines", 0) or 0


def is_current(report: Report) -> bool:
    """Whether what a listed report shows is still what is published."""
    if report.assessment is None:
        return not getattr(report, "has_newer_runs", False)
    return bool(report.run_id == report.assessment.current_run_id)


def pinned_runs(report: Report) -> list[dict[str, Any]]:
    """The runs of a report over several assessments, in its order."""
    rows = ReportRun.objects.filter(report=report).order_by("position").select_related("run__assessment")
    return [
        {
            "assessment": pinned.run.assessment_id,
            "assessment_name": pinned.run.assessment.name,
            "run": pinned.run_id,
            "run_number": pinned.run.number,
        }
        for pinned in rows
    ]


def shown(reports: Iterable[Report]) -> list[dict[str, Any]]:
    """Listed reports with who asked for them, and with their links while there is a file to be had."""
    listed = list(reports)
    emails = emails_of(report.created_by for report in listed)
    return [_shown(report, emails) for report in listed]


def emails_of(user_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """The addresses of those who are members of the current tenant."""
    members = Membership.objects.filter(tenant_id=current_tenant_id(), user_id__in={id for id in user_ids if id})
    return dict(members.values_list("user_id", "user__email"))


def _shown(report: Report, emails: Mapping[UUID | None, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        **{name: getattr(report, name) for name in NAMES},
        "template": report.choice or None,
        "assessment_name": report.assessment.name if report.assessment else None,
        "run_number": report.run.number if report.run else None,
        "is_current_run": is_current(report),
        "machines": machines_of(report),
        "created_by_email": emails.get(report.created_by),
    }
    if report.file is not None and report.expires_at > timezone.now():
        answer |= {"size_bytes": report.file.size_bytes, "download_url": download_url(report)}
    if report.status == RunStatus.FAILED:
        answer["failure"] = {"code": report.failure_code, "detail": report.failure_detail}
    return answer
