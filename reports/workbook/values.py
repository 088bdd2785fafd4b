"""What a workbook is made of, as frozen values: plain codes and numbers of ours, in units their names carry.

None means "not known" or "does not apply" and becomes an empty cell or Azure's "Not applicable", never a zero.
Money is an unrounded Decimal in the currency of the settings; cells show cents and keep the rest, so that the sum of
a column is the total. Instants are aware datetimes. Texts may hold anything, the writer cleans them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeVar

Readiness = Literal["ready", "ready_with_conditions", "not_ready", "unknown"]
DiskType = Literal["standard_hdd", "standard_ssd", "premium_ssd", "premium_ssd_v2", "ultra"]
SizingCriterion = Literal["performance_based", "as_on_premises"]

Row = TypeVar("Row")
RowSource = Callable[[], Iterable[Row]]
"""Starts the rows from the first one at each call, so that every sheet streams and none is held in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRow:
    """One assessed machine. Observed values are the chosen percentile, without the comfort factor."""

    machine_name: str
    group_name: str
    readiness: Readiness
    host_name: str | None = None
    readiness_issues: tuple[str, ...] = ()
    data_collection_issues: tuple[str, ...] = ()
    recommended_sku: str | None = None
    compute_monthly_cost: Decimal | None = None
    storage_monthly_cost: Decimal | None = None
    windows_hybrid_benefit_monthly_savings: Decimal | None = None
    linux_hybrid_benefit_monthly_savings: Decimal | None = None
    security_readiness: Readiness | None = None
    security_monthly_cost: Decimal | None = None
    operating_system: str | None = None
    boot_type: str | None = None
    processor: str | None = None
    cores: int | None = None
    memory_mb: int | None = None
    storage_gb: float | None = None
    observed_cpu_percent: float | None = None
    observed_memory_percent: float | None = None
    standard_hdd_disks: int | None = None
    standard_ssd_disks: int | None = None
    premium_disks: int | None = None
    premium_v2_disks: int | None = None
    ultra_disks: int | None = None
    observed_disk_read_iops: float | None = None
    observed_disk_write_iops: float | None = None
    observed_disk_read_mbps: float | None = None
    observed_disk_write_mbps: float | None = None
    confidence_percent: float | None = None
    nics: int | None = None
    ip_addresses: tuple[tuple[str, ...], ...] = ()  # one inner tuple a nic
    mac_addresses: tuple[str, ...] = ()  # one a nic
    observed_network_in_mbps: float | None = None
    observed_network_out_mbps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRow:
    """One disk of an assessed machine; `recommended_*` are absent where no disk tier fits."""

    machine_name: str
    disk_name: str
    readiness: Readiness
    recommended_disk_sku: str | None = None
    recommended_disk_type: DiskType | None = None
    readiness_issues: tuple[str, ...] = ()
    data_collection_issues: tuple[str, ...] = ()
    migration_guidance: str | None = None
    monthly_cost: Decimal | None = None
    source_size_gb: float | None = None
    target_size_gb: float | None = None
    observed_read_mbps: float | None = None
    observed_write_mbps: float | None = None
    observed_read_iops: float | None = None
    observed_write_iops: float | None = None
    ultra_provisioned_iops: int | None = None
    ultra_provisioned_throughput_mbps: float | None = None
    premium_v2_provisioned_iops: int | None = None
    premium_v2_provisioned_throughput_mbps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRow:
    """One machine under one pricing scenario; without a cost `unpriced_reason` says why."""

    machine_name: str
    scenario: str
    recommended_sku: str | None = None
    compute_monthly_cost: Decimal | None = None
    storage_monthly_cost: Decimal | None = None
    monthly_cost: Decimal | None = None
    unpriced_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRow:
    """One finding about a machine, or about one of its disks when `disk_name` is there."""

    machine_name: str
    readiness: Readiness
    code: str
    message: str
    remedy: str
    disk_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The totals of the run as the API tells them, stored beside the formulas that compute them from the rows.

    Costs by disk type are parts of `storage_monthly_cost`; the security cost, where there is one, comes on top.
    """

    ready_machines: int
    ready_with_conditions_machines: int
    not_ready_machines: int
    unknown_machines: int
    compute_monthly_cost: Decimal
    storage_monthly_cost: Decimal
    standard_hdd_monthly_cost: Decimal = Decimal(0)
    standard_ssd_monthly_cost: Decimal = Decimal(0)
    premium_monthly_cost: Decimal = Decimal(0)
    premium_v2_monthly_cost: Decimal = Decimal(0)
    ultra_monthly_cost: Decimal = Decimal(0)
    security_monthly_cost: Decimal | None = None
    confidence_stars: int | None = None  # None: does not apply, as in as-on-premises sizing

    @property
    def machines(self) -> int:
        return (
            self.ready_machines + self.ready_with_conditions_machines + self.not_ready_machines + self.unknown_machines
        )

    @property
    def monthly_cost(self) -> Decimal:
        return self.compute_monthly_cost + self.storage_monthly_cost + (self.security_monthly_cost or Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioTotal:
    """What compute costs a month in a scenario, for the machines it priced; totals of different sets do not compare."""

    scenario: str
    priced_machines: int
    machines: int
    compute_monthly_cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings the run pinned, in the codes of the API. Window and percentile are None for as-on-premises."""

    target_region: str
    currency: str
    sizing_criterion: SizingCriterion
    comfort_factor: Decimal
    prices_at: date
    sku_families: tuple[str, ...] = ()  # empty: all
    offer: str = "pay_as_you_go"
    commitment: str = "none"
    hybrid_benefit: str = "windows"
    discount_percent: Decimal = Decimal(0)
    disk_types: tuple[str, ...] = ("automatic",)
    uptime_days_per_month: int = 31
    uptime_hours_per_day: int = 24
    performance_window: str | None = None
    performance_start_at: datetime | None = None
    performance_end_at: datetime | None = None
    percentile: int | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the figures come from: with it the workbook gains the sheet `Read_me`."""

    tenant_name: str
    run_id: str
    catalog_name: str
    catalog_date: date
    rule_set: str
    url: str | None = None  # http(s) address of the assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One published run of an assessment. Optional sheets appear when their source is there."""

    project_name: str
    group_name: str
    assessment_name: str
    created_at: datetime  # of the run; also the workbook's date of creation, so that the same run gives the same file
    settings: Settings
    summary: Summary
    machines: RowSource[MachineRow]
    disks: RowSource[DiskRow]
    scenario_totals: tuple[ScenarioTotal, ...] = ()
    scenarios: RowSource[ScenarioRow] | None = None
    issues: RowSource[IssueRow] | None = None
    origin: Origin | None = None
