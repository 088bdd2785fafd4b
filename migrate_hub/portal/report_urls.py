"""The pages of a project's reports, and of one assessment's."""

from django.urls import path

from migrate_hub.portal import report_center, reports

OF_ASSESSMENT = "projects/<str:project>/assessments/<str:assessment>/reports/"
REPORTS = "projects/<str:project>/reports/"
REPORT = f"{REPORTS}<str:report>/"
LINKS = f"{REPORT}links/"

urlpatterns = [
    path(OF_ASSESSMENT, reports.ReportsView.as_view(), name="reports"),
    path(REPORTS, report_center.ReportCenterView.as_view(), name="report-center"),
    path(f"{REPORTS}part/", report_center.ReportCenterPartView.as_view(), name="report-center-part"),
    path(f"{REPORTS}new/", report_center.NewReportView.as_view(), name="new-report"),
    path(REPORT, report_center.ReportView.as_view(), name="project-report"),
    path(f"{REPORT}state/", report_center.ReportStateView.as_view(), name="report-state"),
    path(f"{REPORT}download/", report_center.DownloadView.as_view(), name="download-report"),
    path(f"{REPORT}cancel/", report_center.CancelView.as_view(), name="cancel-report"),
    path(f"{REPORT}delete/", report_center.DeleteView.as_view(), name="delete-report"),
    path(f"{LINKS}revoke/", report_center.RevokeLinksView.as_view(), name="revoke-report-links"),
    path(f"{LINKS}<str:link>/revoke/", report_center.RevokeLinkView.as_view(), name="revoke-report-link"),
]
