"""Reports of an assessment, and the download behind a signed link."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.models import Assessment, RunStatus
from migrate_hub.errors import DomainError, not_found, problem_response
from migrate_hub.files.storage import file_response
from migrate_hub.tenants.api import ProjectViewSet, as_uuid
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import Membership
from migrate_hub.tenants.row_level_security import tenant_context
from reports.links import download_url, downloadable, read_link
from reports.models import Report
from reports.queueing import queue_report, revoke_report
from reports.serializers import ReportIn, ReportOut

NAMES = (
    *("id", "format", "layout", "refused_shown", "status", "run_id", "before_run_id", "machines_done"),
    *("created_by", "created_at", "expires_at"),
)


def shown(reports: Iterable[Report], current_run_id: UUID | None) -> list[dict[str, Any]]:
    """Reports with who asked for them, and with their links while there is a file to be had."""
    listed = list(reports)
    emails = emails_of(report.created_by for report in listed)
    return [_shown(report, current_run_id, emails) for report in listed]


def emails_of(user_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """The addresses of those who are members of the current tenant."""
    members = Membership.objects.filter(tenant_id=current_tenant_id(), user_id__in={id for id in user_ids if id})
    return dict(members.values_list("user_id", "user__email"))


def _shown(report: Report, current_run_id: UUID | None, emails: Mapping[UUID | None, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        **{name: getattr(report, name) for name in NAMES},
        "run_number": report.run.number,
        "is_current_run": report.run_id == current_run_id,
        "machines": report.run.machine_count,
        "created_by_email": emails.get(report.created_by),
    }
    if report.file is not None and report.expires_at > timezone.now():
        answer |= {"size_bytes": report.file.size_bytes, "download_url": download_url(report)}
    if report.status == RunStatus.FAILED:
        answer["failure"] = {"code": report.failure_code, "detail": report.failure_detail}
    return answer


@extend_schema(tags=["reports"])
class ReportsView(ProjectViewSet):
    model = Report
    serializer_class = ReportOut
    ordering = ("-created_at", "id")
    assessment: Assessment

    def enter(self, **kwargs: Any) -> None:
        super().enter(**kwargs)
        assessments = Assessment.objects.filter(project=self.project, deleted_at=None).select_related("current_run")
        found = assessments.filter(id=as_uuid(kwargs["assessment"])).first()
        if found is None:
            raise not_found()
        self.assessment = found

    def get_queryset(self) -> models.QuerySet[Report]:
        rows: models.QuerySet[Report] = Report.objects.filter(assessment=self.assessment, revoked_at=None)
        return rows.select_related("file", "run")

    def shown(self, reports: Iterable[Report]) -> Any:
        return ReportOut(shown(reports, self.assessment.current_run_id), many=True).data

    @extend_schema(responses=ReportOut(many=True))
    def list(self, request: Request, project: str, assessment: str) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        assert self.paginator is not None
        return self.paginator.get_paginated_response(self.shown(page or []))

    @extend_schema(request=ReportIn, responses={202: ReportOut})
    def create(self, request: Request, project: str, assessment: str) -> Response:
        body = ReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        report = queue_report(self.assessment, now=timezone.now(), **body.validated_data)
        return Response(self.shown([report])[0], status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=ReportOut)
    def retrieve(self, request: Request, project: str, assessment: str, report: str) -> Response:
        return Response(self.shown([self.find(self.get_queryset(), report)])[0])

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str, assessment: str, report: str) -> Response:
        revoke_report(self.find(self.get_queryset(), report), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@transaction.non_atomic_requests
@require_safe
def download(request: HttpRequest, signed: str) -> HttpResponse | StreamingHttpResponse:
    """The file behind a signed link, for whoever holds the link while it lives."""
    try:
        tenant_id, report_id = read_link(signed)
        with tenant_context(tenant_id):
            report = downloadable(report_id)
        assert report.file is not None  # downloadable() has looked
    except DomainError as error:
        return problem_response(error)
    return file_response(request, report.file)
