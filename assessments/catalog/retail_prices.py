"""Azure's Retail Prices API: what one item of an answer is the price of, and why it is the price of nothing. Pure.

Every rule is a trap that was seen in real answers. A figure is taken as published or left out and counted; nothing is
estimated. Rules that are not here on purpose: `isPrimaryMeterRegion` is not looked at (it would drop sizes whose
meter is another region's), and a commitment that is no longer in the answer is simply absent from the catalog.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from assessments.catalog.catalog_file import CatalogError, DiskComponent, DiskType, Redundancy
from assessments.catalog.checks import MONEY_PLACES

API_VERSION = "2023-01-01-preview"  # the first that tells savings plans; its filter values are case-sensitive
MACHINES, STORAGE = "Virtual Machines", "Storage"

# Only these terms: "5 Years" and "10 Years" occur as well.
TERMS = {"1 Year": "1y", "3 Years": "3y"}

DISK_PRODUCTS: dict[str, DiskType] = {
    "Standard HDD Managed Disks": "standard_hdd",
    "Standard SSD Managed Disks": "standard_ssd",
    "Premium SSD Managed Disks": "premium_ssd",
    "Azure Premium SSD v2": "premium_ssd_v2",
    "Ultra Disks": "ultra",
}
# The whole name: "P30 LRS Disk Mount" and "S10 LRS Disk Operations" are other things than the disk.
TIER_METER = re.compile(r"([SEP]\d+) (LRS|ZRS) Disk")
TIER_LETTER = {"standard_hdd": "S", "standard_ssd": "E", "premium_ssd": "P"}
REDUNDANCIES: dict[str, Redundancy] = {"LRS": "lrs", "ZRS": "zrs"}
# Meter and unit of what freely sized disks are made of; other meters of the same products (snapshots, confidential
# encryption, the reservation per vCPU) are no part of a disk's price.
PROVISIONED_METERS: dict[tuple[str, str], DiskComponent] = {
    ("Provisioned Capacity", "1 GiB/Hour"): "provisioned_capacity",
    ("Provisioned IOPS", "1/Hour"): "provisioned_iops",
    ("Provisioned Throughput (MBps)", "1/Hour"): "provisioned_mbps",
}
PROVISIONED_NAMES = {"premium_ssd_v2": "Premium LRS ", "ultra": "Ultra LRS "}


class SavingsPlan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a savings plan of a term makes of the price of an hour."""

    term: str
    retail_price: Decimal


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One price of the answer, with the fields that decide what it is the price of."""

    type: str
    retail_price: Decimal
    currency_code: str
    unit_of_measure: str
    service_name: str
    product_name: str
    meter_name: str
    tier_minimum_units: Decimal = Decimal(0)
    arm_region_name: str | None = None
    arm_sku_name: str | None = None
    sku_name: str | None = None
    meter_id: str | None = None
    location: str | None = None
    reservation_term: str | None = None
    effective_start_date: datetime | None = None
    effective_end_date: datetime | None = None
    savings_plan: list[SavingsPlan] | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the answer. `Count` is not checked: it counts what the page had, also in excerpts."""

    Items: list[Item]
    BillingCurrency: str | None = None
    NextPageLink: str | None = None


AnyKey = TypeVar("AnyKey")
SizeKey = tuple[str, str]  # size in lower case, region
DiskKey = tuple[str, DiskType, Redundancy, str | None, DiskComponent]  # region, type, redundancy, tier, component


@dataclass(frozen=True, slots=True)
class Quote:
    """A price that holds now, and what decides between two of them."""

    price: Decimal
    starts_at: datetime
    tier_minimum_units: Decimal
    meter_id: str

    @property
    def since(self) -> date | None:
        """The day from which it has held, where the answer tells."""
        return None if self.starts_at.year == datetime.min.year else self.starts_at.date()

    def beats(self, other: "Quote") -> bool:
        """The lowest tier of use, then the price that began last; of two that began together the dearer, to be safe."""
        mine, theirs = (
            (-quote.tier_minimum_units, quote.starts_at, quote.price, quote.meter_id) for quote in (self, other)
        )
        return mine > theirs


@dataclass
class PriceBook:
    """Prices by size and region and by disk, as far as read; `now` decides which of them hold.

    `names` gives sizes as the API spells them, `locations` the API's own name of each region with a price.
    """

    now: datetime
    sizes: dict[SizeKey, dict[str, Quote]] = field(default_factory=dict)
    disks: dict[DiskKey, Quote] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    doubled: set[SizeKey] = field(default_factory=set)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    items: int = 0

    def add_page(self, body: bytes, name: str) -> None:
        """Raises CatalogError naming page and row for an item of another shape, currency or a price below zero."""
        try:
            page = msgspec.json.decode(body, type=Page)
        except msgspec.ValidationError as error:
            raise CatalogError(name, None, f"another shape than the Retail Prices API has: {error}") from error
        for row, item in enumerate(page.Items, start=1):
            self.items += 1
            if item.currency_code != "USD":
                raise CatalogError(name, row, f"a price in {item.currency_code!r}; prices of record are US dollars")
            if item.retail_price < 0:
                raise CatalogError(name, row, f"{item.meter_name} costs {item.retail_price}: below zero")
            self._add(item)

    def _add(self, item: Item) -> None:
        is_machine = item.service_name == MACHINES
        reason = why_left_out(item, self.now) or (_machine_fault(item) if is_machine else _disk_fault(item))
        if reason:
            self.left_out[f"prices of {'machines' if is_machine else 'storage'}", reason] += 1
        elif is_machine:
            self._add_machine(item)
        else:
            _keep_better(self.disks, _disk_key(item), _quote(item, item.retail_price))

    def _add_machine(self, item: Item) -> None:
        size, region = size_name(item), _region(item)
        key = (size.lower(), region)
        self.names[key[0]] = size
        self.locations.setdefault(region, item.location or region)
        prices = self.sizes.setdefault(key, {})
        for column, price in _prices(item).items():
            quote, known = _quote(item, price), prices.get(column)
            if known and known.price != price and known.meter_id != quote.meter_id:
                self.doubled.add(key)
            _keep_better(prices, column, quote)


def _keep_better(quotes: dict[AnyKey, Quote], key: AnyKey, quote: Quote) -> None:
    known = quotes.get(key)
    if known is None or quote.beats(known):
        quotes[key] = quote


def why_left_out(item: Item, now: datetime) -> str | None:
    """Why an item of any service is no price now; None when it may be one."""
    starts_at, ends_at = _utc(item.effective_start_date), _utc(item.effective_end_date)
    if ends_at and ends_at <= now:
        return "ended: a changed price stays in the answer for some days"
    if starts_at and starts_at > now:
        return "begins later"
    if not item.arm_region_name or item.arm_region_name.lower() == "global":
        return "of no region"
    if item.retail_price == 0:
        return "a price of zero is no price, or is included in another"
    return None


def _machine_fault(item: Item) -> str | None:
    """Why a price of the service Virtual Machines is not that of a size on the engine's terms."""
    product, names = item.product_name, (item.sku_name or "", item.meter_name)
    if "CloudServices" in product.replace(" ", ""):
        return "Cloud Services: the same names of sizes, another product"
    if "DedicatedHost" in product.replace(" ", ""):
        return "dedicated host"
    if any(name.endswith(" Spot") for name in names):
        return "spot: a moment's price"
    if any(name.endswith(" Low Priority") for name in names):
        return "low priority: Batch's old price"
    if item.unit_of_measure != "1 Hour":
        return f"unit {item.unit_of_measure}"
    if item.tier_minimum_units:
        return "volume tier"
    if not item.arm_sku_name or not item.arm_sku_name.strip():
        return "names no size"
    return _offer_fault(item)


def _offer_fault(item: Item) -> str | None:
    if item.type not in ("Consumption", "DevTestConsumption", "Reservation"):
        return f"type {item.type}"
    if item.type == "Reservation" and item.reservation_term not in TERMS:
        return f"reservation of {item.reservation_term}"
    if item.type == "Reservation" and is_windows(item):
        return "reservation with Windows: commitments are compute alone"
    return None


def _disk_fault(item: Item) -> str | None:
    """Why a price of the service Storage is not that of a managed disk."""
    if item.service_name != STORAGE or item.product_name not in DISK_PRODUCTS:
        return "not a managed disk"
    if item.type != "Consumption":
        return f"disk: type {item.type}"
    disk_type = DISK_PRODUCTS[item.product_name]
    if disk_type in PROVISIONED_NAMES:
        return None if _component(item, disk_type) else "disk: not part of its price"
    match = TIER_METER.fullmatch(item.meter_name)
    if match is None or not match[1].startswith(TIER_LETTER[disk_type]) or item.unit_of_measure != "1/Month":
        return "disk: not part of its price"
    return "volume tier" if item.tier_minimum_units else None


def is_windows(item: Item) -> bool:
    """Windows lines end so; all others are Linux, with or without " Linux" at the end."""
    return item.product_name.endswith(" Windows")


def size_name(item: Item) -> str:
    """The ARM name of the size: Basic A sizes are called Standard_A0 in the answer and Basic_A0 everywhere else."""
    name = (item.arm_sku_name or "").strip()
    is_basic = " Basic" in item.product_name
    return name.replace("Standard_", "Basic_", 1) if is_basic else name


def _prices(item: Item) -> dict[str, Decimal]:
    """The columns of the catalog that a price of machines fills.

    A reservation is the total of its term although the unit says hour; a savings plan is an hour's price. Dev/Test is
    sold for Windows, at the price without license. Savings plans of Windows lines are not compute alone.
    """
    if item.type == "Reservation":
        return {f"reservation_{TERMS[item.reservation_term or '']}_total": item.retail_price}
    if item.type == "DevTestConsumption":
        return {"dev_test_hourly": item.retail_price}
    if is_windows(item):
        return {"windows_payg_hourly": item.retail_price}
    plans = {
        f"savings_plan_{TERMS[plan.term]}_hourly": plan.retail_price
        for plan in item.savings_plan or ()
        if plan.term in TERMS and plan.retail_price > 0
    }
    return {"linux_payg_hourly": item.retail_price, **plans}


def _disk_key(item: Item) -> DiskKey:
    region, disk_type = _region(item), DISK_PRODUCTS[item.product_name]
    match, component = TIER_METER.fullmatch(item.meter_name), _component(item, disk_type)
    if component:
        return region, disk_type, "lrs", None, component
    assert match is not None  # else `_disk_fault` left it out
    return region, disk_type, REDUNDANCIES[match[2]], match[1], "capacity"


def _component(item: Item, disk_type: DiskType) -> DiskComponent | None:
    """Which part of a freely sized disk this is the price of."""
    name = PROVISIONED_NAMES.get(disk_type)
    if name is None or not item.meter_name.startswith(name):
        return None
    return PROVISIONED_METERS.get((item.meter_name.removeprefix(name), item.unit_of_measure))


def _region(item: Item) -> str:
    return (item.arm_region_name or "").lower()


def _quote(item: Item, price: Decimal) -> Quote:
    return Quote(
        price=money(price),
        starts_at=_utc(item.effective_start_date) or datetime.min.replace(tzinfo=UTC),
        tier_minimum_units=item.tier_minimum_units,
        meter_id=item.meter_id or "",
    )


def money(price: Decimal) -> Decimal:
    """As published, without the noise of binary floats (0.046000000000000006)."""
    return round(price, MONEY_PLACES).normalize()


def _utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def price_filter(service: str, regions: Sequence[str]) -> str:
    """The `$filter` of what a sync asks for: all regions, or these; of storage, managed disks only."""
    parts = [f"serviceName eq '{service}'"]
    if service == STORAGE:
        parts.append(_any_of("productName", list(DISK_PRODUCTS)))
    if regions:
        parts.append(_any_of("armRegionName", regions))
    return " and ".join(parts)


def _any_of(name: str, values: Sequence[str]) -> str:
    return "(" + " or ".join(f"{name} eq '{value}'" for value in values) + ")"
