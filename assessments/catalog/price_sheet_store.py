"""Price sheets of the current tenant: stored whole or not at all, named, hidden when deleted."""

import hashlib
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from assessments.catalog.models import (
    Catalog,
    CurrencyRate,
    DiskPrice,
    DiskTier,
    PriceSheet,
    PriceSheetRow,
    Sku,
    SkuPrice,
)
from assessments.catalog.price_sheet import HOURS_A_YEAR, RESERVATIONS, Known, SheetRow, read_price_sheet
from assessments.catalog.selection import load_conversion, resolve_region
from migrate_hub.errors import DomainError
from migrate_hub.tenants import audit
from migrate_hub.tenants.bulk import bulk_insert
from migrate_hub.tenants.models import uuid7
from migrate_hub.tenants.people import name_taken

MAX_SHEETS = 100


def store_price_sheet(*, name: str, content: bytes) -> PriceSheet:
    """A new sheet from a CSV, its names checked against the current catalog.

    Raises DomainError: invalid_price_sheet (nothing stored, every bad row named), name_taken, limit_reached,
    no_catalog, body_too_large.
    """
    if PriceSheet.objects.filter(deleted_at=None).count() >= MAX_SHEETS:
        raise DomainError(code="limit_reached", status=409, detail=f"A tenant has at most {MAX_SHEETS} price sheets.")
    read = read_price_sheet(content, _known(_current_catalog()))
    try:
        with transaction.atomic():
            sheet: PriceSheet = PriceSheet.objects.create(
                name=name,
                currency=read.currency,
                row_count=len(read.rows),
                sha256=hashlib.sha256(content).hexdigest(),
            )
    except IntegrityError:
        raise name_taken("price sheet", name) from None
    _write_rows(sheet, read.rows)
    audit.record("price_sheet.create", sheet, name=name, rows=len(read.rows), sha256=sheet.sha256)
    return sheet


def find_price_sheet(sheet_id: UUID | str) -> PriceSheet:
    """A living sheet of the current tenant, for a new assessment. Raises DomainError `unknown_price_sheet`."""
    sheet: PriceSheet | None = PriceSheet.objects.filter(pk=sheet_id, deleted_at=None).first()
    if sheet is None:
        raise DomainError(
            code="unknown_price_sheet", detail="There is no such price sheet. GET /api/v1/price-sheets/ lists them."
        )
    return sheet


def delete_price_sheet(sheet: PriceSheet, now: datetime) -> None:
    """Hides a sheet: no new assessment takes it; runs that pinned it stay repeatable."""
    sheet.deleted_at = now
    sheet.save(update_fields=["deleted_at"])
    audit.record("price_sheet.delete", sheet)


def _write_rows(sheet: PriceSheet, rows: list[SheetRow]) -> None:
    bulk_insert(
        PriceSheetRow._meta.db_table,
        {
            "id": ("uuid", [uuid7() for _ in rows]),
            "sheet_id": ("uuid", [sheet.pk for _ in rows]),
            "row": ("int", [row.row for row in rows]),
            "kind": ("text", [row.kind for row in rows]),
            "sku": ("text", [row.sku for row in rows]),
            "region": ("text", [row.region for row in rows]),
            "scenario": ("text", [row.scenario for row in rows]),
            "operating_system": ("text", [row.operating_system for row in rows]),
            "unit": ("text", [row.unit for row in rows]),
            "unit_price": ("numeric", [row.unit_price for row in rows]),
            "valid_from": ("date", [row.valid_from for row in rows]),
        },
    )


def _current_catalog() -> Catalog:
    catalog = Catalog.objects.current()
    if catalog is None:
        raise DomainError(
            code="no_catalog", status=409, detail="No catalog is loaded. The operator runs `manage.py load_catalog`."
        )
    return catalog


def _known(catalog: Catalog) -> Known:
    """What the catalog can tell of a sheet's names, and of how far a price is from the published one."""
    sizes = Sku.objects.filter(catalog=catalog).values_list("name", flat=True)
    tiers = DiskTier.objects.filter(catalog=catalog, redundancy="lrs").values_list("tier", flat=True)
    currencies = CurrencyRate.objects.filter(catalog=catalog).values_list("currency", flat=True)
    return Known(
        sizes={name.lower(): name for name in sizes},
        tiers={name.lower(): name for name in tiers},
        currencies=frozenset({"USD", *currencies}),
        region=lambda name: resolve_region(catalog, name),
        price=_Published(catalog).price,
    )


class _Published:
    """The catalog's prices, read a region at a time, for comparison."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.regions: dict[str, dict[tuple[str, str], Decimal]] = {}

    def price(self, row: SheetRow, currency: str) -> Decimal | None:
        """In the sheet's currency; a reservation's term at the pay-as-you-go price. None when nothing is published."""
        if row.region not in self.regions:
            self.regions[row.region] = self._read(row.region)
        system = "windows" if row.operating_system == "windows" else "linux"
        listed = self.regions[row.region].get((row.sku, "" if row.kind == "disk_tier" else system))
        conversion = load_conversion(self.catalog, currency)
        if listed is None:
            return None
        hours = HOURS_A_YEAR * RESERVATIONS.get(row.scenario, 0) or 1
        return listed * hours * (conversion.units_per_usd if conversion else 1)

    def _read(self, region: str) -> dict[tuple[str, str], Decimal]:
        found: dict[tuple[str, str], Decimal] = {}
        sizes = SkuPrice.objects.filter(catalog=self.catalog, region=region)
        for name, linux, windows in sizes.values_list("sku__name", "linux_payg_hourly", "windows_payg_hourly"):
            found |= {(name, system): price for system, price in (("linux", linux), ("windows", windows)) if price}
        disks = DiskPrice.objects.filter(catalog=self.catalog, region=region, redundancy="lrs", component="capacity")
        found |= {(tier or "", ""): price for tier, price in disks.values_list("tier", "price")}
        return found
