"""Every page of the portal. Ids in paths are opaque strings; what is no id is simply not there."""

from django.conf import settings
from django.urls import path
from django.views.generic import RedirectView

from migrate_hub.portal import (
    account,
    appliances,
    assessments,
    audit,
    groups,
    imports,
    jobs,
    machine,
    machines,
    members,
    new_groups,
    overview,
    projects,
    reports,
    results,
    sign_in,
    tokens,
    usage,
    what_if_urls,
    wizard,
)

app_name = "portal"
PROJECT = "projects/<str:project>/"
APPLIANCE = f"{PROJECT}appliances/<str:appliance>/"
IMPORT = f"{PROJECT}imports/<str:file_import>/"
GROUP = f"{PROJECT}groups/<str:group>/"
ASSESSMENT = f"{PROJECT}assessments/<str:assessment>/"
REPORT = f"{ASSESSMENT}reports/<str:report>/"

urlpatterns = [
    # Browsers ask for it on pages that name no icon: the admin, the API's documentation.
    path("favicon.ico", RedirectView.as_view(url=f"/{settings.STATIC_URL.lstrip('/')}portal/icon.svg"), name="favicon"),
    path("", projects.HomeView.as_view(), name="home"),
    path("sign-in/", sign_in.SignInView.as_view(), name="sign-in"),
    path("sign-out/", sign_in.SignOutView.as_view(), name="sign-out"),
    path("tenants/", overview.TenantsView.as_view(), name="tenants"),
    path("tenants/part/", overview.OverviewPartView.as_view(), name="tenants-part"),
    path("account/", account.AccountView.as_view(), name="account"),
    path("members/", members.MembersView.as_view(), name="members"),
    path("members/<str:member>/", members.MemberView.as_view(), name="member"),
    path("tokens/", tokens.TokensView.as_view(), name="tokens"),
    path("tokens/<str:token>/revoke/", tokens.RevokeTokenView.as_view(), name="revoke-token"),
    path("audit/", audit.AuditView.as_view(), name="audit"),
    path("usage/", usage.UsageView.as_view(), name="usage"),
    path("jobs/", jobs.JobsView.as_view(), name="jobs"),
    path("jobs/part/", jobs.JobsPartView.as_view(), name="jobs-part"),
    path("jobs/<str:job>/cancel/", jobs.CancelJobView.as_view(), name="cancel-job"),
    path("projects/new/", projects.NewProjectView.as_view(), name="new-project"),
    path(PROJECT, projects.ProjectView.as_view(), name="project"),
    path(f"{PROJECT}settings/", projects.ProjectSettingsView.as_view(), name="project-settings"),
    path(f"{PROJECT}delete/", projects.DeleteProjectView.as_view(), name="delete-project"),
    path(f"{PROJECT}appliances/", appliances.AppliancesView.as_view(), name="appliances"),
    path(f"{PROJECT}appliances/new/", appliances.NewApplianceView.as_view(), name="new-appliance"),
    path(APPLIANCE, appliances.ApplianceView.as_view(), name="appliance"),
    path(f"{APPLIANCE}key/", appliances.NewKeyView.as_view(), name="appliance-key"),
    path(f"{APPLIANCE}revoke/", appliances.RevokeView.as_view(), name="revoke-appliance"),
    path(f"{APPLIANCE}confirm/", appliances.ConfirmSnapshotView.as_view(), name="confirm-snapshot"),
    path(f"{PROJECT}imports/", imports.ImportsView.as_view(), name="imports"),
    path(IMPORT, imports.ImportView.as_view(), name="import"),
    path(f"{IMPORT}state/", imports.ImportStateView.as_view(), name="import-state"),
    path(f"{IMPORT}confirm/", imports.ConfirmImportView.as_view(), name="confirm-import"),
    path(f"{IMPORT}cancel/", imports.CancelImportView.as_view(), name="cancel-import"),
    path(f"{IMPORT}undo/", imports.UndoImportView.as_view(), name="undo-import"),
    path(f"{IMPORT}errors.csv", imports.ImportErrorsView.as_view(), name="import-errors"),
    path(f"{PROJECT}machines/", machines.MachinesView.as_view(), name="machines"),
    path(f"{PROJECT}machines/columns/", machines.InventoryTableView.as_view(), name="inventory-table"),
    path(f"{PROJECT}machines/export.csv", machines.MachinesExportView.as_view(), name="machines-export"),
    path(f"{PROJECT}machines/<str:machine>/", machine.MachineView.as_view(), name="machine"),
    path(f"{PROJECT}machines/<str:machine>/chart/", machine.MachineChartView.as_view(), name="machine-chart"),
    path(f"{PROJECT}groups/", groups.GroupsView.as_view(), name="groups"),
    path(f"{PROJECT}groups/new/", new_groups.NewGroupView.as_view(), name="new-group"),
    path(f"{PROJECT}groups/new/filter/", new_groups.FilterGroupView.as_view(), name="new-filter-group"),
    path(f"{PROJECT}groups/preview/", new_groups.GroupPreviewView.as_view(), name="group-preview"),
    path(GROUP, groups.GroupView.as_view(), name="group"),
    path(f"{GROUP}settings/", groups.GroupSettingsView.as_view(), name="group-settings"),
    path(f"{GROUP}delete/", groups.DeleteGroupView.as_view(), name="delete-group"),
    path(f"{PROJECT}assessments/", assessments.AssessmentsView.as_view(), name="assessments"),
    path(f"{PROJECT}assessments/new/", wizard.NewAssessmentView.as_view(), name="new-assessment"),
    path(f"{PROJECT}assessments/preview/", wizard.PreviewView.as_view(), name="preview-assessment"),
    path(ASSESSMENT, assessments.AssessmentView.as_view(), name="assessment"),
    path(f"{ASSESSMENT}state/", assessments.AssessmentStateView.as_view(), name="assessment-state"),
    path(f"{ASSESSMENT}settings/", wizard.AssessmentSettingsView.as_view(), name="assessment-settings"),
    path(f"{ASSESSMENT}settings/preview/", wizard.PreviewSettingsView.as_view(), name="preview-settings"),
    path(f"{GROUP}copy/", groups.CopyGroupView.as_view(), name="copy-group"),
    path(f"{GROUP}convert/", groups.ConvertGroupView.as_view(), name="convert-group"),
    path(f"{ASSESSMENT}recalculate/", assessments.RecalculateView.as_view(), name="recalculate"),
    path(f"{ASSESSMENT}cancel/", assessments.CancelView.as_view(), name="cancel"),
    path(f"{ASSESSMENT}delete/", assessments.DeleteAssessmentView.as_view(), name="delete-assessment"),
    path(f"{ASSESSMENT}machines/", results.ResultsView.as_view(), name="results"),
    path(f"{ASSESSMENT}machines/<str:machine>/", results.ResultView.as_view(), name="result"),
    path(f"{ASSESSMENT}reports/", reports.ReportsView.as_view(), name="reports"),
    path(f"{REPORT}download/", reports.DownloadReportView.as_view(), name="download-report"),
    path(f"{REPORT}delete/", reports.DeleteReportView.as_view(), name="delete-report"),
    *what_if_urls.urlpatterns,
]
