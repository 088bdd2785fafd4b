"""The pages of report templates."""

from django.urls import path

from migrate_hub.portal import report_templates

TEMPLATES = "report-templates/"
TEMPLATE = f"{TEMPLATES}<str:report_template>/"

urlpatterns = [
    path(TEMPLATES, report_templates.ReportTemplatesView.as_view(), name="report-templates"),
    path(f"{TEMPLATES}new/", report_templates.NewReportTemplateView.as_view(), name="new-report-template"),
    path(TEMPLATE, report_templates.ReportTemplateView.as_view(), name="report-template"),
    path(f"{TEMPLATE}logo/", report_templates.TemplateLogoView.as_view(), name="report-template-logo"),
    path(f"{TEMPLATE}workbook/", report_templates.TemplateWorkbookView.as_view(), name="report-template-workbook"),
    path(f"{TEMPLATE}delete/", report_templates.DeleteReportTemplateView.as_view(), name="delete-report-template"),
]
