"""/api/v1/projects/{project}/imports/."""

from django.urls import path

from ingest.imports.views import ImportsView

IMPORT = "projects/<str:project>/imports/<str:file_import>/"

urlpatterns = [
    path(
        "projects/<str:project>/imports/", ImportsView.as_view({"get": "list", "post": "create"}), name="file-imports"
    ),
    path(IMPORT, ImportsView.as_view({"get": "retrieve", "delete": "destroy"}), name="file-import"),
    path(f"{IMPORT}cancel/", ImportsView.as_view({"post": "cancel"}), name="cancel-import"),
    path(f"{IMPORT}confirm/", ImportsView.as_view({"post": "confirm"}), name="confirm-import"),
    path(f"{IMPORT}errors.csv", ImportsView.as_view({"get": "errors"}), name="import-errors"),
]
