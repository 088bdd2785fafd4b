"""The decision trace: how everything about one machine was decided.

It runs the engine itself on that one machine and reads the answer from it, so that trace and result cannot part; only
what was refused, and by how much, is worked out here.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import numpy as np

from assessments.engine.assess import Groundwork, decide, groundwork
from assessments.engine.burstable import credit_refusal
from assessments.engine.confidence import available_points, expected_points
from assessments.engine.costing import PricePart, discount_percent, price_parts
from assessments.engine.explain_disks import explain_disks
from assessments.engine.fixed_point import MONEY_SCALE, IntArray, to_decimal
from assessments.engine.guest_os import LICENCES, Licence
from assessments.engine.machines import BOOT_TYPES, Machines
from assessments.engine.matching import DIMENSIONS, feasible
from assessments.engine.rankings import Ranking, Rankings
from assessments.engine.recommendations import CONFIDENCE_REASONS, UNPRICED_REASONS, Recommendations
from assessments.engine.scenarios import SCENARIO_NAMES, SCENARIOS, Scenario, headline_scenario
from assessments.engine.settings import Settings
from assessments.engine.target import Target
from assessments.engine.trace import (
    ConfidenceTrace,
    MachineTrace,
    NicTrace,
    ObservedTrace,
    PriceLine,
    Refusal,
    RefusedOffer,
    RequiredTrace,
    RunnerUp,
    ScenarioTrace,
)
from assessments.engine.trace_parts import counted, issue_traces, observed_trace
from assessments.engine.values import Catalog, Observed

DISK_METRICS = ("read_iops", "write_iops", "read_mbps", "write_mbps")
NIC_METRICS = ("received_mbps", "transmitted_mbps")


def explain(
    machines: Machines, machine: int, catalog: Catalog, settings: Settings, scenario: str | None = None
) -> MachineTrace:
    """The trace of the machine at this index. `scenario` chooses whose refused sizes to list; default the headline."""
    return next(explain_many(machines, [machine], catalog, settings, scenario))


def explain_many(
    machines: Machines, rows: Iterable[int], catalog: Catalog, settings: Settings, scenario: str | None = None
) -> Iterator[MachineTrace]:
    """Traces of the machines at these indexes, one after the other; what they share is worked out once."""
    rankings = Rankings(Target.of(catalog, settings))
    explained = headline_scenario(settings) if scenario is None else SCENARIO_NAMES.index(scenario)
    for row in rows:
        yield _explain(machines.take(np.array([row])), rankings, explained)


def _explain(alone: Machines, rankings: Rankings, explained: int) -> MachineTrace:
    """The trace of the one machine given."""
    target = rankings.target
    ground = groundwork(alone, target)
    answer = decide(alone, ground, rankings)
    settings = target.settings
    return MachineTrace(
        cores=int(alone.cores[0]),
        memory_mb=int(alone.memory_mb[0]),
        operating_system=alone.operating_systems[int(alone.operating_system[0])],
        boot_type=BOOT_TYPES[int(alone.boot_type[0])],
        discovered_by="import" if alone.imported[0] else "appliance",
        disk_count=len(alone.disks.machine),
        nic_count=len(alone.nics.machine),
        rule_set=target.rules.name,
        sizing_criterion=settings.sizing_criterion,
        percentile=settings.percentile,
        comfort_factor=settings.comfort_factor,
        region=target.catalog.region,
        currency=target.catalog.currency,
        observed=_machine_observed(alone),
        required=_required(alone, ground, target),
        readiness=answer.readiness_of(0),
        findings=issue_traces(answer.finding_list(0), target),
        data_issues=issue_traces(answer.data_issue_list(0), target),
        headline=answer.headline_name,
        scenarios=tuple(_scenario(answer, ground, place, rankings) for place in range(len(SCENARIOS))),
        explained_scenario=SCENARIO_NAMES[explained],
        refused=_refused(ground, explained, rankings),
        disks=explain_disks(alone, answer, target),
        nics=_nics(alone, answer, target),
        monthly_storage_cost=_money(answer.monthly_storage_cost.number(0)),
        confidence=_confidence(alone, answer),
    )


def _machine_observed(alone: Machines) -> tuple[ObservedTrace, ...]:
    """The machine's own series, and the totals over its disks and adapters that an import gave."""
    disks, nics = alone.disk_totals, alone.nic_totals
    totals = {
        **({} if disks is None else {f"disk_{metric}": getattr(disks, metric) for metric in DISK_METRICS}),
        **({} if nics is None else {f"network_{metric}": getattr(nics, metric) for metric in NIC_METRICS}),
    }
    measured = {
        "cpu_percent": alone.cpu_percent,
        "memory_percent": alone.memory_percent,
        **{name: total for name, total in totals.items() if total.known[0]},
    }
    expected = int(alone.expected_points[0])
    return tuple(observed_trace(name, series, row=0, expected=expected) for name, series in measured.items())


def _required(alone: Machines, ground: Groundwork, target: Target) -> tuple[RequiredTrace, ...]:
    """The demands, in the order of DIMENSIONS."""
    required = ground.required
    unreported = {"cores": alone.cores[0] <= 0, "memory_mb": alone.memory_mb[0] <= 0}
    unknown = unreported | {
        name: not bool(array.known[0])
        for name, array in (
            ("disk_iops", required.disk_iops),
            ("disk_mbps", required.disk_mbps),
            ("network_mbps", required.network_mbps),
        )
    }
    arithmetic = {
        "data_disks": f"{counted(len(alone.disks.machine), 'disk')} without the OS disk",
        "premium_storage": "1 if a disk is Premium SSD or Premium SSD v2",
        "ultra_storage": "1 if a disk is Ultra",
        "disk_iops": f"(reads + writes of all disks) x {target.settings.comfort_factor}",
        "disk_mbps": f"(reads + writes of all disks) x {target.settings.comfort_factor}",
        "nics": counted(len(alone.nics.machine), "network adapter"),
        "network_mbps": f"megabytes out of all adapters x 8 x {target.settings.comfort_factor}",
        "generation_1": "1 if the machine boots with BIOS, which only a generation 1 VM does",
        "cores": allocated_arithmetic(int(alone.cores[0]), alone.cpu_percent, target),
        "memory_mb": allocated_arithmetic(int(alone.memory_mb[0]), alone.memory_percent, target),
    }
    return tuple(
        RequiredTrace(
            dimension.name,
            None if unknown.get(dimension.name, False) else _demanded(ground, row),
            arithmetic[dimension.name],
        )
        for row, dimension in enumerate(DIMENSIONS)
    )


def allocated_arithmetic(allocated: int, percent: Observed, target: Target, machine: int = 0) -> str:
    """How cores or memory follow from what is allocated to the machine at this index."""
    factor = target.settings.comfort_factor
    if target.uses_observations and percent.known[machine]:
        return f"{allocated} x {to_decimal(percent.values[machine])} % x {factor}"
    return f"{allocated} allocated x {factor}" if target.rules.comfort_factor_on_allocated else f"{allocated} allocated"


def _demanded(ground: Groundwork, row: int, machine: int = 0) -> Decimal:
    return to_decimal(ground.demand.values[row, machine], DIMENSIONS[row].unit)


def _scenario(answer: Recommendations, ground: Groundwork, place: int, rankings: Rankings) -> ScenarioTrace:
    target = rankings.target
    result, scenario = answer.scenarios[place], SCENARIOS[place]
    cost = result.monthly_compute_cost.number(0)
    if cost is None:
        return ScenarioTrace(scenario.name, None, None, UNPRICED_REASONS[int(result.unpriced[0])], (), None)
    size = int(result.size[0])
    return ScenarioTrace(
        name=scenario.name,
        size=target.catalog.sizes.names[size],
        monthly_compute_cost=to_decimal(cost, MONEY_SCALE),
        unpriced=None,
        price_lines=price_lines(target, scenario, LICENCES[_licence_place(ground)], size=size, cost=cost),
        runner_up=_runner_up(ground, place, size, rankings),
    )


def _licence_place(ground: Groundwork) -> int:
    return int(ground.guests.licence[0])


def price_lines(target: Target, scenario: Scenario, licence: Licence, *, size: int, cost: int) -> tuple[PriceLine, ...]:
    """Every price in a size's monthly cost; the amounts add up to it exactly."""
    lines = [_price_line(part, size) for part in price_parts(target, scenario, licence)]
    percent = discount_percent(target, scenario)
    if percent:
        listed = sum((line.amount for line in lines), Decimal(0))
        lines.append(_discount_line(percent, listed, to_decimal(cost, MONEY_SCALE)))
    return tuple(lines)


def _price_line(part: PricePart, size: int) -> PriceLine:
    unit_price, amount = (to_decimal(array.values[size], MONEY_SCALE) for array in (part.price, part.monthly))
    arithmetic = (
        f"{unit_price} a term / {part.months} months" if part.months else f"{unit_price} an hour x {part.hours} hours"
    )
    if not unit_price:  # a subscription that is left out: everything else that lacks a price has no cost at all
        arithmetic = "no price in the catalog, so it is not in the cost"
    return PriceLine(
        kind=part.kind,
        unit="term" if part.months else "hour",
        unit_price=unit_price or None,
        quantity=1,
        hours=part.hours or None,
        months=part.months or None,
        discount_percent=None,
        amount=amount,
        arithmetic=arithmetic,
    )


def _discount_line(percent: Decimal, listed: Decimal, cost: Decimal) -> PriceLine:
    return PriceLine(
        kind="discount",
        unit=None,
        unit_price=None,
        quantity=None,
        hours=None,
        months=None,
        discount_percent=percent,
        amount=cost - listed,
        arithmetic=f"{percent} % off {listed}",
    )


def _fitting(ground: Groundwork, ranked: Ranking) -> IntArray:
    fits = feasible(ground.demand, ground.limits.effective, ranked.order)[0]
    return np.asarray(ranked.order[fits])


def _runner_up(ground: Groundwork, place: int, size: int, rankings: Rankings) -> RunnerUp | None:
    ranked = rankings.candidates(place, _licence_place(ground), ground.demand)
    fitting = _fitting(ground, ranked)
    if len(fitting) < 2:
        return None
    cost, best = ranked.monthly_cost.values[fitting[1]], ranked.monthly_cost.values[size]
    return RunnerUp(
        name=rankings.target.catalog.sizes.names[int(fitting[1])],
        monthly_cost=to_decimal(cost, MONEY_SCALE),
        price_gap=to_decimal(cost - best, MONEY_SCALE),
    )


def _refused(ground: Groundwork, place: int, rankings: Rankings) -> tuple[RefusedOffer, ...]:
    """Every cheaper priced size of the allowed series in the region, cheapest first; all of them where none fits."""
    licence, target, sizes = _licence_place(ground), rankings.target, rankings.target.catalog.sizes
    ranked = rankings.offered(place, licence)
    fitting = _fitting(ground, rankings.candidates(place, licence, ground.demand))
    best = ranked.monthly_cost.values[fitting[0]] if len(fitting) else np.iinfo(np.int64).max
    cheaper = ranked.order[ranked.monthly_cost.values[ranked.order] < best]
    missed = (ground.limits.effective[:, cheaper] < ground.demand.values[:, :1]).T.tolist()
    return tuple(
        RefusedOffer(
            sizes.names[size],
            to_decimal(ranked.monthly_cost.values[size], MONEY_SCALE),
            refusals(ground, size, [row for row, short in enumerate(rows) if short], target),
        )
        for size, rows in zip(cheaper.tolist(), missed, strict=True)
    )


def refusals(
    ground: Groundwork, size: int, missed: Iterable[int], target: Target, machine: int = 0
) -> tuple[Refusal, ...]:
    """Every constraint that a size misses for the machine at this index; `missed` are rows of DIMENSIONS."""
    sizes, found = target.catalog.sizes, []
    if not sizes.considered[size]:
        found.append(Refusal("not_considered", None, None, None))
    if sizes.burstable[size] and not _credits_last(ground, size, machine):
        found.append(credit_refusal(ground.machines, target, machine=machine, size=size))
    for row in missed:
        dimension, required = DIMENSIONS[row], _demanded(ground, row, machine)
        if ground.limits.known[row, size]:
            offered = to_decimal(ground.limits.effective[row, size], dimension.unit)
            found.append(Refusal(dimension.name, required, offered, required - offered))
        else:
            found.append(Refusal(f"limit_unknown:{dimension.name}", required, None, None))
    return tuple(found)


def _credits_last(ground: Groundwork, size: int, machine: int) -> bool:
    column = np.flatnonzero(ground.demand.burstable == size)
    return len(column) > 0 and bool(ground.demand.lasting[machine, column[0]])


def _nics(alone: Machines, answer: Recommendations, target: Target) -> tuple[NicTrace, ...]:
    expected = int(alone.expected_points[0])
    return tuple(
        NicTrace(
            place=nic,
            observed=(
                observed_trace("received_mbps", alone.nics.received_mbps, row=nic, expected=expected),
                observed_trace("transmitted_mbps", alone.nics.transmitted_mbps, row=nic, expected=expected),
            ),
            data_issues=issue_traces(answer.nic_data_issue_list(nic), target),
        )
        for nic in range(len(alone.nics.machine))
    )


def _confidence(alone: Machines, answer: Recommendations) -> ConfidenceTrace:
    rating = answer.confidence
    applies = bool(rating.applicable[0])
    return ConfidenceTrace(
        applicable=applies,
        reason=None if applies else CONFIDENCE_REASONS[int(rating.reason[0])],
        percent=to_decimal(rating.percent[0]) if applies else None,
        stars=int(rating.stars[0]) if applies else None,
        available_points=int(available_points(alone)[0]),
        expected_points=int(expected_points(alone)[0]),
    )


def _money(amount: int | None) -> Decimal | None:
    return None if amount is None else to_decimal(amount, MONEY_SCALE)
