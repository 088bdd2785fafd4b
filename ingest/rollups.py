"""Rolled-up rows: the percentiles of the menu, machine by machine and window by window, read instead of the points.

A row is made once and serves as long as the points in its window are those it was made of (history_version.py) and
its window is the one asked for; for every other machine the blocks are read. So a row that is missing, late or made
twice changes how long an answer takes and never what it is. docs/adr/0014 says when rows are made anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.bulk import plain_array, rows, run, text_array
from ingest.history_version import versions_of_windows
from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.packing import VALUE
from ingest.percentiles import MENU, WINDOWS, percentiles
from ingest.performance import MachineSeries, read_series
from ingest.series import DISK_SERIES, MACHINE_SERIES, NIC_SERIES, Layout, Series, read_layouts, store_layouts
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.row_level_security import tenant_context

COUNT = np.dtype("<i4")
NAMES = {"": MACHINE_SERIES, "disk": DISK_SERIES, "nic": NIC_SERIES}
LONGEST_NAME = max(WINDOWS, key=lambda name: WINDOWS[name])
MACHINES_A_TRANSACTION = 500
# Rows that no run used for so long are not made anew but deleted; marking the use may be this much behind.
KEPT_AFTER_USE = timedelta(days=1)
USE_NOTED_EVERY = timedelta(hours=6)
# A window that ended longer ago is nobody's next one: its rows would only displace better ones.
WORTH_ROWS = timedelta(hours=3)

# Fingerprints of the points of machines, by the name of a window.
Versions = Mapping[str, Mapping[UUID, bytes]]
NOTHING_SEEN: Versions = {}


@dataclass(frozen=True)
class Rolled:
    """Percentiles of machines whose series are the same ones, over one window.

    `values` has the shape (machines, series, percentiles), NaN where a series has no point; `points` of the shape
    (machines, series) is how many intervals of `interval_seconds` (machines) each series covers.
    """

    series: tuple[Series, ...]
    machine_ids: list[UUID]
    interval_seconds: NDArray[np.int64]
    values: NDArray[np.float32]
    points: NDArray[np.int64]

    def placed(self, part: str, names: tuple[str, ...]) -> "Placed":
        """The series of one kind of part ("" is the machine itself) as one array; a series that is missing is NaN."""
        source_ids, places = _places(self.series, part, names)
        # One more series, which has no points: -1 in `places` is the one that is missing.
        values = np.pad(self.values, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
        return Placed(source_ids, values[:, places], np.pad(self.points, ((0, 0), (0, 1)))[:, places])


class Placed(NamedTuple):
    """`values` has the shape (machines, source_ids, names, percentiles), `points` (machines, source_ids, names)."""

    source_ids: list[str]
    values: NDArray[np.float32]
    points: NDArray[np.int64]


@lru_cache(maxsize=4096)
def _places(series: tuple[Series, ...], part: str, names: tuple[str, ...]) -> tuple[list[str], NDArray[np.intp]]:
    """The source ids of one kind of part in order, and where the series of each stand; -1 for one that is missing."""
    place = {one: row for row, one in enumerate(series)}
    source_ids = sorted({one.source_id for one in series if one.part == part})
    places = [[place.get(Series(part, source_id, name), -1) for name in names] for source_id in source_ids]
    return source_ids, np.array(places, dtype=np.intp).reshape(-1, len(names))


def menu_window(start_at: datetime, end_at: datetime) -> str | None:
    """The name of a window of the menu of this length; None where there is none or it does not end with an hour."""
    if end_at != full_hour(end_at):
        return None
    return next((name for name, length in WINDOWS.items() if length == end_at - start_at), None)


def full_hour(now: datetime) -> datetime:
    """The last full UTC hour, with which the windows of the menu end."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


# --- from points to percentiles ---------------------------------------------------------------------------------------


def roll_up(machine: MachineSeries, start_at: datetime, asked: Sequence[float] = MENU) -> Rolled:
    """Percentiles of one machine from `start_at` to the end of what was read of it; averages and counts are left out.

    The interval is the coarsest grid that holds the points, whatever was sent before `start_at`: reading a day alone
    and as the last part of a month gives the same.
    """
    series, chosen = _chosen_rows(machine.series)
    first = -(-int((start_at - machine.start_at).total_seconds()) // machine.interval_seconds)
    values, weights = machine.values[chosen, first:], machine.weights[first:]
    exists = ~np.isnan(values)
    step = _step(exists, weights)
    if step > 1:
        values, exists, weights = values[:, ::step], exists[:, ::step], weights[::step] // step
    points = np.where(exists, weights, 0).sum(axis=1, dtype=np.int64)
    interval = machine.interval_seconds * step if points.any() else DEFAULT_INTERVAL_SECONDS
    return Rolled(
        series,
        [machine.machine_id],
        interval_seconds=np.array([interval], dtype=np.int64),
        values=percentiles(values, asked).astype(VALUE)[np.newaxis],
        points=points[np.newaxis],
    )


@lru_cache(maxsize=1024)
def _chosen_rows(series: tuple[Series, ...]) -> tuple[tuple[Series, ...], "NDArray[np.intp] | slice"]:
    """The series that assessments look at, sorted, and which rows they are."""
    rows = [row for row, one in enumerate(series) if one.name in NAMES[one.part]]
    rows.sort(key=lambda row: series[row])
    whole = rows == list(range(len(series)))
    return tuple(series[row] for row in rows), slice(None) if whole else np.array(rows, dtype=np.intp)


def _step(exists: NDArray[np.bool_], weights: NDArray[np.int8]) -> int:
    """How many slots each point stands for: more than 1 where all points have a coarser interval than the grid."""
    slots = np.flatnonzero(exists.any(axis=0))
    step = int(weights[slots].min()) if len(slots) else 1
    return step if step > 1 and not (slots % step).any() else 1


# --- reading ----------------------------------------------------------------------------------------------------------

VALID_ROWS = """
SELECT machine_id, fingerprint, extra_names, interval_seconds, layout_id, "values", points FROM ingest_rollup
WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) AND window_name = %s AND start_at = %s AND end_at = %s
"""
FINGERPRINTS = """
SELECT machine_id, fingerprint, extra_names FROM ingest_rollup
WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) AND window_name = %s AND start_at = %s AND end_at = %s
"""


def rolled_up(
    machine_ids: Sequence[UUID], end_at: datetime, window_names: Sequence[str], seen: Versions = NOTHING_SEEN
) -> Iterator[tuple[str, Rolled]]:
    """The menu percentiles of these machines over these windows: from rows, and from the blocks where none is valid.

    A machine without points in a window is left out there, or comes with 0 points. `seen` is what `refresh` answered
    for these machines: rows are then valid for the points as they were at that time.
    """
    stale: dict[str, set[UUID]] = {}
    for name, versions in _versions(machine_ids, end_at, window_names, seen).items():
        found = [row for row in _rows(VALID_ROWS, machine_ids, name, end_at) if bytes(row[1]) == versions.get(row[0])]
        stale[name] = versions.keys() - {row[0] for row in found}
        for group in _groups(found):
            yield name, group
    unread = set().union(*stale.values())
    longest = max((WINDOWS[name] for name in window_names if stale[name]), default=timedelta(0))
    for machine in read_series(sorted(unread), end_at - longest, end_at):
        for name in window_names:
            if machine.machine_id in stale[name]:
                yield name, roll_up(machine, end_at - WINDOWS[name])


def _versions(
    machine_ids: Sequence[UUID], end_at: datetime, window_names: Sequence[str], seen: Versions = NOTHING_SEEN
) -> Versions:
    """By window, the fingerprints of the machines that may have points in it."""
    if all(name in seen for name in window_names):
        return {name: seen[name] for name in window_names}
    starts = [end_at - WINDOWS[name] for name in window_names]
    return dict(zip(window_names, versions_of_windows(machine_ids, starts, end_at), strict=True))


def _rows(sql: str, machine_ids: Sequence[UUID], name: str, end_at: datetime) -> list[tuple[Any, ...]]:
    return rows(sql, [current_tenant_id(), plain_array(machine_ids), name, end_at - WINDOWS[name], end_at])


def _groups(found: Sequence[tuple[Any, ...]]) -> Iterator[Rolled]:
    """Rows of VALID_ROWS, those of one layout together."""
    by_layout: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in found:
        by_layout.setdefault(row[4], []).append(row)
    layouts = read_layouts(current_tenant_id(), by_layout)
    for layout_id, alike in by_layout.items():
        shape = len(alike), len(layouts[layout_id].series)
        yield Rolled(
            layouts[layout_id].series,
            [row[0] for row in alike],
            interval_seconds=np.array([row[3] for row in alike], dtype=np.int64),
            values=np.frombuffer(b"".join(row[5] for row in alike), dtype=VALUE).reshape(*shape, len(MENU)),
            points=np.frombuffer(b"".join(row[6] for row in alike), dtype=COUNT).reshape(shape).astype(np.int64),
        )


# --- what else is kept with the month ---------------------------------------------------------------------------------

_also: dict[str, Callable[[UUID, MachineSeries], bytes]] = {}


def also(name: str, function: Callable[[UUID, MachineSeries], bytes]) -> None:
    """Registers something else to be made of a machine's month whenever its row is made anew, and kept in the row.

    `function(machine_id, month)` is pure: it gets the series of the 30 days that end with `end_at` (month.start_at is
    their start; NaN where there is no point) and answers bytes that say for themselves what they mean. To be called
    once a process, by a module that tasks and readers alike import. When the function comes to answer otherwise, give
    it another name: rows without that name are then made anew. `kept(name, ...)` reads the bytes.
    """
    _also[name] = function


def forget_also(name: str) -> None:
    """Takes back what `also` registered."""
    del _also[name]


def kept(name: str, machine_ids: Sequence[UUID], end_at: datetime, seen: Versions = NOTHING_SEEN) -> dict[UUID, bytes]:
    """What the function of this name makes of the 30 days up to `end_at`, for each machine that has points in them.

    From valid rows, and from the blocks where there is none (`refresh` makes rows, and answers what it has `seen`).
    Machines without points are absent.
    """
    start_at = end_at - WINDOWS[LONGEST_NAME]
    versions = _versions(machine_ids, end_at, [LONGEST_NAME], seen)[LONGEST_NAME]
    sql = VALID_ROWS.replace("interval_seconds", "extras", 1)
    found = {
        row[0]: msgspec.msgpack.decode(row[3], type=dict[str, bytes])[name]
        for row in _rows(sql, machine_ids, LONGEST_NAME, end_at)
        if bytes(row[1]) == versions.get(row[0]) and name in row[2]
    }
    unread = sorted(versions.keys() - found.keys())
    return found | {
        machine.machine_id: _also[name](machine.machine_id, machine)
        for machine in read_series(unread, start_at, end_at)
    }


# --- making rows ------------------------------------------------------------------------------------------------------

STORE = """
INSERT INTO ingest_rollup AS kept (tenant_id, machine_id, window_name, start_at, end_at, used_at, interval_seconds,
                                   layout_id, fingerprint, "values", points, extra_names, extras)
SELECT %(tenant)s, machine_id, window_name, %(end)s - make_interval(secs => seconds), %(end)s, %(now)s,
       interval_seconds, layout_id, substring(packed FROM first FOR 24), substring(packed FROM first + 24 FOR size),
       substring(packed FROM first + 24 + size FOR counts),
       CASE WHEN rest > 0 THEN %(extra_names)s::text[] ELSE '{}' END,
       substring(packed FROM first + 24 + size + counts FOR rest)
FROM (SELECT %(packed)s::bytea AS packed) sent,
     unnest(%(machines)s::uuid[], %(windows)s::text[], %(seconds)s::int[], %(intervals)s::int[], %(layouts)s::uuid[],
            %(firsts)s::int[], %(sizes)s::int[], %(counts)s::int[], %(rests)s::int[])
     AS r (machine_id, window_name, seconds, interval_seconds, layout_id, first, size, counts, rest)
ORDER BY machine_id, window_name
ON CONFLICT (tenant_id, machine_id, window_name) DO UPDATE SET
    start_at = excluded.start_at, end_at = excluded.end_at, interval_seconds = excluded.interval_seconds,
    layout_id = excluded.layout_id, fingerprint = excluded.fingerprint, "values" = excluded."values",
    points = excluded.points, extra_names = excluded.extra_names, extras = excluded.extras,
    used_at = CASE WHEN %(used)s THEN excluded.used_at ELSE kept.used_at END
WHERE %(used)s OR kept.end_at <= excluded.end_at
"""
NOTE_USE = """
UPDATE ingest_rollup SET used_at = %s
WHERE tenant_id = %s AND (machine_id, window_name) IN (
    SELECT machine_id, window_name FROM ingest_rollup
    WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) AND window_name = ANY(%s::text[]) AND used_at < %s
    ORDER BY machine_id, window_name FOR UPDATE SKIP LOCKED)
"""


class _Made(NamedTuple):
    """A row to be stored."""

    window_name: str
    fingerprint: bytes
    rolled: Rolled
    extras: bytes


def refresh(
    tenant_id: int,
    machine_ids: Sequence[UUID],
    end_at: datetime,
    *,
    window_names: Sequence[str] = tuple(WINDOWS),
    now: datetime,
    used: bool,
) -> Versions:
    """Makes the rows of these machines anew that are not valid for windows which end at `end_at`, in transactions of
    its own: one that reads a snapshot, so that fingerprint and points belong together, and one that writes.

    Answers the fingerprints that it saw: whoever reads the rows next need not look again.

    `used` tells a run's need from the background's: it keeps the rows alive, and wins over a later window. Nothing is
    made for an end that is no full hour or too long ago.
    """
    if end_at != full_hour(end_at) or now - end_at > WORTH_ROWS:
        return NOTHING_SEEN
    seen: dict[str, dict[UUID, bytes]] = {name: {} for name in window_names}
    for first in range(0, len(machine_ids), MACHINES_A_TRANSACTION):
        part = machine_ids[first : first + MACHINES_A_TRANSACTION]
        with tenant_context(tenant_id, snapshot=True):
            versions = _versions(part, end_at, window_names)
            made = list(_make(_stale(versions, end_at), end_at))
        with tenant_context(tenant_id):
            if used:
                parameters = [now, tenant_id, tenant_id, plain_array(part), text_array(window_names)]
                run(NOTE_USE, [*parameters, now - USE_NOTED_EVERY])
            _store(made, end_at, now=now, used=used)
        for name in window_names:
            seen[name].update(versions[name])
    return seen


def has_stale(machine_ids: Sequence[UUID], end_at: datetime) -> bool:
    """Whether `refresh` would make any row of these machines anew."""
    return any(_stale(_versions(machine_ids, end_at, tuple(WINDOWS)), end_at).values())


def _stale(versions: Versions, end_at: datetime) -> Versions:
    """Of these machines those that have no valid row, window by window."""
    stale = {}
    for name, all_versions in versions.items():
        wanted = _also.keys() if name == LONGEST_NAME else set()
        valid = {
            machine_id
            for machine_id, fingerprint, extra_names in _rows(FINGERPRINTS, list(all_versions), name, end_at)
            if bytes(fingerprint) == all_versions[machine_id] and wanted <= set(extra_names)
        }
        stale[name] = {id: version for id, version in all_versions.items() if id not in valid}
    return stale


def _make(stale: Versions, end_at: datetime) -> Iterator[_Made]:
    longest = max((WINDOWS[name] for name, versions in stale.items() if versions), default=timedelta(0))
    for machine in read_series(sorted(set().union(*stale.values())), end_at - longest, end_at):
        for name, versions in stale.items():
            fingerprint = versions.get(machine.machine_id)
            if fingerprint is not None:
                extras = _extras(machine) if name == LONGEST_NAME else b""
                yield _Made(name, fingerprint, roll_up(machine, end_at - WINDOWS[name]), extras)


def _extras(month: MachineSeries) -> bytes:
    if not _also:
        return b""
    return msgspec.msgpack.encode({name: function(month.machine_id, month) for name, function in _also.items()})


@lru_cache(maxsize=1024)
def _layout(series: tuple[Series, ...]) -> Layout:
    return Layout(series)


def _store(made: Sequence[_Made], end_at: datetime, *, now: datetime, used: bool) -> None:
    if not made:
        return
    pieces = [
        (row.fingerprint, row.rolled.values.tobytes(), row.rolled.points.astype(COUNT).tobytes(), row.extras)
        for row in made
    ]
    lengths = np.array([[len(piece) for piece in row] for row in pieces])
    layouts = [_layout(row.rolled.series) for row in made]
    store_layouts(current_tenant_id(), layouts)
    run(
        STORE,
        {
            "tenant": current_tenant_id(),
            "end": end_at,
            "now": now,
            "used": used,
            "extra_names": text_array(sorted(_also)),
            "machines": plain_array(row.rolled.machine_ids[0] for row in made),
            "windows": text_array(row.window_name for row in made),
            "seconds": plain_array(int(WINDOWS[row.window_name].total_seconds()) for row in made),
            "intervals": plain_array(row.rolled.interval_seconds[0] for row in made),
            "layouts": plain_array(layout.id for layout in layouts),
            "firsts": plain_array(np.cumsum(lengths.sum(axis=1)) - lengths.sum(axis=1) + 1),
            "sizes": plain_array(lengths[:, 1]),
            "counts": plain_array(lengths[:, 2]),
            "rests": plain_array(lengths[:, 3]),
            "packed": b"".join(piece for row in pieces for piece in row),
        },
    )
