"""/api/v1/projects/, tokens/, members/, invitations/, tenant/, audit/."""

from typing import Any

from django.urls import path

from migrate_hub.tenants import views

collection: dict[str, Any] = {"get": "list", "post": "create"}

urlpatterns = [
    path("projects/", views.ProjectsView.as_view(collection), name="projects"),
    path(
        "projects/<str:project>/",
        views.ProjectsView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="project",
    ),
    path("tokens/", views.TokensView.as_view(collection), name="tokens"),
    path("tokens/<str:token>/", views.TokensView.as_view({"delete": "destroy"}), name="token"),
    path("members/", views.MembersView.as_view(collection), name="members"),
    path("members/<str:member>/", views.MembersView.as_view({"delete": "destroy"}), name="member"),
    path("invitations/", views.InvitationsView.as_view(collection), name="invitations"),
    path("invitations/<str:invitation>/", views.InvitationsView.as_view({"delete": "destroy"}), name="invitation"),
    path("tenant/", views.TenantView.as_view(), name="tenant"),
    path("audit/", views.AuditView.as_view({"get": "list"}), name="audit"),
]
