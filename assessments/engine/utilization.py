"""Percentiles of series: what the machines really used. Rule book 5.1.

Nearest rank: of N points that exist, sorted ascending, the one at position ceil(P / 100 x N). Missing points are not
zeros, they are skipped.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import QUANTITY_SCALE, scaled, scaled_number
from assessments.engine.values import Observed

MAXIMUM = Decimal(100)  # the percentile that is the maximum


def percentiles(series: npt.NDArray[np.float32], ranks: Sequence[Decimal | int]) -> tuple[Observed, ...]:
    """Several percentiles of each series in one pass.

    `series` is float32 (series x points), NaN where there is no point; ranks are above 0 and at most 100. Returns one
    Observed a rank, one entry a series, quantized to four decimals; unknown where a series has no point.
    """
    counts = np.asarray((~np.isnan(series)).sum(axis=1), dtype=np.int64)
    values = np.zeros((len(ranks), len(series)), dtype=np.int64)
    for count in np.unique(counts).tolist():
        if count:
            rows = np.flatnonzero(counts == count)
            places = [nearest_rank(rank, count) - 1 for rank in ranks]
            values[:, rows] = scaled(_at_places(series[rows], places).T)
    return tuple(Observed(row, counts > 0, counts) for row in values)


def _at_places(series: npt.NDArray[np.float32], places: Sequence[int]) -> npt.NDArray[np.float32]:
    """The values that sorting would put at these places; reorders `series`.

    NaN sorts last, so the places among the points that exist are the first ones. One place at a time, each time only in
    what lies right of the last one: with all places at once numpy's partition is five to ten times slower.
    """
    start = 0
    for place in sorted(set(places)):
        series[:, start:].partition(place - start, axis=1)
        start = place
    return series[:, places]


def nearest_rank(rank: Decimal | int, count: int) -> int:
    """Position, from 1, of a percentile among `count` sorted points; exact (0.95 x 100 is 95, not 96)."""
    if not 0 < rank <= MAXIMUM:
        raise ValueError(f"percentile {rank} is not above 0 and at most 100")
    return max(1, -(-scaled_number(rank) * count // (100 * QUANTITY_SCALE)))
