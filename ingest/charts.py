"""The series of one machine for a chart: down-sampled to at most 1,000 buckets, minimum, average and maximum kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.packing import DECIMALS, quantised
from ingest.performance import MachineSeries, read_series
from ingest.retention import RETENTION
from migrate_hub.errors import DomainError

MAX_BUCKETS = 1000
DEFAULT_WINDOW = timedelta(days=1)
STATISTICS = ("minimum", "average", "maximum")


def chart_window(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The window asked for, by default the last day; 400 when it is empty or longer than what is kept."""
    last = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    end_at = end or (start + DEFAULT_WINDOW if start else last)
    start_at = start or end_at - DEFAULT_WINDOW
    if not timedelta(0) < end_at - start_at <= RETENTION + timedelta(days=2):
        raise DomainError(
            code="invalid_window",
            detail=f"The window must end after it starts and be no longer than {RETENTION.days} days.",
        )
    return _on_grid(start_at), end_at


def _on_grid(instant: datetime) -> datetime:
    seconds = int(instant.timestamp())
    return datetime.fromtimestamp(seconds - seconds % DEFAULT_INTERVAL_SECONDS, UTC)


def chart(machine_id: UUID, start_at: datetime, end_at: datetime) -> dict[str, Any]:
    """What the API answers: arrays of buckets from `start_at` on; null where a bucket has no point."""
    found = next(read_series([machine_id], start_at, end_at), None)
    interval = found.interval_seconds if found else DEFAULT_INTERVAL_SECONDS
    slots = -(-int((end_at - start_at).total_seconds()) // interval)
    size = -(-slots // MAX_BUCKETS)
    answer: dict[str, Any] = {
        "start_at": start_at,
        "end_at": end_at,
        "interval_seconds": interval,
        "bucket_seconds": interval * size,
        "disks": {},
        "nics": {},
    }
    if found:
        _add_series(answer, found, size)
    return answer


def _add_series(answer: dict[str, Any], machine: MachineSeries, size: int) -> None:
    bucketed = buckets(quantised(machine.values), size)
    for row, series in enumerate(machine.series):
        statistics = {name: _with_nulls(bucketed[name][row]) for name in STATISTICS}
        if series.part:
            answer[f"{series.part}s"].setdefault(series.source_id, {})[series.name] = statistics
        else:
            answer[series.name] = statistics


def _with_nulls(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124  NaN is not itself


def buckets(values: NDArray[np.float64], size: int) -> dict[str, NDArray[np.float64]]:
    """Minimum, average and maximum of each run of `size` slots, shape (series, runs); NaN where a run has no point.

    `values` has the shape (series, slots); the last run may be shorter.
    """
    series, slots = values.shape
    padded = np.full((series, -(-slots // size) * size), np.nan)
    padded[:, :slots] = values
    runs = padded.reshape(series, -1, size)
    counts = np.count_nonzero(~np.isnan(runs), axis=2)
    totals = np.where(np.isnan(runs), 0, runs).sum(axis=2)
    averages = np.full(counts.shape, np.nan)
    np.divide(totals, counts, out=averages, where=counts > 0)
    return {
        "minimum": np.fmin.reduce(runs, axis=2),
        "average": np.round(averages, DECIMALS),
        "maximum": np.fmax.reduce(runs, axis=2),
    }
