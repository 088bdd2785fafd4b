"""Compile tables of public facts about Azure into the catalog file that the project ships.

    python scripts/build_catalog_snapshot.py --tables DIR --output assessments/catalog/snapshot/azure-2026-08.zip

DIR holds the CSV tables (sizes, availability, prices, commitments, disks, currencies, regions). Nothing is
estimated: a figure is copied, converted in its unit, or left out, and what is left out is counted in the manifest,
which is also written beside the output. The same tables give the same bytes.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Literal, cast

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a file, not installed

from assessments.catalog.catalog_file import (
    CurrencyRow,
    DiskComponent,
    DiskPriceRow,
    DiskRuleRow,
    DiskTierRow,
    DiskType,
    PriceRow,
    Redundancy,
    RegionRow,
    SizeRow,
    Tables,
    manifest_text,
    read_snapshot,
    write_snapshot,
)
from assessments.catalog.size_names import constrained_vcpus, series_slug
from scripts.catalog_tables import Ledger, Record, decimal, price, read_table, whole

TABLES = (
    "vm_sizes.csv",
    "vm_region_availability.csv.xz",
    "vm_prices.csv.xz",
    "vm_commitment_prices.csv",
    "windows_licence_delta.csv",
    "burstable_cpu.csv",
    "retirements.csv",
    "disks.csv",
    "disk_rules.csv",
    "disk_prices.csv",
    "currency_rates.csv",
    "regions.csv",
    "region_aliases.csv",
)

# Reservations that can no longer be bought since 2026-07-01 (azure-compute-docs, prepay-reserved-vm-instances).
NO_RESERVATION = {"dv3", "dsv3", "ev3", "esv3"}
NO_1Y_RESERVATION = {"av2", "amv2", "bs", "d", "ds", "dv2", "dsv2", "f", "fs", "fsv2", "g", "gs", "ls", "lsv2"}
TERM_HOURS = {"reservation_1y": 8760, "reservation_3y": 26280}

# No size reaches this; a few GPU sizes carry KB/s in the column (1,200,000 for 1,200).
MAX_PLAUSIBLE_MBPS = Decimal(50_000)

DISK_TYPES: dict[str, DiskType] = {
    "Standard HDD": "standard_hdd",
    "Standard SSD": "standard_ssd",
    "Premium SSD": "premium_ssd",
    "Premium SSD v2": "premium_ssd_v2",
    "Ultra": "ultra",
    "StandardHDD": "standard_hdd",
    "StandardSSD": "standard_ssd",
    "PremiumSSD": "premium_ssd",
    "PremiumV2": "premium_ssd_v2",
}
REDUNDANCIES: dict[str, Redundancy] = {"LRS": "lrs", "ZRS": "zrs"}
ULTRA_SSD: dict[str, Literal["supported", "documented", "unsupported"]] = {
    "true": "supported",
    "documented": "documented",
    "false": "unsupported",
}
DISK_COMPONENTS: dict[tuple[str, str], DiskComponent] = {
    ("capacity", "1/Month"): "capacity",
    ("provisioned capacity", "1 GiB/Hour"): "provisioned_capacity",
    ("provisioned IOPS", "1/Hour"): "provisioned_iops",
    ("provisioned MB/s", "1/Hour"): "provisioned_mbps",
}

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def active_vcpus(record: Record) -> int:
    """The vCPUs a size really has. The name tells where the capability is missing or repeats the parent's count."""
    counts = [whole(record["vcpus"]), whole(record["vcpus_available"]), constrained_vcpus(record["size"])]
    return min(count for count in counts if count is not None)


def _smaller(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    """Where the documentation and the API differ, the lower limit is the safe one."""
    known = [figure for figure in (first, second) if figure is not None]
    return min(known) if known else None


def size_rows(folder: Path, ledger: Ledger) -> list[SizeRow]:
    credit = {record["size"]: record for record in read_table(folder, "burstable_cpu.csv")}
    licenses = {record["size"]: record for record in read_table(folder, "windows_licence_delta.csv")}
    retirements = {r["api_family_lowercase"]: _month(r["retire_date"]) for r in read_table(folder, "retirements.csv")}
    return [
        _size_row(
            record,
            ledger=ledger,
            credit=credit.get(record["size"], {}),
            license=licenses.get(record["size"], {}),
            retires=retirements.get(record["family"].lower()),
        )
        for record in sorted(read_table(folder, "vm_sizes.csv"), key=lambda record: record["size"])
    ]


def _size_row(record: Record, *, ledger: Ledger, credit: Record, license: Record, retires: str | None) -> SizeRow:
    iops = _smaller(decimal(record["uncached_iops"]), decimal(record["uncached_iops_api"]))
    mbps = _smaller(decimal(record["uncached_mbps"]), decimal(record["uncached_mbps_api"]))
    if mbps is not None and mbps > MAX_PLAUSIBLE_MBPS:
        ledger.drop("uncached MB/s of a size", "above 50,000 MB/s: a unit error of the source")
        record = {**record, "note": f"uncached MB/s left out, the source says {mbps:f}"}
        mbps = None
    date_limits = record["date_limits"]
    return SizeRow(
        size=record["size"],
        series=series_slug(record["size"], published=record["series"], quota_family=record["family"]),
        quota_family=record["family"],
        category=record["category"] or None,
        vcpus=active_vcpus(record),
        host_vcpus=int(record["vcpus"]),
        memory_mb=whole(str(Decimal(record["memory_gib"]) * 1024)),
        max_data_disks=whole(record["max_data_disks"]),
        max_nics=whole(record["max_nics"]),
        architecture="arm64" if record["cpu_arch"] == "Arm64" else "x64",
        hyperv_generations=record["hyperv_generations"],
        accelerated_networking=record["accelerated_networking"] == "true",
        premium_storage=record["premium_io"] == "true",
        ultra_ssd=ULTRA_SSD.get(record["ultra_ssd"]),
        gpu=record["gpu_count"] or None,
        acu=whole(record["acu"]),
        vcpus_per_core=whole(record["vcpus_per_core"]),
        temp_disk_gib=decimal(record["temp_disk_gib"]),
        uncached_iops=None if iops is None else int(iops),
        uncached_mbps=mbps,
        uncached_burst_iops=whole(record["uncached_burst_iops"]),
        uncached_burst_mbps=decimal(record["uncached_burst_mbps"]),
        premium_v2_ultra_iops=whole(record["pv2_ultra_iops"]),
        premium_v2_ultra_mbps=decimal(record["pv2_ultra_mbps"]),
        network_mbps=whole(record["network_mbps"]),
        retires=retires,
        base_cpu_percent=decimal(credit.get("base_cpu_pct_of_vm", "")),
        initial_credits=whole(credit.get("initial_credits", "")),
        credits_per_hour=whole(credit.get("credits_banked_per_hour", "")),
        max_credits=whole(credit.get("max_banked_credits", "")),
        windows_license_hourly=decimal(license.get("most_common_delta_usd_per_hour", "")),
        windows_license_min_hourly=decimal(license.get("min_delta", "")),
        windows_license_max_hourly=decimal(license.get("max_delta", "")),
        windows_license_regions=whole(license.get("regions_compared", "")),
        core_source=ledger.source(record["src_core"], record["date_core"]),
        limits_source=ledger.source(record["src_limits"], date_limits) if record["src_limits"] else None,
        network_source=ledger.source(record["src_network"], date_limits) if record["src_network"] else None,
        burstable_source=ledger.source(credit["source"], credit["date"]) if credit else None,
        note=record["note"] or None,
    )


def _month(text: str) -> str:
    """'November 2028' as 2028-11."""
    name, year = text.split()
    return f"{year}-{MONTHS.index(name) + 1:02d}"


def price_rows(folder: Path, sizes: list[SizeRow], ledger: Ledger) -> list[PriceRow]:
    """One row for each size and region where the size is listed, priced, or known to lack a price."""
    known = {row.size for row in sizes}
    cells: dict[tuple[str, str], dict[str, object]] = {}
    for record in read_table(folder, "vm_region_availability.csv.xz"):
        cell = cells.setdefault((record["region"], record["size"]), {})
        cell |= {"listed": True, "zones": record["zones"].replace(";", " ") or None}
    listing = {region for region, _ in cells}
    for (region, size), figures in [*_payg(folder, known, ledger), *_commitments(folder, sizes, ledger)]:
        cells.setdefault((region, size), {"listed": False if region in listing else None}).update(figures)
    return [
        msgspec.convert({"region": region, "size": size, **_merged(cell)}, PriceRow)
        for (region, size), cell in sorted(cells.items())
    ]


def _merged(cell: dict[str, object]) -> dict[str, object]:
    """Linux and Windows notes of one size and region as one text; the same note once."""
    notes = dict.fromkeys(cast("str", cell.pop(key)) for key in ("linux_note", "windows_note") if key in cell)
    return {**cell, "note": "; ".join(notes) or None}


def _payg(folder: Path, known: set[str], ledger: Ledger) -> Iterator[tuple[tuple[str, str], dict[str, object]]]:
    for record in read_table(folder, "vm_prices.csv.xz"):
        size, system = record["size"].strip(), record["os"]
        if size not in known:
            ledger.drop("pay-as-you-go prices", "no facts about the size (vCPUs, memory) are held")
            continue
        figures: dict[str, object] = {}
        if hourly := price(record["payg_hourly_usd"]):
            figures[f"{system}_payg_hourly"] = hourly
            figures[f"{system}_payg_source"] = ledger.source(record["src_payg"], record["date_payg"])
        if record["note"]:
            figures[f"{system}_note"] = f"{system}: {record['note']}"
        if figures:
            yield (record["region"], size), figures


def _commitments(
    folder: Path, sizes: list[SizeRow], ledger: Ledger
) -> Iterator[tuple[tuple[str, str], dict[str, object]]]:
    series = {row.size: row.series for row in sizes}
    for record in read_table(folder, "vm_commitment_prices.csv"):
        commitment, hourly = record["commitment"], price(record["hourly_usd"])
        name = series.get(record["size"])
        if name is None or hourly is None:
            ledger.drop("commitment prices", "no facts about the size (vCPUs, memory) are held")
        elif _withdrawn(name, commitment):
            ledger.drop("commitment prices", "reservation withdrawn from sale on 2026-07-01")
        else:
            yield (
                (record["region"], record["size"]),
                _commitment(commitment, hourly, ledger.source(record["source"], record["date"], record["grade"])),
            )


def _withdrawn(series: str, commitment: str) -> bool:
    if series in NO_RESERVATION:
        return commitment.startswith("reservation")
    return series in NO_1Y_RESERVATION and commitment == "reservation_1y"


def _commitment(commitment: str, hourly: Decimal, source: int) -> dict[str, object]:
    """Savings plans are sold by the hour, reservations as a total of whole dollars; the table has both by the hour."""
    if commitment not in TERM_HOURS:
        return {f"{commitment}_hourly": hourly, f"{commitment}_source": source}
    exact = hourly * TERM_HOURS[commitment]
    total = exact.quantize(Decimal(1), ROUND_HALF_EVEN)
    if abs(exact - total) > Decimal("0.01"):
        raise SystemExit(f"vm_commitment_prices.csv: {hourly} an hour is not a whole number of dollars for the term")
    return {f"{commitment}_total": total, f"{commitment}_source": source}


def region_rows(folder: Path, prices: list[PriceRow], disk_prices: list[DiskPriceRow]) -> list[RegionRow]:
    """Every region that a price or a list of sizes names."""
    named = {record["region"]: record for record in read_table(folder, "regions.csv")}
    aliases = read_table(folder, "region_aliases.csv")
    names = {record["region_id"]: record["region_name"] for record in aliases}
    listing = {row.region for row in prices if row.listed}
    used = {row.region for row in prices} | {row.region for row in disk_prices}
    return [
        RegionRow(
            region=region,
            display_name=named.get(region, {}).get("display_name") or names[region],
            geography=named.get(region, {}).get("geography_group") or None,
            lists_sizes=region in listing,
            aliases="|".join(sorted({record["original_value"] for record in aliases if record["region_id"] == region})),
        )
        for region in sorted(used)
    ]


def currency_rows(folder: Path, ledger: Ledger) -> list[CurrencyRow]:
    """The newest rate of each currency. Currencies that only carry the calculator's old conversion field have none."""
    newest: dict[str, Record] = {}
    for record in sorted(read_table(folder, "currency_rates.csv"), key=lambda record: record["date"]):
        if record["units_per_usd_modern"]:
            newest[record["currency"]] = record
        else:
            ledger.drop("currency rates", "only an outdated conversion field, years away from the market")
    return [
        CurrencyRow(
            currency=currency,
            units_per_usd=Decimal(record["units_per_usd_modern"]),
            rate_date=date.fromisoformat(record["date"]),
            source=ledger.source(record["source"], record["date"]),
        )
        for currency, record in sorted(newest.items())
    ]


def disk_tier_rows(folder: Path, ledger: Ledger) -> list[DiskTierRow]:
    return [
        DiskTierRow(
            tier=record["tier"],
            disk_type=DISK_TYPES[record["type"].removesuffix(" (ZRS)")],
            redundancy=REDUNDANCIES[record["redundancy"]],
            size_gib=int(record["size_gib"]),
            iops=int(record["max_iops"]),
            mbps=Decimal(record["max_mbps"]).normalize(),
            burst_iops=whole(record["burst_iops"]),
            burst_mbps=decimal(record["burst_mbps"]),
            max_shares=whole(record["max_shares"]),
            source=ledger.source(record["source"], record["date"]),
        )
        for record in read_table(folder, "disks.csv")
        if record["variable_size"] == "false"
    ]


def disk_rule_rows(folder: Path, ledger: Ledger) -> list[DiskRuleRow]:
    return [
        DiskRuleRow(
            disk_type=DISK_TYPES[record["type"]],
            rule=record["rule"],
            value=record["value"],
            unit=record["unit"] or None,
            source=ledger.source(record["source"], record["date"]),
        )
        for record in read_table(folder, "disk_rules.csv")
    ]


def disk_price_rows(folder: Path, ledger: Ledger) -> list[DiskPriceRow]:
    """Capacity of fixed tiers, and the three provisioned parts of freely sized disks; the newest source of each."""
    newest: dict[tuple[str, ...], DiskPriceRow] = {}
    for record in sorted(read_table(folder, "disk_prices.csv"), key=lambda record: record["date"]):
        row = _disk_price_row(record, ledger)
        if row is None:
            continue
        key = (row.region, row.disk_type, row.redundancy, row.component, row.tier or "")
        older = newest.get(key)
        if older and older.price != row.price:
            raise SystemExit(f"disk_prices.csv: two prices for {key}: {older.price} and {row.price}")
        if older:
            ledger.drop("disk prices", "a newer source says the same")
        newest[key] = row
    return [newest[key] for key in sorted(newest)]


def _disk_price_row(record: Record, ledger: Ledger) -> DiskPriceRow | None:
    component = DISK_COMPONENTS.get((record["component"], record["unit_of_measure"]))
    amount = price(record["unit_price_usd"])
    if component is None or amount is None:
        ledger.drop("disk prices", f"{record['component']}: not part of the price of a disk")
        return None
    return DiskPriceRow(
        region=record["region"],
        disk_type=DISK_TYPES[record["type"]],
        redundancy=REDUNDANCIES[record["redundancy"]],
        tier=record["tier"] or None,
        component=component,
        price=amount,
        source=ledger.source(record["source"], record["date"]),
    )


def compile_tables(folder: Path, ledger: Ledger) -> Tables:
    sizes = size_rows(folder, ledger)
    prices = price_rows(folder, sizes, ledger)
    disk_prices = disk_price_rows(folder, ledger)
    currencies = currency_rows(folder, ledger)
    tiers, rules = disk_tier_rows(folder, ledger), disk_rule_rows(folder, ledger)
    return Tables(
        sources=ledger.source_rows(),
        regions=region_rows(folder, prices, disk_prices),
        currencies=currencies,
        sizes=sizes,
        prices=prices,
        disk_tiers=tiers,
        disk_rules=rules,
        disk_prices=disk_prices,
    )


def newest_date(dates: Iterable[str]) -> date:
    return max(date.fromisoformat(text) for text in dates if re.fullmatch(r"\d{4}-\d\d-\d\d", text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, required=True, help="folder of the source tables")
    parser.add_argument("--output", type=Path, required=True, help="catalog file to write")
    arguments = parser.parse_args()
    ledger = Ledger()
    tables = compile_tables(arguments.tables, ledger)
    as_of = newest_date(record["date_payg"] for record in read_table(arguments.tables, "vm_prices.csv.xz"))
    content = write_snapshot(
        name=f"Azure public prices, {as_of:%B %Y}",
        as_of=as_of,
        tables=tables,
        inputs={name: hashlib.sha256((arguments.tables / name).read_bytes()).hexdigest() for name in TABLES},
        left_out=ledger.left_out_rows(),
    )
    manifest = read_snapshot(content).manifest
    arguments.output.write_bytes(content)
    arguments.output.with_suffix(".manifest.json").write_bytes(manifest_text(manifest))
    print(f"{arguments.output}: {len(content)} bytes")
    for table, facts in manifest.tables.items():
        print(f"  {table:<18} {facts['rows']:>7} rows")


if __name__ == "__main__":
    main()
