"""One region's catalog in one currency, as the engine reads it: a fixed number of queries, kept per process.

Catalogs are immutable, so what was read once stays right. Prices are US dollars; in another currency they are
conversions at the catalog's rate (`load_conversion` names rate and date, so that reports can say so). A tenant's price
sheet takes the place of published prices, for that tenant alone.
"""

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np

from assessments.catalog.models import (
    Catalog,
    CatalogRegion,
    CurrencyRate,
    DiskPrice,
    DiskRule,
    DiskTier,
    Sku,
    SkuPrice,
)
from assessments.catalog.price_sheet_overlay import overlaid, pinned_sheet, rows_in_force
from assessments.engine import values as engine
from assessments.engine.fixed_point import BoolArray, IntArray, billionths, scaled
from migrate_hub.errors import DomainError
from migrate_hub.tenants.context import current_tenant_id

REGIONS_KEPT = 32

# Accelerated (N), HPC (H) and FPGA (PB) sizes are never a target of lift and shift (F23); confidential VMs take only
# images made for them; Promo prices ended.
NOT_CONSIDERED = re.compile(r"[nh].*|pb.*|ec.*|dc(a|e).*|.*promo")

# The engine's names of the three hourly unit prices.
UNITS = {"gib_hour": "provisioned_capacity", "iops_hour": "provisioned_iops", "mbps_hour": "provisioned_mbps"}

# Premium SSD v2 up to this size has the included IOPS only (rule `max_iops_per_gib_above_6_gib`).
GIB_WITHOUT_EXTRA_IOPS = 6


@dataclass(frozen=True, slots=True)
class Conversion:
    """How US dollars became another currency: `units_per_usd` on `rate_date`."""

    currency: str
    units_per_usd: Decimal
    rate_date: date


@dataclass(frozen=True, slots=True)
class PinnedSheet:
    """A price sheet of the current tenant, and the day on which its prices are looked up: that of the run."""

    sheet_id: UUID
    on: date


def load_region(catalog: Catalog, region: str, currency: str, price_sheet: PinnedSheet | None = None) -> engine.Catalog:
    """Everything on sale in a region, which may be named by any of its aliases, at published prices or a sheet's own.

    Raises DomainError `unknown_region` or `unknown_currency` when the catalog has no prices for it, and
    `unknown_price_sheet` when the current tenant has no such sheet. A price sheet needs the context of its tenant.
    """
    name, wanted = resolve_region(catalog, region), currency.upper()
    if price_sheet is None:
        return _load(catalog.pk, name, wanted)
    return _load_overlaid(current_tenant_id(), price_sheet, catalog.pk, name, wanted)


def resolve_region(catalog: Catalog, name: str) -> str:
    """The region's own name, westeurope, for any of its names: "West Europe", "EU West", "weu".

    Raises DomainError `unknown_region` when the catalog has no prices of machines there.
    """
    found = _regions_by_name(catalog.pk).get(_plain(name))
    if found is None:
        raise DomainError(
            code="unknown_region",
            detail=f"The catalog has no prices for a region {name!r}. GET /api/v1/catalogs/{catalog.pk}/ lists them.",
        )
    return found


def load_conversion(catalog: Catalog, currency: str) -> Conversion | None:
    """None for US dollars, which are the prices as published."""
    return _conversion(catalog.pk, currency.upper())


@functools.lru_cache(maxsize=REGIONS_KEPT)
def _regions_by_name(catalog_id: UUID) -> dict[str, str]:
    rows = CatalogRegion.objects.filter(catalog=catalog_id).priced().values_list("region", "display_name", "aliases")
    return {_plain(name): region for region, display, aliases in rows for name in (*aliases, display, region)}


def _plain(name: str) -> str:
    """Lower case without blanks and punctuation; the portal's "(Europe) West Europe" is West Europe."""
    return re.sub(r"[\s_.-]+", "", re.sub(r"^\([^)]*\)", "", name.strip()).lower())


@functools.lru_cache(maxsize=REGIONS_KEPT)
def _conversion(catalog_id: UUID, currency: str) -> Conversion | None:
    if currency == "USD":
        return None
    rate = CurrencyRate.objects.filter(catalog=catalog_id, currency=currency).first()
    if rate is None:
        raise DomainError(
            code="unknown_currency",
            detail=f"The catalog has no rate for {currency!r}. GET /api/v1/catalogs/ lists its currencies.",
        )
    return Conversion(currency, rate.units_per_usd, rate.rate_date)


@functools.lru_cache(maxsize=REGIONS_KEPT)
def _load(catalog_id: UUID, region: str, currency: str) -> engine.Catalog:
    conversion = _conversion(catalog_id, currency)
    convert = _converter(conversion.units_per_usd if conversion else Decimal(1))
    skus = list(Sku.objects.filter(catalog=catalog_id).order_by("name"))
    by_sku = {price.sku_id: price for price in SkuPrice.objects.filter(catalog=catalog_id, region=region)}
    prices = [by_sku.get(sku.pk) for sku in skus]
    disk_prices = _disk_prices(catalog_id, region, convert)
    rules = {(row.disk_type, row.rule): row.value for row in DiskRule.objects.filter(catalog=catalog_id)}
    return engine.Catalog(
        region=region,
        currency=currency,
        sizes=_sizes(skus, prices),
        prices=_size_prices(skus, prices, convert),
        disk_tiers=_disk_tiers(catalog_id, disk_prices),
        premium_v2=_premium_v2(_Provisioned("premium_ssd_v2", rules, disk_prices)),
        ultra=_ultra(_Provisioned("ultra", rules, disk_prices)),
    )


@functools.lru_cache(maxsize=REGIONS_KEPT)
def _load_overlaid(
    tenant_id: int, price_sheet: PinnedSheet, catalog_id: UUID, region: str, currency: str
) -> engine.Catalog:
    """Sheets are never changed either. The key begins with the tenant, whose context is the one that reads the rows."""
    sheet = pinned_sheet(price_sheet.sheet_id)
    rows = rows_in_force(sheet, region, price_sheet.on)
    return overlaid(_load(catalog_id, region, currency), rows, _between(catalog_id, sheet.currency, currency))


def _between(catalog_id: UUID, own: str, wanted: str) -> Callable[[Decimal], Decimal]:
    """Amounts of one currency in another at the catalog's rates; the same currency stays exact."""
    if own == wanted:
        return lambda amount: amount
    rates = [
        conversion.units_per_usd if conversion else Decimal(1)
        for conversion in (_conversion(catalog_id, own), _conversion(catalog_id, wanted))
    ]
    return lambda amount: amount / rates[0] * rates[1]


Convert = Callable[[Decimal | None], int | None]


def _converter(units_per_usd: Decimal) -> Convert:
    """US dollars to billionths of the currency unit, rounded half up once."""
    return lambda amount: None if amount is None else billionths(amount * units_per_usd)


def _sizes(skus: Sequence[Sku], prices: Sequence[SkuPrice | None]) -> engine.Sizes:
    return engine.Sizes(
        names=tuple(sku.name for sku in skus),
        series=tuple(sku.series for sku in skus),
        quota_families=tuple(sku.quota_family for sku in skus),
        vcpus=_counts(sku.vcpus for sku in skus),
        memory_mb=scaled([sku.memory_mb for sku in skus]),
        # A limit nobody knows is not infinite: no data disks, one adapter.
        max_data_disks=_counts(sku.max_data_disks or 0 for sku in skus),
        max_nics=_counts(sku.max_nics or 1 for sku in skus),
        premium_storage=_flags(sku.premium_storage for sku in skus),
        ultra_storage=_flags(sku.ultra_ssd in ("supported", "documented") for sku in skus),
        generation_1=_flags("V1" in sku.hyperv_generations for sku in skus),
        uncached_iops=_quantities(sku.uncached_iops for sku in skus),
        uncached_mbps=_quantities(sku.uncached_mbps for sku in skus),
        network_mbps=_quantities(sku.network_mbps for sku in skus),
        available=_flags(price is not None and _is_available(price) for price in prices),
        standard_tier=_flags(sku.name.startswith("Standard_") for sku in skus),
        considered=_flags(_is_considered(sku) for sku in skus),
        burstable=_flags(_is_burstable(sku) for sku in skus),
        bursting=engine.Bursting(
            initial_credits=_quantities(sku.initial_credits for sku in skus),
            credits_per_hour=_quantities(sku.credits_per_hour for sku in skus),
            max_credits=_quantities(sku.max_credits for sku in skus),
        ),
    )


def _is_available(price: SkuPrice) -> bool:
    """Listed in the region; where the region's list is not known, a price is the only sign there is."""
    return price.linux_payg_hourly is not None if price.listed is None else price.listed


def _is_considered(sku: Sku) -> bool:
    """Whether an x64 machine can be moved there as it is. Burstable terms nobody published cannot be simulated."""
    usable = sku.architecture == "x64" and NOT_CONSIDERED.fullmatch(sku.series) is None
    terms = (sku.initial_credits, sku.credits_per_hour, sku.max_credits)
    return usable and (not _is_burstable(sku) or None not in terms)


def _is_burstable(sku: Sku) -> bool:
    return sku.series.startswith("b")


def _size_prices(skus: Sequence[Sku], prices: Sequence[SkuPrice | None], convert: Convert) -> engine.SizePrices:
    def column(name: str) -> engine.KnownArray:
        return _money(convert(getattr(price, name)) if price else None for price in prices)

    return engine.SizePrices(
        linux=column("linux_payg_hourly"),
        windows=column("windows_payg_hourly"),
        windows_licence=_money(
            None if _tells_license(price) else convert(_windows_license(sku))
            for sku, price in zip(skus, prices, strict=True)
        ),
        reservation_1y_term=column("reservation_1y_total"),
        reservation_3y_term=column("reservation_3y_total"),
        savings_plan_1y=column("savings_plan_1y_hourly"),
        savings_plan_3y=column("savings_plan_3y_hourly"),
        dev_test=column("dev_test_hourly"),
        rhel_subscription=engine.KnownArray.unknown(len(skus)),
        sles_subscription=engine.KnownArray.unknown(len(skus)),
    )


def _tells_license(price: SkuPrice | None) -> bool:
    if price is None or price.linux_payg_hourly is None or price.windows_payg_hourly is None:
        return False
    return price.windows_payg_hourly >= price.linux_payg_hourly


def _windows_license(sku: Sku) -> Decimal | None:
    """The price of Windows on this size, when it is one and the same in every region where both prices are known.

    Taken only where the region itself lacks one of the two.
    """
    same = sku.windows_license_min_hourly == sku.windows_license_max_hourly
    return sku.windows_license_hourly if same else None


def _disk_prices(catalog_id: UUID, region: str, convert: Convert) -> dict[tuple[str, str], int]:
    """Billionths by disk type and tier, or component. Managed disks are assessed locally redundant (M18)."""
    rows = DiskPrice.objects.filter(catalog=catalog_id, region=region, redundancy="lrs")
    prices = {(row.disk_type, row.tier or row.component): convert(row.price) for row in rows}
    return {key: price for key, price in prices.items() if price is not None}


def _disk_tiers(catalog_id: UUID, prices: dict[tuple[str, str], int]) -> engine.DiskTiers:
    tiers = list(DiskTier.objects.filter(catalog=catalog_id, redundancy="lrs").order_by("disk_type", "size_gib"))
    return engine.DiskTiers(
        names=tuple(tier.tier for tier in tiers),
        type=_counts([str(name) for name in engine.DISK_TYPES].index(tier.disk_type) for tier in tiers),
        size_gib=scaled([tier.size_gib for tier in tiers]),
        iops=scaled([tier.iops for tier in tiers]),
        mbps=scaled([float(tier.mbps) for tier in tiers]),
        monthly_price=_money(prices.get((tier.disk_type, tier.tier)) for tier in tiers),
    )


@dataclass(frozen=True, slots=True)
class _Provisioned:
    """Rules and hourly unit prices (billionths) of a freely sized disk type."""

    disk_type: str
    rules: dict[tuple[str, str], str]
    prices: dict[tuple[str, str], int]

    @property
    def unit_prices(self) -> dict[str, int] | None:
        """By the engine's names; None where the region does not sell all three."""
        found = {name: self.prices.get((self.disk_type, component)) for name, component in UNITS.items()}
        known = {name: price for name, price in found.items() if price is not None}
        return known if len(known) == len(UNITS) else None

    def rule(self, name: str) -> Decimal:
        return Decimal(self.rules[self.disk_type, name])


def _premium_v2(disks: _Provisioned) -> engine.PremiumV2 | None:
    prices = disks.unit_prices
    if prices is None:
        return None
    return engine.PremiumV2(
        max_size_gib=int(disks.rule("max_size")),
        included_iops=int(disks.rule("free_baseline_iops")),
        included_mbps=int(disks.rule("free_baseline_mbps")),
        iops_per_gib=int(disks.rule("max_iops_per_gib_above_6_gib")),
        gib_without_extra_iops=GIB_WITHOUT_EXTRA_IOPS,
        max_iops=int(disks.rule("max_iops")),
        iops_per_mbps=int(1 / disks.rule("max_mbps_per_provisioned_iops")),
        max_mbps=int(disks.rule("max_mbps")),
        **prices,
    )


def _ultra(disks: _Provisioned) -> engine.Ultra | None:
    """Ultra with every offered size and its caps; today's sizes go up by 1 GiB."""
    prices = disks.unit_prices
    if prices is None:
        return None
    smallest, largest, step = (int(disks.rule(name)) for name in ("min_size", "max_size", "size_step"))
    sizes = np.arange(smallest, largest + 1, step, dtype=np.int64)
    iops_per_mbps = int(1 / disks.rule("max_mbps_per_provisioned_iops"))
    max_iops = np.minimum(sizes * int(disks.rule("max_iops_per_gib")), int(disks.rule("max_iops")))
    return engine.Ultra(
        sizes_gib=sizes,
        max_iops=max_iops,
        max_mbps=np.minimum(max_iops // iops_per_mbps, int(disks.rule("max_mbps"))),
        min_iops=int(disks.rule("min_iops")),
        min_mbps=int(disks.rule("min_mbps")),
        iops_per_mbps=iops_per_mbps,
        **prices,
    )


def _counts(numbers: Iterable[int]) -> IntArray:
    return np.array(list(numbers), dtype=np.int64)


def _flags(answers: Iterable[bool]) -> BoolArray:
    return np.array(list(answers), dtype=np.bool_)


def _quantities(numbers: Iterable[Decimal | int | None]) -> engine.KnownArray:
    return engine.KnownArray.quantities(None if number is None else float(number) for number in numbers)


def _money(amounts: Iterable[int | None]) -> engine.KnownArray:
    """Amounts that are billionths already."""
    listed = list(amounts)
    values = np.array([amount or 0 for amount in listed], dtype=np.int64)
    return engine.KnownArray(values, np.array([amount is not None for amount in listed], dtype=np.bool_))
