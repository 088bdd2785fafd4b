"""The percentile of a series: nearest rank over the points that exist, index = ceil(P / 100 x N) (rules, section 5)."""

import functools
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

MAXIMUM = 100
MENU = (50, 90, 95, 99, MAXIMUM)
# The windows that people can choose from; they end with a full UTC hour.
WINDOWS = {"1_day": timedelta(days=1), "1_week": timedelta(days=7), "1_month": timedelta(days=30)}


def _ranks(percentile: float, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The 1-based ranks among so many values; exact, where 0.07 x 100 in floats would be 7.000000000000001."""
    share = _share(percentile)
    return np.maximum(-(-share.numerator * counts // share.denominator), 1)


@functools.lru_cache
def _share(percentile: float) -> Fraction:
    if not 0 < percentile <= MAXIMUM:
        raise ValueError(f"percentile {percentile} is not above 0 and at most 100")
    return Fraction(str(percentile)) / 100


def percentiles(values: NDArray[np.floating], asked: Sequence[float]) -> NDArray[np.float64]:
    """Percentiles of each row of an array of shape (rows, points), NaN where a point is missing.

    Returns shape (rows, len(asked)); a row without points gives NaN. 100 is the maximum. Rows are sorted whole: numpy
    sorts float32 with vector instructions, several times faster than it selects.
    """
    ordered = np.sort(values, axis=1)  # NaN sorts last
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    rows = np.flatnonzero(counts)
    result = np.full((len(values), len(asked)), np.nan)
    for column, percentile in enumerate(asked):
        result[rows, column] = ordered[rows, _ranks(percentile, counts[rows]) - 1]
    return result
