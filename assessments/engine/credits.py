"""How many busy cores the CPU credits of burstable sizes carry through a history. Exact, in integers.

One credit is one vCPU at 100 % for one minute. A size starts with some credits, banks more at a fixed rate up to a
maximum and spends what the machine uses (azure-compute-docs, B-series pages of 2026-03-10). The balance after point j
is the lowest of: what there was at first and everything banked less everything spent; and, for each earlier point k, a
full bank then, and what was banked less what was spent since. So the credits last just when each stretch of the
history is carried, and how much they carry is told by the one stretch that allows the least. That number is kept
instead of the history: it answers for every number of cores and every comfort factor.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import IntArray, scaled
from assessments.engine.values import Sizes

MIN_WINDOW_MINUTES = 7 * 24 * 60
# Of seven days this much must be there; what is missing counts as the busiest point.
MIN_COVERED_MINUTES = MIN_WINDOW_MINUTES * 9 // 10
MOST_CARRIED = 4 * 10**9  # above any machine's cores x comfort factor, and it fits into 32 bits

# cores x factor (10^-4) x percent (10^-4) x minutes on one side, credits (10^-4) on the other, as whole numbers:
# 3 x carried x percent x minutes <= CREDITS x credits, and 60 of those of an hour are those of a minute.
CREDITS = 3_000_000


@dataclass(frozen=True, slots=True)
class Carried:
    """For each of t credit terms: the most cores x comfort factor that the credits carry through the history (scaled).

    `spent_minute` is the end of the stretch that allows no more, in minutes from the start of the history: with more
    cores the credits are spent by then. It is 0 where nothing is ever used.
    """

    cores: IntArray
    spent_minute: IntArray


def credit_terms(sizes: Sizes) -> IntArray:
    """t x 3, scaled: the different (credits at first, an hour, at most) of the burstable sizes, where known."""
    burstable = burstable_sizes(sizes)
    columns = (sizes.bursting.initial_credits, sizes.bursting.credits_per_hour, sizes.bursting.max_credits)
    return np.unique(np.stack([column.values[burstable] for column in columns], axis=1), axis=0)


def burstable_sizes(sizes: Sizes) -> IntArray:
    """Indexes of the burstable sizes whose credit terms are known."""
    terms = sizes.bursting
    known = terms.initial_credits.known & terms.credits_per_hour.known & terms.max_credits.known
    return np.flatnonzero(sizes.burstable & known)


def carried(percent: npt.NDArray[np.floating], interval_minutes: int, terms: IntArray) -> Carried | None:
    """What each of the terms carries of this history (CPU percent by points, NaN where there is none).

    A missing point counts as the busiest one. None where the history is too short to tell.
    """
    there = ~np.isnan(percent)
    covered = int(np.count_nonzero(there)) * interval_minutes
    if len(percent) * interval_minutes < MIN_WINDOW_MINUTES or covered < MIN_COVERED_MINUTES:
        return None
    used = scaled(np.clip(np.where(there, percent, np.max(percent[there])), 0.0, 100.0))
    history = _History(np.concatenate([[0], np.cumsum(used * 3 * interval_minutes)]), interval_minutes)
    found = [history.limit(initial, rate, most) for initial, rate, most in terms.tolist()]
    result = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Carried(cores=result[:, 0], spent_minute=result[:, 1])


class _History:
    """The use of one core, summed up: `used[j]` is that of the first j points."""

    def __init__(self, used: IntArray, interval_minutes: int) -> None:
        self._used, self._interval = used, interval_minutes
        self._place = np.arange(len(used))
        # Stretches that limited some terms are the first to be tried for the next: they limit those nearly as much.
        self._stretches = {(0, len(used) - 1)}

    def limit(self, initial: int, rate: int, most: int) -> tuple[int, int]:
        """The largest number that every stretch allows, and the minute at which the last of those found ends.

        Begins with what some stretches allow and lowers it to what the stretch allows that is exceeded by most, until
        none is: each step is the exact limit of one stretch, so the last is the limit of all of them.
        """
        banked = CREDITS // 60 * self._interval * rate
        first, full = CREDITS * initial, CREDITS * most - banked  # before the first point's credits, before any point's
        spent = banked * self._place

        def allowed(start: int, end: int) -> tuple[int, int]:
            use, bank = int(self._used[end] - self._used[start]), banked * (end - start)
            at_first = min(first, full) if start == 0 else full
            return ((at_first + bank) // use, end) if use else (MOST_CARRIED, 0)

        limit, end = min([(MOST_CARRIED, 0), *(allowed(*stretch) for stretch in self._stretches)])
        while True:
            balance = limit * self._used - spent
            stretch = _worst(balance, first=first, full=full)
            if stretch is None:
                return limit, end * self._interval
            self._stretches.add(stretch)
            limit, end = allowed(*stretch)


def _worst(spent: IntArray, *, first: int, full: int) -> tuple[int, int] | None:
    """The stretch that spends the most beyond what there is; None when there is enough for every one."""
    since = spent[1:] - np.minimum.accumulate(spent[:-1])
    end = int(np.argmax(since)) + 1
    if since[end - 1] > full:
        return int(np.argmin(spent[:end])), end
    end = int(np.argmax(spent[1:])) + 1
    return (0, end) if spent[end] > first else None
