"""The columns of the two big sheets in each generation of Azure Migrate's export, as data.

Source of names and order: exports seen in 2020, azure-docs-powershell-samples issue 380 (2021-23), and the 2024-25
portal. The 2024 layout is written out; the older ones are that layout without what came later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reports.workbook.columns import Column, Kind
from reports.workbook.values import DiskRow, MachineRow
from reports.workbook.wording import (
    BOOT_TYPES,
    DISK_TYPES,
    NOT_APPLICABLE,
    READINESS,
    SECURITY_READINESS,
    addresses,
    joined,
    worded,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One generation of the export; `storage_keys` are the costs by disk type on the first sheet, in order."""

    name: str
    machines: tuple[Column[MachineRow], ...]
    disks: tuple[Column[DiskRow], ...]
    estimate: str  # "estimate " where this generation says so in the total's label
    storage_keys: tuple[str, ...]


M = Column[MachineRow]
MACHINES_2024: tuple[M, ...] = (
    M(heading="Machine", key="machine_name", width=28),
    M(heading="VM host", key="host_name", width=22),
    M(heading="Azure VM readiness", key="readiness", width=28, value=lambda row: READINESS[row.readiness]),
    M(
        heading="Azure readiness issues",
        key="readiness_issues",
        width=36,
        value=lambda row: joined(row.readiness_issues),
        missing=NOT_APPLICABLE,
    ),
    M(
        heading="Data collection issues",
        key="data_collection_issues",
        width=36,
        value=lambda row: joined(row.data_collection_issues),
        missing=NOT_APPLICABLE,
    ),
    M(heading="Recommended size", key="recommended_sku", width=22, missing=NOT_APPLICABLE),
    M(heading="Compute monthly cost estimate {currency}", key="compute_monthly_cost", kind=Kind.MONEY),
    M(heading="Storage monthly cost estimate {currency}", key="storage_monthly_cost", kind=Kind.MONEY),
    M(
        heading="Estimated monthly savings from Azure Hybrid Benefit for Windows OS {currency}",
        key="windows_hybrid_benefit_monthly_savings",
        kind=Kind.MONEY,
        width=22,
    ),
    M(
        heading="Estimated monthly savings from Azure Hybrid Benefit for Linux OS {currency}",
        key="linux_hybrid_benefit_monthly_savings",
        kind=Kind.MONEY,
        width=22,
    ),
    M(
        heading="Security readiness",
        key="security_readiness",
        width=20,
        value=lambda row: worded(SECURITY_READINESS, row.security_readiness),
        missing=NOT_APPLICABLE,
    ),
    M(heading="Security monthly cost estimate {currency}", key="security_monthly_cost", kind=Kind.MONEY),
    M(heading="Operating system", key="operating_system", width=40),
    M(heading="Boot type", key="boot_type", width=10, value=lambda row: worded(BOOT_TYPES, row.boot_type)),
    M(heading="Processor", key="processor", width=32),
    M(heading="Cores", key="cores", kind=Kind.COUNT, width=9),
    M(heading="Memory(MB)", key="memory_mb", kind=Kind.COUNT, width=11),
    M(heading="CPU usage(%)", key="observed_cpu_percent", kind=Kind.NUMBER, observed=True),
    M(heading="Memory usage(%)", key="observed_memory_percent", kind=Kind.NUMBER, observed=True),
    M(heading="Storage(GB)", key="storage_gb", kind=Kind.NUMBER, width=12),
    M(heading="Standard HDD disks", key="standard_hdd_disks", kind=Kind.COUNT, width=11),
    M(heading="Standard SSD disks", key="standard_ssd_disks", kind=Kind.COUNT, width=11),
    M(heading="Premium disks", key="premium_disks", kind=Kind.COUNT, width=11),
    M(heading="Premium SSD V2 disks", key="premium_v2_disks", kind=Kind.COUNT, width=11),
    M(heading="Ultra disks", key="ultra_disks", kind=Kind.COUNT, width=11),
    M(heading="Disk read(ops/sec)", key="observed_disk_read_iops", kind=Kind.NUMBER, observed=True),
    M(heading="Disk write(ops/sec)", key="observed_disk_write_iops", kind=Kind.NUMBER, observed=True),
    M(heading="Disk read(MBPS)", key="observed_disk_read_mbps", kind=Kind.NUMBER, observed=True),
    M(heading="Disk write(MBPS)", key="observed_disk_write_mbps", kind=Kind.NUMBER, observed=True),
    M(
        heading="Confidence Rating (% of utilization data collected)",
        key="confidence_percent",
        kind=Kind.NUMBER,
        width=20,
        missing=NOT_APPLICABLE,
    ),
    M(heading="Network adapters", key="nics", kind=Kind.COUNT, width=11),
    M(heading="IP address", key="ip_addresses", width=26, value=lambda row: addresses(row.ip_addresses)),
    M(
        heading="MAC address",
        key="mac_addresses",
        width=26,
        value=lambda row: addresses(tuple((address,) for address in row.mac_addresses)),
    ),
    M(heading="Network in(MBPS)", key="observed_network_in_mbps", kind=Kind.NUMBER, observed=True),
    M(heading="Network out(MBPS)", key="observed_network_out_mbps", kind=Kind.NUMBER, observed=True),
    M(heading="Group name", key="group_name", width=24),
)
MACHINES_SINCE_2024 = {
    "windows_hybrid_benefit_monthly_savings",
    "linux_hybrid_benefit_monthly_savings",
    "security_readiness",
    "security_monthly_cost",
    "processor",
    "premium_v2_disks",
    "confidence_percent",
}
MACHINES_2021 = tuple(column for column in MACHINES_2024 if column.key not in MACHINES_SINCE_2024)
MACHINES_2020 = tuple(
    replace(column, heading=column.heading.replace("cost estimate", "cost"))
    for column in MACHINES_2021
    if column.key != "ultra_disks"
)

D = Column[DiskRow]
DISKS_2024: tuple[D, ...] = (
    D(heading="Machine", key="machine_name", width=28),
    D(heading="Disk name", key="disk_name", width=24),
    D(heading="Azure disk readiness", key="readiness", width=28, value=lambda row: READINESS[row.readiness]),
    D(heading="Recommended disk size SKU", key="recommended_disk_sku", width=20, missing=NOT_APPLICABLE),
    D(
        heading="Recommended disk type",
        key="recommended_disk_type",
        width=28,
        value=lambda row: worded(DISK_TYPES, row.recommended_disk_type),
        missing=NOT_APPLICABLE,
    ),
    D(
        heading="Azure readiness issues",
        key="readiness_issues",
        width=36,
        value=lambda row: joined(row.readiness_issues),
        missing=NOT_APPLICABLE,
    ),
    D(heading="Migration Guidance", key="migration_guidance", width=36, missing=NOT_APPLICABLE),
    D(
        heading="Data collection issues",
        key="data_collection_issues",
        width=36,
        value=lambda row: joined(row.data_collection_issues),
        missing=NOT_APPLICABLE,
    ),
    D(heading="Monthly cost estimate", key="monthly_cost", kind=Kind.MONEY),
    D(heading="Source disk size(GB)", key="source_size_gb", kind=Kind.NUMBER),
    D(heading="Target disk size(GB)", key="target_size_gb", kind=Kind.NUMBER),
    D(heading="Disk read(MBPS)", key="observed_read_mbps", kind=Kind.NUMBER, observed=True),
    D(heading="Disk write(MBPS)", key="observed_write_mbps", kind=Kind.NUMBER, observed=True),
    D(heading="Disk read(ops/sec)", key="observed_read_iops", kind=Kind.NUMBER, observed=True),
    D(heading="Disk write(ops/sec)", key="observed_write_iops", kind=Kind.NUMBER, observed=True),
    D(
        heading="Ultra disk provisioned IOPS (Operations/Sec)",
        key="ultra_provisioned_iops",
        kind=Kind.COUNT,
        width=20,
    ),
    D(
        heading="Ultra disk provisioned throughput (MBPS)",
        key="ultra_provisioned_throughput_mbps",
        kind=Kind.NUMBER,
        width=20,
    ),
    D(
        heading="Premium SSD V2 disk provisioned IOPS (Operations/Sec)",
        key="premium_v2_provisioned_iops",
        kind=Kind.COUNT,
        width=22,
    ),
    D(
        heading="Premium SSD V2 disk provisioned throughput (MBPS)",
        key="premium_v2_provisioned_throughput_mbps",
        kind=Kind.NUMBER,
        width=22,
    ),
)
DISKS_SINCE_2024 = {
    "migration_guidance",
    "premium_v2_provisioned_iops",
    "premium_v2_provisioned_throughput_mbps",
}
DISKS_2021 = tuple(column for column in DISKS_2024 if column.key not in DISKS_SINCE_2024)
DISKS_2020 = tuple(column for column in DISKS_2021 if not column.key.startswith("ultra_"))

STORAGE_2020 = ("standard_hdd_monthly_cost", "standard_ssd_monthly_cost", "premium_monthly_cost")
STORAGE_2021 = (*STORAGE_2020, "ultra_monthly_cost")
STORAGE_2024 = (*STORAGE_2020, "premium_v2_monthly_cost", "ultra_monthly_cost")

NEWEST_LAYOUT = "2024"
LAYOUTS: Mapping[str, Layout] = {
    "2020": Layout(name="2020", machines=MACHINES_2020, disks=DISKS_2020, estimate="", storage_keys=STORAGE_2020),
    "2021": Layout(
        name="2021", machines=MACHINES_2021, disks=DISKS_2021, estimate="estimate ", storage_keys=STORAGE_2021
    ),
    "2024": Layout(
        name="2024", machines=MACHINES_2024, disks=DISKS_2024, estimate="estimate ", storage_keys=STORAGE_2024
    ),
}
