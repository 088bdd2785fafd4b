"""The current catalog as the tables it was loaded from: what a new version is made from and compared with."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from django.db import models

from assessments.catalog.catalog_file import (
    CurrencyRow,
    DiskPriceRow,
    DiskRuleRow,
    DiskTierRow,
    PriceRow,
    RegionRow,
    Row,
    SizeRow,
    SourceRow,
    Tables,
)
from assessments.catalog.loading import OWNER
from assessments.catalog.models import (
    Catalog,
    CatalogRegion,
    CatalogSource,
    CurrencyRate,
    DiskPrice,
    DiskRule,
    DiskTier,
    Sku,
    SkuPrice,
)

AnyRow = TypeVar("AnyRow", bound=Row)


def stored_tables(catalog: Catalog) -> Tables:
    """All rows of a stored catalog, in the order that `load_catalog` would store them again."""
    return Tables(
        sources=_rows(catalog, CatalogSource, SourceRow, order=("number",), source="number"),
        regions=_rows(catalog, CatalogRegion, RegionRow, order=("region",)),
        currencies=_rows(catalog, CurrencyRate, CurrencyRow, order=("currency",)),
        sizes=_rows(catalog, Sku, SizeRow, order=("name",), size="name"),
        prices=_rows(catalog, SkuPrice, PriceRow, order=("region", "sku__name"), size="sku__name"),
        disk_tiers=_rows(catalog, DiskTier, DiskTierRow, order=("disk_type", "redundancy", "size_gib")),
        disk_rules=_rows(catalog, DiskRule, DiskRuleRow, order=("disk_type", "rule")),
        disk_prices=_rows(
            catalog, DiskPrice, DiskPriceRow, order=("region", "disk_type", "redundancy", "component", "tier")
        ),
    )


def _rows(
    catalog: Catalog, model: type[models.Model], row_type: type[AnyRow], *, order: tuple[str, ...], **renamed: str
) -> list[AnyRow]:
    """The catalog's rows of a model; `renamed` gives the column of a field that is called otherwise."""
    names = [field.name for field in msgspec.structs.fields(row_type)]
    columns = [renamed.get(name, name) for name in names]
    found = model._default_manager.using(OWNER).filter(catalog=catalog).order_by(*order).values_list(*columns)
    read: Callable[..., AnyRow] = row_type
    return [read(**{name: _plain(value) for name, value in zip(names, row, strict=True)}) for row in found]


def _plain(value: Any) -> Any:
    """As the file has it: aliases in one text, decimals without the zeros of their column."""
    if isinstance(value, list):
        return "|".join(value)
    return value.normalize() if isinstance(value, Decimal) else value
