"""The versioned rules as data: what Azure Migrate decided in 2019, in 2020 and decides since 2024.

Source keys (C19, C25, EXP20 ...) are those of the rule book: C19 = azure-docs concepts-assessment-calculation.md of
2019-07-15, C20 = the same of 2020-01-06, C25 = of 2025-02-06, A24 = "Azure VM assessment" of 2024-06-24,
P25 = assessment-properties.md of 2025-03-26, EXP20 = Microsoft's public sample exports of 2020-09-21.
"""

import datetime
from dataclasses import dataclass
from typing import Literal

from assessments.engine.settings import DiskType, RuleSetName


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One generation of the rules. Limits are inclusive; sizes as the rule book prints them (GB taken as GiB)."""

    name: RuleSetName
    valid_from: datetime.date
    # C19: any UEFI machine is conditional. EXP20: UEFI + Server 2016 is ready. C25: only old Windows Server is refused.
    uefi: Literal["conditional", "old_windows_server_not_ready"]
    # C25 says conditional, A24 not ready; the newer page that names the rule in full wins.
    x86: Literal["ready_with_conditions", "not_ready"]
    max_cores: int  # C20, C25: documentation constants tied to the M128 size
    max_memory_gb: int
    max_disk_gb: int  # C19: 32 TB; T21, C25: 64 TB
    max_disks: int  # OS disk included
    max_nics: int
    sizes_unknown: bool  # C19: sized only when ready or conditionally ready; EXP20: readiness unknown has size and cost
    comfort_factor_on_allocated: bool  # A24, P25, C25: yes; T21 and before: no
    missing_disk_performance: Literal["standard_ssd", "by_size"]  # C19, C20: Standard SSD; EXP20, C25: by size
    as_is_automatic: Literal["premium_ssd", "cheapest"]  # C20, C25: default Premium; EXP20: cheapest that fits
    premium_data_disks_on_v2: bool  # C25 note
    bios_needs_generation_1: bool  # UE25: a BIOS machine becomes a generation 1 VM only; before, every size was one
    disk_types: tuple[DiskType, ...]
    burstable_by_credits: bool  # F23: never considered; the product simulates credits since then
    linux_subscriptions_priced: bool  # T21: not included; the Linux hybrid benefit appears in 2024
    discount_on_storage: bool  # C20: storage ignores offers
    guest_os_table: Literal["2018-10", "2023-08"]


_ORIGINAL_DISK_TYPES: tuple[DiskType, ...] = (
    "standard_hdd",
    "standard_ssd",
    "premium_ssd",
)

AM_2019_07 = RuleSet(
    name="am-2019-07",
    valid_from=datetime.date(2019, 7, 15),
    uefi="conditional",
    x86="ready_with_conditions",
    max_cores=128,
    max_memory_gb=3892,
    max_disk_gb=32_768,
    max_disks=65,
    max_nics=32,
    sizes_unknown=False,
    comfort_factor_on_allocated=False,
    missing_disk_performance="standard_ssd",
    as_is_automatic="premium_ssd",
    premium_data_disks_on_v2=False,
    bios_needs_generation_1=False,
    disk_types=_ORIGINAL_DISK_TYPES,
    burstable_by_credits=False,
    linux_subscriptions_priced=False,
    discount_on_storage=False,
    guest_os_table="2018-10",
)

AM_2020_09 = RuleSet(
    name="am-2020-09",
    valid_from=datetime.date(2020, 9, 21),
    uefi="old_windows_server_not_ready",
    x86="ready_with_conditions",
    max_cores=128,
    max_memory_gb=3892,
    max_disk_gb=65_536,
    max_disks=65,
    max_nics=32,
    sizes_unknown=True,
    comfort_factor_on_allocated=False,
    missing_disk_performance="by_size",
    as_is_automatic="cheapest",
    premium_data_disks_on_v2=False,
    bios_needs_generation_1=False,
    disk_types=_ORIGINAL_DISK_TYPES,
    burstable_by_credits=False,
    linux_subscriptions_priced=False,
    discount_on_storage=False,
    guest_os_table="2018-10",
)

AM_2025 = RuleSet(
    name="am-2025",
    valid_from=datetime.date(2025, 2, 6),
    uefi="old_windows_server_not_ready",
    x86="ready_with_conditions",
    max_cores=128,
    max_memory_gb=3892,
    max_disk_gb=65_536,
    max_disks=65,
    max_nics=32,
    sizes_unknown=True,
    comfort_factor_on_allocated=True,
    missing_disk_performance="by_size",
    as_is_automatic="premium_ssd",
    premium_data_disks_on_v2=True,
    bios_needs_generation_1=True,
    disk_types=(*_ORIGINAL_DISK_TYPES, "premium_ssd_v2", "ultra"),
    burstable_by_credits=True,
    linux_subscriptions_priced=True,
    discount_on_storage=False,
    guest_os_table="2023-08",
)

RULE_SETS: dict[RuleSetName, RuleSet] = {rules.name: rules for rules in (AM_2019_07, AM_2020_09, AM_2025)}
