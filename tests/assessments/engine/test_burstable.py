"""Burstable sizes are taken only when the credits, simulated over the machine's own history, never run out."""

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from assessments.engine.assess import assess
from assessments.engine.credits import MIN_WINDOW_MINUTES, MOST_CARRIED, carried, credit_terms
from assessments.engine.explain import explain
from assessments.engine.fixed_point import scaled
from assessments.engine.settings import Settings
from assessments.engine.trace import Refusal
from assessments.engine.values import Catalog
from tests.assessments.engine.estate import Machine, Offerings, Size, estate
from tests.assessments.engine.reference import Terms, last_by_stepping

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


def test_less_than_a_week_is_not_enough() -> None:
    assert chosen([0.0] * (HOURS_OF_A_WEEK - 1)) == "steady"


def test_nine_tenths_of_a_week_must_be_there() -> None:
    there = -(-HOURS_OF_A_WEEK * 9 // 10)
    assert chosen([*[0.0] * there, *[np.nan] * (HOURS_OF_A_WEEK - there)]) == "burstable"
    assert chosen([*[0.0] * (there - 1), *[np.nan] * (HOURS_OF_A_WEEK - there + 1)]) == "steady"


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


@pytest.mark.parametrize("terms", [(60, 36, 864), (30, 24, 576)])
def test_terms_that_were_not_looked_at_are_not_known_to_last(terms: Terms) -> None:
    machine = Machine(cores=1, cpu=1, memory=10)
    machines = estate([machine], cpu_history=[[0.0] * HOURS_OF_A_WEEK], interval_minutes=60, terms=[terms])
    told = explain(machines, 0, CATALOG, Settings())
    assert told.scenarios[0].size == "steady"
    assert told.refused[0].refusals[0].detail == "the terms of its credits are not known"


def test_a_burstable_size_without_credit_terms_is_not_taken() -> None:
    catalog = Offerings([Size("unknown terms", linux="0.01", burstable=True), STEADY]).catalog()
    assert chosen([0.0] * HOURS_OF_A_WEEK, catalog=catalog) == "steady"


@pytest.mark.parametrize("lasting_price", ["0.05", "0.20"])
def test_terms_of_another_size_let_none_without_terms_be_taken(lasting_price: str) -> None:
    unknown = Size("unknown terms", linux="0.01", burstable=True)
    catalog = Offerings([unknown, replace(BURSTABLE, linux=lasting_price), STEADY]).catalog()
    assert chosen([100.0] * HOURS_OF_A_WEEK, catalog=catalog, cores=1) == "steady"
    quiet = "burstable" if lasting_price == "0.05" else "steady"
    assert chosen([0.0] * HOURS_OF_A_WEEK, catalog=catalog, cores=1) == quiet


def test_like_machines_with_other_histories_get_other_sizes() -> None:
    machines = [Machine(cores=2, cpu=20, memory=10)] * 3
    history = [[0.0] * HOURS_OF_A_WEEK, [50.0] * HOURS_OF_A_WEEK, [1.0] * HOURS_OF_A_WEEK]
    answer = assess(estate(machines, cpu_history=history, interval_minutes=60), CATALOG, Settings())
    assert [CATALOG.sizes.names[int(size)] for size in answer.chosen.size] == ["burstable", "steady", "burstable"]


# ---- the trace ----
def why_refused(percent: list[float] | None, settings: Settings) -> Refusal:
    history = None if percent is None else [percent]
    machines = estate([Machine(cores=2, cpu=20, memory=10)], cpu_history=history, interval_minutes=60)
    (refused,) = explain(machines, 0, CATALOG, settings).refused
    assert refused.name == "burstable"
    (refusal,) = refused.refusals
    assert refusal.constraint == "cpu_credits"
    return refusal


def test_the_trace_tells_how_many_cores_the_credits_carry_and_when_they_are_spent() -> None:
    """Two idle hours, then 25 %: 0.5 cores x 1.3 spend 39 credits an hour. From 60 + 2 x 24 credits and 24 an hour that
    is more than there is; 166 hours of it are carried at (60 + 168 x 24) / (166 x 15 x 2) = 0.82169 cores a core."""
    refusal = why_refused([*[0.0] * 2, *[25.0] * 166], Settings())
    assert (refusal.required, refusal.offered) == (Decimal("2.6"), Decimal("1.6433"))
    assert refusal.short_by == Decimal("0.9567")
    assert refusal.detail == "60 credits at first, 24 an hour and 576 at most are spent by day 8, 00:00 of the history"


def test_a_short_history_is_the_reason_also_where_no_terms_were_looked_at() -> None:
    """As a stored machine comes back: its bytes hold no terms when its history was too short."""
    machines = estate([Machine(cores=1, cpu=1, memory=10)], cpu_history=[[0.0]], interval_minutes=60, terms=[])
    (refused,) = explain(machines, 0, CATALOG, Settings()).refused
    assert refused.refusals[0].detail == "there are points for less than nine tenths of seven days"


@pytest.mark.parametrize(
    ("percent", "settings", "detail"),
    [
        (None, Settings(), "the window is shorter than 7 days"),
        ([0.0] * 10, Settings(), "there are points for less than nine tenths of seven days"),
        ([0.0] * 168, Settings(rule_set="am-2020-09"), "the rule set am-2020-09 takes no burstable sizes"),
        (
            [0.0] * 168,
            Settings(sizing_criterion="as_on_premises", comfort_factor=Decimal(1)),
            "sizing as on-premises looks at no history, and credits are simulated over it",
        ),
    ],
)
def test_the_trace_tells_why_credits_are_not_known(
    percent: list[float] | None, settings: Settings, detail: str
) -> None:
    refusal = why_refused(percent, settings)
    assert (refusal.required, refusal.offered, refusal.short_by) == (None, None, None)
    assert refusal.detail == detail


# ---- laws ----
TERMS: tuple[Terms, ...] = ((60, 24, 576), (30, 3, 72), (240, 81, 1994), (0, 10, 10), (500, 5, 120))
# Days of 12 points: quiet stretches, bursts and gaps, of which some carry the balance to its bounds.
levels = st.sampled_from([0.0, 0.0001, 1.5, 5.0, 12.5, 20.0, 33.3333, 100.0, 130.0, math.nan])
stretches = st.lists(st.tuples(levels, st.integers(1, 30)), min_size=1, max_size=12)


@settings_of(max_examples=50, deadline=None, derandomize=True)
@given(stretches, st.sampled_from([60, 120, 240]))
def test_what_is_carried_is_exactly_what_stepping_through_the_history_allows(
    stretches_: list[tuple[float, int]], interval_minutes: int
) -> None:
    percent = [level for level, length in stretches_ for _ in range(length)]
    percent += [2.0] * (MIN_WINDOW_MINUTES // interval_minutes)
    answer = carried(np.array(percent, dtype=np.float32), interval_minutes, scaled(TERMS))
    assert answer is not None
    for place, terms in enumerate(TERMS):
        most = int(answer.cores[place])
        assert last_by_stepping(percent, Fraction(most, 10_000), interval_minutes, terms)
        assert not last_by_stepping(percent, Fraction(most + 1, 10_000), interval_minutes, terms)
        until = int(answer.spent_minute[place]) // interval_minutes
        known = [one for one in percent if not math.isnan(one)]
        filled = [max(known) if math.isnan(one) else one for one in percent]
        assert not last_by_stepping(filled[:until], Fraction(most + 1, 10_000), interval_minutes, terms)


@settings_of(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.lists(st.tuples(levels, st.integers(1, 30)), min_size=1, max_size=6), min_size=1, max_size=4),
    st.sampled_from([1, 2, 4]),
    st.decimals(1, 2, places=2),
)
def test_the_engine_takes_a_burstable_size_just_when_stepping_allows_it(
    histories: list[list[tuple[float, int]]], cores: int, comfort_factor: Decimal
) -> None:
    percents = [[level for level, length in one for _ in range(length)] for one in histories]
    longest = max(map(len, percents)) + HOURS_OF_A_WEEK
    percents = [[*one, *[1.0] * (longest - len(one))] for one in percents]
    machines = estate(
        [Machine(cores=cores, cpu=1, memory=10)] * len(percents), cpu_history=percents, interval_minutes=60
    )
    settings = Settings(comfort_factor=comfort_factor)
    answer = assess(machines, CATALOG, settings)
    for row, percent in enumerate(percents):
        lasts = last_by_stepping(percent, cores * Fraction(comfort_factor), 60, (60, 24, 576))
        size = CATALOG.sizes.names[int(answer.chosen.size[row])]
        assert size == ("burstable" if lasts else "steady")
        trace = explain(machines, row, CATALOG, settings)
        assert trace.scenarios[0].size == size
        refused = [refusal for one in trace.refused for refusal in one.refusals]
        assert [refusal.constraint for refusal in refused] == ([] if lasts else ["cpu_credits"])
        assert all(refusal.short_by is not None and refusal.short_by > 0 for refusal in refused)


def test_a_history_of_nothing_carries_anything() -> None:
    answer = carried(np.zeros(HOURS_OF_A_WEEK), 60, scaled([(60, 24, 576)]))
    assert answer is not None
    assert (answer.cores.tolist(), answer.spent_minute.tolist()) == ([MOST_CARRIED], [0])


def test_the_terms_of_a_catalog_are_told_once_each() -> None:
    sizes = [
        replace(BURSTABLE, name="a"),
        replace(BURSTABLE, name="b"),
        replace(BURSTABLE, name="c", burst=(30, 12, 288)),
        replace(BURSTABLE, name="d", burst=None),
        replace(STEADY, burst=(1, 1, 1)),
    ]
    assert (credit_terms(Offerings(sizes).catalog().sizes) // 10_000).tolist() == [[30, 12, 288], [60, 24, 576]]
    assert credit_terms(Offerings([STEADY]).catalog().sizes).shape == (0, 3)
