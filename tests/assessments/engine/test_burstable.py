"""Burstable sizes are taken only when the credits, simulated over the machine's own history, never run out."""

from decimal import Decimal

import numpy as np
import pytest

from assessments.engine.assess import assess
from assessments.engine.settings import Settings
from assessments.engine.values import Catalog
from tests.assessments.engine.estate import Machine, Offerings, Size, estate

HOURS_OF_A_WEEK = 7 * 24
# 2 vCPUs, 20 % of the size as base: 24 credits an hour, spent at 1 a minute and busy vCPU.
BURSTABLE = Size("burstable", linux="0.05", burstable=True, burst=(60, 24, 576))
STEADY = Size("steady", linux="0.10")
CATALOG = Offerings([BURSTABLE, STEADY]).catalog()


def chosen(
    percent: list[float], *, settings: Settings | None = None, catalog: Catalog = CATALOG, cores: int = 2
) -> str:
    machine = Machine(cores=cores, cpu=20, memory=10)
    machines = estate([machine], cpu_history=[percent], interval_minutes=60)
    answer = assess(machines, catalog, settings or Settings(comfort_factor=Decimal(1)))
    return catalog.sizes.names[int(answer.chosen.size[0])]


def test_a_quiet_machine_gets_the_burstable_size() -> None:
    assert chosen([20.0] * HOURS_OF_A_WEEK) == "burstable"


def test_a_busy_machine_runs_out_of_credits() -> None:
    """21 % of 2 cores spends 25.2 credits an hour and banks 24: 60 credits last 50 hours."""
    assert chosen([21.0] * HOURS_OF_A_WEEK) == "steady"


def test_a_burst_is_carried_by_the_balance() -> None:
    quiet = [0.0] * 100
    assert chosen([*quiet, *[100.0] * 5, *[0.0] * (HOURS_OF_A_WEEK - 105)]) == "burstable"
    assert chosen([*quiet, *[100.0] * 6, *[0.0] * (HOURS_OF_A_WEEK - 106)]) == "steady"


def test_the_balance_never_exceeds_the_most_that_is_banked() -> None:
    """576 credits carry 2 busy cores for 5 hours at 120 - 24 an hour, however long the quiet before."""
    assert chosen([*[0.0] * 1000, *[100.0] * 6, *[0.0] * 10]) == "steady"
    assert chosen([*[0.0] * 1000, *[100.0] * 5, *[0.0] * 10]) == "burstable"


def test_the_comfort_factor_counts() -> None:
    assert chosen([18.0] * HOURS_OF_A_WEEK, settings=Settings(comfort_factor=Decimal("1.1"))) == "burstable"
    assert chosen([19.0] * HOURS_OF_A_WEEK, settings=Settings(comfort_factor=Decimal("1.3"))) == "steady"


def test_less_than_a_week_of_points_is_not_enough() -> None:
    assert chosen([0.0] * (HOURS_OF_A_WEEK - 1)) == "steady"
    assert chosen([*[0.0] * (HOURS_OF_A_WEEK - 1), np.nan]) == "steady"


def test_a_missing_point_counts_as_the_busiest() -> None:
    assert chosen([*[5.0] * HOURS_OF_A_WEEK, *[np.nan] * 100]) == "burstable"
    assert chosen([30.0, *[0.0] * HOURS_OF_A_WEEK, *[np.nan] * 100]) == "steady"


def test_a_machine_without_any_point_gets_no_burstable_size() -> None:
    assert chosen([np.nan] * HOURS_OF_A_WEEK) == "steady"


@pytest.mark.parametrize(
    "settings",
    [Settings(sizing_criterion="as_on_premises"), Settings(rule_set="am-2020-09", comfort_factor=Decimal(1))],
)
def test_as_on_premises_and_older_rules_never_take_burstable_sizes(settings: Settings) -> None:
    assert chosen([0.0] * HOURS_OF_A_WEEK, settings=settings, cores=1) == "steady"


def test_without_a_history_there_are_no_burstable_sizes() -> None:
    answer = assess(estate([Machine(cpu=1, memory=1)]), CATALOG, Settings())
    assert CATALOG.sizes.names[int(answer.chosen.size[0])] == "steady"


def test_a_burstable_size_without_credit_terms_is_not_taken() -> None:
    catalog = Offerings([Size("unknown terms", linux="0.01", burstable=True), STEADY]).catalog()
    assert chosen([0.0] * HOURS_OF_A_WEEK, catalog=catalog) == "steady"


def test_like_machines_with_other_histories_get_other_sizes() -> None:
    machines = [Machine(cores=2, cpu=20, memory=10)] * 3
    history = [[0.0] * HOURS_OF_A_WEEK, [50.0] * HOURS_OF_A_WEEK, [1.0] * HOURS_OF_A_WEEK]
    answer = assess(estate(machines, cpu_history=history, interval_minutes=60), CATALOG, Settings())
    assert [CATALOG.sizes.names[int(size)] for size in answer.chosen.size] == ["burstable", "steady", "burstable"]
