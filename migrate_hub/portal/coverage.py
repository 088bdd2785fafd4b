"""Coverage as bars, a day each, and the forecast of the confidence rating in sentences."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

from assessments.forecast import LONGEST_HOURS, appliance_machines, machine_history, machines_history, shown
from ingest.coverage import HOUR, KINDS, appliance_coverage, bounds, count_few, counted_version, machine_coverage
from ingest.models import Appliance, DiscoveredBy, Machine, PowerState
from migrate_hub.portal.wording import WINDOWS

WIDTH, HEIGHT = 720.0, 120.0
# Of a day's place; the rest is the gap to the next.
BAR_SHARE = 0.7
DAYS_SHOWN = 7
MACHINES_SHOWN = 20
KEPT_SECONDS = 300


@dataclass(frozen=True)
class Bar:
    """One day: its place in a drawing of 720 by 120, and what it says."""

    day: date
    x: float
    y: float
    width: float
    height: float
    percent: float | None
    text: str


def bars_of(days: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """A bar for each day, as high as the share of its points that came."""
    place = WIDTH / max(1, len(days))
    return [_bar(day, number * place, place) for number, day in enumerate(days)]


def _bar(day: Mapping[str, Any], start: float, place: float) -> Bar:
    height = round((day["percent"] or 0) / 100 * HEIGHT, 1)
    share = "nothing was expected" if day["percent"] is None else f"{day['percent']:.1f} %"
    return Bar(
        day=day["day"],
        x=round(start + place * (1 - BAR_SHARE) / 2, 1),
        y=round(HEIGHT - height, 1),
        width=round(place * BAR_SHARE, 1),
        height=height,
        percent=day["percent"],
        text=f"{day['day']:%Y-%m-%d}: {share} ({day['received']:,} of {day['expected']:,} points)",
    )


def of_appliance(appliance: Appliance, now: datetime) -> dict[str, Any]:
    """What an appliance's page shows of its coverage, kept until days are counted anew or an inventory comes."""
    count_few(appliance, (now - LONGEST_HOURS * HOUR).date(), now)
    told = (
        f"{appliance.id} {counted_version(appliance, now)} {appliance.inventory_epoch} {appliance.inventory_sequence}"
    )
    key = f"coverage:{appliance.tenant_id}:{hashlib.sha256(told.encode()).hexdigest()}"
    with suppress(RedisError, OSError):
        kept: dict[str, Any] | None = cache.get(key)
        if kept is not None:
            return kept
    shown = _of_appliance(appliance, now)
    with suppress(RedisError, OSError):
        cache.set(key, shown, KEPT_SECONDS)
    return shown


def _of_appliance(appliance: Appliance, now: datetime) -> dict[str, Any]:
    """Nothing is foretold of an appliance without machines."""
    found = appliance_coverage(appliance, DAYS_SHOWN, now)
    history = machines_history(appliance_machines(appliance), now)
    return {
        "coverage": found,
        "bars": bars_of(found["days"]),
        "gaps": [_gap(row, found["days"]) for row in found["machines"][:MACHINES_SHOWN]],
        "forecast": forecast_lines(shown(history, now)) if history.counts["machines"] else [],
    }


def of_machine(machine: Machine, now: datetime) -> dict[str, Any]:
    """What a machine's page shows of its coverage; nothing of an imported one, which has no points to come."""
    if machine.discovered_by == DiscoveredBy.IMPORT:
        return {"bars": []}
    days = machine_coverage(machine, DAYS_SHOWN, now)["days"]
    return {
        "bars": bars_of(days),
        "coverage_rows": rows_of(days),
        "forecast": forecast_lines(shown(machine_history(machine, now), now)),
    }


def _gap(row: Mapping[str, Any], days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A machine with gaps, and what its inventory says that may explain them."""
    reason = ""
    if row["removed_at"]:
        reason = f"vanished {row['removed_at']:%Y-%m-%d %H:%M}"
    elif row["power_state"] in (PowerState.OFF, PowerState.SUSPENDED):
        reason = "off" if row["power_state"] == PowerState.OFF else "suspended"
    elif days and row["first_seen_at"] > bounds(days[0]["day"])[0]:
        reason = f"first seen {row['first_seen_at']:%Y-%m-%d %H:%M}"
    return {**row, "missing": row["expected"] - row["received"], "reason": reason}


def rows_of(days: Sequence[Mapping[str, Any]]) -> list[tuple[date, list[float | None]]]:
    """For each day, newest first: the percent of each kind of series."""
    return [(day["day"], [day[kind]["percent"] for kind in KINDS]) for day in reversed(days)]


def forecast_lines(shown: Mapping[str, Any]) -> list[tuple[str, int, float, str]]:
    """For each window: its name, stars, percent and what becomes of it."""
    return [(WINDOWS[name], window["stars"], window["percent"], _sentence(window)) for name, window in _windows(shown)]


def _windows(shown: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list(shown["windows"].items())


def _sentence(window: Mapping[str, Any]) -> str:
    """What becomes of the stars, and when nearly every point is there."""
    return f"{_stars_sentence(window)} {window['covered']['message'] if 'covered' in window else ''}".strip()


def _stars_sentence(window: Mapping[str, Any]) -> str:
    if "falls" in window:
        return f"{window['falls']['message']} {window['limit']['message']}"
    if window["reaches"]:
        last = str(window["reaches"][-1]["message"])
        return last if "limit" not in window else f"{last} {window['limit']['message']}"
    return str(window["limit"]["message"]) if "limit" in window else "All five stars already."
