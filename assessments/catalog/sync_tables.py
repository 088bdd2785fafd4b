"""The tables of a new catalog: what the APIs tell now, and the rest as the current catalog has it. Pure.

In a region that was asked for every price comes from the answer alone, so what is no longer sold disappears. What the
APIs do not tell (network Mb/s, credits of burstable sizes, rules of freely sized disks, currency rates) keeps the
source it had; `taken_over` counts it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from assessments.catalog.catalog_file import (
    DiskPriceRow,
    DiskTierRow,
    LeftOut,
    PriceRow,
    RegionRow,
    Row,
    SizeRow,
    SourceRow,
    Tables,
)
from assessments.catalog.checks import PRICE_COLUMNS, SINCE_COLUMNS, SOURCE_COLUMNS
from assessments.catalog.resource_skus import SizeFacts, SkuBook
from assessments.catalog.retail_prices import PriceBook
from assessments.catalog.size_names import series_slug

LICENSE = "none named; prices and facts are Microsoft's"
# Figures of one API: the newest answer holds. Of the documentation and the API the lower limit is the safe one.
SKUS_TITLE = "Resource SKUs API"
TWO_METERS = "two live meters: the price that began last, or the dearer one"


@dataclass(frozen=True)
class Read:
    """What a sync read. `regions` are those asked for, none = all; `taken_from` is the current catalog's name."""

    prices: PriceBook
    price_source: SourceRow
    skus: SkuBook | None
    sku_source: SourceRow | None
    regions: frozenset[str]
    taken_from: str


@dataclass
class NewCatalog:
    """The tables of the new catalog, what was left out of the answers and what was taken over."""

    tables: Tables
    left_out: list[LeftOut]
    taken_over: list[LeftOut]


PriceKey = tuple[str, str]  # region, size


@dataclass
class _Builder:
    current: Tables
    read: Read
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def skus(self) -> SkuBook:
        return self.read.skus or SkuBook()

    def is_synced(self, region: str) -> bool:
        return not self.read.regions or region in self.read.regions

    def lists_sizes(self, region: str, known: dict[str, RegionRow]) -> bool:
        return region in self.skus.regions or (region in known and known[region].lists_sizes)


def new_source(current: Tables, offset: int, *, mark: str, title: str, dated: str) -> SourceRow:
    """A source behind those of the current catalog."""
    last = max(row.source for row in current.sources)
    return SourceRow(source=last + offset, mark=mark, title=title, dated=dated, license=LICENSE)


def build_tables(current: Tables, read: Read) -> NewCatalog:
    """The new catalog; whether it is fit is decided by `checks` and `sync_comparison`."""
    builder = _Builder(current, read)
    all_sizes = _size_rows(builder)
    prices = _price_rows(builder, {name.lower(): name for name in all_sizes})
    tiers = _tier_rows(builder)
    disk_prices = _disk_price_rows(builder, {(row.disk_type, row.redundancy, row.tier) for row in tiers})
    offered = {row.size for row in prices}
    tables = Tables(
        sources=current.sources,
        regions=_region_rows(builder, prices, disk_prices),
        currencies=current.currencies,
        sizes=_with_licenses([row for name, row in sorted(all_sizes.items()) if name in offered], prices),
        prices=prices,
        disk_tiers=tiers,
        disk_rules=current.disk_rules,
        disk_prices=disk_prices,
    )
    left_out = builder.left_out + read.prices.left_out
    return NewCatalog(
        tables=msgspec.structs.replace(tables, sources=_cited(tables, read)),
        left_out=[LeftOut(what=what, rows=rows, reason=why) for (what, why), rows in sorted(left_out.items())],
        taken_over=list(_taken_over(tables, read)),
    )


def _size_rows(builder: _Builder) -> dict[str, SizeRow]:
    """Every size whose facts are known, by name: told by the Resource SKUs API, or by the current catalog alone."""
    known = {row.size.lower(): row for row in builder.current.sizes}
    rows = {row.size: row for row in builder.current.sizes}
    categories = {row.series: row.category for row in builder.current.sizes if row.category}
    for key, facts in builder.skus.sizes.items():
        try:
            row = _size_row(builder, facts, known.get(key))
        except ValueError:
            builder.left_out["sizes", "a name of another form than sizes have"] += 1
            continue
        if row.category is None:
            row = msgspec.structs.replace(row, category=categories.get(row.series))
        rows[row.size] = row
    return rows


def _size_row(builder: _Builder, facts: SizeFacts, known: SizeRow | None) -> SizeRow:
    source = builder.read.sku_source
    assert source is not None  # facts come with their source
    name = known.size if known else facts.name
    series = known.series if known else series_slug(facts.name, quota_family=facts.family)
    told = {
        "vcpus": facts.vcpus,
        "host_vcpus": facts.host_vcpus,
        "memory_mb": facts.memory_mb,
        "architecture": "arm64" if facts.capabilities.get("CpuArchitectureType") == "Arm64" else "x64",
        "hyperv_generations": facts.capabilities.get("HyperVGenerations", ""),
        "accelerated_networking": facts.is_true("AcceleratedNetworkingEnabled"),
        "premium_storage": facts.is_true("PremiumIO"),
        "quota_family": facts.family or (known.quota_family if known else ""),
        "core_source": source.source,
    }
    base = known or SizeRow(size=name, series=series, **told)  # type: ignore[arg-type]  # the literals above
    optional = {
        "max_data_disks": facts.whole("MaxDataDiskCount"),
        "max_nics": facts.whole("MaxNetworkInterfaces"),
        "gpu": facts.capabilities.get("GPUs"),
        "acu": facts.whole("ACUs"),
        "vcpus_per_core": facts.whole("vCPUsPerCore"),
        "retires": facts.retires,
        # Documentation counts all local disks, the API only one kind; who documented it knows better.
        "temp_disk_gib": base.temp_disk_gib or facts.temp_disk_gib,
        # What one subscription's regions lack, others may have.
        "ultra_ssd": "supported" if facts.ultra_ssd else base.ultra_ssd or "unsupported",
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return msgspec.structs.replace(base, **told, **given, **_limits(builder, facts, base))


def _limits(builder: _Builder, facts: SizeFacts, known: SizeRow) -> dict[str, Any]:
    """Uncached IOPS and MB/s: the API's, unless the documentation names less."""
    source = builder.read.sku_source
    assert source is not None
    told = {"uncached_iops": facts.whole("UncachedDiskIOPS") or None, "uncached_mbps": facts.uncached_mbps}
    if facts.uncached_mbps is None and facts.number("UncachedDiskBytesPerSecond"):
        builder.left_out["uncached MB/s of a size", "above 50,000 MB/s: a unit error of the source"] += 1
    if told["uncached_iops"] is None and told["uncached_mbps"] is None:
        return {}
    titles = {row.source: row.title for row in builder.current.sources}
    documented = known.limits_source is not None and not titles[known.limits_source].startswith(SKUS_TITLE)
    before = {name: getattr(known, name) for name in told}
    chosen = {name: _chosen(told[name], before[name], lower=documented) for name in told}
    own = all(chosen[name] == told[name] for name in told)
    return {**chosen, "limits_source": source.source if own or not documented else known.limits_source}


def _chosen(told: Any, before: Any, *, lower: bool) -> Any:
    if told is None or before is None:
        return before if told is None else told
    return min(told, before) if lower else told


def _price_rows(builder: _Builder, names: dict[str, str]) -> list[PriceRow]:
    """One row for each size and region where the size is listed or priced; `names` are the known sizes."""
    regions = {row.region: row for row in builder.current.regions}
    cells = _carried(builder)
    for region, size, zones in _listings(builder, names):
        cells.setdefault((region, size), {}).update(listed=True, zones=zones or None)
    for (region, size), columns in _quotes(builder, names):
        cells.setdefault((region, size), {}).update(columns)
    rows = []
    for (region, size), cell in sorted(cells.items()):
        listed = bool(cell.get("listed")) if builder.lists_sizes(region, regions) else None
        row = PriceRow(**{**cell, "region": region, "size": size, "listed": listed})
        if listed or any(getattr(row, column) is not None for column in PRICE_COLUMNS):
            rows.append(row)
    return rows


def _carried(builder: _Builder) -> dict[PriceKey, dict[str, Any]]:
    """What rows of the current catalog keep: all in a region not asked for, else only whether the size is listed.

    Where the Resource SKUs API lists a region, its list replaces the old one.
    """
    cells: dict[PriceKey, dict[str, Any]] = {}
    for row in builder.current.prices:
        told_anew = row.region in builder.skus.regions
        listing = {"listed": False, "zones": None} if told_anew else {"listed": row.listed, "zones": row.zones}
        kept = {} if builder.is_synced(row.region) else msgspec.structs.asdict(row)
        cells[row.region, row.size] = {**kept, **listing}
    return cells


def _listings(builder: _Builder, names: dict[str, str]) -> Iterable[tuple[str, str, str]]:
    for key, facts in builder.skus.sizes.items():
        if key in names:
            for region, zones in facts.zones.items():
                yield region, names[key], zones


def _quotes(builder: _Builder, names: dict[str, str]) -> Iterable[tuple[PriceKey, dict[str, Any]]]:
    """The prices of the answer with their source, of sizes that are known."""
    book, number = builder.read.prices, builder.read.price_source.source
    for (key, region), quotes in book.sizes.items():
        if key not in names:
            builder.left_out["prices of machines", "no facts about the size (vCPUs, memory) are held"] += len(quotes)
        elif not builder.is_synced(region):
            builder.left_out["prices of machines", "of a region that was not asked for"] += len(quotes)
        else:
            figures: dict[str, Any] = {column: quote.price for column, quote in quotes.items()}
            sources = {PRICE_COLUMNS[column]: number for column in quotes}
            dates = {SINCE_COLUMNS[column]: quote.since for column, quote in quotes.items()}
            note = {"note": TWO_METERS} if (key, region) in book.doubled else {}
            yield (region, names[key]), {**figures, **sources, **dates, **note}


def _tier_rows(builder: _Builder) -> list[DiskTierRow]:
    """The current tiers, with the figures of the Resource SKUs API where it tells them."""
    tiers = {(row.disk_type, row.redundancy, row.tier): row for row in builder.current.disk_tiers}
    if builder.read.sku_source:
        number = builder.read.sku_source.source
        told = {key: msgspec.structs.replace(row, source=number) for key, row in builder.skus.tiers.items()}
        tiers |= told
    return list(tiers.values())


def _disk_price_rows(builder: _Builder, tiers: set[tuple[str, str, str]]) -> list[DiskPriceRow]:
    number = builder.read.price_source.source
    rows = [row for row in builder.current.disk_prices if not builder.is_synced(row.region)]
    for (region, disk_type, redundancy, tier, component), quote in builder.read.prices.disks.items():
        if tier is not None and (disk_type, redundancy, tier) not in tiers:
            builder.left_out["prices of storage", "no facts about the tier are held"] += 1
        elif not builder.is_synced(region):
            builder.left_out["prices of storage", "of a region that was not asked for"] += 1
        else:
            rows.append(
                DiskPriceRow(
                    region=region,
                    disk_type=disk_type,
                    redundancy=redundancy,
                    tier=tier,
                    component=component,
                    price=quote.price,
                    source=number,
                    since=quote.since,
                )
            )
    return sorted(rows, key=lambda row: (row.region, row.disk_type, row.redundancy, row.component, row.tier or ""))


def _region_rows(builder: _Builder, prices: Sequence[PriceRow], disk_prices: Sequence[DiskPriceRow]) -> list[RegionRow]:
    """Every region that a price or a list of sizes names; a new one is called as the price API calls it."""
    known = {row.region: row for row in builder.current.regions}
    taken = {alias for row in known.values() for alias in (row.region, *row.aliases.split("|"))}
    rows = []
    for region in sorted({row.region for row in prices} | {row.region for row in disk_prices}):
        lists_sizes = builder.lists_sizes(region, known)
        if region in known:
            rows.append(msgspec.structs.replace(known[region], lists_sizes=lists_sizes))
            continue
        display = builder.read.prices.locations.get(region, region)
        alias = "" if display.lower() in taken else display.lower()
        rows.append(RegionRow(region=region, display_name=display, lists_sizes=lists_sizes, aliases=alias))
        taken |= {region, alias}
    return rows


def _with_licenses(sizes: Sequence[SizeRow], prices: Sequence[PriceRow]) -> list[SizeRow]:
    """The sizes with what Windows adds an hour, over the regions of this catalog where both prices are known."""
    added: dict[str, list[Decimal]] = {}
    for row in prices:
        if row.linux_payg_hourly is not None and row.windows_payg_hourly is not None:
            added.setdefault(row.size, []).append(row.windows_payg_hourly - row.linux_payg_hourly)
    return [_with_license(row, added[row.size]) if row.size in added else row for row in sizes]


def _with_license(row: SizeRow, added: Sequence[Decimal]) -> SizeRow:
    return msgspec.structs.replace(
        row,
        windows_license_hourly=Counter(sorted(added)).most_common(1)[0][0],
        windows_license_min_hourly=min(added),
        windows_license_max_hourly=max(added),
        windows_license_regions=len(added),
    )


def _cited(tables: Tables, read: Read) -> list[SourceRow]:
    """The sources that a row of the new catalog names."""
    sources = [*tables.sources, read.price_source, *([read.sku_source] if read.sku_source else [])]
    lists: Iterable[Sequence[Row]] = (
        tables.currencies,
        tables.sizes,
        tables.prices,
        tables.disk_tiers,
        tables.disk_rules,
        tables.disk_prices,
    )
    cited = {getattr(row, column) for rows in lists for row in rows for column in SOURCE_COLUMNS[type(row)]}
    return [row for row in sources if row.source in cited]


def _taken_over(tables: Tables, read: Read) -> Iterable[LeftOut]:
    """What the new catalog says with another's words, counted."""
    sku_number = read.sku_source.source if read.sku_source else None
    sizes = tables.sizes
    counts = {
        "currency rates": len(tables.currencies),
        "rules of disk types": len(tables.disk_rules),
        "disk tiers": sum(row.source != sku_number for row in tables.disk_tiers),
        "facts about sizes": sum(row.core_source != sku_number for row in sizes),
        "disk limits of sizes": sum(row.limits_source not in (None, sku_number) for row in sizes),
        "network Mb/s of sizes": sum(row.network_mbps is not None for row in sizes),
        "credits of burstable sizes": sum(row.max_credits is not None for row in sizes),
        "regions' lists of sizes": sum(
            row.lists_sizes and (read.skus is None or row.region not in read.skus.regions) for row in tables.regions
        ),
        "prices of machines in regions not asked for": sum(
            bool(read.regions) and row.region not in read.regions for row in tables.prices
        ),
        "prices of disks in regions not asked for": sum(
            bool(read.regions) and row.region not in read.regions for row in tables.disk_prices
        ),
    }
    for what, rows in counts.items():
        if rows:
            yield LeftOut(what=what, rows=rows, reason=f"as in {read.taken_from}, with the sources named there")
