"""The decision trace of one machine as plain values: `dataclasses.asdict` makes it ready for JSON.

Quantities and money are Decimals; None means unknown or not applicable, which a reader tells from the neighbors.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class IssueTrace:
    """A finding or data issue."""

    code: str
    azure_name: str
    message: str
    remedy: str
    source: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ObservedTrace:
    """The chosen percentile of one series. `value` None = no data; `points` of `expected_points` stood behind it."""

    metric: str
    value: Decimal | None
    points: int
    expected_points: int


@dataclass(frozen=True, slots=True)
class RequiredTrace:
    """What one dimension requires and how that came about; `value` None = nothing is required for lack of data."""

    dimension: str
    value: Decimal | None
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One constraint that an offer misses. `offered` and `short_by` are None where there is no (known) figure.

    The figures of `cpu_credits` are cores x comfort factor: those of the machine, and those that the credits carry.
    `detail` says in words what figures do not tell.
    """

    constraint: str
    required: Decimal | None
    offered: Decimal | None
    short_by: Decimal | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedOffer:
    """An offer cheaper than the chosen one and every constraint that refused it."""

    name: str
    monthly_cost: Decimal
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a monthly cost; the amounts of the lines of a size or disk add up to its cost exactly.

    `kind` names the catalog's price. amount = `quantity` x `unit_price` (one `unit`) x `hours`, or / `months`, rounded
    to a billionth; `arithmetic` says so in words. The line `discount` has only `discount_percent`, of the sum of the
    lines before it. A Linux subscription that the catalog does not price has no unit price and the amount 0.
    """

    kind: str
    unit: Literal["hour", "term", "month", "gib_hour", "iops_hour", "mbps_hour"] | None
    unit_price: Decimal | None
    quantity: int | None
    hours: int | None
    months: int | None
    discount_percent: Decimal | None
    amount: Decimal
    arithmetic: str


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The next best offer that fits, and how much dearer it is a month."""

    name: str
    monthly_cost: Decimal
    price_gap: Decimal


@dataclass(frozen=True, slots=True)
class ScenarioTrace:
    """Size and cost in one scenario. `unpriced` says why there is none."""

    name: str
    size: str | None
    monthly_compute_cost: Decimal | None
    unpriced: str | None
    price_lines: tuple[PriceLine, ...]
    runner_up: RunnerUp | None


@dataclass(frozen=True, slots=True)
class DiskTrace:
    """One disk: need, choice, what is next and what was cheaper but too small."""

    place: int
    is_os_disk: bool
    size_gb: Decimal
    observed: tuple[ObservedTrace, ...]
    required: tuple[RequiredTrace, ...]
    allowed_types: tuple[str, ...]
    type: str | None
    tier: str | None
    provisioned_size_gib: Decimal | None
    provisioned_iops: Decimal | None
    provisioned_mbps: Decimal | None
    monthly_cost: Decimal | None
    price_lines: tuple[PriceLine, ...]
    runner_up: RunnerUp | None
    refused: tuple[RefusedOffer, ...]
    findings: tuple[IssueTrace, ...]
    data_issues: tuple[IssueTrace, ...]


@dataclass(frozen=True, slots=True)
class NicTrace:
    """One network adapter."""

    place: int
    observed: tuple[ObservedTrace, ...]
    data_issues: tuple[IssueTrace, ...]


@dataclass(frozen=True, slots=True)
class ConfidenceTrace:
    """Confidence with the counts behind it; `reason` says why it does not apply."""

    applicable: bool
    reason: str | None
    percent: Decimal | None
    stars: int | None
    available_points: int
    expected_points: int


@dataclass(frozen=True, slots=True)
class MachineTrace:
    """How everything about one machine was decided. `refused` belongs to the scenario named by `explained_scenario`."""

    cores: int
    memory_mb: int
    operating_system: str
    boot_type: str
    discovered_by: str
    disk_count: int
    nic_count: int
    rule_set: str
    sizing_criterion: str
    percentile: Decimal
    comfort_factor: Decimal
    region: str
    currency: str
    observed: tuple[ObservedTrace, ...]
    required: tuple[RequiredTrace, ...]
    readiness: str
    findings: tuple[IssueTrace, ...]
    data_issues: tuple[IssueTrace, ...]
    headline: str
    scenarios: tuple[ScenarioTrace, ...]
    explained_scenario: str
    refused: tuple[RefusedOffer, ...]
    disks: tuple[DiskTrace, ...]
    nics: tuple[NicTrace, ...]
    monthly_storage_cost: Decimal | None
    confidence: ConfidenceTrace
