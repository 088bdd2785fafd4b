"""What a person chooses for an assessment, and which choices exclude each other. Names are those of the wire."""

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

SizingCriterion = Literal["performance_based", "as_on_premises"]
DiskType = Literal["standard_hdd", "standard_ssd", "premium_ssd", "premium_ssd_v2", "ultra"]
Offer = Literal["pay_as_you_go", "dev_test"]
Commitment = Literal["none", "reservation_1y", "reservation_3y", "savings_plan_1y", "savings_plan_3y"]
HybridBenefit = Literal["none", "windows", "windows_and_linux"]
CommitmentRule = Literal["strict", "combine"]
UnknownLimit = Literal["refuse", "accept_with_issue"]
RuleSetName = Literal["am-2019-07", "am-2020-09", "am-2025"]

FULL_MONTH_HOURS = 744  # 31 x 24, the service's month (API19: "for a 31-day month")


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long a machine runs in a month."""

    days_per_month: int = 31
    hours_per_day: int = 24

    @property
    def hours(self) -> int:
        """Hours a month."""
        return self.days_per_month * self.hours_per_day


@dataclass(frozen=True, slots=True)
class UnknownLimits:
    """What to do with a size whose limit nobody published, when a machine needs that dimension."""

    disk: UnknownLimit = "refuse"
    network: UnknownLimit = "accept_with_issue"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one run. Ranges are checked at the wire; `conflicts` tells which settings exclude each other.

    `sku_families` holds series slugs as the catalog names them ("dsv5"); its order breaks price ties, empty means all.
    `disk_types` empty means automatic: Standard HDD, Standard SSD or Premium SSD, whichever is cheapest.
    `percentile` was applied before the engine; it is here for the trace.
    """

    sizing_criterion: SizingCriterion = "performance_based"
    comfort_factor: Decimal = Decimal("1.3")
    percentile: Decimal = Decimal(95)
    sku_families: tuple[str, ...] = ()
    disk_types: tuple[DiskType, ...] = ()
    offer: Offer = "pay_as_you_go"
    commitment: Commitment = "none"
    hybrid_benefit: HybridBenefit = "windows"
    currency: str = "USD"
    discount_percent: Decimal = Decimal(0)
    uptime: Uptime = field(default_factory=Uptime)
    commitment_rule: CommitmentRule = "strict"
    unknown_limits: UnknownLimits = field(default_factory=UnknownLimits)
    rule_set: RuleSetName = "am-2025"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two settings that exclude each other, and why."""

    code: str
    first: str
    second: str
    message: str


def conflicts(settings: Settings, offered_disk_types: Collection[DiskType]) -> tuple[Conflict, ...]:
    """Every pair of settings that exclude each other; `offered_disk_types` are those of the chosen rule set.

    Under `strict` a commitment leaves no room for a discount, an uptime below 31 x 24 or Dev/Test (C25, T21: such
    assessments are locked in Azure Migrate).
    """
    found = _commitment_conflicts(settings) if settings.commitment_rule == "strict" else []
    for disk_type in settings.disk_types:
        if disk_type not in offered_disk_types:
            message = f"The rule set {settings.rule_set} does not offer the disk type {disk_type}."
            found.append(Conflict("disk_type_not_offered", "disk_types", "rule_set", message))
    return tuple(found)


def _commitment_conflicts(settings: Settings) -> list[Conflict]:
    if settings.commitment == "none":
        return []
    excluded = {
        "discount_percent": settings.discount_percent != 0,
        "uptime": settings.uptime.hours != FULL_MONTH_HOURS,
        "offer": settings.offer == "dev_test",
    }
    return [
        Conflict(
            "settings_conflict",
            "commitment",
            name,
            f"commitment {settings.commitment} excludes {name} under the commitment rule strict; "
            f"leave {name} at its default or set commitment_rule to combine.",
        )
        for name, present in excluded.items()
        if present
    ]
