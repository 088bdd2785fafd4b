"""What a size costs a month in each scenario. Codes such as G02 are those of the rule book's test vectors."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from assessments.engine.assess import assess
from assessments.engine.fixed_point import multiply_ceiling, multiply_half_up, scaled, scaled_number
from assessments.engine.protection import SITE_RECOVERY_MONTH, backup_instance_fee, backup_storage_fee
from assessments.engine.recommendations import UNPRICED_REASONS
from assessments.engine.rule_sets import RULE_SETS
from assessments.engine.scenarios import COMMITMENTS, SCENARIO_NAMES, SCENARIOS, headline_scenario
from assessments.engine.settings import Commitment, HybridBenefit, Offer, Settings, Uptime, conflicts
from tests.assessments.engine.estate import WINDOWS, Machine, Offerings, Size, cents, estate, number, westus

RHEL = "Red Hat Enterprise Linux 8 (64-bit)"
SLES = "SUSE Linux Enterprise 15 (64-bit)"
D2S = Size(
    "Standard_D2s_v3",
    linux="0.117",
    windows="0.209",
    one_year_term="695",
    three_year_term="1334",
    savings_1y="0.080",
    savings_3y="0.060",
    dev_test="0.110",
)


def costs(settings: Settings, *, os: str = WINDOWS, size: Size = D2S) -> dict[str, str]:
    """Monthly cost of one machine in every scenario that has one."""
    answer = assess(estate([Machine(os=os)]), Offerings([size]).catalog(), settings)
    return {
        name: cents(int(scenario.monthly_compute_cost.values[0]))
        for name, scenario in zip(SCENARIO_NAMES, answer.scenarios, strict=True)
        if scenario.monthly_compute_cost.known[0]
    }


def test_all_scenarios_of_a_windows_machine_come_from_one_run() -> None:
    """G06: 695 / 12 + 0.092 x 744; a savings plan is its rate x 744; Dev/Test pays no Windows license."""
    assert costs(Settings()) == {
        "pay_as_you_go": "155.50",
        "pay_as_you_go_hybrid_benefit": "87.05",
        "reservation_1y": "126.36",
        "reservation_1y_hybrid_benefit": "57.92",
        "reservation_3y": "105.50",
        "reservation_3y_hybrid_benefit": "37.06",
        "savings_plan_1y": "127.97",
        "savings_plan_1y_hybrid_benefit": "59.52",
        "savings_plan_3y": "113.09",
        "savings_plan_3y_hybrid_benefit": "44.64",
        "dev_test": "81.84",
    }


def test_a_linux_machine_costs_the_same_with_and_without_the_hybrid_benefit() -> None:
    given = costs(Settings(), os="Ubuntu 22.04")
    for name in SCENARIO_NAMES[:-1:2]:
        assert given[name] == given[f"{name}_hybrid_benefit"]


def test_discount_comes_off_pay_as_you_go() -> None:
    """G02: 155.496 x 0.9."""
    given = costs(Settings(discount_percent=Decimal(10)))
    assert given["pay_as_you_go"] == "139.95"
    assert given["dev_test"] == "73.66"


def test_uptime_and_discount_and_hybrid_benefit_together() -> None:
    """G03: 0.117 x 264 x 0.85."""
    settings = Settings(discount_percent=Decimal(15), uptime=Uptime(days_per_month=22, hours_per_day=12))
    assert costs(settings)["pay_as_you_go_hybrid_benefit"] == "26.25"


def test_commitments_ignore_discount_and_uptime_under_the_strict_rule() -> None:
    """G08: 0.080 x 744 whatever the uptime."""
    reduced = Settings(discount_percent=Decimal(10), uptime=Uptime(20, 10))
    plain, given = costs(Settings()), costs(reduced)
    for name in ("reservation_1y", "reservation_3y_hybrid_benefit", "savings_plan_1y_hybrid_benefit"):
        assert given[name] == plain[name]


def test_combined_commitments_are_discounted_and_pay_the_licence_by_the_hour() -> None:
    settings = Settings(discount_percent=Decimal(10), uptime=Uptime(20, 10), commitment_rule="combine")
    given = costs(settings)
    assert given["reservation_1y_hybrid_benefit"] == "52.13"  # 57.9167 x 0.9
    assert given["reservation_1y"] == "68.69"  # (57.9167 + 0.092 x 200) x 0.9
    assert given["savings_plan_1y_hybrid_benefit"] == "53.57"  # 59.52 x 0.9: the plan runs all month


def test_a_month_has_744_hours_unless_the_uptime_says_otherwise() -> None:
    """G09."""
    hourly = replace(D2S, linux="1.0")
    assert costs(Settings(), os="Ubuntu", size=hourly)["pay_as_you_go"] == "744.00"
    assert costs(Settings(uptime=Uptime(30, 24)), os="Ubuntu", size=hourly)["pay_as_you_go"] == "720.00"


# ---- prices that are not there ----
@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        ({"linux": None}, {"pay_as_you_go_hybrid_benefit", *COMMITMENTS}),  # the licence is unknown then
        ({"windows": None}, {"pay_as_you_go", *COMMITMENTS}),
        ({"one_year_term": None}, {"reservation_1y", "reservation_1y_hybrid_benefit"}),
        ({"three_year_term": "0"}, {"reservation_3y", "reservation_3y_hybrid_benefit"}),
        ({"savings_1y": None}, {"savings_plan_1y", "savings_plan_1y_hybrid_benefit"}),
        ({"savings_3y": "-1"}, {"savings_plan_3y", "savings_plan_3y_hybrid_benefit"}),
        ({"dev_test": None}, {"dev_test"}),
        ({"windows": "0.1"}, {*COMMITMENTS}),  # Windows below Linux gives no licence
    ],
)
def test_a_missing_price_is_never_replaced_by_another(missing: dict[str, str | None], lost: set[str]) -> None:
    given = costs(Settings(), size=replace(D2S, **missing))  # type: ignore[arg-type]
    assert set(SCENARIO_NAMES) - set(given) == lost


def test_a_given_licence_serves_where_the_difference_is_unknown() -> None:
    given = costs(Settings(), size=replace(D2S, linux=None, windows=None, licence="0.092"))
    assert given["reservation_1y"] == "126.36"
    assert "pay_as_you_go" not in given


def test_totals_count_the_machines_they_stand_for() -> None:
    sizes = [replace(D2S, name="small"), replace(D2S, name="large", vcpus=64, one_year_term=None, linux="3")]
    answer = assess(estate([Machine(), Machine(cores=32)]), Offerings(sizes).catalog(), Settings(hybrid_benefit="none"))
    reserved = answer.scenarios[SCENARIO_NAMES.index("reservation_1y")]
    assert (answer.chosen.priced_machines, reserved.priced_machines) == (2, 1)
    assert reserved.total == int(reserved.monthly_compute_cost.values[0])


# ---- Linux subscriptions ----
def test_linux_subscriptions_are_paid_unless_the_benefit_covers_them() -> None:
    size = replace(D2S, rhel="0.06", sles="0.05")
    paid = costs(Settings(hybrid_benefit="windows"), os=RHEL, size=size)
    covered = costs(Settings(hybrid_benefit="windows_and_linux"), os=RHEL, size=size)
    assert paid["pay_as_you_go"] == paid["pay_as_you_go_hybrid_benefit"] == "131.69"  # (0.117 + 0.06) x 744
    assert covered["pay_as_you_go_hybrid_benefit"] == "87.05"
    assert covered["dev_test"] == "81.84"
    assert paid["dev_test"] == "126.48"  # (0.110 + 0.06) x 744: Dev/Test waives what is Microsoft's only
    assert paid["reservation_1y"] == "102.56"  # 57.9167 + 0.06 x 744
    assert costs(Settings(), os=SLES, size=size)["pay_as_you_go"] == "124.25"
    assert costs(Settings(rule_set="am-2020-09"), os=RHEL, size=size)["pay_as_you_go"] == "87.05"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Settings(), True),
        (Settings(hybrid_benefit="windows_and_linux"), False),
        (Settings(offer="dev_test"), True),
        (Settings(offer="dev_test", hybrid_benefit="windows_and_linux"), False),
        (Settings(rule_set="am-2020-09"), False),
    ],
)
def test_a_subscription_without_a_price_is_left_out_and_told(settings: Settings, told: bool) -> None:
    answer = assess(estate([Machine(os=RHEL)]), Offerings([D2S]).catalog(), settings)
    codes = [issue.code for issue in answer.data_issue_list(0)]
    assert ("linux_subscription_price_unknown" in codes) is told


# ---- the headline and what excludes each other ----
@pytest.mark.parametrize(
    ("offer", "commitment", "benefit", "name"),
    [
        ("pay_as_you_go", "none", "none", "pay_as_you_go"),
        ("pay_as_you_go", "none", "windows", "pay_as_you_go_hybrid_benefit"),
        ("pay_as_you_go", "reservation_3y", "none", "reservation_3y"),
        ("pay_as_you_go", "savings_plan_1y", "windows_and_linux", "savings_plan_1y_hybrid_benefit"),
        ("dev_test", "none", "none", "dev_test"),
        ("dev_test", "none", "windows", "dev_test"),
        ("dev_test", "reservation_1y", "none", "reservation_1y_hybrid_benefit"),
    ],
)
def test_the_headline_is_the_chosen_scenario(
    offer: Offer, commitment: Commitment, benefit: HybridBenefit, name: str
) -> None:
    settings = Settings(offer=offer, commitment=commitment, hybrid_benefit=benefit)
    assert SCENARIOS[headline_scenario(settings)].name == name


def excluded(settings: Settings) -> list[tuple[str, str]]:
    return [(one.first, one.second) for one in conflicts(settings, RULE_SETS[settings.rule_set].disk_types)]


def test_a_strict_commitment_excludes_discount_uptime_and_dev_test() -> None:
    """G05."""
    settings = Settings(
        commitment="reservation_1y", discount_percent=Decimal(5), uptime=Uptime(20, 10), offer="dev_test"
    )
    both = [("commitment", "discount_percent"), ("commitment", "uptime"), ("commitment", "offer")]
    assert excluded(settings) == both
    assert excluded(replace(settings, commitment_rule="combine")) == []
    assert excluded(replace(settings, commitment="none")) == []
    assert excluded(Settings(commitment="savings_plan_3y")) == []


def test_disk_types_must_be_of_the_rule_set() -> None:
    assert excluded(Settings(disk_types=("ultra", "premium_ssd"), rule_set="am-2019-07")) == [
        ("disk_types", "rule_set")
    ]
    assert excluded(Settings(disk_types=("ultra", "premium_ssd"))) == []


def test_a_conflict_names_both_settings() -> None:
    settings = Settings(commitment="reservation_1y", discount_percent=Decimal(5))
    (conflict,) = conflicts(settings, ())
    assert "commitment reservation_1y" in conflict.message
    assert "discount_percent" in conflict.message


# ---- backup ----
def test_backup_costs_as_azure_migrate_explore_has_them() -> None:
    """G11."""
    storage = scaled([50, 51, 500, 501, 1200])
    assert [cents(int(fee)) for fee in backup_instance_fee(storage)] == ["5.00", "10.00", "10.00", "20.00", "30.00"]
    assert [cents(int(fee)) for fee in backup_storage_fee(storage)] == ["3.79", "3.86", "37.86", "37.93", "90.85"]
    assert cents(SITE_RECOVERY_MONTH) == "25.00"


# ---- numbers ----
@pytest.mark.parametrize("value", ["0.00005", 0.00005, Decimal("0.00005")])
def test_quantities_round_half_up_at_the_fourth_decimal(value: Decimal | float | str) -> None:
    assert scaled_number(value) == 1


def test_products_are_exact_beyond_what_64_bits_hold_at_once() -> None:
    values = np.array([10**15, 10**15 + 1, 0, 7], dtype=np.int64)
    assert multiply_ceiling(values, 12_999, 10_000).tolist() == [-(-v * 12_999 // 10_000) for v in values.tolist()]
    assert multiply_half_up(values, 999_999, 1_000_000).tolist() == [
        (2 * v * 999_999 + 10**6) // (2 * 10**6) for v in values.tolist()
    ]


def test_numbers_print_as_they_are() -> None:
    assert number(64_000) == 6.4


def test_unknown_readiness_has_no_cost_under_the_rules_of_2019() -> None:
    """C19: sized only when ready or conditionally ready. EXP20: a machine of unknown readiness has size and cost."""
    machine = Machine(os="Other (64-bit)", cpu=50, memory=50)
    old, later = (
        assess(estate([machine]), westus(), Settings(rule_set=rules)) for rules in ("am-2019-07", "am-2020-09")
    )
    assert old.readiness_of(0) == later.readiness_of(0) == "unknown"
    assert (old.chosen.priced_machines, later.chosen.priced_machines) == (0, 1)
    assert UNPRICED_REASONS[int(old.chosen.unpriced[0])] == "readiness_unknown"
    assert (old.monthly_storage_cost.number(0), later.monthly_storage_cost.known[0]) == (None, True)
