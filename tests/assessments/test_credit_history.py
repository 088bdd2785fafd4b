"""What a machine's CPU history asks of credits, on whatever grid it comes and wherever it is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assessments.credit_history import CPU, as_text, credits_of, of_series
from assessments.engine.fixed_point import scaled
from ingest.merging import MachineSeries
from tests.assessments.engine.reference import last_by_stepping

TERMS = scaled([(60, 24, 576), (30, 3, 72)])
START = datetime(2026, 11, 1, tzinfo=UTC)
WEEK_OF_10_MINUTES = 7 * 144


def series(percent: NDArray[np.float32], interval_seconds: int, weights: list[int] | None = None) -> MachineSeries:
    """A machine that has memory too."""
    return MachineSeries(
        machine_id=UUID(int=1),
        start_at=START,
        interval_seconds=interval_seconds,
        series=(CPU._replace(name="memory_percent"), CPU),
        values=np.stack([np.full_like(percent, 50.0), percent]),
        weights=np.array(weights or [1] * len(percent), dtype=np.int8),
    )


def carried(answer: bytes) -> list[int]:
    found = credits_of([as_text(answer)])
    assert found is not None
    return [int(cores) for cores in found.carried[0]]


points = st.lists(st.sampled_from([0.0, 3.0, 12.5, 60.0, 100.0]), min_size=20, max_size=60)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(points)
def test_ten_minute_points_mean_the_same_on_a_finer_grid(changing: list[float]) -> None:
    """A grid of five minutes, because something else in the month came every five minutes."""
    percent = np.resize(np.array(changing, dtype=np.float32), WEEK_OF_10_MINUTES)
    finer = np.full(2 * len(percent), np.nan, dtype=np.float32)
    finer[::2] = percent
    weights = [2, 1] * len(percent)
    assert of_series(series(finer, 300, weights), START, TERMS) == of_series(series(percent, 600), START, TERMS)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(points)
def test_a_week_reads_the_same_alone_and_as_the_end_of_a_month(changing: list[float]) -> None:
    month = np.resize(np.array(changing, dtype=np.float32), 30 * 144)
    from_day_23 = START + timedelta(days=23)
    alone = replace(series(month[23 * 144 :], 600), start_at=from_day_23)
    assert of_series(series(month, 600), from_day_23, TERMS) == of_series(alone, from_day_23, TERMS)


def test_a_coarser_point_among_finer_ones_holds_for_its_whole_interval() -> None:
    """A day of ten-minute points at 40 %, then five-minute points at 1 %."""
    day = np.full(288, np.nan, dtype=np.float32)
    day[::2] = 40.0
    percent = np.concatenate([day, np.full(6 * 288, 1.0, dtype=np.float32)])
    weights = [2, 1] * 144 + [1] * (6 * 288)
    whole = np.concatenate([np.full(288, 40.0), np.full(6 * 288, 1.0)])
    most = carried(of_series(series(percent, 300, weights), START, TERMS))[0]
    assert last_by_stepping(whole.tolist(), Fraction(most, 10_000), 5, (60, 24, 576))
    assert not last_by_stepping(whole.tolist(), Fraction(most + 1, 10_000), 5, (60, 24, 576))


def test_a_machine_without_cpu_points_is_not_known() -> None:
    nothing = np.full(WEEK_OF_10_MINUTES, np.nan, dtype=np.float32)
    assert of_series(series(nothing, 600), START, TERMS) == b""
    other = replace(series(nothing, 600), series=(CPU._replace(name="memory_percent"), CPU._replace(name="cpu_count")))
    assert of_series(other, START, TERMS) == b""


def test_machines_of_a_run_stand_side_by_side() -> None:
    quiet, busy = (
        of_series(series(np.full(WEEK_OF_10_MINUTES, level, np.float32), 600), START, TERMS) for level in (1, 50)
    )
    found = credits_of([as_text(quiet), as_text(None), as_text(busy)])
    assert found is not None
    assert found.known.tolist() == [True, False, True]
    assert found.terms.tolist() == TERMS.tolist()
    assert found.carried[1].tolist() == [0, 0]
    assert (found.carried[0] > found.carried[2]).all()


@pytest.mark.parametrize("texts", [[], [None, None]])
def test_a_run_that_looked_at_no_credits_has_none(texts: list[None]) -> None:
    assert credits_of(texts) is None


def test_a_run_whose_histories_all_are_too_short_knows_of_none() -> None:
    found = credits_of(["", ""])
    assert found is not None
    assert (found.known.tolist(), found.terms.shape, found.carried.shape) == ([False, False], (0, 3), (2, 0))
