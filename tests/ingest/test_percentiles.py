"""Nearest rank over the points that exist."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.percentiles import MENU, percentiles


@pytest.mark.parametrize(
    ("percentile", "count", "rank"),
    [(95, 20, 19), (95, 144, 137), (50, 1, 1), (50, 2, 1), (99, 100, 99), (100, 7, 7), (7, 100, 7), (99.9, 1000, 999)],
)
def test_the_rank_is_exact(percentile: float, count: int, rank: int) -> None:
    assert percentiles(np.arange(1.0, count + 1)[np.newaxis], [percentile]).tolist() == [[rank]]


VALUES = st.lists(st.none() | st.integers(0, 1000).map(lambda tenths: tenths / 8), min_size=1, max_size=40)


@given(rows=st.lists(VALUES, min_size=1, max_size=6))
def test_every_percentile_is_that_of_the_sorted_points(rows: list[list[float | None]]) -> None:
    array = np.full((len(rows), 40), np.nan, dtype=np.float32)
    for i, row in enumerate(rows):
        array[i, : len(row)] = [np.nan if value is None else value for value in row]
    found = percentiles(array, MENU)
    for i, row in enumerate(rows):
        there = sorted(value for value in row if value is not None)
        for j, percentile in enumerate(MENU):
            if there:
                assert found[i, j] == there[ceil(Fraction(percentile, 100) * len(there)) - 1]
            else:
                assert np.isnan(found[i, j])


@pytest.mark.parametrize(
    ("points", "asked", "expected"),
    [
        pytest.param(range(1, 51), [95], [48], id="C03 over the points that exist"),
        pytest.param([7], [50, 99], [7, 7], id="C04 one point answers all"),
        pytest.param(range(1, 101), [95], [95], id="C06 an exact multiple does not step up"),
        pytest.param(range(1, 1001), [99.95], [1000], id="any percentile"),
        pytest.param(range(1, 11), [0.01], [1], id="the lowest"),
    ],
)
def test_the_rule_books_vectors_hold(points: list[int], asked: list[float], expected: list[float]) -> None:
    series = np.full((1, 1200), np.nan, dtype=np.float32)
    series[0, : len(list(points))] = list(points)[::-1]
    assert percentiles(series, asked).tolist() == [expected]


def test_reads_and_writes_are_each_ranked_alone() -> None:
    """C07: 95 and 95, though the sum of the two series is 101 at every instant."""
    rising = np.arange(1, 101, dtype=np.float32)
    assert percentiles(np.stack([rising, rising[::-1]]), [95]).tolist() == [[95], [95]]


@pytest.mark.parametrize("percentile", [0, -1, 101])
def test_a_percentile_outside_its_range_is_refused(percentile: float) -> None:
    with pytest.raises(ValueError, match="not above 0 and at most 100"):
        percentiles(np.ones((1, 10)), [percentile])
