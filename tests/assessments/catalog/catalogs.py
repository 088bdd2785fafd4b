"""Small catalog files for tests: two sizes, two regions, the disks a machine needs. Every part can be replaced."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from assessments.catalog.catalog_file import (
    CurrencyRow,
    DiskPriceRow,
    DiskRuleRow,
    DiskTierRow,
    PriceRow,
    RegionRow,
    SizeRow,
    SourceRow,
    Tables,
    write_snapshot,
)

# Premium SSD v2 and Ultra, as published in 2026 (azure-compute-docs, disks-types.md).
FREELY_SIZED_RULES = {
    "premium_ssd_v2": {
        "min_size": "1",
        "max_size": "65536",
        "free_baseline_iops": "3000",
        "free_baseline_mbps": "125",
        "max_iops_per_gib_above_6_gib": "500",
        "max_iops": "80000",
        "max_mbps_per_provisioned_iops": "0.25",
        "max_mbps": "2000",
    },
    "ultra": {
        "min_size": "4",
        "max_size": "65536",
        "size_step": "1",
        "max_iops_per_gib": "1000",
        "min_iops": "100",
        "max_iops": "400000",
        "max_mbps_per_provisioned_iops": "0.25",
        "min_mbps": "1",
        "max_mbps": "10000",
    },
}
UNIT_PRICES = {"provisioned_capacity": "0.00013", "provisioned_iops": "0.000008", "provisioned_mbps": "0.000065"}


def make_size(size: str = "Standard_D2s_v5", **changes: Any) -> SizeRow:
    """A general purpose size of 2 vCPUs and 8 GiB with all limits known."""
    row = SizeRow(
        size=size,
        series="dsv5",
        quota_family="standardDSv5Family",
        vcpus=2,
        host_vcpus=2,
        memory_mb=8192,
        max_data_disks=4,
        max_nics=2,
        architecture="x64",
        hyperv_generations="V1,V2",
        accelerated_networking=True,
        premium_storage=True,
        ultra_ssd="supported",
        uncached_iops=3750,
        uncached_mbps=Decimal(85),
        network_mbps=12500,
        core_source=1,
    )
    return msgspec.structs.replace(row, **changes)


def make_price(size: str = "Standard_D2s_v5", region: str = "westeurope", **changes: Any) -> PriceRow:
    """Pay-as-you-go prices of a size listed in its region."""
    row = PriceRow(
        size=size,
        region=region,
        listed=True,
        linux_payg_hourly=Decimal("0.115"),
        linux_payg_source=1,
        windows_payg_hourly=Decimal("0.207"),
        windows_payg_source=1,
    )
    return msgspec.structs.replace(row, **changes)


def make_tables(**changes: Any) -> Tables:
    """A whole catalog: West Europe lists and prices everything, Jio India West has Linux prices and no list."""
    tables = Tables(
        sources=[SourceRow(source=1, mark="T", title="test figures", dated="2026-08-01", license="none")],
        regions=[
            RegionRow(region="jioindiawest", display_name="Jio India West", lists_sizes=False),
            RegionRow(region="westeurope", display_name="West Europe", lists_sizes=True, aliases="eu west|weu"),
        ],
        currencies=[
            CurrencyRow(currency="EUR", units_per_usd=Decimal("0.85"), rate_date=date(2026, 1, 26), source=1),
            CurrencyRow(currency="USD", units_per_usd=Decimal(1), rate_date=date(2026, 1, 26), source=1),
        ],
        sizes=[make_size(), make_size("Standard_D4s_v5", vcpus=4, host_vcpus=4, memory_mb=16384)],
        prices=[
            make_price(),
            make_price("Standard_D4s_v5", linux_payg_hourly=Decimal("0.23"), windows_payg_hourly=Decimal("0.414")),
            make_price(region="jioindiawest", listed=None, windows_payg_hourly=None, windows_payg_source=None),
        ],
        disk_tiers=[
            DiskTierRow(
                tier="P10",
                disk_type="premium_ssd",
                redundancy="lrs",
                size_gib=128,
                iops=500,
                mbps=Decimal(100),
                source=1,
            )
        ],
        disk_rules=[
            DiskRuleRow(disk_type=disk_type, rule=rule, value=value, source=1)  # type: ignore[arg-type]
            for disk_type, rules in FREELY_SIZED_RULES.items()
            for rule, value in rules.items()
        ],
        disk_prices=[
            DiskPriceRow(
                region="westeurope",
                disk_type="premium_ssd",
                redundancy="lrs",
                tier="P10",
                component="capacity",
                price=Decimal("21.68"),
                source=1,
            ),
            *(
                DiskPriceRow(
                    region="westeurope",
                    disk_type=disk_type,  # type: ignore[arg-type]
                    redundancy="lrs",
                    component=component,  # type: ignore[arg-type]
                    price=Decimal(price),
                    source=1,
                )
                for disk_type in FREELY_SIZED_RULES
                for component, price in UNIT_PRICES.items()
            ),
        ],
    )
    return msgspec.structs.replace(tables, **changes)


def make_file(tables: Tables | None = None, *, name: str = "Test prices", as_of: date = date(2026, 8, 1)) -> bytes:
    """The catalog file of these tables."""
    return write_snapshot(name=name, as_of=as_of, tables=tables or make_tables(), inputs={}, left_out=[])
