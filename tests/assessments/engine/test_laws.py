"""Laws that hold for every estate and every catalog, tried on random ones."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.engine.assess import assess
from assessments.engine.explain import explain
from assessments.engine.fixed_point import BoolArray
from assessments.engine.machines import Machines
from assessments.engine.recommendations import Recommendations
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.settings import Settings, UnknownLimits, Uptime
from assessments.engine.trace import MachineTrace
from assessments.engine.values import DISK_TYPES, Catalog
from tests.assessments.engine import reference
from tests.assessments.engine.estate import Disk, Machine, Nic, Offerings, Size, Tier, estate, westus_tiers

SYSTEMS = (
    "Microsoft Windows Server 2016 (64-bit)",
    "Windows Server 2008 R2",
    "Ubuntu 22.04",
    "CentOS 9 (32-bit)",
    "Other (64-bit)",
)
# Terms that the histories were asked about, and one kind that they were not. Histories have a point every four hours.
ASKED = reference.Asked(interval_minutes=240, terms=((60, 24, 576), (30, 12, 288), (240, 81, 1994)))
UNASKED = (7, 7, 77)
POINTS_OF_A_WEEK = 42
quick = settings(max_examples=80, deadline=None, derandomize=True)


def often(common: Sequence[Any], rare: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Mostly common values, so that most machines get a size, and now and then one that breaks something."""
    return st.sampled_from([*list(common) * (12 * len(rare)), *list(rare) * len(common)])


def quantities(most: float) -> st.SearchStrategy[float | None]:
    """Counters of up to four decimals: mostly low, some as high as `most`, some missing or faulty."""
    low = st.integers(0, int(most * 4)).map(lambda number: number / 100)
    high = st.integers(0, int(most * 100)).map(lambda number: number / 100)
    return st.one_of(low, low, low, low, low, low, high, st.none(), st.just(-0.01))


disks = st.builds(
    Disk,
    size_gb=often([4.0, 30.0, 128.0, 128.01, 1000.0], [0.0, 33_000.0]),
    read_iops=quantities(4000),
    write_iops=quantities(4000),
    read_mbps=quantities(100),
    write_mbps=quantities(100),
)
nics = st.builds(Nic, transmitted_mbps=quantities(100), received_mbps=quantities(100))
levels = st.sampled_from([0.0, 0.0001, 0.4, 1.5, 2.0, 5.0, 12.5, 20.0, 33.3333, 100.0, 130.0, math.nan])
stretches = st.lists(st.tuples(levels, st.integers(1, 4)), max_size=2)
histories = st.builds(
    lambda parts, level, length: [*[one for one, count in parts for _ in range(count)], *[level] * length],
    stretches,
    often([0.0, 2.0], [math.nan]),
    often([POINTS_OF_A_WEEK], [10, POINTS_OF_A_WEEK * 9 // 10]),
)
machines = st.builds(
    Machine,
    cores=often([1, 2, 3, 4, 8, 25], [0, 64, 130]),
    memory_mb=often([512, 2048, 8192, 9000], [0, 65_536]),
    os=st.sampled_from(SYSTEMS),
    boot=often(["bios"], ["uefi", "unknown"]),
    imported=st.booleans(),
    cpu=quantities(120),
    memory=quantities(150),
    disks=st.lists(disks, max_size=4),
    nics=st.lists(nics, max_size=3),
    cpu_history=st.one_of(st.none(), histories, histories, histories),
)
estates = st.lists(machines, min_size=1, max_size=6)


def prices(most: int) -> st.SearchStrategy[str | None]:
    price = st.integers(most // 4, most).map(lambda number: f"{number / 100}")
    return st.one_of(price, price, price, price, price, st.none())


sizes = st.builds(
    Size,
    name=st.uuids().map(str),
    series=st.sampled_from(["dsv3", "ev3", "fsv2"]),
    vcpus=st.sampled_from([2, 4, 8, 64]),
    memory_mb=st.sampled_from([8192, 16_384, 131_072]),
    data_disks=often([2, 4, 16], [0]),
    nics=often([2, 4], [1]),
    premium=often([True], [False]),
    disk_iops=often([1600, 6400, 25_600], [None]),
    disk_mbps=often([24, 96, 400], [None]),
    network_mbps=often([500, 2000, 8000], [None]),
    linux=prices(50),
    windows=prices(200),
    licence=prices(20),
    one_year_term=prices(10**5),
    three_year_term=prices(10**5),
    savings_1y=prices(50),
    savings_3y=prices(50),
    dev_test=prices(50),
    available=often([True], [False]),
    standard_tier=often([True], [False]),
    considered=often([True], [False]),
    generation_1=often([True], [False]),
    burstable=st.booleans(),
    burst=often(list(ASKED.terms), [UNASKED, None]),
)
full_catalogs = st.lists(sizes, min_size=8, max_size=16, unique_by=lambda size: size.name)
poor_catalogs = st.lists(sizes, max_size=4, unique_by=lambda size: size.name)
catalogs = st.one_of(full_catalogs, full_catalogs, poor_catalogs)
any_choices = st.builds(
    Settings,
    sizing_criterion=st.sampled_from(["performance_based", "as_on_premises"]),
    comfort_factor=st.sampled_from([Decimal(1), Decimal("1.25"), Decimal("1.3"), Decimal("1.6"), Decimal(2)]),
    sku_families=often([(), ("ev3", "dsv3")], [("fsv2",)]),
    disk_types=st.just(("standard_hdd", "standard_ssd", "premium_ssd")),
    commitment=st.sampled_from(["none", "reservation_1y", "savings_plan_3y"]),
    hybrid_benefit=st.sampled_from(["none", "windows"]),
    discount_percent=st.sampled_from([Decimal(0), Decimal(15), Decimal("33.3333")]),
    uptime=st.sampled_from([Uptime(), Uptime(22, 12)]),
    commitment_rule=st.sampled_from(["strict", "combine"]),
    unknown_limits=st.builds(
        UnknownLimits,
        disk=st.sampled_from(["refuse", "accept_with_issue"]),
        network=st.sampled_from(["refuse", "accept_with_issue"]),
    ),
    rule_set=st.sampled_from(["am-2019-07", "am-2020-09", "am-2025"]),
)
with_credits = any_choices.map(
    lambda chosen: replace(chosen, rule_set="am-2025", sizing_criterion="performance_based", sku_families=())
)
choices = st.one_of(any_choices, with_credits, with_credits)


def built(estate_: Sequence[Machine]) -> Machines:
    return estate(estate_, interval_minutes=ASKED.interval_minutes, terms=ASKED.terms)


def described(answer: Recommendations, catalog: Catalog, machine: int) -> tuple[object, ...]:
    """Everything decided about a machine, free of positions."""
    scenarios = [
        (
            catalog.sizes.names[one.size[machine]] if one.monthly_compute_cost.known[machine] else None,
            one.monthly_compute_cost.number(machine),
            int(one.unpriced[machine]),
        )
        for one in answer.scenarios
    ]
    return (
        answer.readiness_of(machine),
        answer.finding_list(machine),
        answer.data_issue_list(machine),
        scenarios,
        answer.monthly_storage_cost.number(machine),
        int(answer.confidence.percent[machine]),
        int(answer.security[machine]),
    )


@quick
@given(estates, catalogs, choices)
def test_the_arrays_decide_as_the_plain_reference(estate_: list[Machine], sizes_: list[Size], chosen: Settings) -> None:
    offerings = Offerings(sizes_)
    catalog = offerings.catalog()
    answer = assess(built(estate_), catalog, chosen)
    first_disk = 0
    for row, machine in enumerate(estate_):
        expected = reference.assess_one(machine, offerings, chosen, ASKED)
        assert answer.readiness_of(row) == expected.readiness
        for name, result in expected.scenarios.items():
            scenario = answer.scenarios[SCENARIO_NAMES.index(name)]
            cost = scenario.monthly_compute_cost.number(row)
            given_ = None if cost is None else (catalog.sizes.names[int(scenario.size[row])], Decimal(cost) / 10**9)
            assert given_ == result, name
        for place, tier in enumerate(expected.tiers):
            disk = first_disk + place
            known = bool(answer.disks.known[disk])
            assert (catalog.disk_tiers.names[int(answer.disks.tier[disk])] if known else None) == tier
        first_disk += len(machine.disks)


@quick
@given(estates, catalogs, choices, st.randoms(use_true_random=False))
def test_neither_order_matters(
    estate_: list[Machine], sizes_: list[Size], chosen: Settings, random: "np.random.Generator"
) -> None:
    catalog = Offerings(sizes_).catalog()
    answer = assess(built(estate_), catalog, chosen)
    order = list(range(len(estate_)))
    random.shuffle(order)
    shuffled_sizes = list(sizes_)
    random.shuffle(shuffled_sizes)
    other_catalog = Offerings(shuffled_sizes).catalog()
    other = assess(built([estate_[row] for row in order]), other_catalog, chosen)
    for place, row in enumerate(order):
        assert described(other, other_catalog, place) == described(answer, catalog, row)


@quick
@given(estates, catalogs, choices, st.sampled_from([Decimal("1.1"), Decimal("1.5"), Decimal("1.9")]))
def test_more_comfort_is_never_cheaper(
    estate_: list[Machine], sizes_: list[Size], chosen: Settings, more: Decimal
) -> None:
    catalog = Offerings(sizes_).catalog()
    machines_ = built(estate_)
    less = assess(machines_, catalog, replace(chosen, comfort_factor=Decimal(1)))
    comfortable = assess(machines_, catalog, replace(chosen, comfort_factor=more))
    # A disk that leaves Premium SSD, being larger elsewhere for less or nowhere large enough, frees its machine's size.
    bound = _needs_premium(less, machines_) <= _needs_premium(comfortable, machines_)
    for before, after in zip(less.scenarios, comfortable.scenarios, strict=True):
        both = before.monthly_compute_cost.known & after.monthly_compute_cost.known & bound
        assert np.all(after.monthly_compute_cost.values[both] >= before.monthly_compute_cost.values[both])
        assert not np.any(after.monthly_compute_cost.known & ~before.monthly_compute_cost.known & bound)
    both = less.disks.known & comfortable.disks.known
    assert np.all(comfortable.disks.monthly_cost.values[both] >= less.disks.monthly_cost.values[both])


def _needs_premium(answer: Recommendations, machines_: Machines) -> BoolArray:
    premium = answer.disks.known & (answer.disks.type == DISK_TYPES.index("premium_ssd"))
    return np.isin(np.arange(len(machines_)), machines_.disks.machine[premium])


@quick
@given(estates, catalogs, sizes, choices)
def test_a_larger_catalog_is_never_dearer(
    estate_: list[Machine], sizes_: list[Size], extra: Size, chosen: Settings
) -> None:
    machines_ = built(estate_)
    small = assess(machines_, Offerings(sizes_).catalog(), chosen)
    large = assess(machines_, Offerings([*sizes_, extra]).catalog(), chosen)
    assert np.all(large.readiness <= small.readiness)
    for before, after in zip(small.scenarios, large.scenarios, strict=True):
        was = before.monthly_compute_cost.known
        assert np.all(after.monthly_compute_cost.known[was])
        assert np.all(after.monthly_compute_cost.values[was] <= before.monthly_compute_cost.values[was])


@quick
@given(estates, st.lists(st.sampled_from(westus_tiers()), max_size=6), st.sampled_from(westus_tiers()), choices)
def test_more_disk_tiers_are_never_dearer(
    estate_: list[Machine], tiers: list[Tier], extra: Tier, chosen: Settings
) -> None:
    machines_ = built(estate_)
    few = assess(machines_, Offerings([], tiers=tiers).catalog(), chosen).disks
    more = assess(machines_, Offerings([], tiers=[*tiers, extra]).catalog(), chosen).disks
    assert np.all(more.known[few.known])
    assert np.all(more.monthly_cost.values[few.known] <= few.monthly_cost.values[few.known])


@quick
@given(estates, catalogs, choices, st.sampled_from([None, "reservation_1y", "dev_test"]))
def test_trace_and_result_agree(
    estate_: list[Machine], sizes_: list[Size], chosen: Settings, scenario: str | None
) -> None:
    catalog = Offerings(sizes_).catalog()
    machines_ = built(estate_)
    answer = assess(machines_, catalog, chosen)
    for row in range(len(estate_)):
        trace = explain(machines_, row, catalog, chosen, scenario)
        assert trace.readiness == answer.readiness_of(row)
        assert [one.code for one in trace.findings] == [one.code for one in answer.finding_list(row)]
        for place, told in enumerate(trace.scenarios):
            result = answer.scenarios[place]
            cost = result.monthly_compute_cost.number(row)
            assert told.size == (None if cost is None else catalog.sizes.names[int(result.size[row])])
            assert told.monthly_compute_cost == (None if cost is None else Decimal(cost) / 10**9)
            assert sum((line.amount for line in told.price_lines), Decimal(0)) == (told.monthly_compute_cost or 0)
            assert told.runner_up is None or told.runner_up.price_gap >= 0
        _check_refused(trace)
        owned = [disk for disk, owner in enumerate(machines_.disks.machine) if owner == row]
        _check_disks(trace, answer, owned)


def _check_refused(trace: MachineTrace) -> None:
    explained = next(one for one in trace.scenarios if one.name == trace.explained_scenario)
    assert all(refused.refusals for refused in trace.refused)
    if explained.monthly_compute_cost is not None:
        assert all(refused.monthly_cost < explained.monthly_compute_cost for refused in trace.refused)
    costs = [refused.monthly_cost for refused in trace.refused]
    assert costs == sorted(costs)


def _check_disks(trace: MachineTrace, answer: Recommendations, owned: Sequence[int]) -> None:
    for told, disk in zip(trace.disks, owned, strict=True):
        cost = answer.disks.monthly_cost.number(disk)
        assert told.monthly_cost == (None if cost is None else Decimal(cost) / 10**9)
        assert sum((line.amount for line in told.price_lines), Decimal(0)) == (told.monthly_cost or 0)
        assert all(refused.refusals for refused in told.refused)
        assert [one.code for one in told.findings] == [one.code for one in answer.disks.finding_list(disk)]
