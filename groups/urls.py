"""/api/v1/projects/{project}/groups/."""

from django.urls import path

from groups.views import GroupsView

urlpatterns = [
    path("projects/<str:project>/groups/", GroupsView.as_view({"get": "list", "post": "create"}), name="groups"),
    path(
        "projects/<str:project>/groups/<str:group>/",
        GroupsView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="group",
    ),
    path(
        "projects/<str:project>/groups/<str:group>/machines/",
        GroupsView.as_view({"post": "machines"}),
        name="group-machines",
    ),
    path("projects/<str:project>/groups/<str:group>/copy/", GroupsView.as_view({"post": "copy"}), name="group-copy"),
    path(
        "projects/<str:project>/groups/<str:group>/convert/",
        GroupsView.as_view({"post": "convert"}),
        name="group-convert",
    ),
]
