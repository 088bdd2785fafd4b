"""What an assessment needs to know of performance: a percentile of every series of many machines over a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.packing import quantised
from ingest.percentiles import percentiles
from ingest.performance import MachineSeries, read_series
from ingest.series import DISK_SERIES, MACHINE_SERIES, NIC_SERIES

# A percentile (None where there is no point) and how many points stood behind it.
Measured = list[float | int | None]


@dataclass(frozen=True)
class PartUtilization:
    """Disks or nics of the machines asked for, machine by machine: row i belongs to machine number `machine[i]`.

    `values` and `points` have the shape (parts, len(names)); a series without points is NaN with 0 points.
    """

    names: tuple[str, ...]
    machine: NDArray[np.int64]
    source_ids: list[str]
    values: NDArray[np.float64]
    points: NDArray[np.int64]

    @cached_property
    def row_of(self) -> dict[tuple[int, str], int]:
        """The row of a machine's number and a part's source id."""
        keys = zip(self.machine.tolist(), self.source_ids, strict=True)
        return {key: row for row, key in enumerate(keys)}


@dataclass(frozen=True)
class Utilization:
    """A percentile of every series of many machines over a window; row i is machine `machine_ids[i]` as asked for.

    `values` and `points` have the shape (machines, 2) for cpu_percent and memory_percent. `expected_points` is the
    window divided by the machine's interval (600 seconds where it has no points); points are counted in that interval.
    Values are exact to 4 decimals.
    """

    machine_ids: list[UUID]
    interval_seconds: NDArray[np.int64]
    expected_points: NDArray[np.int64]
    values: NDArray[np.float64]
    points: NDArray[np.int64]
    disks: PartUtilization
    nics: PartUtilization

    @classmethod
    def nothing(cls, machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime) -> "Utilization":
        """Machines of which no point is read."""
        return _Collector(machine_ids).finished(start_at, end_at)

    @cached_property
    def number_of(self) -> dict[UUID, int]:
        return {machine_id: number for number, machine_id in enumerate(self.machine_ids)}

    def machine(self, number: int, name: str) -> Measured:
        """cpu_percent or memory_percent of a machine by its number."""
        return _measured(self.values, self.points, number, MACHINE_SERIES.index(name))

    def part(self, machine_id: UUID, part: str, source_id: str, name: str) -> Measured:
        """A series of a disk or a nic (`part`) of a machine."""
        parts = self.disks if part == "disk" else self.nics
        row = parts.row_of.get((self.number_of[machine_id], source_id))
        return [None, 0] if row is None else _measured(parts.values, parts.points, row, parts.names.index(name))


def _measured(values: NDArray[np.float64], points: NDArray[np.int64], row: int, column: int) -> Measured:
    count = int(points[row, column])
    return [float(values[row, column]) if count else None, count]


def utilization(machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime, percentile: float) -> Utilization:
    """The percentile (0 < P <= 100, 100 is the maximum) of every series of these machines over [start_at, end_at).

    Reads the blocks of the current tenant in chunks of bounded size. Machines without points are there with NaN.
    """
    collector = _Collector(machine_ids)
    for machine in read_series(machine_ids, start_at, end_at):
        collector.add(machine, quantised(percentiles(machine.values, [percentile])[:, 0]))
    return collector.finished(start_at, end_at)


class _Collector:
    """Collects what is read of machines, which come in any order."""

    def __init__(self, machine_ids: Sequence[UUID]) -> None:
        self.machine_ids = list(machine_ids)
        self.number = {machine_id: i for i, machine_id in enumerate(self.machine_ids)}
        shape = (len(self.machine_ids), len(MACHINE_SERIES))
        self.intervals = np.full(len(self.machine_ids), DEFAULT_INTERVAL_SECONDS, dtype=np.int64)
        self.values, self.points = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        self.disks, self.nics = _Parts(DISK_SERIES), _Parts(NIC_SERIES)

    def add(self, machine: MachineSeries, chosen: NDArray[np.float64]) -> None:
        """One machine, with one chosen value for each of its series."""
        number, counted = self.number[machine.machine_id], machine.points()
        self.intervals[number] = machine.interval_seconds
        for (part, source_id, name), value, count in zip(
            machine.series, chosen.tolist(), counted.tolist(), strict=True
        ):
            if part:
                parts = self.disks if part == "disk" else self.nics
                parts.add(number, source_id, name, value=value, points=count)
            elif name in MACHINE_SERIES:
                column = MACHINE_SERIES.index(name)
                self.values[number, column], self.points[number, column] = value, count

    def finished(self, start_at: datetime, end_at: datetime) -> Utilization:
        return Utilization(
            machine_ids=self.machine_ids,
            interval_seconds=self.intervals,
            expected_points=int((end_at - start_at).total_seconds()) // self.intervals,
            values=self.values,
            points=self.points,
            disks=self.disks.finished(),
            nics=self.nics.finished(),
        )


class _Parts:
    """Collects the disks or the nics of machines."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.rows: dict[tuple[int, str], tuple[list[float], list[int]]] = {}

    def add(self, machine: int, source_id: str, name: str, *, value: float, points: int) -> None:
        if name not in self.names:
            return  # an average or a count
        empty = [np.nan] * len(self.names), [0] * len(self.names)
        all_values, all_points = self.rows.setdefault((machine, source_id), empty)
        column = self.names.index(name)
        all_values[column], all_points[column] = value, points

    def finished(self) -> PartUtilization:
        keys = sorted(self.rows)
        shape = (len(keys), len(self.names))
        return PartUtilization(
            names=self.names,
            machine=np.array([machine for machine, _ in keys], dtype=np.int64),
            source_ids=[source_id for _, source_id in keys],
            values=np.array([self.rows[key][0] for key in keys], dtype=np.float64).reshape(shape),
            points=np.array([self.rows[key][1] for key in keys], dtype=np.int64).reshape(shape),
        )
