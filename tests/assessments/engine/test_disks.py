"""Which managed disk each disk gets. Codes such as E02 are those of the rule book's test vectors."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from assessments.engine.assess import assess
from assessments.engine.disks import allowed_types
from assessments.engine.fixed_point import MONEY_SCALE, billionths, scaled
from assessments.engine.flexible_disks import premium_v2, ultra
from assessments.engine.recommendations import Recommendations
from assessments.engine.rule_sets import AM_2025
from assessments.engine.settings import DiskType, RuleSetName, Settings, SizingCriterion
from assessments.engine.target import Target
from assessments.engine.values import DISK_TYPES, Catalog
from tests.assessments.engine.estate import (
    Disk,
    Machine,
    Offerings,
    Size,
    Tier,
    against,
    cents,
    estate,
    number,
    premium_v2_terms,
    ultra_terms,
    westus,
)

BIG = Size("big", vcpus=64, memory_mb=10**6, data_disks=64, ultra=True, disk_iops=10**6, disk_mbps=10**5)
V2 = premium_v2_terms(gib_hour="0.0001", iops_hour="0.00001", mbps_hour="0.0001")
ULTRA = ultra_terms(gib_hour="0.0002", iops_hour="0.00007", mbps_hour="0.0005")
EVERYTHING = Offerings([BIG], premium_v2=V2, ultra=ULTRA).catalog()


def choose(
    disks: list[Disk],
    *,
    factor: str = "1",
    types: tuple[DiskType, ...] = (),
    rules: RuleSetName = "am-2025",
    criterion: SizingCriterion = "performance_based",
    catalog: Catalog = EVERYTHING,
) -> Recommendations:
    settings = Settings(comfort_factor=Decimal(factor), disk_types=types, rule_set=rules, sizing_criterion=criterion)
    return assess(estate([Machine(disks=disks)]), catalog, settings)


def names(answer: Recommendations, catalog: Catalog = EVERYTHING) -> list[str | None]:
    """Tier, or type where there is no tier, or None."""
    disks = answer.disks
    return [
        (catalog.disk_tiers.names[disks.tier[row]] if disks.has_tier[row] else DISK_TYPES[disks.type[row]])
        if disks.known[row]
        else None
        for row in range(len(disks.known))
    ]


def findings(answer: Recommendations, disk: int = 0) -> list[str]:
    return [issue.code for issue in answer.disks.finding_list(disk)]


def busy(size_gb: float, iops: float, mbps: float) -> Disk:
    return Disk(size_gb, read_iops=iops, write_iops=0, read_mbps=mbps, write_mbps=0)


def test_two_disks_of_a_real_machine_and_their_price() -> None:
    """A04: 5.888 + 3.008 = 8.896."""
    answer = choose([Disk(127), Disk(39.99)], rules="am-2020-09")
    assert names(answer) == ["S10", "S6"]
    assert cents(int(answer.monthly_storage_cost.values[0])) == "8.90"


Types = tuple[DiskType, ...]
PREMIUM: Types = ("premium_ssd",)
CASES: list[tuple[str, Disk, str, tuple[DiskType, ...], str | None]] = [
    ("E02 the factor pushes over the limit of S10", busy(100, 400, 20), "1.3", (), "P15"),
    ("E03 exactly at the limit stays", busy(100, 400, 20), "1.25", (), "S10"),
    ("E05 just over the size", busy(128.01, 10, 1), "1", PREMIUM, "P15"),
    ("E06 more IOPS than Premium has", busy(500, 16_000, 100), "1.3", PREMIUM, None),
    ("T21 32 GB with 800 IOPS", busy(32, 800, 1), "1", PREMIUM, "P15"),
    ("throughput alone", busy(32, 10, 300), "1", PREMIUM, "P60"),
    ("the cheapest may be larger", busy(4, 10, 1), "1", ("standard_hdd",), "S4"),
    ("reads and writes add up", Disk(100, 300, 201, 1, 1), "1", (), "P15"),
    ("negative counters count as none", Disk(100, -300, 100, -1, 1), "1", (), "S10"),
    ("one known direction is enough", Disk(100, read_iops=600), "1", (), "P15"),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_size_iops_and_throughput_decide(case: tuple[str, Disk, str, tuple[DiskType, ...], str | None]) -> None:
    _, disk, factor, types, expected = case
    assert names(choose([disk], factor=factor, types=types)) == [expected]


@pytest.mark.parametrize(
    ("disk", "rules", "types", "expected"),
    [
        pytest.param(busy(500, 20_800, 1), "am-2025", PREMIUM, ["no_suitable_disk_size_for_iops"], id="E06"),
        pytest.param(busy(500, 1, 901), "am-2025", PREMIUM, ["no_suitable_disk_size_for_throughput"], id="throughput"),
        pytest.param(
            busy(500, 20_800, 901),
            "am-2025",
            PREMIUM,
            ["no_suitable_disk_size_for_iops", "no_suitable_disk_size_for_throughput"],
            id="both",
        ),
        pytest.param(Disk(33_000), "am-2019-07", (), ["disk_size_greater_than_supported"], id="E08"),
        pytest.param(Disk(65_537), "am-2025", (), ["disk_size_greater_than_supported"], id="E09"),
    ],
)
def test_the_reason_why_no_disk_fits_is_told(
    disk: Disk, rules: RuleSetName, types: tuple[DiskType, ...], expected: list[str]
) -> None:
    answer = choose([disk], rules=rules, types=types)
    assert findings(answer) == expected
    assert [issue.code for issue in answer.finding_list(0)] == ["one_or_more_disks_not_suitable"]
    assert answer.readiness_of(0) == "not_ready"


def test_iops_and_throughput_that_no_tier_has_together_blame_the_later_one() -> None:
    tiers = [Tier("fast", "premium_ssd", 100, 5000, 10, "1"), Tier("wide", "premium_ssd", 100, 10, 500, "1")]
    catalog = Offerings([BIG], tiers=tiers).catalog()
    assert findings(choose([busy(50, 4000, 400)], types=PREMIUM, catalog=catalog)) == [
        "no_suitable_disk_size_for_throughput"
    ]


def test_64_tb_are_allowed_and_not_more() -> None:
    """E09."""
    os_disk = Disk(30)
    answer = choose([os_disk, Disk(65_536)], types=("premium_ssd_v2",))
    assert names(answer) == ["P4", "premium_ssd_v2"]
    assert names(choose([os_disk, Disk(65_537)], types=("premium_ssd_v2", "ultra"))) == ["P4", None]


def test_a_region_without_prices_for_the_type_offers_no_disk() -> None:
    catalog = Offerings([BIG], tiers=[Tier("S10", "standard_hdd", 128, 500, 60, "5.89")]).catalog()
    assert findings(choose([Disk(30)], types=PREMIUM, catalog=catalog)) == ["no_disk_size_found_in_selected_location"]
    assert names(choose([Disk(30), Disk(30)], types=("ultra", "premium_ssd_v2"), catalog=catalog), catalog) == [
        None,
        None,
    ]


def test_a_region_without_any_disk_price_costs_the_storage_cost_only() -> None:
    catalog = Offerings([BIG], tiers=[]).catalog()
    answer = choose([Disk(30)], catalog=catalog)
    assert (findings(answer), names(answer, catalog)) == ([], [None])
    assert answer.readiness_of(0) == "ready"
    assert answer.chosen.monthly_compute_cost.known[0]
    assert not answer.monthly_storage_cost.known[0]
    assert "cannot_report_storage_cost" in [issue.code for issue in answer.data_issue_list(0)]


# ---- which types ----
AUTOMATIC: Types = ("standard_hdd", "standard_ssd", "premium_ssd")
HDD: Types = ("standard_hdd",)
SSD: Types = ("standard_ssd",)
ONLY_V2: Types = ("premium_ssd_v2",)
ONLY_ULTRA: Types = ("ultra",)
AllowedCase = tuple[str, RuleSetName, SizingCriterion, Types, bool, Types, Types]
TYPES: list[AllowedCase] = [
    # id, rules, criterion, chosen, counters missing -> OS disk, data disk
    ("automatic", "am-2025", "performance_based", (), False, AUTOMATIC, AUTOMATIC),
    ("E15 roles", "am-2025", "performance_based", PREMIUM, False, PREMIUM, ONLY_V2),
    ("no v2 before 2025", "am-2020-09", "performance_based", PREMIUM, False, PREMIUM, PREMIUM),
    ("as is, default Premium 2019", "am-2019-07", "as_on_premises", (), True, PREMIUM, PREMIUM),
    ("as is, automatic 2020", "am-2020-09", "as_on_premises", (), True, AUTOMATIC, AUTOMATIC),
    ("as is, default Premium 2025", "am-2025", "as_on_premises", (), True, PREMIUM, ONLY_V2),
    ("missing counters 2019", "am-2019-07", "performance_based", (), True, SSD, SSD),
    ("A18 only HDD allowed", "am-2019-07", "performance_based", HDD, True, HDD, HDD),
    ("missing counters 2020", "am-2020-09", "performance_based", (), True, AUTOMATIC, AUTOMATIC),
    ("Ultra holds no system", "am-2025", "performance_based", ONLY_ULTRA, False, PREMIUM, ONLY_ULTRA),
    ("v2 named twice", "am-2025", "performance_based", (*PREMIUM, *ONLY_V2), False, PREMIUM, ONLY_V2),
]


@pytest.mark.parametrize("case", TYPES, ids=[case[0] for case in TYPES])
def test_allowed_types_by_role_rules_and_data(case: AllowedCase) -> None:
    _, rules, criterion, types, missing, os_disk, data_disk = case
    target = Target.of(EVERYTHING, Settings(sizing_criterion=criterion, disk_types=types, rule_set=rules))
    assert allowed_types(target, is_os_disk=True, no_counters=missing) == os_disk
    assert allowed_types(target, is_os_disk=False, no_counters=missing) == data_disk


def test_data_disks_stay_on_premium_where_v2_has_no_price() -> None:
    target = Target.of(westus(), Settings(disk_types=PREMIUM))
    assert allowed_types(target, is_os_disk=False, no_counters=False) == PREMIUM


@pytest.mark.parametrize(("rules", "tier"), [("am-2020-09", "S10"), ("am-2019-07", "E10"), ("am-2025", "S10")])
def test_a_disk_without_counters_is_sized_by_its_size(rules: RuleSetName, tier: str) -> None:
    """E11: the exports of 2020 take the cheapest tier; the page of 2019 says Standard SSD."""
    assert names(choose([Disk(80)], rules=rules)) == [tier]


def test_equal_prices_go_to_the_type_named_first() -> None:
    tiers = [Tier("E", "standard_ssd", 100, 500, 60, "1"), Tier("S", "standard_hdd", 100, 500, 60, "1")]
    catalog = Offerings([BIG], tiers=tiers).catalog()
    assert names(choose([Disk(30)], types=("standard_ssd", "standard_hdd"), catalog=catalog), catalog) == ["E"]
    assert names(choose([Disk(30)], types=("standard_hdd", "standard_ssd"), catalog=catalog), catalog) == ["S"]


# ---- Premium SSD v2 and Ultra ----
def one(value: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    return scaled([value])


def test_ultra_takes_the_largest_of_what_size_iops_and_throughput_ask() -> None:
    """E12 and G12: 256 GiB, 20,000 IOPS, 1,000 MB/s; 1.9512 an hour x 744 = 1,451.69."""
    given = ultra(ULTRA, one(200), one(20_000), one(1000))
    assert (given.size_gib[0], given.iops[0], given.mbps[0]) == (256, 20_000, 1000)
    assert cents(int(given.monthly_cost[0])) == "1451.69"


@pytest.mark.parametrize(
    ("size", "iops", "mbps", "expected"),
    [
        (4, 1, 0.5, (4, 100, 1)),  # the least that can be provisioned
        (4, 19_201, 1, (128, 19_201, 1)),  # 64 GiB end at 19,200 IOPS
        (4, 1, 1000, (16, 4000, 1000)),  # IOPS rise with the throughput; 8 GiB end at 600 MB/s
        (513, 1, 1, (1024, 100, 1)),
        (1025, 1, 1, (2048, 100, 1)),
    ],
)
def test_ultra_sizes(size: float, iops: float, mbps: float, expected: tuple[int, int, int]) -> None:
    given = ultra(ULTRA, one(size), one(iops), one(mbps))
    assert (given.size_gib[0], given.iops[0], given.mbps[0]) == expected
    assert given.size_fits[0]
    assert given.iops_fit[0]
    assert given.mbps_fit[0]


def test_ultra_has_its_limits() -> None:
    given = ultra(ULTRA, scaled([65_537, 4, 4]), scaled([1, 160_001, 1]), scaled([1, 1, 4001]))
    assert given.size_fits.tolist() == [False, True, True]
    assert given.iops_fit.tolist() == [True, False, True]
    assert given.mbps_fit.tolist() == [True, True, False]


def test_premium_v2_bills_what_exceeds_the_included() -> None:
    """E14: 100 GiB with 5,000 IOPS and 200 MB/s: 2,000 IOPS and 75 MB/s extra."""
    given = premium_v2(V2, one(100), one(5000), one(200))
    assert (given.size_gib[0], given.iops[0], given.mbps[0]) == (100, 5000, 200)
    hourly = Decimal("0.0001") * 100 + Decimal("0.00001") * 2000 + Decimal("0.0001") * 75
    assert Decimal(int(given.monthly_cost[0])) / MONEY_SCALE == hourly * 744


@pytest.mark.parametrize(
    ("size", "iops", "mbps", "expected"),
    [
        (1, 1, 1, (1, 3000, 125)),
        (100.2, 1, 1, (101, 3000, 125)),
        (4, 4000, 1, (8, 4000, 125)),  # 500 IOPS a GiB
        (4, 3001, 1, (7, 3001, 125)),  # nothing above the included up to 6 GiB
        (200, 1, 1000, (200, 4000, 1000)),  # a quarter MB/s an IOPS
    ],
)
def test_premium_v2_grows_where_the_load_asks(
    size: float, iops: float, mbps: float, expected: tuple[int, int, int]
) -> None:
    given = premium_v2(V2, one(size), one(iops), one(mbps))
    assert (given.size_gib[0], given.iops[0], given.mbps[0]) == expected


def test_premium_v2_has_its_limits() -> None:
    given = premium_v2(V2, scaled([65_537, 4, 4]), scaled([1, 80_001, 1]), scaled([1, 1, 2001]))
    assert given.size_fits.tolist() == [False, True, True]
    assert given.iops_fit.tolist() == [True, False, True]
    assert given.mbps_fit.tolist() == [True, True, False]


def test_the_cheaper_of_tiers_v2_and_ultra_wins() -> None:
    everything: tuple[DiskType, ...] = ("standard_hdd", "premium_ssd_v2", "ultra")
    answer = choose([Disk(30), busy(1000, 10, 1), busy(100, 5000, 10), busy(100, 120_000, 10)], types=everything)
    assert names(answer) == ["S4", "S30", "premium_ssd_v2", "ultra"]
    assert number(int(answer.disks.iops[3])) == 120_000


def test_premium_and_ultra_disks_need_sizes_that_take_them() -> None:
    plain = replace(BIG, name="plain", premium=False, ultra=False, linux="0.01")
    premium = replace(BIG, name="premium", ultra=False, linux="0.02")
    catalog = Offerings([plain, premium, BIG], premium_v2=V2, ultra=ULTRA).catalog()

    def size(*types: DiskType) -> str:
        answer = choose([Disk(30), Disk(30)], types=types, catalog=catalog)
        return catalog.sizes.names[int(answer.chosen.size[0])]

    assert [size("standard_hdd"), size("premium_ssd"), size("ultra")] == ["plain", "premium", "big"]


# ---- cost ----
def test_storage_cost_is_split_by_type() -> None:
    everything: tuple[DiskType, ...] = ("standard_hdd", "premium_ssd_v2", "ultra")
    answer = choose([Disk(30), busy(100, 5000, 10)], types=everything)
    by_type = answer.monthly_storage_cost_by_type[:, 0]
    assert cents(int(by_type[DISK_TYPES.index("standard_hdd")])) == "1.54"
    assert by_type.sum() == answer.monthly_storage_cost.values[0]
    assert (by_type > 0).tolist() == [True, False, False, True, False]


def test_storage_ignores_the_discount_unless_a_rule_set_says_otherwise() -> None:
    machine = estate([Machine(disks=[Disk(80)])])
    settings = Settings(discount_percent=Decimal(10))
    strict = Target.of(westus(), settings)
    assert against(machine, strict).monthly_storage_cost.number(0) == billionths("5.888")
    generous = replace(strict, rules=replace(AM_2025, discount_on_storage=True))
    assert against(machine, generous).monthly_storage_cost.number(0) == billionths("5.2992")


def test_every_missing_or_negative_counter_of_a_disk_is_flagged() -> None:
    answer = choose([Disk(0, read_iops=None, write_iops=-1, read_mbps=1, write_mbps=1)])
    assert [issue.code for issue in answer.disks.data_issue_list(0)] == [
        "number_of_read_operations_per_second_missing",
        "number_of_write_operations_per_second_out_of_range",
        "disk_gigabytes_provisioned_out_of_range",
    ]
