"""GET /api/v1/catalogs/ and below: what is priced, where, and who says so. Global, so any member may read."""

from typing import Any

from django.db import models
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.catalog.models import Catalog, CatalogRegion, CatalogSource, CurrencyRate, SkuPrice
from assessments.catalog.selection import resolve_region
from assessments.catalog.serializers import CatalogDetail, CatalogOut, SkuOut, SkuQuery
from assessments.catalog.sizes import sizes_of
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.tenants.api import TenantViewSet

# Name on the wire, column, what the amount is for.
PRICES = (
    ("linux_pay_as_you_go", "linux_payg_hourly", "linux_payg_source", "hour"),
    ("windows_pay_as_you_go", "windows_payg_hourly", "windows_payg_source", "hour"),
    ("dev_test", "dev_test_hourly", "dev_test_source", "hour"),
    ("reservation_1y", "reservation_1y_total", "reservation_1y_source", "term"),
    ("reservation_3y", "reservation_3y_total", "reservation_3y_source", "term"),
    ("savings_plan_1y", "savings_plan_1y_hourly", "savings_plan_1y_source", "hour"),
    ("savings_plan_3y", "savings_plan_3y_hourly", "savings_plan_3y_source", "hour"),
)
OF_SIZE = (
    "id",
    "name",
    "series",
    "vcpus",
    "memory_mb",
    "max_data_disks",
    "max_nics",
    "architecture",
    "hyperv_generations",
    "premium_storage",
    "ultra_ssd",
    "gpu",
    "uncached_iops",
    "uncached_mbps",
    "network_mbps",
    "retires",
)


@extend_schema(tags=["catalogs"])
class CatalogsView(TenantViewSet):
    """Catalogs belong to no tenant; newest first, because ids rise with time."""

    serializer_class = CatalogOut
    ordering = ("-id",)

    def get_queryset(self) -> models.QuerySet[Any]:
        return Catalog.objects.all()

    @extend_schema(responses=CatalogOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(responses=CatalogDetail)
    def retrieve(self, request: Request, catalog: str) -> Response:
        parts = self.get_queryset().prefetch_related(
            models.Prefetch("catalogregions", CatalogRegion.objects.priced().with_disks().order_by("display_name")),
            models.Prefetch("currencyrates", CurrencyRate.objects.order_by("currency")),
            models.Prefetch("catalogsources", CatalogSource.objects.order_by("number")),
        )
        return Response(CatalogDetail(self.find(parts, catalog)).data)


@extend_schema(tags=["catalogs"])
class SkusView(TenantViewSet):
    """The sizes of a catalog in one region, by name."""

    serializer_class = SkuOut
    ordering = ("name", "id")
    catalog: Catalog

    def enter(self, **kwargs: Any) -> None:
        self.catalog = self.find(Catalog.objects.all(), kwargs["catalog"])

    def get_queryset(self) -> models.QuerySet[Any]:
        return SkuPrice.objects.filter(catalog=self.catalog)

    @extend_schema(
        responses=SkuOut(many=True),
        parameters=[
            OpenApiParameter(
                "region", str, required=True, description="Any name of the region: westeurope, West Europe."
            ),
            SkuQuery,
        ],
    )
    def list(self, request: Request, catalog: str) -> Response:
        asked = request.query_params.get("region", "")
        if not asked:
            problem = FieldProblem("region", "required", "Name the region whose prices you want.")
            raise DomainError(code="invalid", detail="The query parameter region is missing.", errors=[problem])
        query = SkuQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = sizes_of(self.catalog, resolve_region(self.catalog, asked), **query.validated_data)
        sources = {source.number: source for source in CatalogSource.objects.filter(catalog=self.catalog)}
        page = self.paginate_queryset(rows) or []
        assert self.paginator is not None
        return self.paginator.get_paginated_response(SkuOut([_sku(row, sources) for row in page], many=True).data)


def _sku(row: SkuPrice, sources: dict[int, CatalogSource]) -> dict[str, Any]:
    """One size in its region, as SkuOut shows it."""
    prices = {
        name: {"amount": getattr(row, column), "per": per, "source": sources[getattr(row, source_column)]}
        if getattr(row, column) is not None
        else None
        for name, column, source_column, per in PRICES
    }
    size = {name: getattr(row.sku, name) for name in OF_SIZE}
    notes = "; ".join(note for note in (row.note, row.sku.note) if note)
    place = {"region": row.region, "listed": row.listed, "zones": row.zones, "currency": "USD"}
    return {**size, **place, "prices": prices, "note": notes or None}
