"""Burstable sizes: allowed for a machine only when its CPU credits, simulated over its own history, never run out.

One credit is one vCPU at 100 % for one minute. A size banks credits at a fixed rate up to a maximum and spends what
the machine uses (azure-compute-docs, B-series pages of 2026-03-10).
"""

import numpy as np

from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray, scaled_number
from assessments.engine.target import Target
from assessments.engine.values import Bursting, CpuHistory, Machines, Sizes

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
    lasting = np.zeros((len(machines), len(burstable)), dtype=np.bool_)
    factor = scaled_number(target.settings.comfort_factor) / QUANTITY_SCALE
    for start in range(0, len(machines), MACHINES_AT_ONCE):
        rows = slice(start, start + MACHINES_AT_ONCE)
        used_cores = _used_cores(history, machines.cores, rows) * factor
        lasting[rows] = _never_empty(used_cores, sizes.bursting, burstable, history.interval_minutes)
        points = (~np.isnan(history.percent[rows])).sum(axis=1)
        lasting[rows] &= (points * history.interval_minutes >= MIN_HISTORY_MINUTES)[:, None]
    return burstable, lasting


def _used_cores(history: CpuHistory, cores: IntArray, rows: slice) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Cores in use at each point, points first; a missing point counts as the busiest one."""
    percent = np.clip(history.percent[rows].astype(np.float64), 0.0, 100.0)
    busiest = np.nanmax(np.nan_to_num(percent), axis=1, initial=0.0)
    filled = np.where(np.isnan(percent), busiest[:, None], percent)
    result: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = (filled * cores[rows][:, None] / 100.0).T
    return result


def _never_empty(
    used_cores: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    terms: Bursting,
    burstable: IntArray,
    interval_minutes: int,
) -> BoolArray:
    """machines x sizes: the balance, starting with the initial credits, stays at zero or above."""
    banked = terms.credits_per_hour.values[burstable] / QUANTITY_SCALE * (interval_minutes / MINUTES_PER_HOUR)
    most = terms.max_credits.values[burstable] / QUANTITY_SCALE
    balance = np.tile(terms.initial_credits.values[burstable] / QUANTITY_SCALE, (used_cores.shape[1], 1))
    lasting = np.ones(balance.shape, dtype=np.bool_)
    for used in used_cores:
        np.minimum(balance + banked, most, out=balance)
        balance -= used[:, None] * interval_minutes
        lasting &= balance >= 0
    return lasting
