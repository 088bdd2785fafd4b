"""Reports of an assessment: asked for, watched while they are made, downloaded, deleted."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from assessments.models import UNFINISHED, Assessment
from migrate_hub.errors import DomainError
from migrate_hub.portal.access import ProjectPortalView, found
from reports.listing import emails_of
from reports.models import Report, ReportFormat
from reports.queueing import queue_report
from reports.report_templates.using import template_asked_for

MAX_REPORTS_SHOWN = 20


def report_rows(assessment: Assessment) -> dict[str, Any]:
    """The newest reports of an assessment, and whether some are still being made."""
    reports = Report.objects.filter(assessment=assessment, revoked_at=None).select_related("file", "run")
    rows: list[Report] = list(reports.order_by("-created_at", "id")[:MAX_REPORTS_SHOWN])
    emails, now = emails_of(report.created_by for report in rows), timezone.now()
    return {
        "rows": [(report, is_downloadable(report, now), emails.get(report.created_by)) for report in rows],
        "is_unfinished": any(report.status in UNFINISHED for report in rows),
    }


def is_downloadable(report: Report, now: datetime) -> bool:
    return report.file is not None and report.expires_at > now


class ReportsView(ProjectPortalView):
    """The reports of one assessment: the part of its page that is asked for again while one is made."""

    section = "assessments"
    assessment: Assessment

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        assessments = Assessment.objects.filter(project=self.project, deleted_at=None)
        self.assessment = found(assessments.select_related("current_run"), kwargs["assessment"])

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        context = {"assessment": self.assessment, "reports": report_rows(self.assessment)}
        return self.page("portal/parts/reports.html", context)

    def post(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        try:
            asked = request.POST.get("format", ReportFormat.XLSX)
            if asked not in ReportFormat.values:
                raise DomainError(code="invalid", detail=f"There is no report of the form {asked}.")
            queue_report(self.assessment, now=timezone.now(), format=asked, template=template_asked_for({}))
        except DomainError as error:
            messages.error(request, error.detail)
        return self.back()

    def back(self) -> HttpResponse:
        response = redirect("portal:assessment", self.project.id, self.assessment.id)
        response["Location"] += "#reports"
        return response
