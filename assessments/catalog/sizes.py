"""The sizes of a catalog in one region, narrowed to what somebody looks for."""

from decimal import Decimal

from django.db import models
from django.db.models import F

from assessments.catalog.models import Catalog, Sku, SkuPrice


def sizes_of(
    catalog: Catalog, region: str, *, search: str = "", series: str = "", max_hourly: Decimal | None = None
) -> "models.QuerySet[SkuPrice]":
    """Sizes by `name`, with all they cost in the region.

    `search` is a part of the name in any case, `max_hourly` the most that an hour of Linux may cost: a size without
    that price is left out then.
    """
    rows = SkuPrice.objects.filter(catalog=catalog, region=region).annotate(name=F("sku__name")).select_related("sku")
    if search:
        rows = rows.filter(sku__name__icontains=search)
    if series:
        rows = rows.filter(sku__series=series)
    return rows if max_hourly is None else rows.filter(linux_payg_hourly__lte=max_hourly)


def series_of(catalog: Catalog) -> list[str]:
    """The series that a catalog has sizes of, by name."""
    return list(Sku.objects.filter(catalog=catalog).order_by("series").values_list("series", flat=True).distinct())
