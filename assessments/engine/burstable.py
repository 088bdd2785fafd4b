"""Burstable sizes: allowed for a machine only when its CPU credits never run out over the run's own history (F23: Azure
Migrate never takes them)."""

import numpy as np

from assessments.engine.credits import MIN_WINDOW_MINUTES, burstable_sizes
from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray, scaled_number, to_decimal
from assessments.engine.machines import Machines
from assessments.engine.target import Target
from assessments.engine.trace import Refusal

CONSTRAINT = "cpu_credits"
MINUTES_PER_HOUR, HOURS_PER_DAY = 60, 24


def considers_burstable(target: Target) -> bool:
    """Whether the rules and the sizing criterion let a machine have a burstable size at all."""
    return target.rules.burstable_by_credits and target.uses_observations


def lasting_credits(machines: Machines, target: Target) -> tuple[IntArray, BoolArray]:
    """Burstable sizes, and machines x those: True where the credits last all through the history.

    No columns where the rules or the sizing criterion leave burstable sizes out, or no history was looked at. A size
    whose terms were not looked at is not known to last.
    """
    credits = machines.credits
    if credits is None or not considers_burstable(target):
        return np.zeros(0, dtype=np.int64), np.zeros((len(machines), 0), dtype=np.bool_)
    burstable = burstable_sizes(target.catalog.sizes)
    column = np.array([_column(machines, target, size) for size in burstable.tolist()], dtype=np.int64)
    simulated = column >= 0
    lasting = np.zeros((len(machines), len(burstable)), dtype=np.bool_)
    lasting[:, simulated] = credits.known[:, None] & (
        _asked(machines, target)[:, None] <= credits.carried[:, column[simulated]]
    )
    return burstable, lasting


def credit_refusal(machines: Machines, target: Target, *, machine: int, size: int) -> Refusal:
    """Why a machine cannot have a burstable size: how many cores its credits carry, and when they are spent."""
    credits = machines.credits
    column = _column(machines, target, size)
    why = _unknown(machines, target, machine=machine, column=column)
    if why or credits is None:
        return Refusal(CONSTRAINT, None, None, None, why)
    required = to_decimal(int(_asked(machines, target)[machine]))
    offered = to_decimal(int(credits.carried[machine, column]))
    initial, rate, most = (int(term) // QUANTITY_SCALE for term in credits.terms[column])
    hours, minutes = divmod(int(credits.spent_minute[machine, column]), MINUTES_PER_HOUR)
    days, hours = divmod(hours, HOURS_PER_DAY)
    detail = (
        f"{initial} credits at first, {rate} an hour and {most} at most are spent "
        f"by day {days + 1}, {hours:02}:{minutes:02} of the history"
    )
    return Refusal(CONSTRAINT, required, offered, required - offered, detail)


def _unknown(machines: Machines, target: Target, *, machine: int, column: int) -> str:
    """Why it is not known how long the credits last; empty where it is."""
    if not target.rules.burstable_by_credits:
        return f"the rule set {target.rules.name} takes no burstable sizes"
    if not target.uses_observations:
        return "sizing as on-premises looks at no history, and credits are simulated over it"
    if machines.credits is None:
        return f"the window is shorter than {MIN_WINDOW_MINUTES // MINUTES_PER_HOUR // HOURS_PER_DAY} days"
    if not machines.credits.known[machine]:
        return "there are points for less than nine tenths of seven days"
    return "the terms of its credits are not known" if column < 0 else ""


def _asked(machines: Machines, target: Target) -> IntArray:
    """Cores x comfort factor of each machine, scaled: what the credits must carry."""
    return machines.cores * scaled_number(target.settings.comfort_factor)


def _column(machines: Machines, target: Target, size: int) -> int:
    """Which of the terms that were looked at are those of a size; -1 when none is."""
    bursting = target.catalog.sizes.bursting
    columns = (bursting.initial_credits, bursting.credits_per_hour, bursting.max_credits)
    if machines.credits is None or not all(column.known[size] for column in columns):
        return -1
    own = np.array([column.values[size] for column in columns])
    same = np.flatnonzero((machines.credits.terms == own).all(axis=1))
    return int(same[0]) if len(same) else -1
