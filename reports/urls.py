"""/api/v1/projects/{project}/assessments/{assessment}/reports/ and the signed downloads."""

from django.urls import path

from reports.views import ReportsView, download

REPORTS = "projects/<str:project>/assessments/<str:assessment>/reports/"

urlpatterns = [
    path(REPORTS, ReportsView.as_view({"get": "list", "post": "create"}), name="reports"),
    path(REPORTS + "<str:report>/", ReportsView.as_view({"get": "retrieve", "delete": "destroy"}), name="report"),
    path("report-downloads/<str:signed>/", download, name="report-download"),
]
