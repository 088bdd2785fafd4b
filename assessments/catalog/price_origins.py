"""Where each price of a region comes from: the catalog's source with its date, or a row of a tenant's price sheet.

The engine knows prices and not where they come from; this is laid beside its price lines afterwards.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from assessments.catalog.models import Catalog, CatalogSource, DiskPrice, Sku, SkuPrice
from assessments.catalog.price_sheet import SheetRow
from assessments.catalog.price_sheet_overlay import SIZE_PRICES, pinned_sheet, rows_in_force
from assessments.catalog.selection import (
    REGIONS_KEPT,
    UNITS,
    Conversion,
    PinnedSheet,
    load_conversion,
    resolve_region,
)
from migrate_hub.tenants.context import current_tenant_id

# The engine's price, and the columns of the catalog that tell it.
COLUMNS = {
    "linux": "linux_payg",
    "windows": "windows_payg",
    "reservation_1y_term": "reservation_1y",
    "reservation_3y_term": "reservation_3y",
    "savings_plan_1y": "savings_plan_1y",
    "savings_plan_3y": "savings_plan_3y",
    "dev_test": "dev_test",
}
LICENCE = "windows_licence"
# Disk type and component of the parts of freely sized disks, by the engine's kinds of price lines.
PARTS = {
    f"{disk_type}_{engine_name.removesuffix('_hour')}": (disk_type, component)
    for disk_type in ("premium_ssd_v2", "ultra")
    for engine_name, component in UNITS.items()
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says a price. `effective_from` is since when its meter, or its row of a price sheet, has held.

    `price_sheet_row` is given where the price is the tenant's own.
    """

    price: str
    title: str
    dated: str | None = None
    effective_from: date | None = None
    price_sheet_row: int | None = None

    def shown(self) -> dict[str, Any]:
        told = {
            "price": self.price,
            "from": "catalog" if self.price_sheet_row is None else "price_sheet",
            "title": self.title,
            "dated": self.dated,
            "effective_from": self.effective_from,
            "price_sheet_row": self.price_sheet_row,
        }
        return {name: value for name, value in told.items() if value is not None}


Origins = tuple[Origin, ...]


@dataclass(frozen=True)
class PriceOrigins:
    """The origins of all prices of one region: by price and size, and by tier or part of a disk."""

    conversion: Conversion | None
    sizes: Mapping[tuple[str, str], Origins] = field(repr=False)
    disks: Mapping[str, Origins] = field(repr=False)

    def of_line(self, kind: str, name: str | None) -> Origins:
        """Of a price line of the size or disk tier `name`: several where a price is made of several, none of a
        discount."""
        if kind in PARTS:
            return self.disks.get(kind, ())
        return self.disks.get(name or "", ()) if kind == "disk_tier" else self.sizes.get((kind, name or ""), ())


def load_origins(catalog: Catalog, region: str, currency: str, price_sheet: PinnedSheet | None = None) -> PriceOrigins:
    """The origins of what `selection.load_region` gives for the same arguments; a fixed number of queries, kept."""
    name = resolve_region(catalog, region)
    sizes, disks = _published(catalog.pk, name)
    if price_sheet is not None:
        sizes, disks = _overlaid(sizes, disks, _rows_of(current_tenant_id(), price_sheet, name))
    return PriceOrigins(load_conversion(catalog, currency), sizes, disks)


Sizes = dict[tuple[str, str], Origins]
Disks = dict[str, Origins]


@functools.lru_cache(maxsize=REGIONS_KEPT)
def _published(catalog_id: UUID, region: str) -> tuple[Sizes, Disks]:
    sources = {source.number: source for source in CatalogSource.objects.filter(catalog=catalog_id)}
    sizes: Sizes = {}
    for row in SkuPrice.objects.filter(catalog=catalog_id, region=region).select_related("sku"):
        for price, column in COLUMNS.items():
            number = getattr(row, f"{column}_source")
            if number is not None:
                since = getattr(row, f"{column}_since")
                sizes[price, row.sku.name] = (_of_source(price, sources[number], since),)
        sizes[LICENCE, row.sku.name] = _of_licence(sizes, row.sku)
    part_of = {part: name for name, part in PARTS.items()}
    disks: Disks = {}
    for disk in DiskPrice.objects.filter(catalog=catalog_id, region=region, redundancy="lrs"):
        name = disk.tier or part_of[disk.disk_type, disk.component]
        disks[name] = (_of_source(name, sources[disk.source], disk.since),)
    return sizes, disks


def _of_source(price: str, source: CatalogSource, since: date | None) -> Origin:
    return Origin(price, title=source.title, dated=source.dated, effective_from=since)


def _of_licence(sizes: Sizes, sku: Sku) -> Origins:
    """Windows minus Linux; where the region lacks one of them, what it is in all regions that have both."""
    both = *sizes.get(("windows", sku.name), ()), *sizes.get(("linux", sku.name), ())
    if len(both) == 2:
        return both
    title = f"Windows minus Linux, the same in all {sku.windows_license_regions} regions where both are known"
    return (Origin(LICENCE, title=title),) if sku.windows_license_hourly is not None else ()


@functools.lru_cache(maxsize=REGIONS_KEPT)
def _rows_of(tenant_id: int, price_sheet: PinnedSheet, region: str) -> list[tuple[SheetRow, Origin]]:
    """The tenant's own prices; the key begins with the tenant, in whose context the rows are read."""
    sheet = pinned_sheet(price_sheet.sheet_id)
    dated = sheet.created_at.date().isoformat()
    return [
        (row, Origin(_price_of(row), sheet.name, dated, effective_from=row.valid_from, price_sheet_row=row.row))
        for row in rows_in_force(sheet, region, price_sheet.on)
    ]


def _price_of(row: SheetRow) -> str:
    return row.sku if row.kind == "disk_tier" else SIZE_PRICES[row.scenario, row.operating_system]


def _overlaid(sizes: Sizes, disks: Disks, rows: Iterable[tuple[SheetRow, Origin]]) -> tuple[Sizes, Disks]:
    """As `price_sheet_overlay.overlaid` replaces the prices: where only Linux is the tenant's own, Windows is that with
    the published licence on top, and the licence is the tenant's own where both are."""
    own_sizes = {(origin.price, row.sku): (origin,) for row, origin in rows if row.kind == "size"}
    own_disks = {origin.price: (origin,) for row, origin in rows if row.kind == "disk_tier"}
    made: Sizes = {}
    for price, name in own_sizes:
        if price == "linux" and ("windows", name) in own_sizes:
            made[LICENCE, name] = (*own_sizes["windows", name], *own_sizes["linux", name])
        elif price == "linux":
            made["windows", name] = (*own_sizes["linux", name], *sizes.get((LICENCE, name), ()))
    return {**sizes, **own_sizes, **made}, {**disks, **own_disks}


def with_sources(lines: Iterable[dict[str, Any]], name: str | None, origins: PriceOrigins) -> list[dict[str, Any]]:
    """Price lines of the engine's trace (as dicts) of a size or disk tier, each with its `sources`."""
    return [{**line, "sources": [origin.shown() for origin in origins.of_line(line["kind"], name)]} for line in lines]
