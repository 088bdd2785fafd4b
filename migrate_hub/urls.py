"""Every URL: health, the API under /api/v1/, its schema and documentation, the operators' admin, the portal."""

from django.contrib import admin
from django.urls import include, path

from migrate_hub import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/v1/", include("migrate_hub.tenants.urls")),
    path("admin/", admin.site.urls),
]
