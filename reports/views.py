"""Reports of an assessment, and the download behind a signed link."""

from typing import Any

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
from migrate_hub.tenants.row_level_security import tenant_context
from reports.links import download_url, downloadable, read_link
from reports.models import Report
from reports.queueing import queue_report, revoke_report
from reports.serializers import ReportIn, ReportOut


def shown(report: Report) -> dict[str, Any]:
    """A report with its link while there is a file to be had."""
    answer: dict[str, Any] = {
        name: getattr(report, name)
        for name in ("id", "format", "layout", "status", "run_id", "created_by", "created_at", "expires_at")
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
        return rows.select_related("file")

    @extend_schema(responses=ReportOut(many=True))
    def list(self, request: Request, project: str, assessment: str) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        assert self.paginator is not None
        return self.paginator.get_paginated_response(ReportOut([shown(row) for row in page or []], many=True).data)

    @extend_schema(request=ReportIn, responses={202: ReportOut})
    def create(self, request: Request, project: str, assessment: str) -> Response:
        body = ReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        report = queue_report(self.assessment, now=timezone.now(), **body.validated_data)
        return Response(ReportOut(shown(report)).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=ReportOut)
    def retrieve(self, request: Request, project: str, assessment: str, report: str) -> Response:
        return Response(ReportOut(shown(self.find(self.get_queryset(), report))).data)

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
