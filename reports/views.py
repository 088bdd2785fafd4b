"""Reports of an assessment, and the download behind a signed link."""

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.models import Assessment
from migrate_hub.errors import DomainError, not_found, problem_response
from migrate_hub.files.storage import file_response
from migrate_hub.tenants.api import ProjectViewSet, as_uuid
from migrate_hub.tenants.row_level_security import tenant_context
from reports.links import read_link, report_behind
from reports.listing import reports_of, shown
from reports.models import Report
from reports.queueing import queue_report, revoke_report
from reports.report_templates.using import template_asked_for
from reports.serializers import ReportIn, ReportOut


def told(reports: Iterable[Report]) -> Any:
    """Listed reports on the wire."""
    return ReportOut(shown(reports), many=True).data


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
        return reports_of(self.project, assessment=self.assessment.id)

    @extend_schema(responses=ReportOut(many=True))
    def list(self, request: Request, project: str, assessment: str) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        assert self.paginator is not None
        return self.paginator.get_paginated_response(told(page or []))

    @extend_schema(request=ReportIn, responses={202: ReportOut})
    def create(self, request: Request, project: str, assessment: str) -> Response:
        body = ReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = {**body.validated_data, "template": template_asked_for(body.validated_data)}
        report = queue_report(self.assessment, now=timezone.now(), **asked)
        listed = self.get_queryset().filter(id=report.id)
        return Response(told(listed)[0], status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=ReportOut)
    def retrieve(self, request: Request, project: str, assessment: str, report: str) -> Response:
        return Response(told([self.find(self.get_queryset(), report)])[0])

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str, assessment: str, report: str) -> Response:
        revoke_report(self.find(self.get_queryset(), report), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@transaction.non_atomic_requests
@require_safe
def download(request: HttpRequest, signed: str) -> HttpResponse | StreamingHttpResponse:
    """The file behind a signed link, for whoever holds the link while it lives."""
    try:
        link = read_link(signed)
        with tenant_context(link.tenant_id):
            report = report_behind(link)
        assert report.file is not None  # report_behind() has looked
    except DomainError as error:
        return problem_response(error)
    return file_response(request, report.file)
