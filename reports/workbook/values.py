"""What a workbook is made of, as frozen values: plain codes and numbers of ours, in units their names carry.

None means "not known" or "does not apply" and becomes an empty cell or Azure's "Not applicable", never a zero.
Money is an unrounded Decimal in the currency of the settings; cells show cents and keep the rest, so that the sum of
a column is the total. Instants are aware datetimes. Texts may hold anything, the writer cleans them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from reports.workbook.choice import Choice
from reports.workbook.look import Look

Readiness = Literal["ready", "ready_with_conditions", "not_ready", "unknown"]
DiskType = Literal["standard_hdd", "standard_ssd", "premium_ssd", "premium_ssd_v2", "ultra"]
SizingCriterion = Literal["performance_based", "as_on_premises"]

PricePart = Literal["compute", "storage"]
MovesWith = Literal["uptime_and_discount", "discount", "nothing", "discount_itself"]


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
    """One machine under one pricing scenario; without a cost `unpriced_reason` says why.

    `hourly_monthly_cost` is what of the compute cost is billed by the hour, and so moves with the uptime.
    """

    machine_name: str
    scenario: str
    recommended_sku: str | None = None
    compute_monthly_cost: Decimal | None = None
    storage_monthly_cost: Decimal | None = None
    monthly_cost: Decimal | None = None
    unpriced_reason: str | None = None
    hourly_monthly_cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsRow:
    """What one machine's compute costs in three scenarios: the chosen one, pay-as-you-go, and the cheapest.

    The differences are there only where all three have a price, so that their sums are over the same machines.
    `*_hourly_monthly_cost` is what of the cost is billed by the hour; pay-as-you-go all is.
    """

    machine_name: str
    headline_scenario: str
    recommended_sku: str | None = None
    headline_monthly_cost: Decimal | None = None
    pay_as_you_go_monthly_cost: Decimal | None = None
    best_scenario: str | None = None
    best_sku: str | None = None
    best_monthly_cost: Decimal | None = None
    headline_hourly_monthly_cost: Decimal | None = None
    best_hourly_monthly_cost: Decimal | None = None

    @property
    def comparable(self) -> bool:
        costs = (self.headline_monthly_cost, self.pay_as_you_go_monthly_cost, self.best_monthly_cost)
        return all(cost is not None for cost in costs)

    @property
    def saved(self) -> Decimal | None:
        """By the chosen scenario, beside pay-as-you-go."""
        return self._difference(self.pay_as_you_go_monthly_cost, self.headline_monthly_cost)

    @property
    def further(self) -> Decimal | None:
        """That the cheapest scenario would save beside the chosen one."""
        return self._difference(self.headline_monthly_cost, self.best_monthly_cost)

    @property
    def possible(self) -> Decimal | None:
        """That the cheapest scenario would save beside pay-as-you-go."""
        return self._difference(self.pay_as_you_go_monthly_cost, self.best_monthly_cost)

    def _difference(self, dearer: Decimal | None, cheaper: Decimal | None) -> Decimal | None:
        return dearer - cheaper if self.comparable and dearer is not None and cheaper is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """How a machine, or one of its disks when `disk_name` is there, was decided; once for each refused offer shown.

    `refused_count` counts all cheaper offers that were refused; `constraints` names everything that this one misses,
    and `required`, `offered` and `short_by` are of the first. Points are those behind the weakest series. The
    percentiles of the menu are those over the run's window, absent until a job has read them.
    """

    machine_name: str
    disk_name: str | None = None
    percentile: float | None = None
    expected_points: int | None = None
    cpu_percent: float | None = None
    cpu_points: int | None = None
    memory_percent: float | None = None
    memory_points: int | None = None
    read_iops: float | None = None
    write_iops: float | None = None
    read_mbps: float | None = None
    write_mbps: float | None = None
    disk_points: int | None = None
    network_out_mbps: float | None = None
    required_cores: float | None = None
    cores_arithmetic: str | None = None
    required_memory_mb: float | None = None
    memory_arithmetic: str | None = None
    required_data_disks: int | None = None
    required_iops: float | None = None
    required_mbps: float | None = None
    required_nics: int | None = None
    required_network_mbps: float | None = None
    chosen: str | None = None
    monthly_cost: Decimal | None = None
    runner_up: str | None = None
    price_gap: Decimal | None = None
    refused_count: int = 0
    refused: str | None = None
    refused_monthly_cost: Decimal | None = None
    constraint: str | None = None
    required: Decimal | None = None
    offered: Decimal | None = None
    short_by: Decimal | None = None
    constraints: str | None = None
    cpu_p50: float | None = None
    cpu_p90: float | None = None
    cpu_p95: float | None = None
    cpu_p99: float | None = None
    cpu_maximum: float | None = None
    memory_p50: float | None = None
    memory_p90: float | None = None
    memory_p95: float | None = None
    memory_p99: float | None = None
    memory_maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLineRow:
    """One price in the cost of a machine, or of one of its disks; a machine's lines add up to its cost.

    `moves_with` says what of the reader's choices changes the amount; `source` and `dated` who says the price, of when;
    `meter_date` since when the price has held.
    """

    machine_name: str
    part: PricePart
    kind: str
    amount: Decimal
    arithmetic: str
    moves_with: MovesWith
    disk_name: str | None = None
    sku: str | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    quantity: int | None = None
    hours: int | None = None
    months: int | None = None
    discount_percent: Decimal | None = None
    catalog: str | None = None
    source: str | None = None
    dated: str | None = None
    meter_date: date | None = None


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
class IssueTotal:
    """A finding about machines, and how many machines it is about."""

    message: str
    remedy: str
    machines: int


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
    commitment_rule: str = "strict"
    hybrid_benefit: str = "windows"
    discount_percent: Decimal = Decimal(0)
    disk_types: tuple[str, ...] = ("automatic",)
    uptime_days_per_month: int = 31
    uptime_hours_per_day: int = 24
    performance_window: str | None = None
    performance_start_at: datetime | None = None
    performance_end_at: datetime | None = None
    percentile: int | float | None = None

    @property
    def is_strict_commitment(self) -> bool:
        """Neither discount nor uptime applies then."""
        return self.commitment != "none" and self.commitment_rule == "strict"

    @property
    def uptime_hours(self) -> int:
        """Hours a month."""
        return self.uptime_days_per_month * self.uptime_hours_per_day


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
class Chunk:
    """The rows about some machines: everything about a machine is in one chunk."""

    machines: Sequence[MachineRow] = ()
    disks: Sequence[DiskRow] = ()
    scenarios: Sequence[ScenarioRow] = ()
    savings: Sequence[SavingsRow] = ()
    issues: Sequence[IssueRow] = ()
    traces: Sequence[TraceRow] = ()
    price_lines: Sequence[PriceLineRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One published run of an assessment.

    `chunks` starts from the first row at each call; every sheet streams from it and none is held in memory.
    `own_sheets` are the sheets of ours that there are rows for; `choice` says what of all of it is wanted, `look` how.
    """

    project_name: str
    group_name: str
    assessment_name: str
    created_at: datetime  # of the run; also the workbook's date of creation, so that the same run gives the same file
    settings: Settings
    summary: Summary
    chunks: Callable[[], Iterable[Chunk]]
    own_sheets: frozenset[str] = frozenset()
    scenario_totals: tuple[ScenarioTotal, ...] = ()
    issue_totals: tuple[IssueTotal, ...] = ()
    origin: Origin | None = None
    choice: Choice = field(default_factory=Choice)
    look: Look = field(default_factory=Look)
