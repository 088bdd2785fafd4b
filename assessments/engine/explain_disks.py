"""The decision trace of a machine's disks: need, choice, runner-up, and what was cheaper but too small."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from assessments.engine import flexible_disks
from assessments.engine.disks import Need, allowed_types, disk_need, offered_tiers
from assessments.engine.fixed_point import MONEY_SCALE, QUANTITY_SCALE, to_decimal
from assessments.engine.machines import Machines
from assessments.engine.recommendations import Recommendations
from assessments.engine.requirement import has_no_counters
from assessments.engine.settings import FULL_MONTH_HOURS, DiskType
from assessments.engine.target import Target
from assessments.engine.trace import DiskTrace, PriceLine, Refusal, RefusedOffer, RequiredTrace, RunnerUp
from assessments.engine.trace_parts import issue_traces, observed_trace
from assessments.engine.values import DISK_TYPES, PremiumV2, Ultra

ProvisionedUnit = Literal["gib_hour", "iops_hour", "mbps_hour"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One disk that could be had: a tier, or what a flexible type would have to provision."""

    name: str
    monthly_cost: int  # billionths
    refusals: tuple[Refusal, ...]

    def refused(self) -> RefusedOffer:
        """As a refused offer."""
        return RefusedOffer(self.name, to_decimal(self.monthly_cost, MONEY_SCALE), self.refusals)


def explain_disks(alone: Machines, answer: Recommendations, target: Target) -> tuple[DiskTrace, ...]:
    """One trace for each disk of the one machine."""
    return tuple(_disk(alone, answer, disk, target) for disk in range(len(alone.disks.machine)))


def _disk(alone: Machines, answer: Recommendations, disk: int, target: Target) -> DiskTrace:
    disks, chosen = alone.disks, answer.disks
    need = disk_need(disks, np.array([disk]), answer.required.disks, target.rules)
    is_os, no_counters = bool(disks.is_os_disk[disk]), bool(has_no_counters(disks)[disk])
    types = allowed_types(target, is_os_disk=is_os, no_counters=no_counters)
    found, cost = bool(chosen.known[disk]), chosen.monthly_cost.number(disk)
    others = _alternatives(need, types, target)
    return DiskTrace(
        place=disk,
        is_os_disk=is_os,
        size_gb=to_decimal(disks.size_gb[disk]),
        observed=tuple(
            observed_trace(name, observed, row=disk, expected=int(alone.expected_points[0]))
            for name, observed in (
                ("read_iops", disks.read_iops),
                ("write_iops", disks.write_iops),
                ("read_mbps", disks.read_mbps),
                ("write_mbps", disks.write_mbps),
            )
        ),
        required=_required(answer, disk, target),
        allowed_types=types,
        type=DISK_TYPES[int(chosen.type[disk])] if found else None,
        tier=_tier(answer, disk, target),
        provisioned_size_gib=to_decimal(chosen.size_gib[disk]) if found else None,
        provisioned_iops=to_decimal(chosen.iops[disk]) if found else None,
        provisioned_mbps=to_decimal(chosen.mbps[disk]) if found else None,
        monthly_cost=None if cost is None else to_decimal(cost, MONEY_SCALE),
        price_lines=disk_price_lines(answer, disk, target),
        runner_up=_runner_up(others, cost),
        refused=_cheaper(others, cost),
        findings=issue_traces(chosen.finding_list(disk), target),
        data_issues=issue_traces(chosen.data_issue_list(disk), target),
    )


def _required(answer: Recommendations, disk: int, target: Target) -> tuple[RequiredTrace, ...]:
    required, factor = answer.required.disks, target.settings.comfort_factor
    iops, mbps = required.iops.number(disk), required.mbps.number(disk)
    arithmetic = f"(reads + writes) x {factor}"
    return (
        RequiredTrace("iops", None if iops is None else to_decimal(iops), arithmetic),
        RequiredTrace("mbps", None if mbps is None else to_decimal(mbps), arithmetic),
    )


def _tier(answer: Recommendations, disk: int, target: Target) -> str | None:
    chosen = answer.disks
    return target.catalog.disk_tiers.names[int(chosen.tier[disk])] if chosen.has_tier[disk] else None


def _alternatives(need: Need, types: tuple[DiskType, ...], target: Target) -> list[Alternative]:
    """Everything priced of the allowed types, cheapest first; ties in the order that breaks them."""
    found: list[Alternative] = []
    for kind in types:
        if kind == "premium_ssd_v2":
            found += [] if target.catalog.premium_v2 is None else [_premium_v2(need, target.catalog.premium_v2, target)]
        elif kind == "ultra":
            found += [] if target.catalog.ultra is None else [_ultra(need, target.catalog.ultra, target)]
        else:
            found += _tiers(need, kind, target)
    return sorted(found, key=lambda alternative: alternative.monthly_cost)


def _tiers(need: Need, kind: DiskType, target: Target) -> list[Alternative]:
    tiers = target.catalog.disk_tiers
    return [
        Alternative(
            tiers.names[tier],
            int(tiers.monthly_price.values[tier]),
            disk_refusals(
                need, target, size_gib=int(tiers.size_gib[tier]), iops=int(tiers.iops[tier]), mbps=int(tiers.mbps[tier])
            ),
        )
        for tier in offered_tiers(tiers, kind).tolist()
    ]


def _premium_v2(need: Need, terms: PremiumV2, target: Target) -> Alternative:
    provisioned = flexible_disks.premium_v2(terms, need.size_gb, need.iops, need.mbps)
    limits = (terms.max_size_gib, terms.max_iops, terms.max_mbps)
    return _flexible("premium_ssd_v2", provisioned, limits, need, target)


def _ultra(need: Need, terms: Ultra, target: Target) -> Alternative:
    provisioned = flexible_disks.ultra(terms, need.size_gb, need.iops, need.mbps)
    limits = (int(terms.sizes_gib[-1]), int(terms.max_iops[-1]), int(terms.max_mbps[-1]))
    return _flexible("ultra", provisioned, limits, need, target)


def _flexible(
    kind: DiskType,
    provisioned: flexible_disks.Provisioned,
    limits: tuple[int, int, int],
    need: Need,
    target: Target,
) -> Alternative:
    """What a flexible type costs, or which of its maxima the need exceeds."""
    size, iops, mbps = (limit * QUANTITY_SCALE for limit in limits)
    needed = Need(need.size_gb, provisioned.iops * QUANTITY_SCALE, provisioned.mbps * QUANTITY_SCALE, need.too_large)
    refusals = disk_refusals(needed, target, size_gib=size, iops=iops, mbps=mbps)
    return Alternative(kind, int(provisioned.monthly_cost[0]), refusals)


def disk_refusals(
    need: Need, target: Target, *, size_gib: int, iops: int, mbps: int, disk: int = 0
) -> tuple[Refusal, ...]:
    """Every limit that is too low for the disk at this index of the need."""
    wanted = (("size_gb", need.size_gb, size_gib), ("iops", need.iops, iops), ("mbps", need.mbps, mbps))
    found = [
        _short(name, int(required[disk]), offered) for name, required, offered in wanted if required[disk] > offered
    ]
    if need.too_large[disk]:
        limit = target.rules.max_disk_gb * QUANTITY_SCALE
        found.append(_short("rule_set_max_disk_gb", int(need.size_gb[disk]), limit))
    return tuple(found)


def _short(name: str, required: int, offered: int) -> Refusal:
    return Refusal(name, to_decimal(required), to_decimal(offered), to_decimal(required - offered))


def _runner_up(others: list[Alternative], cost: int | None) -> RunnerUp | None:
    fitting = [alternative for alternative in others if not alternative.refusals]
    if cost is None or len(fitting) < 2:
        return None
    second = fitting[1]
    gap = to_decimal(second.monthly_cost - cost, MONEY_SCALE)
    return RunnerUp(second.name, to_decimal(second.monthly_cost, MONEY_SCALE), gap)


def _cheaper(others: list[Alternative], cost: int | None) -> tuple[RefusedOffer, ...]:
    """Refused offers below the chosen cost; all of them where nothing fits."""
    return tuple(
        alternative.refused()
        for alternative in others
        if alternative.refusals and (cost is None or alternative.monthly_cost < cost)
    )


def disk_price_lines(answer: Recommendations, disk: int, target: Target) -> tuple[PriceLine, ...]:
    """Every price in a disk's monthly cost; the amounts add up to it exactly."""
    chosen = answer.disks
    cost = chosen.monthly_cost.number(disk)
    if cost is None:
        return ()
    if chosen.has_tier[disk]:
        amount = to_decimal(cost, MONEY_SCALE)
        return (
            _line("disk_tier", "month", unit_price=amount, quantity=1, amount=amount, arithmetic=f"{amount} a month"),
        )
    if DISK_TYPES[int(chosen.type[disk])] == "ultra":
        return _ultra_lines(answer, disk, target.catalog.ultra)
    return _premium_v2_lines(answer, disk, target.catalog.premium_v2)


def _ultra_lines(answer: Recommendations, disk: int, terms: Ultra | None) -> tuple[PriceLine, ...]:
    assert terms is not None
    size, iops, mbps = _provisioned(answer, disk)
    line = _provisioned_line
    return (
        line("ultra_gib", "gib_hour", unit_price=terms.gib_hour, quantity=size, of="GiB"),
        line("ultra_iops", "iops_hour", unit_price=terms.iops_hour, quantity=iops, of="IOPS"),
        line("ultra_mbps", "mbps_hour", unit_price=terms.mbps_hour, quantity=mbps, of="MB/s"),
    )


def _premium_v2_lines(answer: Recommendations, disk: int, terms: PremiumV2 | None) -> tuple[PriceLine, ...]:
    assert terms is not None
    size, iops, mbps = _provisioned(answer, disk)
    more_iops, more_mbps = iops - terms.included_iops, mbps - terms.included_mbps
    line = _provisioned_line
    return (
        line("premium_ssd_v2_gib", "gib_hour", unit_price=terms.gib_hour, quantity=size, of="GiB"),
        line(
            "premium_ssd_v2_iops",
            "iops_hour",
            unit_price=terms.iops_hour,
            quantity=more_iops,
            of="IOPS beyond the included",
        ),
        line(
            "premium_ssd_v2_mbps",
            "mbps_hour",
            unit_price=terms.mbps_hour,
            quantity=more_mbps,
            of="MB/s beyond the included",
        ),
    )


def _provisioned(answer: Recommendations, disk: int) -> tuple[int, int, int]:
    chosen = answer.disks
    size, iops, mbps = (int(array[disk]) // QUANTITY_SCALE for array in (chosen.size_gib, chosen.iops, chosen.mbps))
    return size, iops, mbps


def _provisioned_line(kind: str, unit: ProvisionedUnit, *, unit_price: int, quantity: int, of: str) -> PriceLine:
    """Part of a freely sized disk: by the hour, all month."""
    price = to_decimal(unit_price, MONEY_SCALE)
    return _line(
        kind,
        unit,
        unit_price=price,
        quantity=quantity,
        hours=FULL_MONTH_HOURS,
        amount=price * quantity * FULL_MONTH_HOURS,
        arithmetic=f"{quantity} {of} x {price} an hour x {FULL_MONTH_HOURS} hours",
    )


def _line(
    kind: str,
    unit: Literal["month"] | ProvisionedUnit,
    *,
    unit_price: Decimal,
    quantity: int,
    amount: Decimal,
    arithmetic: str,
    hours: int | None = None,
) -> PriceLine:
    return PriceLine(
        kind=kind,
        unit=unit,
        unit_price=unit_price,
        quantity=quantity,
        hours=hours,
        months=None,
        discount_percent=None,
        amount=amount,
        arithmetic=arithmetic,
    )
