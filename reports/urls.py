"""/api/v1/projects/{project}/assessments/{assessment}/reports/, the reports of a project, and the signed downloads."""

from django.urls import path

from reports.project_views import ProjectReportsView, ReportLinksView
from reports.views import ReportsView, download

REPORTS = "projects/<str:project>/assessments/<str:assessment>/reports/"
OF_PROJECT = "projects/<str:project>/reports/"
ONE = OF_PROJECT + "<str:report>/"
LINKS = ONE + "links/"

urlpatterns = [
    path(REPORTS, ReportsView.as_view({"get": "list", "post": "create"}), name="reports"),
    path(REPORTS + "<str:report>/", ReportsView.as_view({"get": "retrieve", "delete": "destroy"}), name="report"),
    path(OF_PROJECT, ProjectReportsView.as_view({"get": "list", "post": "create"}), name="project-reports"),
    path(ONE, ProjectReportsView.as_view({"get": "retrieve", "delete": "destroy"}), name="project-report"),
    path(ONE + "cancel/", ProjectReportsView.as_view({"post": "cancel"}), name="report-cancel"),
    path(LINKS, ReportLinksView.as_view({"get": "list", "post": "create"}), name="report-links"),
    path(LINKS + "revoke/", ReportLinksView.as_view({"post": "revoke_all"}), name="report-links-revoke"),
    path(LINKS + "<str:link>/", ReportLinksView.as_view({"delete": "destroy"}), name="report-link"),
    path("report-downloads/<str:signed>/", download, name="report-download"),
]
