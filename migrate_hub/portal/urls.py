"""Every page of the portal. Ids in paths are opaque strings; what is no id is simply not there."""

from django.urls import path

from migrate_hub.portal import account, audit, members, projects, sign_in, tokens

app_name = "portal"

urlpatterns = [
    path("", projects.HomeView.as_view(), name="home"),
    path("sign-in/", sign_in.SignInView.as_view(), name="sign-in"),
    path("sign-out/", sign_in.SignOutView.as_view(), name="sign-out"),
    path("tenants/", sign_in.TenantsView.as_view(), name="tenants"),
    path("account/", account.AccountView.as_view(), name="account"),
    path("members/", members.MembersView.as_view(), name="members"),
    path("members/<str:member>/", members.MemberView.as_view(), name="member"),
    path("tokens/", tokens.TokensView.as_view(), name="tokens"),
    path("tokens/<str:token>/revoke/", tokens.RevokeTokenView.as_view(), name="revoke-token"),
    path("audit/", audit.AuditView.as_view(), name="audit"),
    path("projects/new/", projects.NewProjectView.as_view(), name="new-project"),
    path("projects/<str:project>/", projects.ProjectView.as_view(), name="project"),
    path("projects/<str:project>/settings/", projects.ProjectSettingsView.as_view(), name="project-settings"),
    path("projects/<str:project>/delete/", projects.DeleteProjectView.as_view(), name="delete-project"),
]
