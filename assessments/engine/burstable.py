"""Burstable sizes: allowed for a machine only when its CPU credits, simulated over its own history, never run out.

One credit is one vCPU at 100 % for one minute. A size banks credits at a fixed rate up to a maximum and spends what
the machine uses (azure-compute-docs, B-series pages of 2026-03-10).
"""

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray, scaled_number
from assessments.engine.target import Target
from assessments.engine.values import Bursting, CpuHistory, Machines, Sizes

FloatArray = npt.NDArray[np.float64]

MIN_HISTORY_MINUTES = 7 * 24 * 60
MINUTES_PER_HOUR = 60
MACHINES_AT_ONCE = 1024


def burstable_sizes(sizes: Sizes) -> IntArray:
    """Indexes of the burstable sizes whose credit terms are known."""
    terms = sizes.bursting
    known = terms.initial_credits.known & terms.credits_per_hour.known & terms.max_credits.known
    return np.flatnonzero(sizes.burstable & known)


def lasting_credits(machines: Machines, target: Target) -> tuple[IntArray, BoolArray]:
    """Burstable sizes, and machines x those: True where the credits last all through the history.

    No columns where the rules or the sizing criterion leave burstable sizes out, or no history was given.
    """
    history = machines.cpu_history
    if history is None or not target.rules.burstable_by_credits or not target.uses_observations:
        return np.zeros(0, dtype=np.int64), np.zeros((len(machines), 0), dtype=np.bool_)
    sizes = target.catalog.sizes
    burstable = burstable_sizes(sizes)
    terms, terms_of = _distinct_terms(sizes.bursting, burstable)
    lasting = np.zeros((len(machines), len(burstable)), dtype=np.bool_)
    factor = scaled_number(target.settings.comfort_factor) / QUANTITY_SCALE
    for start in range(0, len(machines), MACHINES_AT_ONCE):
        rows = slice(start, start + MACHINES_AT_ONCE)
        spent = _used_cores(history, machines.cores, rows) * (factor * history.interval_minutes)
        enough = (~np.isnan(history.percent[rows])).sum(axis=1) * history.interval_minutes >= MIN_HISTORY_MINUTES
        by_terms = _never_empty(spent, terms, history.interval_minutes) & enough[:, None]
        lasting[rows] = by_terms[:, terms_of]
    return burstable, lasting


def _distinct_terms(bursting: Bursting, burstable: IntArray) -> tuple[FloatArray, IntArray]:
    """Credit terms (initial, an hour, most) that occur, and which of them each burstable size has."""
    columns = (bursting.initial_credits, bursting.credits_per_hour, bursting.max_credits)
    all_terms = np.stack([column.values[burstable] for column in columns], axis=1)
    distinct, terms_of = np.unique(all_terms, axis=0, return_inverse=True)
    return distinct / QUANTITY_SCALE, terms_of.reshape(-1)


def _used_cores(history: CpuHistory, cores: IntArray, rows: slice) -> FloatArray:
    """Cores in use, points x machines; a missing point counts as the busiest one."""
    percent = np.clip(history.percent[rows].astype(np.float64), 0.0, 100.0)
    busiest = np.nanmax(np.nan_to_num(percent), axis=1, initial=0.0)
    filled = np.where(np.isnan(percent), busiest[:, None], percent)
    return np.ascontiguousarray((filled * cores[rows][:, None] / 100.0).T)


def _never_empty(spent: FloatArray, terms: FloatArray, interval_minutes: int) -> BoolArray:
    """machines x terms: the balance, starting with the initial credits, stays at zero or above.

    Where no point spends more than is banked the credits last; where everything spent exceeds everything banked they
    do not; only what lies between is simulated.
    """
    initial, most = terms[:, 0], terms[:, 2]
    banked = terms[:, 1] * (interval_minutes / MINUTES_PER_HOUR)
    lasting = np.asarray(spent.max(axis=0, initial=0.0)[:, None] <= banked)
    hopeless = spent.sum(axis=0)[:, None] > initial + banked * len(spent)
    machine, term = np.nonzero(~lasting & ~hopeless)
    balance, alive = initial[term], np.ones(len(term), dtype=np.bool_)
    for one in spent:
        np.minimum(balance + banked[term], most[term], out=balance)
        balance -= one[machine]
        alive &= balance >= 0
    lasting[machine, term] = alive
    return lasting
