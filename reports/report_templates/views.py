"""/api/v1/report-templates/: how a tenant wants its reports. Every member reads them, contributors change them."""

from typing import Any

from django.db import models
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from migrate_hub.errors import not_found
from migrate_hub.files.models import StoredFile
from migrate_hub.files.storage import file_response
from migrate_hub.tenants.api import TenantViewSet
from reports.models import ReportTemplate
from reports.report_templates.changing import (
    change_template,
    create_template,
    delete_template,
    set_logo,
    set_workbook,
)
from reports.report_templates.serializers import ReportTemplateIn, ReportTemplateOut, TemplateFileIn

# Generated clients know no content types of single kinds of files.
FILE = "application/octet-stream"


class TemplateRows(TenantViewSet):
    model = ReportTemplate
    serializer_class = ReportTemplateOut
    ordering = ("name", "id")

    def get_queryset(self) -> models.QuerySet[ReportTemplate]:
        return super().get_queryset().select_related("logo", "workbook")

    def found(self, public_id: str) -> ReportTemplate:
        template: ReportTemplate = self.find(self.get_queryset(), public_id)
        return template

    def told(self, template: ReportTemplate, code: int = status.HTTP_200_OK) -> Response:
        return Response(ReportTemplateOut(template).data, status=code)


@extend_schema(tags=["report templates"])
class ReportTemplatesView(TemplateRows):
    @extend_schema(responses=ReportTemplateOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(request=ReportTemplateIn, responses={201: ReportTemplateOut})
    def create(self, request: Request) -> Response:
        body = ReportTemplateIn(data=request.data)
        body.is_valid(raise_exception=True)
        return self.told(create_template(now=timezone.now(), **body.validated_data), status.HTTP_201_CREATED)

    @extend_schema(responses=ReportTemplateOut)
    def retrieve(self, request: Request, report_template: str) -> Response:
        return self.told(self.found(report_template))

    @extend_schema(request=ReportTemplateIn, responses=ReportTemplateOut)
    def partial_update(self, request: Request, report_template: str) -> Response:
        """Changes what is named. Reports that were asked for before keep what the template said then."""
        found = self.found(report_template)
        body = ReportTemplateIn(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return self.told(change_template(found, timezone.now(), **body.validated_data))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, report_template: str) -> Response:
        """Reports that are queued with it are made all the same."""
        delete_template(self.found(report_template))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TemplateFile(TemplateRows):
    """One of the files of a template: sent whole, read, taken away."""

    parser_classes = [MultiPartParser]

    def sent(self, request: Request) -> Any:
        body = TemplateFileIn(data=request.data)
        body.is_valid(raise_exception=True)
        return body.validated_data["file"]

    def file(self, file: StoredFile | None) -> HttpResponseBase:
        if file is None:
            raise not_found()
        return file_response(self.request._request, file)


@extend_schema(tags=["report templates"])
class TemplateLogoView(TemplateFile):
    @extend_schema(responses={(200, FILE): OpenApiTypes.BINARY})
    def retrieve(self, request: Request, report_template: str) -> HttpResponseBase:
        """The logo as it is drawn in reports: a PNG of at most 800 x 400 pixels."""
        return self.file(self.found(report_template).logo)

    @extend_schema(request={"multipart/form-data": TemplateFileIn}, responses=ReportTemplateOut)
    def create(self, request: Request, report_template: str) -> Response:
        """Takes a PNG or JPEG of up to 2 MiB and 16 million pixels; its pixels alone are kept."""
        found, file = self.found(report_template), self.sent(request)
        return self.told(set_logo(found, file.read(), timezone.now()))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, report_template: str) -> Response:
        set_logo(self.found(report_template), None, timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["report templates"])
class TemplateWorkbookView(TemplateFile):
    @extend_schema(responses={(200, FILE): OpenApiTypes.BINARY})
    def retrieve(self, request: Request, report_template: str) -> HttpResponseBase:
        """The workbook as it was sent."""
        return self.file(self.found(report_template).workbook)

    @extend_schema(request={"multipart/form-data": TemplateFileIn}, responses=ReportTemplateOut)
    def create(self, request: Request, report_template: str) -> Response:
        """Takes an .xlsx of up to 10 MiB and answers which of its names and tables will be filled, and which will not.

        400 `unusable_workbook` for macros, links to elsewhere, zip bombs, and for what stands where rows will be.
        """
        found, file = self.found(report_template), self.sent(request)
        return self.told(set_workbook(found, file.read(), timezone.now(), file_name=file.name or ""))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, report_template: str) -> Response:
        set_workbook(self.found(report_template), None, timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
