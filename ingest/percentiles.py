"""The percentile of a series: nearest rank over the points that exist, index = ceil(P / 100 x N) (rules, section 5)."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

MAXIMUM = 100
MENU = (50, 90, 95, 99, MAXIMUM)


def nearest_rank(percentile: float, count: int) -> int:
    """The 1-based rank among `count` values; exact, where 0.07 x 100 in floats would be 7.000000000000001."""
    if not 0 < percentile <= MAXIMUM:
        raise ValueError(f"percentile {percentile} is not above 0 and at most 100")
    return max(1, ceil(Fraction(str(percentile)) * count / 100))


def percentiles(values: NDArray[np.floating], asked: Sequence[float]) -> NDArray[np.float64]:
    """Percentiles of each row of an array of shape (rows, points), NaN where a point is missing.

    Returns shape (rows, len(asked)); a row without points gives NaN. 100 is the maximum.
    """
    result = np.full((len(values), len(asked)), np.nan)
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    # Rows with as many points have the same ranks: one partition for all of them.
    for count in np.unique(counts[counts > 0]).tolist():
        rows = np.flatnonzero(counts == count)
        places = [nearest_rank(percentile, count) - 1 for percentile in asked]
        result[rows] = _at_places(values[rows], places)
    return result


def _at_places(values: NDArray[np.floating], places: Sequence[int]) -> NDArray[np.floating]:
    """The values that sorting each row would put at these places; reorders `values`. NaN sorts last.

    One place at a time, each time only right of the last one: numpy's partition with all places at once is several
    times slower.
    """
    start = 0
    for place in sorted(set(places)):
        values[:, start:].partition(place - start, axis=1)
        start = place
    return values[:, places]
