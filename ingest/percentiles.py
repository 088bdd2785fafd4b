"""The percentile of a series: nearest rank over the points that exist, index = ceil(P / 100 x N) (rules, section 5)."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

MENU = (50, 90, 95, 99, 100)


def nearest_rank(percentile: float, count: int) -> int:
    """The 1-based rank among `count` values; exact, where 0.07 x 100 in floats would be 7.000000000000001."""
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
        ranks = [nearest_rank(percentile, count) - 1 for percentile in asked]
        ordered = np.partition(values[rows], sorted(set(ranks)), axis=1)  # NaN sorts last
        result[rows] = ordered[:, ranks]
    return result
