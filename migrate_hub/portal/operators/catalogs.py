"""Catalogs, and which of them is current."""

from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from assessments.catalog.loading import OWNER, make_current
from assessments.catalog.models import Catalog
from migrate_hub.portal.operators.site import Bounded, ReadOnly, refuse_others


@admin.register(Catalog)
class CatalogAdmin(ReadOnly, Bounded):
    """Catalogs are loaded by commands; here one that is loaded is made current."""

    list_display = ["name", "as_of", "is_current", "created_at"]
    list_filter = ["is_current"]
    ordering = ["-as_of"]
    change_form_template = "admin/operators/catalog.html"

    def get_urls(self) -> list[URLPattern]:
        own = path("<uuid:catalog_id>/current/", self.admin_site.admin_view(self.current), name="catalog-current")
        return [own, *super().get_urls()]

    def current(self, request: HttpRequest, catalog_id: UUID) -> HttpResponse:
        """Makes the catalog current, where this process may write catalogs and no later one is current."""
        refuse_others(request, self.opts)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        catalog = get_object_or_404(Catalog, pk=catalog_id)
        if OWNER not in settings.DATABASES:
            messages.error(
                request,
                "The web server may not write catalogs, as it should be. Run `manage.py load_catalog` with the file "
                "where DATABASE_OWNER_URL is set.",
            )
        else:
            make_current(catalog)
            self.log_change(request, catalog, "Asked to make it current.")
            if catalog.is_current:
                messages.success(request, f"{catalog.name} is current: new assessments take it.")
            else:
                messages.error(request, "A catalog of a later date is current. It stays so.")
        return redirect("admin:assessments_catalog_change", catalog.pk)
