"""What comes out of the engine: one entry a machine or disk, in the order they went in. Units as in `values`."""

from dataclasses import dataclass

from assessments.engine.fixed_point import BoolArray, IntArray
from assessments.engine.issues import (
    DATA_ISSUES,
    DISK_DATA_ISSUES,
    DISK_FINDINGS,
    FINDINGS,
    NIC_DATA_ISSUES,
    READINESS,
    Issue,
    Readiness,
)
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.values import KnownArray

# Why a scenario has no price for a machine; index 0 = it has one.
UNPRICED_REASONS = ("", "not_ready", "no_price_in_catalog", "readiness_unknown")
CONFIDENCE_REASONS = ("", "as_on_premises", "imported")
SECURITY_READINESS = ("ready", "ready_with_conditions", "not_ready")


@dataclass(frozen=True, slots=True)
class DiskRequirement:
    """What each disk must offer: scaled; unknown where there are no counters (then size alone decides)."""

    iops: KnownArray
    mbps: KnownArray


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a size must offer each machine: scaled quantities and plain counts.

    Products of utilization and comfort factor are rounded up at the fourth decimal, which keeps every comparison exact.
    """

    cores: IntArray
    memory_mb: IntArray
    data_disks: IntArray
    nics: IntArray
    disk_iops: KnownArray
    disk_mbps: KnownArray
    network_mbps: KnownArray  # megabits a second
    generation_1: IntArray  # 1 = must boot with BIOS
    disks: DiskRequirement


@dataclass(frozen=True, slots=True)
class DiskRecommendations:
    """One entry a disk. Where `known` is False no disk fits (see `findings`) and the other values mean nothing."""

    known: BoolArray
    type: IntArray  # index into DISK_TYPES
    tier: IntArray  # index into the catalog's disk tiers
    has_tier: BoolArray  # False for Premium SSD v2 and Ultra
    size_gib: IntArray  # scaled
    iops: IntArray  # scaled: what the disk offers, or what is provisioned
    mbps: IntArray
    monthly_cost: KnownArray
    findings: BoolArray  # disks x DISK_FINDINGS
    data_issues: BoolArray  # disks x DISK_DATA_ISSUES

    def finding_list(self, disk: int) -> tuple[Issue, ...]:
        """Why no disk fits."""
        return _chosen(DISK_FINDINGS, self.findings[disk])

    def data_issue_list(self, disk: int) -> tuple[Issue, ...]:
        """What is wrong with the data of this disk."""
        return _chosen(DISK_DATA_ISSUES, self.data_issues[disk])


@dataclass(frozen=True, slots=True)
class ScenarioRecommendations:
    """Size and cost of every machine in one scenario."""

    size: IntArray  # index into the catalog's sizes, where the cost is known
    monthly_compute_cost: KnownArray
    unpriced: IntArray  # index into UNPRICED_REASONS

    @property
    def priced_machines(self) -> int:
        """For how many machines the total stands."""
        return int(self.monthly_compute_cost.known.sum())

    @property
    def total(self) -> int:
        """Monthly compute cost of the priced machines, billionths."""
        return int(self.monthly_compute_cost.values[self.monthly_compute_cost.known].sum())


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far the series cover the window: percent scaled, stars 1 to 5, meaningless where not applicable."""

    applicable: BoolArray
    percent: IntArray
    stars: IntArray
    reason: IntArray  # index into CONFIDENCE_REASONS: why it does not apply


@dataclass(frozen=True, slots=True)
class AssessmentConfidence:
    """Mean of the machines to which confidence applies; absent (None) when there is none."""

    percent: int | None  # scaled
    stars: int | None


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Everything decided about n machines.

    `scenarios` follows SCENARIOS; `headline` is the index of the chosen one. A machine that is not ready has neither
    size nor cost, unless only the headline's price is missing: then the other scenarios stand.
    """

    readiness: IntArray  # index into READINESS
    findings: BoolArray  # machines x FINDINGS
    data_issues: BoolArray  # machines x DATA_ISSUES
    required: Requirement
    scenarios: tuple[ScenarioRecommendations, ...]
    headline: int
    disks: DiskRecommendations
    nic_data_issues: BoolArray  # nics x NIC_DATA_ISSUES
    monthly_storage_cost: KnownArray
    monthly_storage_cost_by_type: IntArray  # DISK_TYPES x machines, money
    outbound_gb_per_month: KnownArray  # scaled; reported apart, in no total
    monthly_bandwidth_cost: KnownArray
    confidence: Confidence
    assessment_confidence: AssessmentConfidence
    security: IntArray  # index into SECURITY_READINESS

    @property
    def chosen(self) -> ScenarioRecommendations:
        """The headline."""
        return self.scenarios[self.headline]

    @property
    def headline_name(self) -> str:
        """Name of the headline scenario."""
        return SCENARIO_NAMES[self.headline]

    def readiness_of(self, machine: int) -> Readiness:
        """Wire name of a machine's readiness."""
        return READINESS[int(self.readiness[machine])]

    def finding_list(self, machine: int) -> tuple[Issue, ...]:
        """All findings about a machine."""
        return _chosen(FINDINGS, self.findings[machine])

    def data_issue_list(self, machine: int) -> tuple[Issue, ...]:
        """What is wrong with the data of a machine."""
        return _chosen(DATA_ISSUES, self.data_issues[machine])

    def nic_data_issue_list(self, nic: int) -> tuple[Issue, ...]:
        """What is wrong with the data of a NIC."""
        return _chosen(NIC_DATA_ISSUES, self.nic_data_issues[nic])


def _chosen(issues: tuple[Issue, ...], row: BoolArray) -> tuple[Issue, ...]:
    return tuple(issues[int(column)] for column in row.nonzero()[0])
