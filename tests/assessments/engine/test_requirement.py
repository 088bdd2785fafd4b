"""Utilization x comfort factor, percentiles, and how much of the window was seen."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from assessments.engine.assess import assess
from assessments.engine.explain import explain
from assessments.engine.machines import DiskTotals, NicTotals
from assessments.engine.requirement import requirement
from assessments.engine.rule_sets import RULE_SETS
from assessments.engine.settings import RuleSetName, Settings, SizingCriterion
from assessments.engine.target import Target
from assessments.engine.values import Observed
from tests.assessments.engine.estate import Disk, Machine, Nic, Offerings, Size, estate, number, westus

# Sizes that differ in vCPUs alone, so that the cores decide.
LADDER = Offerings(
    [Size(f"{cores} vCPU", vcpus=cores, memory_mb=10**6, linux=str(cores / 10)) for cores in (1, 2, 4, 8, 16, 32)]
).catalog()

EFFECTIVE: list[
    tuple[str, RuleSetName, SizingCriterion, int, float | None, int, float | None, str, float, float, int]
] = [
    # id, rules, criterion, cores, cpu %, memory GB, memory %, factor -> cores, memory GB, vCPU
    ("B01", "am-2025", "performance_based", 4, 20, 8, 10, "1.3", 1.04, 1.04, 2),
    ("B03 equality is enough", "am-2019-07", "performance_based", 4, 50, 8, 50, "1.0", 2.0, 4.0, 2),
    ("B04", "am-2025", "performance_based", 16, 20, 1, 100, "1.0", 3.2, 1.0, 4),
    ("B06", "am-2019-07", "performance_based", 10, 20, 1, 100, "2.0", 4.0, 2.0, 4),
    ("B07 exactly 4 cores", "am-2025", "performance_based", 25, 10, 1, 100, "1.6", 4.0, 1.6, 4),
    ("B09 factor on the allocated", "am-2025", "performance_based", 8, None, 32, 25, "1.3", 10.4, 10.4, 16),
    ("no factor before 2024", "am-2020-09", "performance_based", 8, None, 32, 25, "1.3", 8.0, 10.4, 8),
    ("B12 as it is, 2025", "am-2025", "as_on_premises", 4, 10, 16, 10, "1.3", 5.2, 20.8, 8),
    ("B13 as it is, 2020", "am-2020-09", "as_on_premises", 4, 10, 8, 10, "1.3", 4.0, 8.0, 4),
    ("float32 of 6.4", "am-2025", "performance_based", 50, float(np.float32(6.4)), 1, 100, "1.25", 4.0, 1.25, 4),
    ("CPU above 100 %", "am-2025", "performance_based", 4, 300, 1, 100, "1.0", 4.0, 1.0, 4),
    ("CPU below 0 %", "am-2025", "performance_based", 4, -5, 1, 100, "1.0", 0.0, 1.0, 1),
    ("memory above 100 % is real", "am-2025", "performance_based", 1, 100, 4, 120, "1.0", 1.0, 4.8, 1),
    ("memory below 0 %", "am-2025", "performance_based", 1, 100, 4, -1, "1.0", 1.0, 0.0, 1),
]


@pytest.mark.parametrize("case", EFFECTIVE, ids=[case[0] for case in EFFECTIVE])
def test_effective_cores_and_memory(
    case: tuple[str, RuleSetName, SizingCriterion, int, float | None, int, float | None, str, float, float, int],
) -> None:
    _, rules, criterion, cores, cpu, memory_gb, memory, factor, effective_cores, effective_gb, vcpus = case
    machine = Machine(cores=cores, memory_mb=memory_gb * 1024, cpu=cpu, memory=memory)
    settings = Settings(comfort_factor=Decimal(factor), rule_set=rules, sizing_criterion=criterion)
    answer = assess(estate([machine]), LADDER, settings)
    assert number(int(answer.required.cores[0])) == effective_cores
    assert number(int(answer.required.memory_mb[0])) == pytest.approx(effective_gb * 1024, abs=0.0001)
    assert LADDER.sizes.names[answer.chosen.size[0]] == f"{vcpus} vCPU"


def flags(machine: Machine, settings: Settings | None = None) -> list[str]:
    answer = assess(estate([machine]), westus(), settings or Settings())
    return [issue.code for issue in answer.data_issue_list(0)]


def test_missing_and_impossible_data_are_flagged_one_by_one() -> None:
    assert flags(Machine(memory=10)) == ["percentage_of_cores_utilized_missing"]
    assert flags(Machine(cpu=10)) == ["percentage_of_memory_utilized_missing"]
    assert flags(Machine(cpu=101, memory=-1)) == [
        "percentage_of_cores_utilized_out_of_range",
        "percentage_of_memory_utilized_out_of_range",
    ]
    assert flags(Machine(cpu=100, memory=120)) == []


def test_as_on_premises_never_misses_utilization() -> None:
    assert flags(Machine(), Settings(sizing_criterion="as_on_premises")) == []


def test_a_machine_without_cores_memory_or_disks_is_assessed_all_the_same() -> None:
    machine = Machine(cores=0, memory_mb=0, os="", cpu=300, memory=10, disks=[], nics=[])
    answer = assess(estate([machine]), westus(), Settings())
    assert answer.readiness_of(0) == "unknown"
    assert answer.chosen.monthly_compute_cost.known[0]
    assert answer.monthly_storage_cost.number(0) == 0
    assert [issue.code for issue in answer.data_issue_list(0)] == [
        "percentage_of_cores_utilized_out_of_range",
        "number_of_cores_out_of_range",
        "megabytes_of_memory_out_of_range",
        "no_disks_discovered",
    ]


def test_only_outbound_traffic_counts() -> None:
    """B15: (3 + 4.5) MB/s x 1.3 x 8 = 78 Mb/s."""
    machine = Machine(nics=[Nic(3, 50), Nic(4.5, 50)])
    answer = assess(estate([machine]), westus(), Settings())
    assert number(int(answer.required.network_mbps.values[0])) == 78.0


def test_bandwidth_is_reported_apart() -> None:
    machine = Machine(nics=[Nic(1.0, 0)])
    priced = Offerings([Size("s")], egress_gb_price=80_000_000).catalog()
    answer = assess(estate([machine]), priced, Settings())
    assert number(int(answer.outbound_gb_per_month.values[0])) == 2615.625
    assert answer.monthly_bandwidth_cost.number(0) == 209_250_000_000
    assert assess(estate([machine]), westus(), Settings()).monthly_bandwidth_cost.number(0) is None


def test_totals_of_an_import_drive_the_size_where_disks_have_no_counters() -> None:
    def totals(count: int) -> DiskTotals:
        def some(value: float) -> Observed:
            return Observed.quantities([value] * count)

        return DiskTotals(some(100), some(50), some(3), some(1))

    plain = estate([Machine(disks=[Disk(), Disk()]), Machine(disks=[Disk(30, 1, 1, 1, 1)])])
    fields = {name: getattr(plain, name) for name in plain.__slots__}
    machines = type(plain)(**{**fields, "disk_totals": totals(2)})
    target = Target.of(westus(), Settings(comfort_factor=Decimal(2)))
    required = requirement(machines.take(np.array([0, 1])), target)
    assert [number(value) for value in required.disk_iops.values] == [300, 4]
    assert [number(value) for value in required.disk_mbps.values] == [8, 4]
    assert not required.disks.iops.known[0]


def test_traffic_of_an_import_counts_where_adapters_have_no_counters() -> None:
    plain = estate([Machine(nics=[]), Machine(nics=[Nic(), Nic()]), Machine(nics=[Nic(1.0, 0)]), Machine(nics=[])])
    out = Observed.quantities([2.5, 2.5, 2.5, None])
    machines = replace(plain, nic_totals=NicTotals(out, out)).take(np.array([0, 1, 2, 3]))
    required = requirement(machines, Target.of(westus(), Settings(comfort_factor=Decimal(1))))
    assert [number(value) for value in required.network_mbps.values] == [20, 20, 8, 0]
    assert required.network_mbps.known.tolist() == [True, True, True, False]
    as_is = requirement(machines, Target.of(westus(), Settings(sizing_criterion="as_on_premises")))
    assert not as_is.network_mbps.known.any()


@pytest.mark.parametrize(
    ("own", "iops"),
    [
        ([Disk(30, 10, 0), Disk()], 5000),
        ([Disk(30, 10, None), Disk(30, 10, 10)], 5000),
        ([Disk(30, 4000, 2000), Disk()], 6000),
        ([Disk(30, 10, 0), Disk(30, 20, 0)], 30),
        ([Disk(), Disk()], 5000),
        ([], 5000),
    ],
)
def test_stated_totals_count_where_not_every_disk_has_its_own_values(own: list[Disk], iops: int) -> None:
    four, one = Observed.quantities([4000]), Observed.quantities([1000])
    machines = replace(estate([Machine(disks=own)]), disk_totals=DiskTotals(four, one, four, one))
    required = requirement(machines, Target.of(westus(), Settings(comfort_factor=Decimal(1))))
    assert number(int(required.disk_iops.values[0])) == iops


def test_stated_totals_of_one_quantity_do_not_touch_the_other() -> None:
    unknown, some = Observed.missing(1), Observed.quantities([30])
    machines = estate([Machine(disks=[Disk(30, 10, 10, 5, 5), Disk(30, 10, None, 1, None)])])
    machines = replace(machines, disk_totals=DiskTotals(unknown, unknown, some, some))
    required = requirement(machines, Target.of(westus(), Settings(comfort_factor=Decimal(1))))
    assert (number(int(required.disk_iops.values[0])), number(int(required.disk_mbps.values[0]))) == (30, 60)


def test_stated_traffic_counts_where_not_every_adapter_has_its_own() -> None:
    machines = estate([Machine(nics=[Nic(1.0), Nic()]), Machine(nics=[Nic(9.0), Nic()])])
    out = Observed.quantities([2.5, 2.5])
    required = requirement(replace(machines, nic_totals=NicTotals(out, out)), Target.of(westus(), Settings()))
    assert [number(value) for value in required.network_mbps.values] == [26, 93.6]


def test_the_trace_tells_the_totals_of_an_import() -> None:
    some = Observed.quantities([1.5])
    totals = NicTotals(some, Observed.missing(1))
    disks = DiskTotals(Observed.quantities([100]), some, Observed.missing(1), some)
    machines = replace(estate([Machine(imported=True, cpu=10)]), nic_totals=totals, disk_totals=disks)
    told = explain(machines, 0, westus(), Settings())
    assert [(one.metric, one.value, one.points) for one in told.observed] == [
        ("cpu_percent", Decimal(10), 0),
        ("memory_percent", None, 0),
        ("disk_read_iops", Decimal(100), 0),
        ("disk_write_iops", Decimal("1.5"), 0),
        ("disk_write_mbps", Decimal("1.5"), 0),
        ("network_received_mbps", Decimal("1.5"), 0),
    ]


def test_reads_and_writes_are_added_after_the_percentile() -> None:
    """C07: each series' percentile is 95, though their sum is 101 at every instant."""
    machine = Machine(disks=[Disk(30, 95, 95, 0, 0)])
    required = requirement(estate([machine]), Target.of(westus(), Settings(comfort_factor=Decimal(1))))
    assert number(int(required.disk_iops.values[0])) == 190


# ---- confidence ----
@pytest.mark.parametrize(
    ("have", "window", "percent", "stars"),
    [
        (72, 144, 50.0, 3),
        (144, 1008, 14.2857, 1),
        (144, 144, 100.0, 5),
        (0, 144, 0.0, 1),
        (200, 144, 100.0, 5),
        (1, 5, 20.0, 1),
    ],
)
def test_confidence_is_the_share_of_points_that_are_there(have: int, window: int, percent: float, stars: int) -> None:
    """D02, D03; thresholds as Microsoft codes them: 20 % is still one star."""
    machine = Machine(
        cpu=1,
        memory=1,
        cpu_points=have,
        memory_points=have,
        expected_points=window,
        disks=[Disk(30, 1, 1, 1, 1, points=have)],
        nics=[Nic(1, 1, points=have)],
    )
    rating = assess(estate([machine]), westus(), Settings()).confidence
    assert (rating.applicable[0], number(int(rating.percent[0])), rating.stars[0]) == (True, percent, stars)


def test_confidence_of_an_assessment_is_the_mean_of_its_machines() -> None:
    """D05: (100 + 100 + 0) / 3."""
    full = Machine(cpu_points=144, memory_points=144, disks=[], nics=[])
    answer = assess(estate([full, full, Machine()]), westus(), Settings())
    assert answer.assessment_confidence.percent == 666_667
    assert answer.assessment_confidence.stars == 4


def test_confidence_does_not_apply_to_imports_and_as_on_premises() -> None:
    """D06."""
    imported = assess(estate([Machine(imported=True)]), westus(), Settings())
    as_is = assess(estate([Machine()]), westus(), Settings(sizing_criterion="as_on_premises"))
    assert (imported.confidence.applicable[0], imported.confidence.reason[0]) == (False, 2)
    assert (as_is.confidence.applicable[0], as_is.confidence.reason[0]) == (False, 1)
    assert imported.assessment_confidence.percent is None


def test_rule_sets_are_dated_in_order() -> None:
    dates = [rules.valid_from for rules in RULE_SETS.values()]
    assert dates == sorted(dates)
