"""How often the engine picks the size and the disk that Azure Migrate picked for real machines.

    python benchmarks/oracle_agreement.py ORACLE.csv CATALOG_FOLDER

ORACLE.csv: rows of a performance-based Azure assessment (columns as Azure Migrate Explore names them): comfort factor
1, 95th percentile, Standard or Premium disks, pay-as-you-go, Windows licence paid; there are no Dev/Test prices.
CATALOG_FOLDER: vm_sizes.csv, vm_prices.csv.xz, disks.csv, disk_prices.csv, vm_region_availability.csv.xz. Prices are of
another day than the oracle's, so ties and near ties may differ.
"""

import csv
import lzma
import sys
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import numpy as np

from assessments.engine.assess import assess
from assessments.engine.fixed_point import BoolArray, IntArray, scaled
from assessments.engine.issues import READINESS
from assessments.engine.machines import BOOT_TYPES, Disks, Machines, Nics
from assessments.engine.settings import Settings, UnknownLimit, UnknownLimits
from assessments.engine.values import DISK_TYPES, Bursting, Catalog, DiskTiers, KnownArray, Observed, SizePrices, Sizes

REGION = "centralus"
# Azure Migrate's own list of series in its own order, without A, B, accelerated and HPC series (rule book 3).
FAMILIES = (
    *("d", "dv2", "ds", "dsv2", "f", "fs", "g", "gs", "h", "ls", "dsv3", "dv3", "fsv2", "ev3", "esv3", "m", "dc"),
    *("lsv2", "ev4", "esv4", "edv4", "edsv4", "dv4", "dsv4", "ddv4", "ddsv4", "easv4", "dasv4", "mv2", "eav4", "dav4"),
    *("msv2", "mdsv2", "dv5", "dsv5", "ddv5", "ddsv5", "dasv5", "dadsv5", "ev5", "esv5", "edv5", "edsv5", "easv5"),
    *("eadsv5", "ebsv5", "ebdsv5"),
)
TYPES = {"Standard HDD": "standard_hdd", "Standard SSD": "standard_ssd", "Premium SSD": "premium_ssd"}
Row = dict[str, str]


def main() -> None:
    """Compare and print."""
    oracle = _rows(Path(sys.argv[1]))
    catalog = _catalog(Path(sys.argv[2]))
    machines = _machines(oracle)
    policies: tuple[UnknownLimit, ...] = ("refuse", "accept_with_issue")
    for disk_limits in policies:
        settings = Settings(
            comfort_factor=Decimal(1),
            sku_families=FAMILIES,
            hybrid_benefit="none",
            unknown_limits=UnknownLimits(disk=disk_limits),
        )
        print(f"unknown disk limits: {disk_limits}")
        _compare(oracle, machines, catalog, settings)


def _compare(oracle: list[Row], machines: Machines, catalog: Catalog, settings: Settings) -> None:
    answer = assess(machines, catalog, settings)
    names, prices = catalog.sizes.names, catalog.prices
    place = {name: row for row, name in enumerate(names)}
    sized = answer.chosen.monthly_compute_cost.known
    given = [names[size] if known else "-" for size, known in zip(answer.chosen.size, sized, strict=True)]
    wanted = [row["Recommended VM Size"] for row in oracle]
    windows = np.array(["Windows" in row["Operating System"] for row in oracle])
    exact = [one == other for one, other in zip(given, wanted, strict=True)]
    hourly = [prices.windows if one else prices.linux for one in windows]
    twins = [
        same or (mine != "-" and price.values[place[mine]] == price.values[place[other]])
        for same, mine, other, price in zip(exact, given, wanted, hourly, strict=True)
    ]
    print(f"  size: {sum(exact)} of {len(exact)} equal, {sum(twins)} equal or of the same price")
    for (mine, other), count in Counter(zip(given, wanted, strict=True)).most_common():
        if mine != other:
            print(f"    {count} x {mine} where the oracle has {other}")
    tiers = [_tier(row["Recommended Disk SKUs"]) for row in oracle]
    single = [(row, tier) for row, tier in enumerate(tiers) if tier is not None]
    first = np.searchsorted(machines.disks.machine, [row for row, _ in single])
    mine = [catalog.disk_tiers.names[int(answer.disks.tier[disk])] for disk in first]
    agree = sum(one == tier for one, (_, tier) in zip(mine, single, strict=True))
    print(f"  disk: {agree} of {len(single)} machines with one disk equal")
    states = {"Ready": "ready", "Ready With Conditions": "ready_with_conditions"}
    ready = sum(
        READINESS[state] == states[row["Azure VM Readiness"]]
        for state, row in zip(answer.readiness, oracle, strict=True)
    )
    print(f"  readiness: {ready} of {len(oracle)} equal")


def _tier(skus: str) -> str | None:
    """ "Standard_S10;" -> "S10"; None for several disks, whose sizes the oracle does not tell."""
    listed = [sku for sku in skus.split(";") if sku]
    return listed[0].split("_")[1] if len(listed) == 1 else None


def _machines(oracle: list[Row]) -> Machines:
    """One disk holding the whole load, then empty ones; 0 % CPU and memory are how the oracle prints missing data."""
    count = len(oracle)
    systems = tuple(sorted({row["Operating System"] for row in oracle}))
    disks = [len([sku for sku in row["Recommended Disk SKUs"].split(";") if sku]) for row in oracle]
    nics = [int(row["Network Adapters"]) for row in oracle]
    missing = [float(row["CPU Utilization (in %)"]) == 0 for row in oracle]
    return Machines(
        cores=_integers(int(row["Cores"]) for row in oracle),
        memory_mb=_integers(int(row["Memory (in MB)"]) for row in oracle),
        operating_systems=systems,
        operating_system=_integers(systems.index(row["Operating System"]) for row in oracle),
        boot_type=_integers(BOOT_TYPES.index({"BIOS": "bios", "EFI": "uefi"}[row["Boot Type"]]) for row in oracle),
        imported=np.zeros(count, dtype=np.bool_),
        cpu_percent=_observed(oracle, "CPU Utilization (in %)", missing),
        memory_percent=_observed(oracle, "Memory Utilization (in %)", missing),
        expected_points=np.full(count, 144, dtype=np.int64),
        disks=Disks(
            machine=np.repeat(np.arange(count), disks),
            size_gb=scaled(_first(oracle, disks, "Storage (in GB)", share=True)),
            read_iops=Observed.quantities(_first(oracle, disks, "Disk Read (in OPS)")),
            write_iops=Observed.quantities(_first(oracle, disks, "Disk Write (in OPS)")),
            read_mbps=Observed.quantities(_first(oracle, disks, "Disk Read (in MBPS)")),
            write_mbps=Observed.quantities(_first(oracle, disks, "Disk Write (in MBPS)")),
        ),
        nics=Nics(
            machine=np.repeat(np.arange(count), nics),
            received_mbps=Observed.missing(sum(nics)),
            transmitted_mbps=Observed.quantities(_first(oracle, nics, "Network out (in MBPS)")),
        ),
    )


def _first(oracle: list[Row], parts: list[int], column: str, *, share: bool = False) -> list[float]:
    """A machine's total on its first part (or shared evenly), 0 on the others."""
    values: list[float] = []
    for row, count in zip(oracle, parts, strict=True):
        total = float(row[column])
        values += [total / count] * count if share else [total, *[0.0] * (count - 1)][:count]
    return values


def _observed(oracle: list[Row], column: str, missing: list[bool]) -> Observed:
    return Observed.quantities(
        [None if gone else float(row[column]) for row, gone in zip(oracle, missing, strict=True)]
    )


def _catalog(folder: Path) -> Catalog:
    offered = {row["size"] for row in _rows(folder / "vm_region_availability.csv.xz") if row["region"] == REGION}
    sizes = [row for row in _rows(folder / "vm_sizes.csv") if row["size"]]
    hourly = {
        (row["size"], row["os"]): row["payg_hourly_usd"]
        for row in _rows(folder / "vm_prices.csv.xz")
        if row["region"] == REGION and row["payg_hourly_usd"]
    }
    count = len(sizes)
    unpriced = KnownArray.unknown(count)
    burst = KnownArray.unknown(count)
    return Catalog(
        region=REGION,
        currency="USD",
        sizes=Sizes(
            names=tuple(row["size"] for row in sizes),
            series=tuple(row["series"] or _series(row["size"]) for row in sizes),
            quota_families=tuple(row["family"] for row in sizes),
            vcpus=_integers(int(row["vcpus_available"] or row["vcpus"]) for row in sizes),
            memory_mb=scaled([float(row["memory_gib"]) * 1024 for row in sizes]),
            max_data_disks=_integers(int(row["max_data_disks"] or 0) for row in sizes),
            max_nics=_integers(int(row["max_nics"] or 0) for row in sizes),
            premium_storage=_flags(row["premium_io"] == "true" for row in sizes),
            ultra_storage=np.zeros(count, dtype=np.bool_),
            generation_1=_flags("V1" in row["hyperv_generations"] for row in sizes),
            uncached_iops=_known(row["uncached_iops"] for row in sizes),
            uncached_mbps=_known(row["uncached_mbps"] for row in sizes),
            network_mbps=_known(row["network_mbps"] for row in sizes),
            available=_flags(row["size"] in offered for row in sizes),
            standard_tier=_flags(row["tier"] == "Standard" for row in sizes),
            considered=_flags(row["cpu_arch"] == "x64" and row["gpu_count"] in ("", "0") for row in sizes),
            burstable=_flags(row["size"].startswith("Standard_B") for row in sizes),
            bursting=Bursting(burst, burst, burst),
        ),
        prices=SizePrices(
            linux=KnownArray.money(hourly.get((row["size"], "linux")) for row in sizes),
            windows=KnownArray.money(hourly.get((row["size"], "windows")) for row in sizes),
            windows_licence=unpriced,
            reservation_1y_term=unpriced,
            reservation_3y_term=unpriced,
            savings_plan_1y=unpriced,
            savings_plan_3y=unpriced,
            dev_test=unpriced,
            rhel_subscription=unpriced,
            sles_subscription=unpriced,
        ),
        disk_tiers=_tiers(folder),
    )


def _series(size: str) -> str:
    """The series slug of a size whose row names none, e.g. Standard_DS1 -> ds."""
    letters = size.removeprefix("Standard_").split("_")[0]
    return "".join(letter for letter in letters if not letter.isdigit()).lower()


def _tiers(folder: Path) -> DiskTiers:
    tiers = [
        row for row in _rows(folder / "disks.csv") if row["redundancy"] == "LRS" and row["variable_size"] == "false"
    ]
    month = {
        row["tier"]: row["monthly_usd"]
        for row in _rows(folder / "disk_prices.csv")
        if (row["region"], row["redundancy"], row["component"]) == (REGION, "LRS", "capacity")
    }
    return DiskTiers(
        names=tuple(row["tier"] for row in tiers),
        type=_integers(DISK_TYPES.index(TYPES[row["type"]]) for row in tiers),
        size_gib=scaled([float(row["size_gib"]) for row in tiers]),
        iops=scaled([float(row["max_iops"]) for row in tiers]),
        mbps=scaled([float(row["max_mbps"]) for row in tiers]),
        monthly_price=KnownArray.money(month.get(row["tier"]) for row in tiers),
    )


def _rows(path: Path) -> list[Row]:
    content = path.read_bytes()
    text = (lzma.decompress(content) if path.suffix == ".xz" else content).decode()
    return list(csv.DictReader(text.splitlines()))


def _known(texts: Iterable[str]) -> KnownArray:
    return KnownArray.quantities(float(text) if text else None for text in texts)


def _integers(values: Iterable[int]) -> IntArray:
    return np.array(list(values), dtype=np.int64)


def _flags(values: Iterable[bool]) -> BoolArray:
    return np.array(list(values), dtype=np.bool_)


if __name__ == "__main__":
    main()
