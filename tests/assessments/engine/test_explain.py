"""The decision trace tells how everything was decided (that it agrees with the result is a law: test_laws)."""

import json
from dataclasses import asdict, replace
from decimal import Decimal

import numpy as np
import pytest

from assessments.engine.explain import explain, explain_many
from assessments.engine.settings import Settings, UnknownLimits
from assessments.engine.trace import MachineTrace, ScenarioTrace
from tests.assessments.engine.estate import (
    WINDOWS,
    Disk,
    Machine,
    Nic,
    Offerings,
    Size,
    estate,
    premium_v2_terms,
    ultra_terms,
    westus,
    westus_tiers,
)

V2 = premium_v2_terms(gib_hour="0.0001", iops_hour="0.00001", mbps_hour="0.0001")
ULTRA = ultra_terms(gib_hour="0.0002", iops_hour="0.00007", mbps_hour="0.0005")
SMALL = Size("small", vcpus=1, linux="0.05", windows="0.1")
MEDIUM = Size("medium", vcpus=4, linux="0.10", windows="0.3", one_year_term="600")
LARGE = Size("large", vcpus=8, linux="0.15", windows="0.5", one_year_term="1200")
MACHINE = Machine(
    cores=4,
    memory_mb=8192,
    cpu=50,
    memory=40,
    cpu_points=140,
    memory_points=130,
    disks=[Disk(30, 10, 20, 1, 2, points=100)],
    nics=[Nic(2, 3, points=90)],
)


def trace(machine: Machine = MACHINE, *sizes: Size, settings: Settings | None = None) -> MachineTrace:
    catalog = Offerings(sizes or (SMALL, MEDIUM, LARGE)).catalog()
    return explain(estate([machine]), 0, catalog, settings or Settings())


def scenario(told: MachineTrace, name: str) -> ScenarioTrace:
    return next(one for one in told.scenarios if one.name == name)


def test_what_went_in_and_what_it_required_is_told_with_the_arithmetic() -> None:
    told = trace()
    assert [(one.metric, one.value, one.points, one.expected_points) for one in told.observed] == [
        ("cpu_percent", Decimal(50), 140, 144),
        ("memory_percent", Decimal(40), 130, 144),
    ]
    required = {one.dimension: (one.value, one.arithmetic) for one in told.required}
    assert required["cores"] == (Decimal("2.6"), "4 x 50 % x 1.3")
    assert required["memory_mb"][0] == Decimal("4259.84")
    assert required["disk_iops"][0] == Decimal(39)
    assert required["network_mbps"][0] == Decimal("20.8")
    assert required["data_disks"][0] == 0
    assert (told.percentile, told.comfort_factor, told.rule_set) == (Decimal(95), Decimal("1.3"), "am-2025")
    assert told.nics[0].observed[1].value == Decimal(2)
    assert told.confidence.percent == Decimal("73.7847")
    assert (told.confidence.available_points, told.confidence.expected_points) == (850, 1152)


def test_the_choice_the_runner_up_and_what_was_too_small_are_told() -> None:
    told = trace()
    headline = scenario(told, told.headline)
    assert headline.size == "medium"
    assert headline.runner_up is not None
    assert (headline.runner_up.name, headline.runner_up.price_gap) == ("large", Decimal("37.2"))
    (refused,) = told.refused
    assert refused.name == "small"
    (refusal,) = refused.refusals
    assert (refusal.constraint, refusal.required, refusal.offered, refusal.short_by) == (
        "cores",
        Decimal("2.6"),
        Decimal(1),
        Decimal("1.6"),
    )


def test_price_lines_add_up_and_say_how() -> None:
    told = trace(
        replace(MACHINE, os=WINDOWS), settings=Settings(discount_percent=Decimal(10), commitment_rule="combine")
    )
    reserved = scenario(told, "reservation_1y")
    assert [(line.kind, line.amount) for line in reserved.price_lines] == [
        ("reservation_1y_term", Decimal(50)),
        ("windows_licence", Decimal("148.8")),
        ("discount", Decimal("-19.88")),
    ]
    assert [line.arithmetic for line in reserved.price_lines] == [
        "600 a term / 12 months",
        "0.2 an hour x 744 hours",
        "10 % off 198.8",
    ]
    term, licence, discount = reserved.price_lines
    assert (term.unit, term.unit_price, term.quantity, term.months, term.hours) == ("term", Decimal(600), 1, 12, None)
    assert (licence.unit, licence.unit_price, licence.months, licence.hours) == ("hour", Decimal("0.2"), None, 744)
    assert (discount.unit, discount.unit_price, discount.discount_percent) == (None, None, Decimal(10))
    assert reserved.monthly_compute_cost == Decimal("178.92")


def test_a_subscription_without_a_price_is_a_line_that_costs_nothing_and_says_so() -> None:
    red_hat = replace(MACHINE, os="Red Hat Enterprise Linux 8.4 (64-bit)")
    compute, subscription = scenario(trace(red_hat), "pay_as_you_go").price_lines
    assert (compute.kind, compute.amount) == ("linux", Decimal("74.4"))
    assert (subscription.kind, subscription.unit_price, subscription.amount) == ("rhel_subscription", None, Decimal(0))
    assert subscription.arithmetic == "no price in the catalog, so it is not in the cost"


def test_a_scenario_without_a_price_says_why() -> None:
    told = trace()
    assert scenario(told, "dev_test").unpriced == "no_price_in_catalog"
    assert scenario(trace(Machine(cores=200)), "dev_test").unpriced == "not_ready"


def test_the_only_fitting_size_has_no_runner_up() -> None:
    assert scenario(trace(MACHINE, MEDIUM), "pay_as_you_go").runner_up is None


def test_every_size_is_refused_where_none_fits() -> None:
    told = trace(replace(MACHINE, cores=100, cpu=100))
    assert [one.name for one in told.refused] == ["small", "medium", "large"]
    assert told.readiness == "not_ready"
    assert told.findings[0].azure_name == "NoSuitableVmSizeFound"
    assert told.monthly_storage_cost is None


def test_another_scenario_can_be_explained() -> None:
    catalog = Offerings((SMALL, MEDIUM, LARGE)).catalog()
    told = explain(estate([MACHINE]), 0, catalog, Settings(), "reservation_1y")
    assert (told.explained_scenario, told.refused) == ("reservation_1y", ())


CHEAP = {"linux": "0.01", "vcpus": 8}
REFUSED = [
    ("cpu_credits", Size("burst", burstable=True, **CHEAP), Settings()),  # type: ignore[arg-type]
    ("not_considered", Size("arm", considered=False, **CHEAP), Settings()),  # type: ignore[arg-type]
    ("limit_unknown:disk_iops", Size("x", disk_iops=None, **CHEAP), Settings()),  # type: ignore[arg-type]
    (
        "limit_unknown:network_mbps",
        Size("x", network_mbps=None, **CHEAP),  # type: ignore[arg-type]
        Settings(unknown_limits=UnknownLimits(network="refuse")),
    ),
    ("disk_mbps", Size("x", disk_mbps=1, **CHEAP), Settings()),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("constraint", "size", "settings"), REFUSED, ids=[case[0] for case in REFUSED])
def test_each_kind_of_refusal_is_named(constraint: str, size: Size, settings: Settings) -> None:
    told = trace(MACHINE, size, MEDIUM, settings=settings)
    assert [one.constraint for one in told.refused[0].refusals] == [constraint]


def test_a_burstable_size_whose_credits_last_is_not_refused() -> None:
    burst = Size("burst", burstable=True, burst=(60, 100, 1000), **CHEAP)  # type: ignore[arg-type]
    catalog = Offerings([burst, MEDIUM]).catalog()

    def told(percent: float) -> MachineTrace:
        machines = estate([MACHINE], cpu_history=[[percent] * 200], interval_minutes=60, terms=[(60, 100, 1000)])
        return explain(machines, 0, catalog, Settings())

    assert scenario(told(1), "pay_as_you_go").size == "burst"
    assert told(90).refused[0].refusals[0].constraint == "cpu_credits"


def test_allocated_values_say_so() -> None:
    def arithmetic(settings: Settings) -> str:
        told = trace(Machine(cores=4), settings=settings)
        return next(one.arithmetic for one in told.required if one.dimension == "cores")

    assert arithmetic(Settings()) == "4 allocated x 1.3"
    assert arithmetic(Settings(rule_set="am-2020-09")) == "4 allocated"
    nothing = next(one for one in trace(Machine()).required if one.dimension == "disk_iops")
    assert nothing.value is None


def test_cores_and_memory_that_nobody_reported_are_no_zero() -> None:
    told = {one.dimension: one.value for one in trace(Machine(cores=0, memory_mb=0)).required}
    assert (told["cores"], told["memory_mb"], told["nics"]) == (None, None, Decimal(1))


def test_confidence_that_does_not_apply_says_why() -> None:
    told = trace(Machine(imported=True))
    assert (told.confidence.applicable, told.confidence.reason, told.confidence.percent) == (False, "imported", None)
    assert told.discovered_by == "import"


# ---- disks ----
def disk_traces(disks: list[Disk], **settings: object) -> MachineTrace:
    big = Size("big", vcpus=64, data_disks=64, ultra=True, disk_iops=10**6, disk_mbps=10**5, memory_mb=10**6)
    catalog = Offerings([big], premium_v2=V2, ultra=ULTRA).catalog()
    chosen = Settings(comfort_factor=Decimal(1), **settings)  # type: ignore[arg-type]
    return explain(estate([Machine(disks=disks)]), 0, catalog, chosen)


def test_a_tier_its_runner_up_and_the_cheaper_ones_are_told() -> None:
    (disk,) = disk_traces([Disk(100, 400, 200, 10, 10)]).disks
    assert (disk.tier, disk.type, disk.provisioned_size_gib) == ("P15", "premium_ssd", Decimal(256))
    assert [(line.kind, line.amount) for line in disk.price_lines] == [("disk_tier", Decimal("41.82"))]
    assert disk.runner_up is not None
    assert (disk.runner_up.name, disk.runner_up.price_gap) == ("P20", Decimal("38.72"))
    refused = {one.name: [(why.constraint, why.short_by) for why in one.refusals] for one in disk.refused}
    assert refused["S10"] == [("iops", Decimal(100))]
    assert refused["S6"] == [("size_gb", Decimal(36)), ("iops", Decimal(100))]
    assert [(one.metric, one.value) for one in disk.observed][:2] == [
        ("read_iops", Decimal(400)),
        ("write_iops", Decimal(200)),
    ]
    assert [one.value for one in disk.required] == [600, 20]


def test_flexible_disks_tell_each_part_of_their_price() -> None:
    told = disk_traces(
        [Disk(30, 1, 1, 1, 1), Disk(100, 5000, 0, 200, 0), Disk(100, 100_000, 0, 200, 0)],
        disk_types=("premium_ssd_v2", "ultra"),
    )
    assert [disk.type for disk in told.disks] == ["premium_ssd", "premium_ssd_v2", "ultra"]
    assert [disk.tier for disk in told.disks] == ["P4", None, None]
    assert [(line.kind, line.amount) for line in told.disks[1].price_lines] == [
        ("premium_ssd_v2_gib", Decimal("7.44")),
        ("premium_ssd_v2_iops", Decimal("14.88")),
        ("premium_ssd_v2_mbps", Decimal("5.58")),
    ]
    capacity = told.disks[1].price_lines[0]
    assert (capacity.unit, capacity.unit_price, capacity.quantity, capacity.hours) == (
        "gib_hour",
        Decimal("0.0001"),
        100,
        744,
    )
    assert capacity.arithmetic == "100 GiB x 0.0001 an hour x 744 hours"
    assert told.disks[1].runner_up is not None
    assert told.disks[1].runner_up.name == "ultra"
    assert [line.kind for line in told.disks[2].price_lines] == ["ultra_gib", "ultra_iops", "ultra_mbps"]
    assert [why.constraint for why in told.disks[2].refused[0].refusals] == ["iops"]
    for disk in told.disks:
        assert sum((line.amount for line in disk.price_lines), Decimal(0)) == disk.monthly_cost


def test_a_disk_that_nothing_fits_tells_what_every_offer_lacks() -> None:
    (disk,) = disk_traces([Disk(70_000)]).disks
    assert (disk.type, disk.tier, disk.monthly_cost, disk.price_lines, disk.runner_up) == (None, None, None, (), None)
    assert len(disk.refused) == len(westus_tiers())
    assert {why.constraint for one in disk.refused for why in one.refusals} == {"size_gb", "rule_set_max_disk_gb"}
    assert [one.code for one in disk.findings] == ["disk_size_greater_than_supported"]


def test_types_that_the_region_does_not_price_are_no_alternatives() -> None:
    catalog = Offerings([SMALL]).catalog()
    machines = estate([Machine(disks=[Disk(), Disk()])])
    told = explain(machines, 0, catalog, Settings(disk_types=("ultra", "premium_ssd_v2")))
    assert told.disks[1].refused == ()
    assert told.disks[1].allowed_types == ("ultra", "premium_ssd_v2")


def test_a_trace_turns_into_json_and_picks_the_machine_asked_for() -> None:
    machines = estate([Machine(cores=1), replace(MACHINE, cores=3)])
    told = explain(machines, 1, westus(), Settings())
    assert told.cores == 3
    assert json.loads(json.dumps(asdict(told), default=str))["disks"][0]["tier"] == "S4"
    assert list(explain_many(machines, [1, 0], westus(), Settings())) == [
        told,
        explain(machines, 0, westus(), Settings()),
    ]


def test_machines_taken_twice_keep_their_own_parts() -> None:
    machines = estate([Machine(disks=[Disk(1), Disk(2)]), Machine(disks=[], nics=[]), Machine(disks=[Disk(3)])])
    taken = machines.take(np.array([2, 0, 1, 2]))
    assert taken.disks.machine.tolist() == [0, 1, 1, 3]
    assert (taken.disks.size_gb // 10_000).tolist() == [3, 1, 2, 3]
    assert taken.nics.machine.tolist() == [0, 1, 3]
