"""The sample store, read: blocks of many machines merged into series, and the percentiles of a window.

Per series and slot the value of the highest (epoch, sequence) counts, whatever arrived last; NaN is missing.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection

from ingest.models import SeriesLayout
from migrate_hub.tenants.context import current_tenant_id

DEFAULT_INTERVAL_SECONDS = 600
LONGEST_BLOCK = timedelta(days=1)
ROWS_A_FETCH = 500
DECIMALS = 4
Floats = npt.NDArray[np.float32]
SeriesKey = tuple[str, str, str]  # part ("", "disk", "nic"), source_id of the part, series
Measured = list[float | int | None]  # a percentile (None = no data) and how many points stood behind it

BLOCKS = """
SELECT machine_id, start_at, layout_id, interval_seconds, points, values FROM ingest_performanceblock
WHERE tenant_id = %s AND machine_id = ANY(%s) AND start_at > %s AND start_at < %s
ORDER BY machine_id, epoch, sequence, start_at
"""


@dataclass
class MachineSeries:
    """The series of one machine on a fixed grid: `values` has shape (series, slots), NaN where there is no point."""

    start_at: datetime
    interval_seconds: int
    slots: int
    rows: dict[SeriesKey, int] = field(default_factory=dict)
    values: Floats = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))

    def lay_over(self, layout: Sequence[SeriesKey], start_at: datetime, step: int, block: Floats) -> None:
        """Puts a block over what is there; its missing points leave what is there."""
        known = np.array([self._row(key) for key in layout], dtype=np.intp)
        first = round((start_at - self.start_at).total_seconds()) // self.interval_seconds
        columns = first + np.arange(block.shape[1]) * step
        inside = (columns >= 0) & (columns < self.slots)
        if not inside.any():
            return
        place = np.ix_(known, columns[inside])
        there, new = self.values[place], block[:, inside]
        self.values[place] = np.where(np.isnan(new), there, new)

    def _row(self, key: SeriesKey) -> int:
        row = self.rows.setdefault(key, len(self.rows))
        if row >= len(self.values):
            more = np.full((max(16, row), self.slots), np.nan, dtype=np.float32)
            self.values = np.concatenate([self.values.reshape(-1, self.slots), more])
        return row


def read_series(
    machine_ids: Sequence[UUID], *, start_at: datetime, end_at: datetime
) -> Iterator[tuple[UUID, MachineSeries]]:
    """The series of each machine that has blocks in [start_at, end_at), one machine in memory at a time."""
    layouts = _Layouts()
    with connection.chunked_cursor() as cursor:
        cursor.cursor.itersize = ROWS_A_FETCH
        cursor.execute(BLOCKS, [current_tenant_id(), list(machine_ids), start_at - LONGEST_BLOCK, end_at])
        machine_id: UUID | None = None
        blocks: list[tuple[Any, ...]] = []
        for row in cursor:
            if row[0] != machine_id:
                if machine_id is not None:
                    yield machine_id, _merge(blocks, layouts, start_at, end_at)
                machine_id, blocks = row[0], []
            blocks.append(row[1:])
        if machine_id is not None:
            yield machine_id, _merge(blocks, layouts, start_at, end_at)


class _Layouts:
    """Layouts of the tenant, read once each."""

    def __init__(self) -> None:
        self._known: dict[UUID, list[SeriesKey]] = {}

    def series(self, layout_id: UUID) -> list[SeriesKey]:
        if layout_id not in self._known:
            self._known.update(
                (id, [(part, source_id, series) for part, source_id, series in listed])
                for id, listed in SeriesLayout.objects.values_list("id", "series")
            )
        return self._known[layout_id]


def _merge(blocks: list[tuple[Any, ...]], layouts: _Layouts, start_at: datetime, end_at: datetime) -> MachineSeries:
    interval = min(block[2] for block in blocks)
    slots = math.ceil((end_at - start_at).total_seconds() / interval)
    series = MachineSeries(start_at, interval, slots)
    for block_start, layout_id, seconds, points, values in blocks:
        layout = layouts.series(layout_id)
        block = np.frombuffer(values, dtype="<f4").reshape(len(layout), points)
        series.lay_over(layout, block_start, seconds // interval, block)
    return series


def nearest_rank(values: Floats, percent: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Per row of (series, slots) the value at rank ceil(percent / 100 x N) of its N points, and N; NaN where N is 0.

    float32 is quantised to four decimals on reading.
    """
    if not values.size:
        return np.full(len(values), np.nan), np.zeros(len(values), dtype=np.int64)
    ordered = np.sort(values, axis=1)  # NaN last
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    # 0.95 x 100 is 95 exactly only in integers.
    ranks = -(-counts * round(percent * 100) // 10_000)
    picked: npt.NDArray[np.float64] = ordered[np.arange(len(values)), np.maximum(ranks - 1, 0)].astype(np.float64)
    picked[counts == 0] = np.nan
    return picked.round(DECIMALS), counts.astype(np.int64)


@dataclass(frozen=True)
class Utilization:
    """The chosen percentile of every series of some machines, and how many points a complete series would hold."""

    machine_ids: list[UUID]
    expected_points: npt.NDArray[np.int64]
    figures: dict[UUID, dict[SeriesKey, Measured]]

    @classmethod
    def nothing(cls, machine_ids: Sequence[UUID], *, start_at: datetime, end_at: datetime) -> Self:
        """No series at all: sizing that does not look at utilization."""
        points = int((end_at - start_at).total_seconds()) // DEFAULT_INTERVAL_SECONDS
        return cls(list(machine_ids), np.full(len(machine_ids), points, dtype=np.int64), {})

    def machine(self, row: int, series: str) -> Measured:
        """A series of the machine at this row: cpu_percent or memory_percent."""
        return self.part(self.machine_ids[row], "", "", series)

    def part(self, machine_id: UUID, part: str, source_id: str, series: str) -> Measured:
        """A series of a disk or NIC."""
        return self.figures.get(machine_id, {}).get((part, source_id, series), [None, 0])


def utilization(machine_ids: Sequence[UUID], *, start_at: datetime, end_at: datetime, percentile: float) -> Utilization:
    """Percentiles of all series of the machines in [start_at, end_at)."""
    answer = Utilization.nothing(machine_ids, start_at=start_at, end_at=end_at)
    row_of = {machine_id: row for row, machine_id in enumerate(machine_ids)}
    for machine_id, series in read_series(machine_ids, start_at=start_at, end_at=end_at):
        answer.expected_points[row_of[machine_id]] = series.slots
        values, counts = nearest_rank(series.values[: len(series.rows)], percentile)
        answer.figures[machine_id] = {
            key: [None if np.isnan(values[row]) else float(values[row]), int(counts[row])]
            for key, row in series.rows.items()
        }
    return answer
