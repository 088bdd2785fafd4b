"""All reports of a project: list them, make one over several assessments, cancel, share and delete any of them."""

from typing import Any

from django.db import models
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from migrate_hub.tenants.api import ProjectViewSet
from reports.links import shared_url
from reports.listing import emails_of, pinned_runs, reports_of
from reports.models import Report, ReportKind, ReportLink
from reports.queueing import cancel_report, queue_project_report, revoke_report
from reports.report_templates.using import template_asked_for
from reports.serializers import LinkIn, LinkOut, ProjectReportIn, ReportOut, ReportQuery
from reports.sharing import revoke_link, revoke_links, share_report
from reports.views import told


@extend_schema(tags=["reports"])
class ProjectReportsView(ProjectViewSet):
    model = Report
    serializer_class = ReportOut
    ordering = ("-created_at", "id")

    def get_queryset(self) -> models.QuerySet[Report]:
        return reports_of(self.project)

    @extend_schema(parameters=[ReportQuery], responses=ReportOut(many=True))
    def list(self, request: Request, project: str) -> Response:
        """Every report of the project, the newest first: of assessments, of differences and of the project."""
        query = ReportQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(reports_of(self.project, **query.validated_data))
        assert self.paginator is not None
        return self.paginator.get_paginated_response(told(page or []))

    @extend_schema(request=ProjectReportIn, responses={202: ReportOut})
    def create(self, request: Request, project: str) -> Response:
        """A report with a row for each assessment; it shows the runs that are published now."""
        body = ProjectReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = {**body.validated_data, "template": template_asked_for(body.validated_data)}
        report = queue_project_report(self.project, now=timezone.now(), **asked)
        return Response(self.whole(self.get_queryset().get(id=report.id)), status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=ReportOut)
    def retrieve(self, request: Request, project: str, report: str) -> Response:
        return Response(self.whole(self.find(self.get_queryset(), report)))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str, report: str) -> Response:
        revoke_report(self.find(self.get_queryset(), report), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ReportOut)
    def cancel(self, request: Request, project: str, report: str) -> Response:
        """Ends the making of a report."""
        cancel_report(self.find(self.get_queryset(), report), timezone.now())
        return Response(self.whole(self.find(self.get_queryset(), report)))

    def whole(self, report: Report) -> dict[str, Any]:
        answer: dict[str, Any] = told([report])[0]
        return answer if report.kind != ReportKind.PROJECT else {**answer, "runs": _wire(pinned_runs(report))}


def _wire(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: str(item) if name in ("assessment", "run") else item for name, item in run.items()} for run in runs]


@extend_schema(tags=["reports"])
class ReportLinksView(ProjectViewSet):
    """The links to a report that were given out; they need no token and live as long as was chosen."""

    model = ReportLink
    serializer_class = LinkOut
    ordering = ("-created_at", "id")
    report: Report

    def enter(self, **kwargs: Any) -> None:
        super().enter(**kwargs)
        self.report = self.find(reports_of(self.project), kwargs["report"])

    def get_queryset(self) -> models.QuerySet[ReportLink]:
        rows: models.QuerySet[ReportLink] = ReportLink.objects.filter(report=self.report).select_related("report")
        return rows

    @extend_schema(responses=LinkOut(many=True))
    def list(self, request: Request, project: str, report: str) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        assert self.paginator is not None
        return self.paginator.get_paginated_response(shown_links(page or []))

    @extend_schema(request=LinkIn, responses={201: LinkOut})
    def create(self, request: Request, project: str, report: str) -> Response:
        """A link for whoever is given it; it lives no longer than the report's file."""
        body = LinkIn(data=request.data)
        body.is_valid(raise_exception=True)
        link = share_report(self.report, now=timezone.now(), **body.validated_data)
        return Response(shown_links([link])[0], status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str, report: str, link: str) -> Response:
        revoke_link(self.find(self.get_queryset(), link), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={204: None})
    def revoke_all(self, request: Request, project: str, report: str) -> Response:
        """Every link to the report stops working at once, a `download_url` that was told before too."""
        revoke_links(self.report, timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def shown_links(links: list[ReportLink]) -> Any:
    """Links with who made them, and with their address while they work."""
    emails, now = emails_of(link.created_by for link in links), timezone.now()
    rows = []
    for link in links:
        works = link.revoked_at is None and link.expires_at > now
        row = {name: getattr(link, name) for name in ("id", "created_at", "expires_at", "revoked_at")}
        rows.append(
            {**row, "created_by_email": emails.get(link.created_by), **({"url": shared_url(link)} if works else {})}
        )
    return LinkOut(rows, many=True).data
