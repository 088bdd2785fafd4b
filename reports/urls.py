"""/api/v1/projects/{project}/assessments/{assessment}/reports/, the reports of a project, and the signed downloads."""

from django.urls import path

from reports.project_views import ProjectReportsView, ReportLinksView
from reports.report_templates.views import ReportTemplatesView, TemplateLogoView, TemplateWorkbookView
from reports.views import ReportsView, download

REPORTS = "projects/<str:project>/assessments/<str:assessment>/reports/"
OF_PROJECT = "projects/<str:project>/reports/"
ONE = OF_PROJECT + "<str:report>/"
LINKS = ONE + "links/"
TEMPLATES = "report-templates/"
TEMPLATE = TEMPLATES + "<str:report_template>/"

urlpatterns = [
    path(REPORTS, ReportsView.as_view({"get": "list", "post": "create"}), name="reports"),
    path(REPORTS + "<str:report>/", ReportsView.as_view({"get": "retrieve", "delete": "destroy"}), name="report"),
    path(OF_PROJECT, ProjectReportsView.as_view({"get": "list", "post": "create"}), name="project-reports"),
    path(ONE, ProjectReportsView.as_view({"get": "retrieve", "delete": "destroy"}), name="project-report"),
    path(ONE + "cancel/", ProjectReportsView.as_view({"post": "cancel"}), name="report-cancel"),
    path(LINKS, ReportLinksView.as_view({"get": "list", "post": "create"}), name="report-links"),
    path(LINKS + "revoke/", ReportLinksView.as_view({"post": "revoke_all"}), name="report-links-revoke"),
    path(LINKS + "<str:link>/", ReportLinksView.as_view({"delete": "destroy"}), name="report-link"),
    path(TEMPLATES, ReportTemplatesView.as_view({"get": "list", "post": "create"}), name="report-templates"),
    path(
        TEMPLATE,
        ReportTemplatesView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="report-template",
    ),
    path(
        TEMPLATE + "logo/",
        TemplateLogoView.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
        name="report-template-logo",
    ),
    path(
        TEMPLATE + "workbook/",
        TemplateWorkbookView.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
        name="report-template-workbook",
    ),
    path("report-downloads/<str:signed>/", download, name="report-download"),
]
