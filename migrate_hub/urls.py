"""Every URL: health, the API under /api/v1/, its schema and documentation, the operators' admin, the portal."""

from django.contrib import admin
from django.urls import include, path

from migrate_hub import health, schema

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/v1/", include("migrate_hub.tenants.urls")),
    path("api/v1/", include("migrate_hub.oidc.urls")),
    path("api/v1/", include("migrate_hub.jobs.urls")),
    path("api/v1/", include("ingest.urls")),
    path("api/v1/", include("ingest.imports.urls")),
    path("api/v1/", include("groups.urls")),
    path("api/v1/", include("assessments.urls")),
    path("api/v1/", include("reports.urls")),
    path("api/schema/", schema.openapi, name="api-schema"),
    path("api/docs/", schema.docs, name="api-docs"),
    path("admin/", admin.site.urls),
    path("", include("migrate_hub.portal.urls")),
]
