"""When the confidence rating reaches each star, if points keep coming as in the last day.

The rating of a window is the share of its points that are there (engine/confidence.py). As time passes the window moves
over what has come and what will: hour by hour, the share of a machine's points, or the mean share of many machines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Aggregate, BinaryField, Count, Q, QuerySet
from numpy.typing import NDArray

from assessments.engine.confidence import MAX_STARS, stars
from assessments.engine.requirement import FULL_PERCENT
from ingest.coverage import (
    HOUR,
    ID,
    binned_points,
    count_few,
    last_full_hour,
    machine_parts,
    packed_days,
    series_by_kind,
)
from ingest.models import Appliance, DiscoveredBy, Machine, PowerState
from ingest.percentiles import WINDOWS
from ingest.performance import read_series

HOURS_A_DAY = 24
LONGEST_HOURS = int(max(WINDOWS.values()) / HOUR)
# An upload brings an hour when it is over; what came up to then tells the rate.
MAX_LAG_HOURS = 3
# Appliances whose days are counted while somebody waits, where they are small.
MAX_COUNTED_AT_ONCE = 10
# What people call complete: a machine misses a point now and then.
COVERED = 0.95
Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """The rating of one window now, after how many hours it reaches the stars above, and where it falls to: when.

    `covered_after_hours`: until COVERED of its points are there; None where they will not be.
    """

    percent: float
    stars: int
    reached_after_hours: Mapping[int, int]
    falls_to: tuple[int, int] | None
    covered_after_hours: int | None = None


@dataclass(frozen=True)
class History:
    """The share of its points that each of the last hours has, oldest first, and what is to be said of the machines."""

    shares: Shares
    reason: str = ""
    message: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def arriving(self) -> float:
        """The share that came in the last day, counted back from the last hour that has any.

        What began to send less than a day ago is judged by the hours since then: those before tell nothing.
        """
        present = np.flatnonzero(self.shares)
        if not len(present):
            return 0.0
        lag = len(self.shares) - 1 - int(present[-1])
        end = len(self.shares) - (lag if lag < MAX_LAG_HOURS else 0)
        start = max(end - HOURS_A_DAY, int(present[0]))
        return float(self.shares[start:end].mean())


def forecast(shares: Shares, arriving: float, window_hours: int) -> Forecast:
    """The rating of a window of so many hours that moves on, each new hour with the share `arriving`."""
    hours = np.concatenate([shares[-window_hours:], np.full(window_hours, arriving)])
    total = np.concatenate([[0.0], np.cumsum(hours)])
    percent = (total[window_hours:] - total[:-window_hours]) / window_hours
    scaled = np.round(percent * FULL_PERCENT).astype(np.int64)
    rating = stars(scaled, np.full(len(scaled), FULL_PERCENT))
    now = int(rating[0])
    reached = {
        wanted: int(np.argmax(rating >= wanted)) for wanted in range(now + 1, MAX_STARS + 1) if rating.max() >= wanted
    }
    last = int(rating[-1])
    falls_to = (last, int(np.argmax(rating == last))) if last < now else None
    covered = int(np.argmax(percent >= COVERED)) if percent.max() >= COVERED else None
    return Forecast(round(100 * float(percent[0]), 2), now, reached, falls_to, covered)


def machine_history(machine: Machine, now: datetime) -> History:
    """The last month of one machine, hour by hour."""
    if machine.discovered_by == DiscoveredBy.IMPORT:
        return History(_nothing(), "imported", "Imported machines have no confidence rating.")
    until = last_full_hour(now)
    found = next(read_series([machine.id], until - LONGEST_HOURS * HOUR, until), None)
    if found is None:
        return History(_nothing(), *_why_silent(machine))
    slots = int(HOUR.total_seconds()) // found.interval_seconds
    points = binned_points(found, machine_parts(machine), LONGEST_HOURS, slots).sum(axis=0)
    shares = np.minimum(points / (slots * series_by_kind(machine).sum()), 1.0)
    arrives = shares[-HOURS_A_DAY:].any()
    return History(shares) if arrives else History(shares, *_why_silent(machine))


def _nothing() -> Shares:
    return np.zeros(LONGEST_HOURS)


def _why_silent(machine: Machine) -> tuple[str, str]:
    """Why no points come of a machine."""
    if machine.removed_at is not None:
        return "machine_removed", "The appliance no longer lists the machine."
    if machine.power_state in (PowerState.OFF, PowerState.SUSPENDED):
        return "machine_off", f"The machine is {machine.power_state}; it has points again when it runs."
    return "silent", "No points came in the last day. Look at the health of the appliance."


class PackedIds(Aggregate):
    """The ids of rows in order, 16 bytes each: tens of thousands of them as UUIDs would take longer than the query."""

    function = "string_agg"
    template = "string_agg(uuid_send(%(expressions)s), ''::bytea ORDER BY %(expressions)s)"
    output_field = BinaryField()


def machines_history(machines: "QuerySet[Machine]", now: datetime) -> History:
    """The last month of many machines, from the days that the background has counted: the mean of their shares."""
    kept = machines.exclude(discovered_by=DiscoveredBy.IMPORT).order_by()
    is_off = Q(power_state__in=(PowerState.OFF, PowerState.SUSPENDED))
    found = kept.aggregate(packed=PackedIds("id"), off=Count("id", filter=is_off))
    ids = np.frombuffer(bytes(found["packed"] or b""), dtype=ID)
    counts = {
        "machines": (count := machines.count()),
        "machines_imported": count - len(ids),
        "machines_off": found["off"],
    }
    if not count:
        return History(_nothing(), "no_machines", "There are no machines.", counts)
    if not len(ids):
        return History(_nothing(), "imported", "Imported machines have no confidence rating.", counts)
    until = last_full_hour(now)
    appliances = list(Appliance.objects.filter(id__in=kept.values("appliance_id")))
    for appliance in appliances[:MAX_COUNTED_AT_ONCE]:
        count_few(appliance, (until - LONGEST_HOURS * HOUR).date(), now)
    shares = _daily_shares(ids, [appliance.id for appliance in appliances], until)
    if shares[-HOURS_A_DAY:].any():
        return History(shares, counts=counts)
    return History(shares, "silent", "No points came in the last day. Look at the health of the appliances.", counts)


def _daily_shares(ids: NDArray[np.bytes_], appliance_ids: list[UUID], until: datetime) -> Shares:
    """The mean share of these machines for each of the last hours: that of the hour's UTC day."""
    first = until - LONGEST_HOURS * HOUR
    days: dict[date, float] = {}
    chosen: dict[bytes, NDArray[np.bool_]] = {}
    for packed in packed_days(appliance_ids, first.date(), until.date()):
        key = packed.ids.tobytes()
        if key not in chosen:  # the same machines as on the day before, nearly always, and often all of them
            alike = key == ids.tobytes()
            chosen[key] = np.ones(len(ids), dtype=np.bool_) if alike else np.isin(packed.ids, ids)
        share = packed.received / np.maximum(packed.expected, 1)
        days[packed.day] = days.get(packed.day, 0.0) + float(share[chosen[key]].sum())
    hours = [first + number * HOUR for number in range(LONGEST_HOURS)]
    return np.array([days.get(hour.date(), 0.0) for hour in hours]) / len(ids)


def appliance_machines(appliance: Appliance) -> "QuerySet[Machine]":
    """The machines that an appliance lists now."""
    machines: QuerySet[Machine] = Machine.objects.filter(appliance=appliance, removed_at=None)
    return machines


def shown(history: History, now: datetime) -> dict[str, Any]:
    """What the API answers: each window's rating now, when it reaches the stars above, and what keeps it from five."""
    until, arriving = last_full_hour(now), history.arriving()
    answer: dict[str, Any] = {
        "from_at": until,
        "arriving_percent": round(100 * arriving, 2),
        **history.counts,
        "windows": {
            name: _window(forecast(history.shares, arriving, int(length / HOUR)), until, history)
            for name, length in WINDOWS.items()
        },
    }
    return answer | ({"reason": history.reason, "message": history.message} if history.reason else {})


def _window(found: Forecast, until: datetime, history: History) -> dict[str, Any]:
    reaches = [
        {
            "stars": number,
            "at": (at := until + timedelta(hours=hours)),
            "message": f"Reaches {number} star{'s' if number > 1 else ''} on {at:%Y-%m-%d} "
            "if points keep coming as in the last day.",
        }
        for number, hours in found.reached_after_hours.items()
    ]
    highest = max([found.stars, *found.reached_after_hours])
    answer: dict[str, Any] = {"percent": found.percent, "stars": found.stars, "reaches": reaches}
    if found.covered_after_hours is not None:
        at = until + timedelta(hours=found.covered_after_hours)
        told = f"{COVERED:.0%} coverage on {at:%Y-%m-%d}." if found.covered_after_hours else f"Over {COVERED:.0%} now."
        answer["covered"] = {"percent": 100 * COVERED, "at": at, "message": told.replace("%", " %")}
    if found.falls_to is not None:
        number, hours = found.falls_to
        at = until + timedelta(hours=hours)
        answer["falls"] = {
            "stars": number,
            "at": at,
            "message": f"Falls to {number} star{'s' if number > 1 else ''} by {at:%Y-%m-%d} at the present rate.",
        }
    if highest < MAX_STARS:
        answer["limit"] = {
            "stars": highest,
            "reason": history.reason or "too_few_points",
            "message": history.message
            or f"{100 * history.arriving():.0f} % of the points come; more stars need over {20 * highest} %.",
        }
    return answer
