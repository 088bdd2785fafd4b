"""Coverage: how many points there should be of machines and how many there are, a UTC day at a time.

A machine should have (2 + 4 x disks + 2 x NICs) points an interval, as the confidence rating counts them (rules,
section 6), from the first day of its listing to the last full hour. One machine is counted when somebody asks; the
machines of an appliance are counted day by day in the background: a day of 35,000 machines is 80 million points.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Count, F, Max, Q, QuerySet
from numpy.typing import NDArray

from ingest.bulk import plain_array, rows, run
from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.merging import MachineSeries
from ingest.models import Appliance, CoverageDay, Machine
from ingest.performance import read_series
from ingest.series import DISK_SERIES, MACHINE_SERIES, NIC_SERIES
from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import uuid7

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DEFAULT_DAYS, MAX_DAYS = 7, 35
# Up to this many machines and days are counted while somebody waits; more wait for the background.
COUNTED_AT_ONCE = 2000
MACHINES_A_CHUNK = 2000
WORST_SHOWN = 100
# Of a day of which nothing came.
NEVER_TOUCHED = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = ("cpu", "memory", "disk", "network")
COUNT = np.dtype("<i4")
ID = np.dtype("S16")

TOUCH = """
INSERT INTO ingest_coverageday (tenant_id, id, appliance_id, day, touched_at, machines, expected, received, machine_ids,
                                expected_points, received_points)
SELECT %(tenant)s, d.id, %(appliance)s, d.day, %(now)s, 0, 0, 0, '', '', ''
FROM unnest(%(ids)s::uuid[], %(days)s::date[]) AS d (id, day) ORDER BY d.day
ON CONFLICT (tenant_id, appliance_id, day) DO {do}
"""
TOUCHED = TOUCH.format(do="UPDATE SET touched_at = excluded.touched_at")
ENSURED = TOUCH.format(do="NOTHING")
LISTED = """
SELECT m.id, (SELECT count(*) FROM ingest_disk d WHERE d.tenant_id = m.tenant_id AND d.machine_id = m.id),
       (SELECT count(*) FROM ingest_nic n WHERE n.tenant_id = m.tenant_id AND n.machine_id = m.id)
FROM ingest_machine m
WHERE m.tenant_id = %(tenant)s AND m.appliance_id = %(appliance)s AND m.first_seen_at < %(end)s
AND (m.removed_at IS NULL OR m.removed_at > %(start)s) ORDER BY m.id
"""


def bounds(day: date) -> tuple[datetime, datetime]:
    """When a UTC day starts and ends."""
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def last_full_hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def touch_days(appliance: Appliance, days: Collection[date], now: datetime) -> None:
    """Remembers that an upload brought points of these days, so that they are counted again."""
    run(TOUCHED, _day_columns(appliance, days, now))


def ensure_days(appliance: Appliance, now: datetime) -> None:
    """Rows for today and yesterday, as far as it was enrolled, if nothing came of them: a silent one has days too."""
    today = last_full_hour(now).date()
    since = (appliance.registered_at or now).date()
    days = [day for day in (today - DAY, today) if day >= since]
    run(ENSURED, _day_columns(appliance, days, NEVER_TOUCHED))


def _day_columns(appliance: Appliance, days: Collection[date], touched_at: datetime) -> dict[str, Any]:
    return {
        "tenant": appliance.tenant_id,
        "appliance": appliance.id,
        "now": touched_at,
        "ids": plain_array(uuid7() for _ in days),
        "days": plain_array(sorted(days)),
    }


def due_days(now: datetime) -> "QuerySet[CoverageDay]":
    """Days of the current tenant whose count is not right any more: more points came, or more time has passed."""
    until = last_full_hour(now)
    never, touched = Q(counted_for=None), ~Q(counted_for=F("touched_at"))
    today, yesterday = until.date(), until.date() - DAY
    older = Q(day=today, counted_at__lt=until) | Q(day=yesterday, counted_at__lt=bounds(today)[0])
    due: QuerySet[CoverageDay] = CoverageDay.objects.filter(never | touched | older, day__lte=today)
    return due.defer("machine_ids", "expected_points", "received_points")


def count_day(row: CoverageDay, now: datetime) -> None:
    """Counts an appliance's day. An upload that comes meanwhile touches the day, so that it is counted again."""
    start, end = bounds(row.day)
    until = min(end, last_full_hour(now))
    listed = rows(LISTED, {"tenant": row.tenant_id, "appliance": row.appliance_id, "start": start, "end": end})
    ids = [machine_id for machine_id, _, _ in listed]
    series = np.array([_series(disks, nics) for _, disks, nics in listed], dtype=np.int64)
    received, intervals = np.zeros(len(ids), dtype=np.int64), np.full(len(ids), DEFAULT_INTERVAL_SECONDS)
    if until > start:
        number = {machine_id: place for place, machine_id in enumerate(ids)}
        for machine in read_series(ids, start, until):
            place = number[machine.machine_id]
            received[place], intervals[place] = int(sum(points_by_kind(machine))), machine.interval_seconds
    expected = series * (max(0, int((until - start).total_seconds())) // intervals)
    received = np.minimum(received, expected)
    CoverageDay.objects.filter(id=row.id).update(
        counted_for=row.touched_at,
        counted_at=now,
        machines=len(ids),
        expected=int(expected.sum()),
        received=int(received.sum()),
        machine_ids=b"".join(machine_id.bytes for machine_id in ids),
        expected_points=expected.astype(COUNT).tobytes(),
        received_points=received.astype(COUNT).tobytes(),
    )


def _series(disks: int, nics: int) -> int:
    return len(MACHINE_SERIES) + len(DISK_SERIES) * disks + len(NIC_SERIES) * nics


def points_by_kind(machine: MachineSeries) -> NDArray[np.int64]:
    """How many points a machine has of its CPU, memory, disks and network; averages and counts are no points."""
    counted = np.zeros(len(KINDS), dtype=np.int64)
    for (part, _, name), points in zip(machine.series, machine.points().tolist(), strict=True):
        kind = _kind(part, name)
        if kind is not None:
            counted[kind] += points
    return counted


def _kind(part: str, name: str) -> int | None:
    """The place in KINDS of a series."""
    if not part:
        return MACHINE_SERIES.index(name) if name in MACHINE_SERIES else None
    names, kind = (DISK_SERIES, 2) if part == "disk" else (NIC_SERIES, 3)
    return kind if name in names else None


@dataclass(frozen=True)
class Counted:
    """Points expected and received."""

    expected: int
    received: int

    @property
    def percent(self) -> float | None:
        """None where nothing was expected."""
        return round(100 * self.received / self.expected, 2) if self.expected else None


@dataclass(frozen=True)
class Packed:
    """An appliance's day, machine by machine, in order of `ids`."""

    day: date
    ids: NDArray[np.bytes_]
    expected: NDArray[np.int64]
    received: NDArray[np.int64]


def packed_days(appliance_ids: Sequence[UUID], first: date, last: date) -> Iterator[Packed]:
    """The counted days of appliances from `first` to `last`, oldest first."""
    found = CoverageDay.objects.filter(appliance_id__in=appliance_ids, day__gte=first, day__lte=last)
    for row in found.exclude(counted_at=None).order_by("day", "id").iterator(chunk_size=8):
        yield Packed(
            day=row.day,
            ids=np.frombuffer(bytes(row.machine_ids), dtype=ID),
            expected=np.frombuffer(bytes(row.expected_points), dtype=COUNT).astype(np.int64),
            received=np.frombuffer(bytes(row.received_points), dtype=COUNT).astype(np.int64),
        )


def worst_machines(days: Sequence[Packed]) -> tuple[list[tuple[UUID, Counted]], int]:
    """The machines with the largest share missing over some days, at most 100, and how many have a gap at all."""
    if not days:
        return [], 0
    ids, expected, received = _summed(days)
    missing = 1 - received / np.maximum(expected, 1)
    gaps = np.flatnonzero(received < expected)
    worst = gaps[np.lexsort((ids[gaps], -missing[gaps]))][:WORST_SHOWN]
    named = [(_uuid(ids[i]), Counted(int(expected[i]), int(received[i]))) for i in worst]
    return named, len(gaps)


def _summed(days: Sequence[Packed]) -> tuple[NDArray[np.bytes_], NDArray[np.int64], NDArray[np.int64]]:
    """Machines in order, with what was expected and received of each over some days."""
    alike: dict[bytes, list[Packed]] = {}
    for day in days:  # of the same machines as on the day before, nearly always
        alike.setdefault(day.ids.tobytes(), []).append(day)
    sums = [
        (same[0].ids, sum(day.expected for day in same), sum(day.received for day in same)) for same in alike.values()
    ]
    ids, place = np.unique(np.concatenate([ids for ids, _, _ in sums]), return_inverse=True)
    expected, received = (
        np.bincount(place, np.concatenate([one[column] for one in sums]), len(ids)).astype(np.int64)
        for column in (1, 2)
    )
    return ids, expected, received


def _uuid(packed: np.bytes_) -> UUID:
    # numpy cuts trailing zero bytes off.
    return UUID(bytes=bytes(packed).ljust(ID.itemsize, b"\0"))


def asked_days(query: Mapping[str, Any]) -> int:
    """The `days` of a URL; 400 for what is no number of days that are kept."""
    text = str(query.get("days") or DEFAULT_DAYS)
    if not text.isdecimal() or len(text) > len(str(MAX_DAYS)) or not 1 <= int(text) <= MAX_DAYS:
        raise DomainError(code="invalid", detail=f"days must be a number from 1 to {MAX_DAYS}.")
    return int(text)


def appliance_coverage(appliance: Appliance, days: int, now: datetime) -> dict[str, Any]:
    """What the API answers of an appliance: the last `days` days, and the machines with gaps, worst first."""
    last = last_full_hour(now).date()
    first = last - timedelta(days=days - 1)
    count_few(appliance, first, now)
    known = CoverageDay.objects.filter(appliance=appliance, day__gte=first, day__lte=last).exclude(counted_at=None)
    listed = list(known.defer("machine_ids", "expected_points", "received_points").order_by("day"))
    worst, gaps = worst_machines(list(packed_days([appliance.id], first, last)))
    return {
        "days": [
            {"day": row.day, "machines": row.machines, **_shown(Counted(row.expected, row.received))} for row in listed
        ],
        "machines_with_gaps": gaps,
        "machines": _named(worst),
        "counted_at": min((row.counted_at for row in listed), default=None),
    }


def counted_version(appliance: Appliance, now: datetime) -> str:
    """Changes whenever what is known of an appliance's days does: a day was counted, an hour has passed."""
    counted = CoverageDay.objects.filter(appliance=appliance).aggregate(
        newest=Max("counted_at"), days=Count("id", filter=Q(counted_at__isnull=False))
    )
    return f"{last_full_hour(now):%Y%m%d%H} {counted['newest']} {counted['days']}"


def has_days_to_count(now: datetime) -> bool:
    """Whether the current tenant has days to count or to forget; one that listens to an appliance always has."""
    return _listening().exists() or due_days(now).exists() or _forgotten(now).exists()


def days_to_count(now: datetime) -> list[CoverageDay]:
    """The days of the current tenant that are due, newest first. Those of silent appliances are made, old ones go."""
    _forgotten(now).delete()
    for appliance in _listening():
        ensure_days(appliance, now)
    return list(due_days(now).order_by("-day", "id"))


def _listening() -> "QuerySet[Appliance]":
    listening: QuerySet[Appliance] = Appliance.objects.filter(project__deleted_at=None).exclude(registered_at=None)
    return listening


def _forgotten(now: datetime) -> "QuerySet[CoverageDay]":
    old: QuerySet[CoverageDay] = CoverageDay.objects.filter(day__lt=now.date() - timedelta(days=MAX_DAYS + 1))
    return old


def _shown(counted: Counted) -> dict[str, Any]:
    return {"expected": counted.expected, "received": counted.received, "percent": counted.percent}


def _named(worst: Sequence[tuple[UUID, Counted]]) -> list[dict[str, Any]]:
    machines = Machine.objects.filter(id__in=[machine_id for machine_id, _ in worst]).in_bulk()
    return [
        {
            "machine": machine_id,
            "name": machines[machine_id].name,
            "power_state": machines[machine_id].power_state,
            "first_seen_at": machines[machine_id].first_seen_at,
            "removed_at": machines[machine_id].removed_at,
            **_shown(counted),
        }
        for machine_id, counted in worst
        if machine_id in machines
    ]


def count_few(appliance: Appliance, first: date, now: datetime) -> None:
    """Counts what is due at once where that is quick, so that a small site is always up to date."""
    machines = Machine.objects.filter(appliance=appliance, removed_at=None).count()
    if not machines:
        return
    ensure_days(appliance, now)
    due = due_days(now).filter(appliance=appliance, day__gte=first).order_by("-day")
    for row in due[: COUNTED_AT_ONCE // machines]:
        count_day(row, now)


def machine_coverage(machine: Machine, days: int, now: datetime) -> dict[str, Any]:
    """What the API answers of a machine: day by day what was expected and received of each kind of series."""
    until = last_full_hour(now)
    start, _ = bounds(until.date() - timedelta(days=days - 1))
    found = next(read_series([machine.id], start, until), None) if until > start else None
    interval = found.interval_seconds if found else DEFAULT_INTERVAL_SECONDS
    a_day = int(DAY.total_seconds()) // interval
    present = binned_points(found, machine_parts(machine), days, a_day) if found else np.zeros((len(KINDS), days))
    series = series_by_kind(machine)
    shown = []
    for number in range(days):
        begins, ends = bounds(start.date() + timedelta(days=number))
        slots = int((min(ends, until) - begins).total_seconds()) // interval
        if slots > 0 and machine.first_seen_at < ends and (machine.removed_at is None or machine.removed_at > begins):
            shown.append(_day(begins.date(), series * slots, present[:, number].astype(np.int64)))
    return {"interval_seconds": interval, "days": shown}


def series_by_kind(machine: Machine) -> NDArray[np.int64]:
    """How many series a machine has of each of KINDS."""
    disks, nics = machine.disks.count(), machine.nics.count()
    return np.array([1, 1, len(DISK_SERIES) * disks, len(NIC_SERIES) * nics], dtype=np.int64)


def machine_parts(machine: Machine) -> set[tuple[str, str]]:
    """What a machine has, as the series name it."""
    disks, nics = (part.values_list("source_id", flat=True) for part in (machine.disks, machine.nics))
    return {("", ""), *(("disk", source_id) for source_id in disks), *(("nic", source_id) for source_id in nics)}


def binned_points(
    machine: MachineSeries, parts: Collection[tuple[str, str]], bins: int, slots_a_bin: int
) -> NDArray[np.int64]:
    """Points of each kind in each run of slots, shape (4, bins), of the parts that there are."""
    counted = np.zeros((len(KINDS), bins), dtype=np.int64)
    there = np.where(np.isnan(machine.values), 0, machine.weights)
    padded = np.pad(there, ((0, 0), (0, bins * slots_a_bin - there.shape[1])))
    for (part, source_id, name), points in zip(machine.series, padded.reshape(len(there), bins, -1), strict=True):
        kind = _kind(part, name)
        if kind is not None and (part, source_id) in parts:
            counted[kind] += points.sum(axis=1)
    return counted


def _day(day: date, expected: NDArray[np.int64], received: NDArray[np.int64]) -> dict[str, Any]:
    received = np.minimum(received, expected)
    counted = [Counted(*pair) for pair in zip(expected.tolist(), received.tolist(), strict=True)]
    return {
        "day": day,
        **_shown(Counted(int(expected.sum()), int(received.sum()))),
        **{kind: _shown(each) for kind, each in zip(KINDS, counted, strict=True)},
    }
