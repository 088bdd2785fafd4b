"""Which size a machine gets: real decisions (EXP20), documented arithmetic, and loads that force another size.

The codes at the start of a case (A01, H02 ...) are those of the rule book's test vectors.
"""

from decimal import Decimal

import numpy as np
import pytest

from assessments.engine.assess import assess
from assessments.engine.recommendations import Recommendations
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.settings import RuleSetName, Settings, UnknownLimits
from assessments.engine.values import Catalog
from tests.assessments.engine.estate import (
    LINUX,
    WINDOWS,
    Disk,
    Machine,
    Nic,
    Offerings,
    Size,
    cents,
    estate,
    number,
    westus,
    westus_sizes,
)

FAMILIES = ("dsv2", "fs", "dsv3", "ev3", "fsv2", "ls", "av2")
WITHOUT_A = FAMILIES[:-1]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return westus()


def size_of(answer: Recommendations, catalog: Catalog, machine: int = 0, scenario: str | None = None) -> str | None:
    place = answer.headline if scenario is None else SCENARIO_NAMES.index(scenario)
    chosen = answer.scenarios[place]
    return catalog.sizes.names[chosen.size[machine]] if chosen.monthly_compute_cost.known[machine] else None


def codes(answer: Recommendations, machine: int = 0) -> list[str]:
    return [issue.code for issue in answer.finding_list(machine)]


AS_IT_WAS = [
    # id, cores, memory, os, disks, nics, families, scenario, size, monthly cost
    ("A01 smallest", 1, 2048, LINUX, 3, 1, FAMILIES, "pay_as_you_go", "Standard_A1_v2", "31.99"),
    ("A02 the OS disk is no data disk", 1, 2048, LINUX, 4, 1, FAMILIES, "pay_as_you_go", "Standard_F1s", "46.13"),
    ("A05 six disks", 2, 4096, WINDOWS, 6, 1, FAMILIES, "pay_as_you_go", "Standard_F2s", "160.70"),
    ("A07 paid licence", 2, 16384, WINDOWS, 2, 1, FAMILIES, "pay_as_you_go", "Standard_A2m_v2", "167.40"),
    ("A08 own licence", 2, 16384, WINDOWS, 2, 1, FAMILIES, "pay_as_you_go_hybrid_benefit", "Standard_E2_v3", "110.11"),
    ("A10", 2, 4096, WINDOWS, 3, 1, WITHOUT_A, "reservation_1y_hybrid_benefit", "Standard_F2s_v2", "45.83"),
    ("A11 licence on top", 2, 8192, WINDOWS, 2, 1, WITHOUT_A, "reservation_3y", "Standard_D2s_v3", "105.50"),
    ("A13 three NICs", 16, 32768, WINDOWS, 3, 3, FAMILIES, "pay_as_you_go", "Standard_F16s_v2", "1178.50"),
    ("A14 three NICs", 4, 8192, WINDOWS, 1, 3, FAMILIES, "pay_as_you_go", "Standard_A4_v2", "212.78"),
    ("A15 just over 8 GiB", 4, 9000, LINUX, 3, 1, FAMILIES, "pay_as_you_go", "Standard_D4s_v3", "174.10"),
    ("A16 odd cores", 3, 4096, WINDOWS, 2, 1, FAMILIES, "pay_as_you_go", "Standard_A4_v2", "212.78"),
]


@pytest.mark.parametrize("case", AS_IT_WAS, ids=[str(case[0]) for case in AS_IT_WAS])
def test_real_decisions_of_2020_are_repeated(
    catalog: Catalog, case: tuple[str, int, int, str, int, int, tuple[str, ...], str, str, str]
) -> None:
    _, cores, memory, system, disks, nics, families, scenario, size, cost = case
    machine = Machine(cores=cores, memory_mb=memory, os=system, disks=[Disk()] * disks, nics=[Nic()] * nics)
    settings = Settings(sizing_criterion="as_on_premises", sku_families=families, rule_set="am-2020-09")
    answer = assess(estate([machine]), catalog, settings)
    assert size_of(answer, catalog, scenario=scenario) == size
    chosen = answer.scenarios[SCENARIO_NAMES.index(scenario)]
    assert cents(int(chosen.monthly_compute_cost.values[0])) == cost


def test_the_contract_example_without_any_data_is_repeated() -> None:
    """A18: REST example of 2019-10-01: RI hourly 0.135939 x 744, Standard HDD, everything missing."""
    size = Size(
        "Standard_F8s_v2", vcpus=8, memory_mb=16384, linux=None, three_year_term=str(Decimal("0.135939") * 744 * 36)
    )
    catalog = Offerings([size]).catalog()
    machine = Machine(cores=8, memory_mb=16384, os=WINDOWS, disks=[Disk(80)])
    settings = Settings(
        comfort_factor=Decimal(1), disk_types=("standard_hdd",), commitment="reservation_3y", rule_set="am-2019-07"
    )
    answer = assess(estate([machine]), catalog, settings)
    assert size_of(answer, catalog) == "Standard_F8s_v2"
    assert answer.chosen.total == 101_138_616_000
    assert answer.monthly_storage_cost.values[0] == 5_888_000_000
    assert catalog.disk_tiers.names[answer.disks.tier[0]] == "S10"
    assert number(answer.disks.size_gib[0]) == 128
    assert answer.readiness_of(0) == "ready"
    assert answer.confidence.percent[0] == 0
    assert [issue.azure_name for issue in answer.data_issue_list(0)] == [
        "PercentageOfCoresUtilizedMissing",
        "PercentageOfMemoryUtilizedMissing",
    ]
    assert [issue.azure_name for issue in answer.disks.data_issue_list(0)] == [
        "NumberOfReadOperationsPerSecondMissing",
        "NumberOfWriteOperationsPerSecondMissing",
        "MegabytesPerSecondOfReadMissing",
        "MegabytesPerSecondOfWriteMissing",
    ]
    assert "MegabytesOfDataTransmittedMissing" in [issue.azure_name for issue in answer.nic_data_issue_list(0)]


@pytest.mark.parametrize(
    ("first", "second", "families"),
    [
        ("Standard_D2s_v3", "Standard_D2_v3", ("dsv3", "dv3")),
        ("Standard_E2_v3", "Standard_E2s_v3", ("ev3", "esv3")),
        ("Standard_F1s", "Standard_F1", ("fs", "f")),
        ("Standard_DS12_v2", "Standard_D12_v2", ("dsv2", "dv2")),
    ],
)
def test_price_twins_go_to_the_family_named_first(first: str, second: str, families: tuple[str, ...]) -> None:
    """A21."""
    twins = [Size(second, series=families[1]), Size(first, series=families[0])]
    catalog = Offerings(twins).catalog()
    answer = assess(estate([Machine()]), catalog, Settings(sku_families=families))
    assert size_of(answer, catalog) == first


def test_ties_within_a_family_go_to_fewer_vcpus_then_less_memory_then_the_name() -> None:
    sizes = [
        Size("D", vcpus=4, memory_mb=4096),
        Size("C", vcpus=2, memory_mb=8192),
        Size("B", vcpus=2, memory_mb=4096),
        Size("A", vcpus=2, memory_mb=4096),
    ]
    catalog = Offerings(sizes).catalog()
    assert size_of(assess(estate([Machine()]), catalog, Settings()), catalog) == "A"


# ---- under performance load: series Dsv3 alone, unless told otherwise ----
LOADS = [
    ("H01", 8, 40, 32, 30, "1.3", [(300, 10), (400, 20)], 5, ("dsv3",), "Standard_D8s_v3"),
    ("H02 storage IOPS", 2, 50, 8, 50, "1.0", [(3000, 20), (1000, 10)], 1, ("dsv3",), "Standard_D4s_v3"),
    ("H05 premium disk", 2, 100, 16, 100, "1.0", [(600, 5)], 1, ("ev3", "dsv3"), "Standard_D4s_v3"),
]


@pytest.mark.parametrize("case", LOADS, ids=[str(case[0]) for case in LOADS])
def test_load_decides_the_size(
    catalog: Catalog,
    case: tuple[str, int, float, int, float, str, list[tuple[float, float]], float, tuple[str, ...], str],
) -> None:
    _, cores, cpu, memory_gb, memory, factor, disks, out, families, size = case
    machine = Machine(
        cores=cores,
        memory_mb=memory_gb * 1024,
        cpu=cpu,
        memory=memory,
        disks=[Disk(100, read_iops=iops, write_iops=0, read_mbps=mbps, write_mbps=0) for iops, mbps in disks],
        nics=[Nic(transmitted_mbps=out, received_mbps=0)],
    )
    settings = Settings(comfort_factor=Decimal(factor), sku_families=families)
    assert size_of(assess(estate([machine]), catalog, settings), catalog) == size


def test_a_storage_load_that_no_size_of_the_series_carries_is_the_reason(catalog: Catalog) -> None:
    """H04: 30,000 IOPS against at most 25,600; another series would do, which is said too."""
    disks = [Disk(1000, read_iops=iops, write_iops=0, read_mbps=50, write_mbps=0) for iops in (20_000, 10_000)]
    machine = Machine(cores=2, memory_mb=8192, cpu=10, memory=10, disks=disks, nics=[Nic(1, 0)])
    answer = assess(
        estate([machine]),
        catalog,
        Settings(comfort_factor=Decimal(1), sku_families=("dsv3",), disk_types=("premium_ssd",)),
    )
    assert codes(answer) == ["no_vm_size_supports_storage_performance", "no_vm_size_in_selected_family_found"]
    assert size_of(answer, catalog) is None
    assert answer.readiness_of(0) == "not_ready"
    assert not answer.monthly_storage_cost.known[0]


# ---- why nothing fits ----
def only(**changes: object) -> Catalog:
    return Offerings([Size("only", **changes)]).catalog()  # type: ignore[arg-type]


BUSY = Machine(cpu=10, memory=10, disks=[Disk(30, 10, 10, 1, 1)], nics=[Nic(1, 1)])
REASONS = [
    ("region", {"available": False}, BUSY, Settings(), ["no_vm_size_for_selected_azure_location"]),
    ("tier", {"standard_tier": False}, BUSY, Settings(), ["no_vm_size_for_selected_pricing_tier"]),
    ("series", {}, BUSY, Settings(sku_families=("ev5",)), ["no_vm_size_in_selected_family_found"]),
    ("disk IOPS", {"disk_iops": 25}, BUSY, Settings(), ["no_vm_size_supports_storage_performance"]),
    ("disk MB/s", {"disk_mbps": 2.5}, BUSY, Settings(), ["no_vm_size_supports_storage_performance"]),
    (
        "data disks",
        {"data_disks": 0},
        Machine(disks=[Disk(), Disk()]),
        Settings(),
        ["no_vm_size_supports_storage_performance"],
    ),
    ("NICs", {"nics": 1}, Machine(nics=[Nic(), Nic()]), Settings(), ["no_vm_size_supports_network_performance"]),
    ("network", {"network_mbps": 10}, BUSY, Settings(), ["no_vm_size_supports_network_performance"]),
    ("cores", {"vcpus": 2}, Machine(cores=3), Settings(), ["no_suitable_vm_size_found"]),
    ("memory", {"memory_mb": 1024}, Machine(), Settings(), ["no_suitable_vm_size_found"]),
    (
        "storage and compute",
        {"data_disks": 0, "vcpus": 2},
        Machine(cores=3, disks=[Disk(), Disk()]),
        Settings(),
        ["no_vm_size_supports_storage_performance", "no_suitable_vm_size_found"],
    ),
    ("price", {"linux": None}, BUSY, Settings(), ["no_vm_size_found_for_offer_currency_reserved_instance"]),
    ("a price of zero", {"linux": "0"}, BUSY, Settings(), ["no_vm_size_found_for_offer_currency_reserved_instance"]),
    (
        "unknown disk limit",
        {"disk_iops": None},
        BUSY,
        Settings(),
        ["no_vm_size_supports_storage_performance", "limit_unknown"],
    ),
    (
        "unknown network limit",
        {"network_mbps": None},
        BUSY,
        Settings(unknown_limits=UnknownLimits(network="refuse")),
        ["no_vm_size_supports_network_performance", "limit_unknown"],
    ),
]


@pytest.mark.parametrize("case", REASONS, ids=[str(case[0]) for case in REASONS])
def test_what_leaves_no_size_is_named(case: tuple[str, dict[str, object], Machine, Settings, list[str]]) -> None:
    _, changes, machine, settings, expected = case
    answer = assess(estate([machine]), only(**changes), settings)
    assert codes(answer) == expected
    assert answer.readiness_of(0) == "not_ready"
    assert not answer.chosen.monthly_compute_cost.known[0]


def test_constraints_that_only_together_leave_nothing_name_the_last_stage() -> None:
    catalog = Offerings([Size("disks", data_disks=8, vcpus=1), Size("cores", data_disks=0, vcpus=8)]).catalog()
    answer = assess(estate([Machine(cores=4, disks=[Disk(), Disk()])]), catalog, Settings())
    assert codes(answer) == ["no_suitable_vm_size_found"]


def test_an_unknown_limit_matters_only_to_a_machine_with_that_load() -> None:
    catalog = only(disk_iops=None, disk_mbps=None, network_mbps=None)
    idle = assess(estate([Machine()]), catalog, Settings())
    assert size_of(idle, catalog) == "only"
    assert "network_limit_unknown" not in [issue.code for issue in idle.data_issue_list(0)]


def test_an_accepted_unknown_limit_is_told() -> None:
    catalog = only(disk_iops=None, network_mbps=None)
    answer = assess(estate([BUSY]), catalog, Settings(unknown_limits=UnknownLimits(disk="accept_with_issue")))
    assert size_of(answer, catalog) == "only"
    assert [issue.code for issue in answer.data_issue_list(0)] == ["disk_limit_unknown", "network_limit_unknown"]


def test_arm_and_accelerated_sizes_are_never_taken() -> None:
    catalog = Offerings([Size("arm", linux="0.01", considered=False), Size("x64")]).catalog()
    assert size_of(assess(estate([Machine()]), catalog, Settings()), catalog) == "x64"


def test_a_scenario_without_prices_says_so_and_the_others_stand() -> None:
    catalog = only(windows="0.2", one_year_term="500")
    answer = assess(estate([Machine(os=WINDOWS)]), catalog, Settings(commitment="reservation_3y"))
    assert codes(answer) == ["no_vm_size_found_for_offer_currency_reserved_instance"]
    assert answer.headline_name == "reservation_3y_hybrid_benefit"
    priced = {name for name, scenario in zip(SCENARIO_NAMES, answer.scenarios, strict=True) if scenario.priced_machines}
    assert priced == {
        "pay_as_you_go",
        "pay_as_you_go_hybrid_benefit",
        "reservation_1y",
        "reservation_1y_hybrid_benefit",
    }
    assert answer.scenarios[SCENARIO_NAMES.index("dev_test")].unpriced[0] == 2


def test_a_machine_that_is_not_ready_has_no_price_in_any_scenario(catalog: Catalog) -> None:
    answer = assess(estate([Machine(cores=200)]), catalog, Settings(sizing_criterion="as_on_premises"))
    assert all(not scenario.priced_machines and scenario.unpriced[0] == 1 for scenario in answer.scenarios)


def test_an_estate_of_no_machines_is_assessed(catalog: Catalog) -> None:
    answer = assess(estate([]), catalog, Settings())
    assert len(answer.readiness) == 0
    assert answer.assessment_confidence.percent is None


def test_sizes_of_other_series_never_count(catalog: Catalog) -> None:
    settings = Settings(comfort_factor=Decimal(1), sku_families=("dsv3",))
    answer = assess(estate([Machine(cores=2, memory_mb=16384)]), catalog, settings)
    assert size_of(answer, catalog) == "Standard_D4s_v3"
    assert {size.series for size in westus_sizes()} > {"dsv3", "ev3"}


def test_a_large_estate_and_catalog_get_what_each_machine_gets_alone() -> None:
    """More classes of machines and more ranked sizes than the engine looks at in one step."""
    sizes = [
        Size(f"{vcpus} x {gib}", vcpus=vcpus, memory_mb=gib * 1024, linux=f"{vcpus + gib / 8}", nics=8, data_disks=32)
        for vcpus in range(1, 41)
        for gib in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    ]
    catalog = Offerings(sizes).catalog()
    machines = estate(
        [
            Machine(cores=1 + row % 40, memory_mb=1024 * (1 + row % 61), disks=[Disk()] * (1 + row % 3))
            for row in range(3000)
        ]
    )
    settings = Settings(comfort_factor=Decimal(1))
    together = assess(machines, catalog, settings)
    for row in range(0, 3000, 211):
        alone = assess(machines.take(np.array([row])), catalog, settings)
        assert size_of(together, catalog, row) == size_of(alone, catalog)
        assert together.chosen.monthly_compute_cost.number(row) == alone.chosen.total


@pytest.mark.parametrize(
    ("boot", "rules", "expected"),
    [
        ("bios", "am-2025", "older"),
        ("unknown", "am-2025", "older"),
        ("uefi", "am-2025", "newer"),
        ("bios", "am-2020-09", "newer"),
    ],
)
def test_a_bios_machine_gets_a_size_that_runs_generation_1(boot: str, rules: RuleSetName, expected: str) -> None:
    """UE25: BIOS machines become generation 1 only; the newest series run generation 2 only, and cost less."""
    catalog = Offerings([Size("older", linux="0.2"), Size("newer", linux="0.1", generation_1=False)]).catalog()
    machine = Machine(boot=boot)
    answer = assess(estate([machine]), catalog, Settings(rule_set=rules, hybrid_benefit="none"))
    assert size_of(answer, catalog) == expected
