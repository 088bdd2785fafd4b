"""Catalogs: how old their prices are, the sizes in them, and what changed since an earlier one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from assessments.catalog.models import Catalog, CatalogRegion, CatalogSource, CurrencyRate
from assessments.catalog.sizes import series_of, sizes_of
from assessments.models import AssessmentRun
from assessments.price_change_views import earlier_catalog
from assessments.price_changes import price_changes
from migrate_hub.portal.access import PortalView, found
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.models import Project

OLD_AFTER_DAYS = 31
FIRST_REGION = "westeurope"
MAX_CHANGES_SHOWN = 200
MAX_CATALOGS_OFFERED = 100
TABLES = {
    "sizes.csv": "Sizes",
    "prices.csv": "Prices of sizes",
    "regions.csv": "Regions",
    "disk_tiers.csv": "Disk tiers",
    "disk_prices.csv": "Prices of disks",
    "currencies.csv": "Currencies",
    "sources.csv": "Sources",
}


@dataclass(frozen=True)
class CatalogRow:
    """One catalog, how old its prices are, and how many rows of what it has."""

    catalog: Catalog
    age_days: int
    runs: int

    @property
    def is_old(self) -> bool:
        return self.age_days > OLD_AFTER_DAYS

    @property
    def counts(self) -> list[tuple[str, int]]:
        tables: Mapping[str, Mapping[str, Any]] = self.catalog.manifest.get("tables", {})
        return [(words, int(tables[name]["rows"])) for name, words in TABLES.items() if name in tables]

    @property
    def sizes(self) -> int:
        return next((count for words, count in self.counts if words == "Sizes"), 0)


class CatalogsView(PortalView):
    section = "catalogs"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = page_of(Catalog.objects.all(), request, order_by="as_of", descending=True)
        runs, today = self._runs([catalog.id for catalog in page.rows]), timezone.now().date()
        rows = [CatalogRow(catalog, catalog.age_days(today), runs.get(catalog.id, 0)) for catalog in page.rows]
        return self.page("portal/catalogs.html", {"page": page, "rows": rows, "old_after": OLD_AFTER_DAYS})

    def _runs(self, catalog_ids: list[UUID]) -> dict[UUID, int]:
        """How many runs of the tenant pinned each catalog."""
        rows = AssessmentRun.objects.filter(catalog_id__in=catalog_ids).order_by().values("catalog_id")
        return {row["catalog_id"]: row["count"] for row in rows.annotate(count=Count("id"))}


class SizesForm(forms.Form):
    """What to look for in a catalog."""

    region = forms.CharField(max_length=64)
    search = forms.CharField(
        label="Size contains", required=False, max_length=64, widget=forms.TextInput(attrs={"type": "search"})
    )
    series = forms.CharField(required=False, max_length=64)
    max_hourly = forms.DecimalField(
        label="At most (USD an hour, Linux)",
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=4,
        widget=forms.NumberInput(attrs={"class": "short", "step": "0.01", "min": "0"}),
    )

    def __init__(self, data: Any = None, *, catalog: Catalog, regions: list[CatalogRegion]) -> None:
        super().__init__(data)
        self.fields["region"].widget = forms.Select(choices=[(each.region, each.display_name) for each in regions])
        series = [(name, name) for name in series_of(catalog)]
        self.fields["series"].widget = forms.Select(choices=[("", "All"), *series])

    def clean_region(self) -> str:
        region = str(self.cleaned_data["region"])
        widget = self.fields["region"].widget
        assert isinstance(widget, forms.Select)
        if region not in {value for value, _ in widget.choices}:
            raise forms.ValidationError("The catalog has no prices there.")
        return region


class OneCatalogView(PortalView):
    section = "catalogs"
    catalog: Catalog

    def enter(self, **kwargs: str) -> None:
        self.catalog = found(Catalog.objects.all(), kwargs["catalog"])


class CatalogView(OneCatalogView):
    def get(self, request: HttpRequest, catalog: str) -> HttpResponse:
        regions = list(CatalogRegion.objects.filter(catalog=self.catalog).priced().order_by("display_name"))
        asked = {"region": self._first_region(regions), **request.GET.dict()}
        form = SizesForm(asked, catalog=self.catalog, regions=regions)
        rows = self._rows(form) if form.is_valid() else sizes_of(self.catalog, "").none()
        page = page_of(rows, request, order_by="name")
        context = {
            "catalog": self.catalog,
            "row": CatalogRow(self.catalog, self.catalog.age_days(timezone.now().date()), 0),
            "form": form,
            "page": page,
            "earlier": earlier_catalog(self.catalog),
            "sources": list(CatalogSource.objects.filter(catalog=self.catalog).order_by("number")),
            "rates": list(CurrencyRate.objects.filter(catalog=self.catalog).order_by("currency")),
            "left_out": self.catalog.manifest.get("left_out", []),
        }
        return self.page("portal/catalog.html", context, status=200 if form.is_valid() else 400)

    def _rows(self, form: SizesForm) -> Any:
        asked = form.cleaned_data
        return sizes_of(
            self.catalog,
            asked["region"],
            search=asked["search"],
            series=asked["series"],
            max_hourly=asked["max_hourly"],
        )

    def _first_region(self, regions: list[CatalogRegion]) -> str:
        """The region of the newest project, where the catalog prices it."""
        names = [region.region for region in regions]
        project = Project.objects.filter(deleted_at=None).order_by("-created_at").first()
        wanted = [project.target_region if project else "", FIRST_REGION, *names, ""]
        return next((name for name in wanted if name in names), "")


class PriceChangesView(OneCatalogView):
    """What the sizes in use cost in an earlier catalog and in this one."""

    def get(self, request: HttpRequest, catalog: str) -> HttpResponse:
        others = list(Catalog.objects.exclude(id=self.catalog.id).order_by("-as_of", "-id")[:MAX_CATALOGS_OFFERED])
        since = request.GET.get("since")
        before = found(Catalog.objects.exclude(id=self.catalog.id), since) if since else earlier_catalog(self.catalog)
        context: dict[str, Any] = {"catalog": self.catalog, "before": before, "others": others}
        if before is not None:
            changes = price_changes(before, self.catalog)
            context |= {"found": changes, "rows": changes.changes[:MAX_CHANGES_SHOWN]}
        return self.page("portal/price_changes.html", context)
