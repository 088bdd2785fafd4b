"""Daily statistics: what one UTC day of a machine was, series by series, kept for 13 months.

The average is that of the interval averages where the appliance sent them (series named *_average), otherwise that of
the points, which are the peaks of their intervals. The rest describes the points: the percentiles are nearest rank.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.bulk import plain_array, rows, run
from ingest.merging import MachineSeries
from ingest.packing import DAY_SECONDS, VALUE, quantised
from ingest.percentiles import MAXIMUM, percentiles
from ingest.series import Layout, Series, read_layouts, store_layouts
from migrate_hub.tenants.context import current_tenant_id

# The columns of what is stored. `averages` is how many interval averages the average is made of; 0: of the points.
COLUMNS = ("count", "minimum", "average", "median", "p95", "p99", "maximum", "averages")

STORE_DAILY = """
INSERT INTO ingest_dailystatistics (tenant_id, machine_id, day, interval_seconds, layout_id, "values")
SELECT %(tenant)s, machine_id, %(day)s, interval_seconds, layout_id, substring(%(values)s::bytea FROM first FOR length)
FROM unnest(%(machines)s::uuid[], %(intervals)s::smallint[], %(layouts)s::uuid[], %(firsts)s::int[], %(lengths)s::int[])
     AS d (machine_id, interval_seconds, layout_id, first, length)
ON CONFLICT (tenant_id, machine_id, day) DO UPDATE
SET interval_seconds = excluded.interval_seconds, layout_id = excluded.layout_id, "values" = excluded."values"
"""
READ_DAILY = """
SELECT day, interval_seconds, layout_id, "values" FROM ingest_dailystatistics
WHERE tenant_id = %s AND machine_id = %s AND day >= %s AND day < %s ORDER BY day
"""


@dataclass(frozen=True)
class DayOfMachine:
    """All points of a machine's day on one grid: `values` of shape (series, slots).

    `weights` is how many slots the point of each slot stands for, 1 where it is None.
    """

    machine_id: UUID
    interval_seconds: int
    series: tuple[Series, ...]
    values: NDArray[np.float32]
    weights: NDArray[np.int8] | None = None


@dataclass(frozen=True)
class DailyValues:
    """Statistics of one machine's day: `values` of shape (series, len(COLUMNS)), NaN where there is none."""

    day: date
    interval_seconds: int
    series: tuple[Series, ...]
    values: NDArray[np.float64]

    @cached_property
    def row_of(self) -> dict[Series, int]:
        return {series: row for row, series in enumerate(self.series)}


@dataclass(frozen=True)
class _Peaks:
    """Which rows of a layout are peaks, and which row holds the interval averages of each (-1: none)."""

    series: tuple[Series, ...]

    @cached_property
    def layout(self) -> Layout:
        return Layout(tuple(self.series[row] for row in self.rows))

    @cached_property
    def rows(self) -> list[int]:
        named = enumerate(self.series)
        return [row for row, series in named if not series.name.endswith(("_average", "_count"))]

    @cached_property
    def averages(self) -> list[int]:
        row_of = {series: row for row, series in enumerate(self.series)}
        peaks = [self.series[row] for row in self.rows]
        return [row_of.get(series._replace(name=f"{series.name}_average"), -1) for series in peaks]


def statistics_of(
    values: NDArray[np.float32], averages: NDArray[np.float32], weights: NDArray[np.int8] | None = None
) -> NDArray[np.float32]:
    """The columns of each row of points: arrays of shape (rows, slots) in, (rows, len(COLUMNS)) out.

    `averages` are the interval averages beside the points, NaN where there are none.
    """
    weight = np.ones(values.shape[1]) if weights is None else weights.astype(np.float64)
    median, p95, p99, maximum = percentiles(values, (50, 95, 99, MAXIMUM)).T
    count, average = _weighted(values, weight)
    sent, average_sent = _weighted(averages, weight)
    average = np.where(sent > 0, average_sent, average)
    return np.stack(
        [count, np.fmin.reduce(values, axis=1), average, median, p95, p99, maximum, sent], axis=1, dtype=np.float32
    )


def _weighted(
    values: NDArray[np.float32], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many slots the points of each row stand for, and their mean."""
    missing = np.isnan(values)
    counts = (~missing) @ weight
    totals = np.where(missing, 0, values).astype(np.float64) @ weight
    return counts, np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def store_daily(days: Sequence[DayOfMachine], day: date) -> None:
    """Writes the statistics of one day of many machines of the current tenant over what was there."""
    alike: dict[tuple[object, ...], list[DayOfMachine]] = defaultdict(list)
    for one in days:
        weights = None if one.weights is None else one.weights.tobytes()
        alike[one.series, one.interval_seconds, weights].append(one)
    columns: dict[str, list[object]] = {"machines": [], "intervals": [], "layouts": [], "lengths": [], "firsts": []}
    layouts: dict[UUID, Layout] = {}
    packed: list[bytes] = []
    size = 1
    for group in alike.values():
        peaks = _Peaks(group[0].series)
        layouts[peaks.layout.id] = peaks.layout
        for one, values in zip(group, _of_group(group, peaks), strict=True):
            packed.append(values.astype(VALUE).tobytes())
            columns["machines"].append(one.machine_id)
            columns["intervals"].append(one.interval_seconds)
            columns["layouts"].append(peaks.layout.id)
            columns["firsts"].append(size)
            columns["lengths"].append(len(packed[-1]))
            size += len(packed[-1])
    tenant_id = current_tenant_id()
    store_layouts(tenant_id, layouts.values())
    arrays = {name: plain_array(column) for name, column in columns.items()}
    run(STORE_DAILY, {"tenant": tenant_id, "day": day, "values": b"".join(packed), **arrays})


def _of_group(group: Sequence[DayOfMachine], peaks: _Peaks) -> NDArray[np.float32]:
    """The statistics of machines with the same series, shape (machines, peaks, len(COLUMNS))."""
    values = np.stack([one.values for one in group])
    slots = values.shape[2]
    empty = np.full((len(group), 1, slots), np.nan, dtype=np.float32)
    averages = np.concatenate([values, empty], axis=1)[:, peaks.averages]  # row -1 is the empty one
    found = statistics_of(values[:, peaks.rows].reshape(-1, slots), averages.reshape(-1, slots), group[0].weights)
    return found.reshape(len(group), len(peaks.rows), len(COLUMNS))


def read_daily(machine_id: UUID, first: date, beyond: date) -> list[DailyValues]:
    """The statistics of one machine of the current tenant for the days of [first, beyond), oldest first."""
    tenant_id = current_tenant_id()
    found = rows(READ_DAILY, [tenant_id, machine_id, first, beyond])
    layouts = read_layouts(tenant_id, {layout_id for *_, layout_id, _ in found})
    return [
        DailyValues(
            day,
            interval,
            layouts[layout_id].series,
            quantised(np.frombuffer(values, dtype=VALUE).reshape(-1, len(COLUMNS))),
        )
        for day, interval, layout_id, values in found
    ]


def daily_of(machine: MachineSeries) -> list[DailyValues]:
    """The statistics of each UTC day of series that start at midnight, as the fold would write them."""
    peaks = _Peaks(machine.series)
    found = []
    slots = DAY_SECONDS // machine.interval_seconds
    for number in range(machine.values.shape[1] // slots):
        part = slice(number * slots, (number + 1) * slots)
        one = DayOfMachine(
            machine.machine_id,
            machine.interval_seconds,
            machine.series,
            machine.values[:, part],
            weights=machine.weights[part],
        )
        day = (machine.start_at + timedelta(days=number)).date()
        found.append(
            DailyValues(day, machine.interval_seconds, peaks.layout.series, quantised(_of_group([one], peaks)[0]))
        )
    return found
