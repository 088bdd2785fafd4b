"""What a catalog must not hold: contradictions, prices that are none, sizes nobody can place. Pure.

The whole file is refused at the first fault, with its table, row and reason: half a catalog would price half an
estate without a word.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from assessments.catalog.catalog_file import (
    TABLES,
    CatalogError,
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

FIRST_ROW = 2  # row 1 is the header
MONEY_DIGITS, MONEY_PLACES = 20, 10
RATE_DIGITS, RATE_PLACES = 30, 18

# Each price of a size and the column that names its source.
PRICE_COLUMNS = {
    "linux_payg_hourly": "linux_payg_source",
    "windows_payg_hourly": "windows_payg_source",
    "dev_test_hourly": "dev_test_source",
    "reservation_1y_total": "reservation_1y_source",
    "reservation_3y_total": "reservation_3y_source",
    "savings_plan_1y_hourly": "savings_plan_1y_source",
    "savings_plan_3y_hourly": "savings_plan_3y_source",
}
# And the one that tells since when it has held.
SINCE_COLUMNS = {column: source.replace("_source", "_since") for column, source in PRICE_COLUMNS.items()}
SOURCE_COLUMNS = {
    CurrencyRow: ("source",),
    SizeRow: ("core_source", "limits_source", "network_source", "burstable_source"),
    PriceRow: tuple(PRICE_COLUMNS.values()),
    DiskTierRow: ("source",),
    DiskRuleRow: ("source",),
    DiskPriceRow: ("source",),
}

# What must be known to size a disk that is freely sized; all are numbers.
NEEDED_RULES = {
    "premium_ssd_v2": (
        "max_size",
        "free_baseline_iops",
        "free_baseline_mbps",
        "max_iops_per_gib_above_6_gib",
        "max_iops",
        "max_mbps_per_provisioned_iops",
        "max_mbps",
    ),
    "ultra": (
        "min_size",
        "max_size",
        "size_step",
        "max_iops_per_gib",
        "min_iops",
        "max_iops",
        "max_mbps_per_provisioned_iops",
        "min_mbps",
        "max_mbps",
    ),
}

AnyRow = TypeVar("AnyRow", bound=Row)


def check_tables(tables: Tables) -> None:
    """Raises CatalogError for the first row that makes the catalog unfit."""
    sources = _unique(tables.sources, lambda row: row.source)
    regions = _unique(tables.regions, lambda row: row.region)
    _unique(tables.currencies, lambda row: row.currency)
    sizes = _unique(tables.sizes, lambda row: row.size)
    _unique(tables.prices, lambda row: (row.region, row.size))
    tiers = _unique(tables.disk_tiers, lambda row: (row.disk_type, row.redundancy, row.tier))
    rules = _unique(tables.disk_rules, lambda row: (row.disk_type, row.rule))
    _unique(tables.disk_prices, lambda row: (row.region, row.disk_type, row.redundancy, row.tier, row.component))
    _check_sources(tables, sources)
    _check_aliases(tables.regions)
    _each(tables.currencies, _currency_fault)
    _each(tables.sizes, _size_fault)
    _each(tables.prices, lambda row: _price_fault(row, regions=regions, sizes=sizes))
    _each(tables.disk_tiers, _tier_fault)
    _check_rules(tables, rules)
    _each(tables.disk_prices, lambda row: _disk_price_fault(row, regions=regions, tiers=tiers))


def _each(rows: Sequence[AnyRow], fault: Callable[[AnyRow], str | None]) -> None:
    for number, row in enumerate(rows, start=FIRST_ROW):
        reason = fault(row)
        if reason:
            raise CatalogError(TABLES[type(row)], number, reason)


def _unique(rows: Sequence[AnyRow], key: Callable[[AnyRow], Any]) -> dict[Any, AnyRow]:
    """The rows by key. A second row of one key is a contradiction or a repetition; neither can be right."""
    found: dict[Any, int] = {}
    for index, row in enumerate(rows):
        first = found.setdefault(key(row), index)
        if first != index:
            verb = "repeats" if rows[first] == row else "contradicts"
            raise CatalogError(TABLES[type(row)], index + FIRST_ROW, f"{verb} row {first + FIRST_ROW} ({key(row)})")
    return {name: rows[index] for name, index in found.items()}


def _check_sources(tables: Tables, sources: dict[int, SourceRow]) -> None:
    row_lists: Iterable[Sequence[Row]] = (
        tables.currencies,
        tables.sizes,
        tables.prices,
        tables.disk_tiers,
        tables.disk_rules,
        tables.disk_prices,
    )
    for rows in row_lists:
        for number, row in enumerate(rows, start=FIRST_ROW):
            for column in SOURCE_COLUMNS[type(row)]:
                cited = getattr(row, column)
                if cited is not None and cited not in sources:
                    raise CatalogError(TABLES[type(row)], number, f"{column} {cited} is not in sources.csv")


def _check_aliases(regions: Sequence[RegionRow]) -> None:
    owner: dict[str, str] = {}
    for number, row in enumerate(regions, start=FIRST_ROW):
        for alias in {row.region, *filter(None, row.aliases.split("|"))}:
            other = owner.setdefault(alias, row.region)
            if other != row.region:
                raise CatalogError(TABLES[RegionRow], number, f"{alias!r} also names {other}")


def _check_rules(tables: Tables, rules: dict[tuple[str, str], DiskRuleRow]) -> None:
    """Freely sized disks that are priced can be sized."""
    for disk_type in sorted({row.disk_type for row in tables.disk_prices} & NEEDED_RULES.keys()):
        for name in NEEDED_RULES[disk_type]:
            rule = rules.get((disk_type, name))
            if rule is None or not re.fullmatch(r"\d*[1-9]\d*|0\.\d*[1-9]\d*", rule.value):
                found = "missing" if rule is None else f"{rule.value!r}, no number above zero"
                raise CatalogError(TABLES[DiskRuleRow], None, f"{disk_type} {name} is {found}")


def _currency_fault(row: CurrencyRow) -> str | None:
    if not _fits(row.units_per_usd, RATE_DIGITS, RATE_PLACES) or row.units_per_usd <= 0:
        return f"units_per_usd {row.units_per_usd} is not a rate"
    if row.currency == "USD" and row.units_per_usd != 1:
        return "USD must be 1: prices are in US dollars"
    return None


def _size_fault(row: SizeRow) -> str | None:
    if row.memory_mb is None or row.memory_mb <= 0:
        return f"{row.size} has no memory"
    if not 0 < row.vcpus <= row.host_vcpus:
        return f"{row.size} has {row.vcpus} active of {row.host_vcpus} vCPUs"
    numbers = (row.max_data_disks, row.max_nics, row.uncached_iops, row.uncached_mbps, row.network_mbps)
    if any(number is not None and number < 0 for number in numbers):
        return f"{row.size} has a negative limit"
    return _credits_fault(row)


def _credits_fault(row: SizeRow) -> str | None:
    """CPU credits can be simulated only with all their terms, so a part of them is a slip of whoever wrote it."""
    terms = (row.initial_credits, row.credits_per_hour, row.max_credits)
    given = [term for term in terms if term is not None]
    if given and len(given) < len(terms):
        return f"{row.size} has some terms of CPU credits, not all"
    return f"{row.size} has negative CPU credits" if any(term < 0 for term in given) else None


def _price_fault(row: PriceRow, *, regions: dict[str, RegionRow], sizes: dict[str, SizeRow]) -> str | None:
    if row.region not in regions:
        return f"unknown region {row.region!r}"
    if row.size not in sizes:
        return f"unknown size {row.size!r}"
    if regions[row.region].lists_sizes is (row.listed is None):
        return f"listed must be given just where the region lists its sizes ({row.region})"
    for column, source_column in PRICE_COLUMNS.items():
        price, source = getattr(row, column), getattr(row, source_column)
        if price is not None and (fault := _money_fault(column, price)):
            return fault
        if (price is None) is not (source is None):
            return f"{column} and {source_column} go together"
        if price is None and getattr(row, SINCE_COLUMNS[column]) is not None:
            return f"{SINCE_COLUMNS[column]} without {column}"
    return None


def _tier_fault(row: DiskTierRow) -> str | None:
    fits = row.size_gib > 0 and row.iops > 0 and row.mbps > 0
    return None if fits else f"{row.tier} lacks size, IOPS or throughput"


def _disk_price_fault(
    row: DiskPriceRow, *, regions: dict[str, RegionRow], tiers: dict[tuple[str, str, str], DiskTierRow]
) -> str | None:
    if row.region not in regions:
        return f"unknown region {row.region!r}"
    if (row.component == "capacity") is (row.tier is None):
        return "a capacity price needs a tier, a provisioned price has none"
    if row.tier is not None and (row.disk_type, row.redundancy, row.tier) not in tiers:
        return f"unknown tier {row.tier} of {row.disk_type} {row.redundancy}"
    return _money_fault("price", row.price)


def _money_fault(column: str, price: Decimal) -> str | None:
    if not _fits(price, MONEY_DIGITS, MONEY_PLACES):
        return f"{column} {price} is not an amount of money"
    return None if price > 0 else f"{column} is {price}: a price must be above zero, leave it empty when unknown"


def _fits(value: Decimal, digits: int, places: int) -> bool:
    """Whether the number goes into the database exactly as it is."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN and infinity
        return False
    return -exponent <= places and value.adjusted() < digits - places
