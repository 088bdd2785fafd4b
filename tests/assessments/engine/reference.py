"""The rules once more, for one machine, in Decimals and loops: written to be read, not to be fast.

The engine's arrays must agree with it on any estate (test_laws).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from fractions import Fraction

from assessments.engine.guest_os import classify
from assessments.engine.issues import FINDING, FINDINGS, READINESS
from assessments.engine.readiness import outcome
from assessments.engine.rule_sets import RULE_SETS, RuleSet
from assessments.engine.scenarios import SCENARIOS, Scenario
from assessments.engine.settings import Settings
from tests.assessments.engine.estate import Disk, Machine, Offerings, Size, Tier

BILLIONTH = Decimal("0.000000001")
Terms = tuple[float, float, float]


@dataclass(frozen=True)
class Asked:
    """What the histories of machines were asked: minutes of a point, and which credit terms."""

    interval_minutes: int = 60
    terms: Sequence[Terms] = ()


def exact(value: float | None) -> Decimal:
    """A counter as the four-decimal number it stands for; missing and negative ones as 0."""
    return max(Decimal(0), Decimal(str(value or 0)))


@dataclass(frozen=True)
class Answer:
    """What the reference decides: readiness, tiers of the disks, and (size, cost) by scenario or None."""

    readiness: str
    tiers: list[str | None]
    scenarios: dict[str, tuple[str, Decimal] | None]


def assess_one(machine: Machine, offerings: Offerings, settings: Settings, asked: Asked | None = None) -> Answer:
    """All decisions about one machine."""
    rules = RULE_SETS[settings.rule_set]
    tiers = [cheapest_tier(disk, offerings.tiers, settings, rules) for disk in machine.disks]
    fitting = [
        size
        for size in offerings.sizes
        if fits(size, machine, tiers, settings, rules)
        and (not size.burstable or credits_last(size, machine, settings, asked or Asked()))
    ]
    findings = property_findings(machine, settings, rules)
    if not all(tiers) or not fitting:
        findings.append("no_suitable_vm_size_found")
    technically = worst(findings, rules)
    cheapest_of = {scenario.name: cheapest(fitting, machine, scenario, settings) for scenario in SCENARIOS}
    headline: str = settings.commitment if settings.commitment != "none" else "pay_as_you_go"
    headline += "" if settings.hybrid_benefit == "none" else "_hybrid_benefit"
    readiness = "not_ready" if technically == "not_ready" or cheapest_of[headline] is None else technically
    unsized = {"not_ready"} if rules.sizes_unknown else {"not_ready", "unknown"}
    scenarios = dict.fromkeys(cheapest_of) if technically in unsized else cheapest_of
    return Answer(readiness, [tier.name if tier else None for tier in tiers], scenarios)


def property_findings(machine: Machine, settings: Settings, rules: RuleSet) -> list[str]:
    guest = classify(machine.os, rules)
    found = list(guest.findings)
    if machine.boot == "uefi" and (rules.uefi == "conditional" or guest.is_old_windows_server):
        found.append("boot_type_not_supported")
    if machine.boot == "unknown" and not machine.imported:
        found.append("boot_type_unknown")
    if len(machine.disks) > rules.max_disks:
        found.append("more_disks_than_supported")
    if len(machine.nics) > rules.max_nics:
        found.append("one_or_more_adapters_not_suitable")
    if required_cores(machine, settings, rules) > rules.max_cores:
        found.append("no_suitable_vm_size_found")
    if required_memory_mb(machine, settings, rules) > rules.max_memory_gb * 1024:
        found.append("no_suitable_vm_size_found")
    return found


def worst(findings: list[str], rules: RuleSet) -> str:
    outcomes = [outcome(FINDINGS[FINDING[code]], rules) for code in findings]
    return max(["ready", *outcomes], key=READINESS.index)


def required_cores(machine: Machine, settings: Settings, rules: RuleSet) -> Decimal:
    percent = None if machine.cpu is None else min(exact(machine.cpu), Decimal(100))
    return _required(machine.cores, percent, settings, rules)


def required_memory_mb(machine: Machine, settings: Settings, rules: RuleSet) -> Decimal:
    return _required(machine.memory_mb, None if machine.memory is None else exact(machine.memory), settings, rules)


def _required(allocated: int, percent: Decimal | None, settings: Settings, rules: RuleSet) -> Decimal:
    if percent is None or settings.sizing_criterion == "as_on_premises":
        return allocated * (settings.comfort_factor if rules.comfort_factor_on_allocated else Decimal(1))
    return allocated * percent / 100 * settings.comfort_factor


def disk_need(disk: Disk, settings: Settings) -> tuple[Decimal, Decimal]:
    if settings.sizing_criterion == "as_on_premises":
        return Decimal(0), Decimal(0)
    factor = settings.comfort_factor
    return (
        (exact(disk.read_iops) + exact(disk.write_iops)) * factor,
        (exact(disk.read_mbps) + exact(disk.write_mbps)) * factor,
    )


def cheapest_tier(disk: Disk, tiers: Sequence[Tier], settings: Settings, rules: RuleSet) -> Tier | None:
    iops, mbps = disk_need(disk, settings)
    types = list(settings.disk_types)
    if rules.missing_disk_performance == "standard_ssd" and settings.sizing_criterion == "performance_based":
        counters = (disk.read_iops, disk.write_iops, disk.read_mbps, disk.write_mbps)
        types = ["standard_ssd"] if all(counter is None for counter in counters) else types
    fitting = [
        tier
        for tier in tiers
        if tier.type in types
        and tier.month is not None
        and tier.size_gib >= disk.size_gb
        and rules.max_disk_gb >= disk.size_gb
        and tier.iops >= iops
        and tier.mbps >= mbps
    ]
    return min(
        fitting, key=lambda tier: (Decimal(tier.month or 0), types.index(tier.type), tier.size_gib), default=None
    )


def fits(size: Size, machine: Machine, tiers: Sequence[Tier | None], settings: Settings, rules: RuleSet) -> bool:
    return (
        size.available
        and size.standard_tier
        and size.considered
        and (size.generation_1 or machine.boot == "uefi" or not rules.bios_needs_generation_1)
        and (not settings.sku_families or size.series in settings.sku_families)
        and size.vcpus >= required_cores(machine, settings, rules)
        and Decimal(size.memory_mb) >= required_memory_mb(machine, settings, rules)
        and size.data_disks >= len(machine.disks) - 1
        and size.nics >= len(machine.nics)
        and (size.premium or not any(tier and tier.type == "premium_ssd" for tier in tiers))
        and all(carries(size, machine, settings))
    )


def credits_last(size: Size, machine: Machine, settings: Settings, asked: Asked) -> bool:
    """Only where rules and sizing look at the history, it is long enough, and was asked about the size's terms."""
    rules, history = RULE_SETS[settings.rule_set], machine.cpu_history or ()
    minutes, there = len(history) * asked.interval_minutes, sum(not math.isnan(percent) for percent in history)
    return (
        rules.burstable_by_credits
        and settings.sizing_criterion == "performance_based"
        and size.burst is not None
        and size.burst in asked.terms
        and minutes >= 7 * 24 * 60
        and there * asked.interval_minutes * 10 >= 7 * 24 * 60 * 9
        and last_by_stepping(
            history, machine.cores * Fraction(settings.comfort_factor), asked.interval_minutes, size.burst
        )
    )


def last_by_stepping(percent: Sequence[float], busy_cores: Fraction, interval_minutes: int, terms: Terms) -> bool:
    """The balance of credits from point to point; a point that is missing counts as the busiest one."""
    initial, an_hour, most = (Fraction(term) for term in terms)
    there = [one for one in percent if not math.isnan(one)]
    balance = initial
    for one in percent:
        used = min(max(Fraction(str(max(there) if math.isnan(one) else one)), Fraction(0)), Fraction(100))
        balance = min(balance + an_hour * interval_minutes / 60, most)
        balance -= busy_cores * used / 100 * interval_minutes
        if balance < 0:
            return False
    return True


def carries(size: Size, machine: Machine, settings: Settings) -> Iterator[bool]:
    """Disk IOPS, disk MB/s and network Mb/s, with unknown limits as the settings say."""
    needs = [disk_need(disk, settings) for disk in machine.disks]
    refuse_disk = settings.unknown_limits.disk == "refuse"
    yield enough(size.disk_iops, sum((need[0] for need in needs), Decimal(0)), refuse_disk)
    yield enough(size.disk_mbps, sum((need[1] for need in needs), Decimal(0)), refuse_disk)
    out = sum((exact(nic.transmitted_mbps) for nic in machine.nics), Decimal(0)) * settings.comfort_factor * 8
    out = Decimal(0) if settings.sizing_criterion == "as_on_premises" else out
    yield enough(size.network_mbps, out, settings.unknown_limits.network == "refuse")


def enough(limit: float | None, need: Decimal, refuse_unknown: bool) -> bool:
    if limit is None:
        return need == 0 or not refuse_unknown
    return Decimal(limit) >= need.quantize(Decimal("0.0001"), ROUND_CEILING)


def cheapest(
    fitting: list[Size], machine: Machine, scenario: Scenario, settings: Settings
) -> tuple[str, Decimal] | None:
    priced = [(size, cost) for size in fitting if (cost := monthly_cost(size, machine, scenario, settings)) is not None]
    if not priced:
        return None
    families = settings.sku_families

    def rank(entry: tuple[Size, Decimal]) -> tuple[Decimal, int, int, float, str]:
        size, cost = entry
        family = families.index(size.series) if families else 0
        return cost, family, size.vcpus, size.memory_mb, size.name

    size, cost = min(priced, key=rank)
    return size.name, cost


def monthly_cost(size: Size, machine: Machine, scenario: Scenario, settings: Settings) -> Decimal | None:
    windows = classify(machine.os, RULE_SETS[settings.rule_set]).licence == "windows"
    pays_licence = windows and not scenario.hybrid_benefit and scenario.term != "dev_test"
    hours, kept = settings.uptime.hours, 1 - settings.discount_percent / 100
    committed = scenario.term not in ("pay_as_you_go", "dev_test")
    strict = committed and settings.commitment_rule == "strict"
    if scenario.term == "pay_as_you_go" and pays_licence:
        compute, licence = _times(size.windows, hours), Decimal(0)
    else:
        compute = {
            "pay_as_you_go": _times(size.linux, hours),
            "dev_test": _times(size.dev_test, hours),
            "reservation_1y": _share(size.one_year_term, 12),
            "reservation_3y": _share(size.three_year_term, 36),
            "savings_plan_1y": _times(size.savings_1y, 744),
            "savings_plan_3y": _times(size.savings_3y, 744),
        }[scenario.term]
        hourly = licence_hour(size) if pays_licence else Decimal(0)
        if hourly is None:
            return None
        licence = hourly * (744 if strict else hours)
    if compute is None:
        return None
    total = compute + licence
    return total if strict else (total * kept).quantize(BILLIONTH, ROUND_HALF_UP)


def licence_hour(size: Size) -> Decimal | None:
    if size.licence:
        return Decimal(size.licence)
    if size.linux and size.windows and Decimal(size.windows) >= Decimal(size.linux):
        return Decimal(size.windows) - Decimal(size.linux)
    return None


def _times(price: str | None, hours: int) -> Decimal | None:
    return None if price is None else Decimal(price) * hours


def _share(term: str | None, months: int) -> Decimal | None:
    return None if term is None else (Decimal(term) / months).quantize(BILLIONTH, ROUND_HALF_UP)
