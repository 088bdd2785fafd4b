"""The series of one machine for a chart: down-sampled to the points asked for, minimum, average and maximum kept.

A window that begins before the points that are kept is answered from the daily statistics, a bucket a day or more.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.daily import COLUMNS, DailyValues, daily_of, read_daily
from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.merging import MachineSeries
from ingest.packing import DAY_SECONDS, DECIMALS, quantised
from ingest.percentiles import MAXIMUM, percentiles
from ingest.performance import read_series
from ingest.retention import RETENTION
from ingest.series import MACHINE_SERIES, Series
from migrate_hub.errors import DomainError

MAX_POINTS = 1000
# Of all series of an answer together: a machine with hundreds gets longer buckets, as `bucket_seconds` says.
MAX_BUCKETS = 100_000
DEFAULT_WINDOW = timedelta(days=1)
# 13 months of daily statistics, as long as these can be.
LONGEST_WINDOW = timedelta(days=400)
STATISTICS = ("minimum", "average", "maximum")
POINTS, DAILY = "points", "daily"
ONE_DAY = timedelta(days=1)


def chart_window(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The window asked for, by default the last day; 400 when it is empty or longer than what is kept."""
    last = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    end_at = end or (start + DEFAULT_WINDOW if start else last)
    start_at = start or end_at - DEFAULT_WINDOW
    if not timedelta(0) < end_at - start_at <= LONGEST_WINDOW:
        raise DomainError(
            code="invalid_window",
            detail=f"The window must end after it starts and be no longer than {LONGEST_WINDOW.days} days.",
        )
    return _on_grid(start_at), end_at


def _on_grid(instant: datetime) -> datetime:
    seconds = int(instant.timestamp())
    return datetime.fromtimestamp(seconds - seconds % DEFAULT_INTERVAL_SECONDS, UTC)


def chart(
    machine_id: UUID,
    start_at: datetime,
    end_at: datetime,
    *,
    now: datetime,
    points: int = MAX_POINTS,
    percentile: float | None = None,
    only: Collection[Series] | None = None,
) -> dict[str, Any]:
    """What the API answers: at most `points` buckets from `start_at` on; null where a bucket has no point.

    A machine with more than 100 series gets fewer buckets, MAX_BUCKETS in all. `percentile` (0 < P <= 100) adds that of
    each series over the whole window; of daily statistics only the maximum can be told, any other is null. `only`
    leaves the other series out.
    """
    oldest = _midnight((now - RETENTION).astimezone(UTC).date())
    if start_at < oldest:
        answer = _daily_chart(machine_id, start_at, end_at, oldest=oldest, points=points, only=only)
        return answer if percentile is None else _with_highest(answer, percentile)
    return _point_chart(machine_id, start_at, end_at, points=points, percentile=percentile, only=only)


def _with_highest(answer: dict[str, Any], percentile: float) -> dict[str, Any]:
    """Daily statistics with the percentile of each series: the highest of its maxima, or null."""
    for _, statistics in series_of(answer):
        known = [value for value in statistics["maximum"] if value is not None]
        statistics["percentile"] = max(known) if known and percentile == MAXIMUM else None
    return answer


def series_of(answer: dict[str, Any]) -> list[tuple[Series, dict[str, Any]]]:
    """Every series of a chart with its statistics."""
    own = [(Series("", "", name), answer[name]) for name in MACHINE_SERIES if name in answer]
    parts = [
        (Series(part, source_id, name), statistics)
        for part in ("disk", "nic")
        for source_id, by_name in answer[f"{part}s"].items()
        for name, statistics in by_name.items()
    ]
    return own + parts


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _point_chart(
    machine_id: UUID,
    start_at: datetime,
    end_at: datetime,
    *,
    points: int,
    percentile: float | None,
    only: Collection[Series] | None,
) -> dict[str, Any]:
    found = next(read_series([machine_id], start_at, end_at), None)
    rows = [(row, series) for row, series in enumerate(found.series) if _is_asked(series, only)] if found else []
    interval = found.interval_seconds if found else DEFAULT_INTERVAL_SECONDS
    slots = -(-int((end_at - start_at).total_seconds()) // interval)
    size = -(-slots // _at_most(points, len(rows)))
    answer = _empty(start_at, end_at, source=POINTS, interval=interval, bucket=interval * size)
    if found:
        for row, series in rows:  # one at a time: a month of all would be hundreds of megabytes
            values = quantised(found.values[row : row + 1])
            bucketed = buckets(values, size)
            statistics: dict[str, Any] = {name: with_nulls(bucketed[name][0]) for name in STATISTICS}
            if percentile is not None:
                statistics["percentile"] = with_nulls(percentiles(values, [percentile])[0])[0]
            _add(answer, series, statistics)
    return answer


def _is_asked(series: Series, only: Collection[Series] | None) -> bool:
    return only is None or series in only


def _at_most(points: int, series: int) -> int:
    """The buckets that each of so many series gets, when `points` are asked for."""
    return max(1, min(points, MAX_BUCKETS // max(series, 1)))


def _empty(start_at: datetime, end_at: datetime, *, source: str, interval: int, bucket: int) -> dict[str, Any]:
    return {
        "start_at": start_at,
        "end_at": end_at,
        "source": source,
        "interval_seconds": interval,
        "bucket_seconds": bucket,
        "disks": {},
        "nics": {},
    }


def _add(answer: dict[str, Any], series: Series, statistics: dict[str, Any]) -> None:
    if series.part:
        answer[f"{series.part}s"].setdefault(series.source_id, {})[series.name] = statistics
    else:
        answer[series.name] = statistics


def with_nulls(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124  NaN is not itself


def buckets(values: NDArray[np.float64], size: int) -> dict[str, NDArray[np.float64]]:
    """Minimum, average and maximum of each run of `size` slots, shape (series, runs); NaN where a run has no point.

    `values` has the shape (series, slots); the last run may be shorter.
    """
    runs = _runs(values, size)
    return {
        "minimum": np.fmin.reduce(runs, axis=2),
        "average": _weighted_mean(runs, np.ones_like(runs)),
        "maximum": np.fmax.reduce(runs, axis=2),
    }


def _runs(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Each row cut into runs of `size`, shape (rows, runs, size), the last one filled up with NaN."""
    rows, slots = values.shape
    padded = np.full((rows, -(-slots // size) * size), np.nan)
    padded[:, :slots] = values
    return padded.reshape(rows, -1, size)


def _weighted_mean(runs: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = np.isnan(runs)
    totals = np.where(missing, 0, runs * weights).sum(axis=2)
    counts = np.where(missing, 0, weights).sum(axis=2)
    means = np.full(counts.shape, np.nan)
    np.divide(totals, counts, out=means, where=counts > 0)
    return means.round(DECIMALS)


def _daily_chart(
    machine_id: UUID,
    start_at: datetime,
    end_at: datetime,
    *,
    oldest: datetime,
    points: int,
    only: Collection[Series] | None,
) -> dict[str, Any]:
    """Buckets of whole UTC days, the first one that in which the window begins."""
    first, beyond = start_at.astimezone(UTC).date(), (end_at.astimezone(UTC) - timedelta(microseconds=1)).date()
    days = [first + timedelta(days=n) for n in range((beyond - first).days + 1)]
    found = {one.day: one for one in read_daily(machine_id, first, days[-1] + ONE_DAY)}
    found |= _from_points(machine_id, [day for day in days if day >= oldest.date() and day not in found])
    all_series = dict.fromkeys(series for one in found.values() for series in one.series if _is_asked(series, only))
    size = -(-len(days) // _at_most(points, len(all_series)))
    interval = min((one.interval_seconds for one in found.values()), default=DEFAULT_INTERVAL_SECONDS)
    answer = _empty(_midnight(first), end_at, source=DAILY, interval=interval, bucket=DAY_SECONDS * size)
    for series in all_series:
        _add(answer, series, _daily_statistics(_columns(series, days, found), size))
    return answer


def _from_points(machine_id: UUID, days: Sequence[date]) -> dict[date, DailyValues]:
    """The statistics of days that have not been folded yet, made from the points."""
    if not days:
        return {}
    machine: MachineSeries | None = next(
        read_series([machine_id], _midnight(days[0]), _midnight(days[-1] + ONE_DAY)), None
    )
    return {one.day: one for one in daily_of(machine) if one.day in days} if machine else {}


def _columns(series: Series, days: Sequence[date], found: dict[date, DailyValues]) -> NDArray[np.float64]:
    """One series' statistics day by day, shape (len(COLUMNS), days), NaN for days without."""
    columns = np.full((len(COLUMNS), len(days)), np.nan)
    for place, day in enumerate(days):
        if day in found and series in found[day].row_of:
            columns[:, place] = found[day].values[found[day].row_of[series]]
    return columns


def _daily_statistics(columns: NDArray[np.float64], size: int) -> dict[str, Any]:
    by_name = dict(zip(COLUMNS, columns, strict=True))
    runs = {name: _runs(by_name[name][np.newaxis], size) for name in COLUMNS}
    averages = np.where(by_name["averages"] > 0, by_name["averages"], by_name["count"])
    answer: dict[str, Any] = {
        "minimum": with_nulls(np.fmin.reduce(runs["minimum"], axis=2)[0]),
        "average": with_nulls(_weighted_mean(runs["average"], _runs(averages[np.newaxis], size))[0]),
        "maximum": with_nulls(np.fmax.reduce(runs["maximum"], axis=2)[0]),
        "average_of": _average_of(by_name),
    }
    if size == 1:
        answer |= {name: with_nulls(by_name[name]) for name in ("median", "p95", "p99")}
    return answer


def _average_of(by_name: dict[str, NDArray[np.float64]]) -> str:
    """What the averages are made of: the interval averages that were sent, the points, or on some days the one."""
    known = by_name["count"] > 0
    sent = by_name["averages"][known] > 0
    if sent.all() and sent.size:
        return "averages"
    return "mixed" if sent.any() else "points"
