"""Models of this app; the catalog's live beside its loader."""

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

__all__ = [
    "Catalog",
    "CatalogRegion",
    "CatalogSource",
    "CurrencyRate",
    "DiskPrice",
    "DiskRule",
    "DiskTier",
    "Sku",
    "SkuPrice",
]
