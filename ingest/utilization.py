"""What an assessment needs to know of performance: a percentile of every series of many machines over a window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.packing import quantised
from ingest.percentiles import MENU
from ingest.performance import MachineSeries, read_series
from ingest.rollups import NAMES, NOTHING_SEEN, Rolled, Versions, menu_window, roll_up, rolled_up
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


def utilization(
    machine_ids: Sequence[UUID],
    start_at: datetime,
    end_at: datetime,
    percentile: float,
    seen: Versions = NOTHING_SEEN,
    *,
    each: Callable[[MachineSeries], None] | None = None,
) -> Utilization:
    """The percentile (0 < P <= 100, 100 is the maximum) of every series of these machines over [start_at, end_at).

    A percentile and window of the menu come from rolled-up rows where they are valid; the rest is read from the blocks
    of the current tenant, in chunks of bounded size. Machines without points are there with NaN. `seen` is what
    `rollups.refresh` answered, where it was called before. `each` is shown every machine whose points are read here,
    which are all of them where the window is not of the menu.
    """
    collector = _Collector(machine_ids)
    window_name = menu_window(start_at, end_at)
    if window_name is not None and percentile in MENU:
        for _, rolled in rolled_up(machine_ids, end_at, [window_name], seen):
            collector.add(rolled, MENU.index(percentile))
    else:
        for machine in read_series(machine_ids, start_at, end_at):
            collector.add(roll_up(machine, start_at, [percentile]), 0)
            if each is not None:
                each(machine)
    return collector.finished(start_at, end_at)


class _Collector:
    """Collects what is read of machines, which come in any order."""

    def __init__(self, machine_ids: Sequence[UUID]) -> None:
        self.machine_ids = list(machine_ids)
        self.number = {machine_id: i for i, machine_id in enumerate(self.machine_ids)}
        shape = (len(self.machine_ids), len(MACHINE_SERIES))
        self.intervals = np.full(len(self.machine_ids), DEFAULT_INTERVAL_SECONDS, dtype=np.int64)
        self.values, self.points = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
        self.parts = {"disk": _Parts(DISK_SERIES), "nic": _Parts(NIC_SERIES)}

    def add(self, rolled: Rolled, percentile: int) -> None:
        """Some machines, with the percentile of this index."""
        numbers = np.array([self.number[machine_id] for machine_id in rolled.machine_ids], dtype=np.int64)
        self.intervals[numbers] = rolled.interval_seconds
        for part, names in NAMES.items():
            placed = rolled.placed(part, names)
            values = quantised(placed.values[..., percentile])
            if part:
                self.parts[part].add(numbers, placed.source_ids, values, placed.points)
            elif placed.source_ids:
                self.values[numbers], self.points[numbers] = values[:, 0], placed.points[:, 0]

    def finished(self, start_at: datetime, end_at: datetime) -> Utilization:
        return Utilization(
            machine_ids=self.machine_ids,
            interval_seconds=self.intervals,
            expected_points=int((end_at - start_at).total_seconds()) // self.intervals,
            values=self.values,
            points=self.points,
            disks=self.parts["disk"].finished(),
            nics=self.parts["nic"].finished(),
        )


class _Parts:
    """Collects the disks or the nics of machines."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.machines: list[NDArray[np.int64]] = []
        self.source_ids: list[str] = []
        self.values: list[NDArray[np.float64]] = [np.empty((0, len(names)))]
        self.points: list[NDArray[np.int64]] = [np.empty((0, len(names)), dtype=np.int64)]

    def add(
        self,
        machines: NDArray[np.int64],
        source_ids: Sequence[str],
        values: NDArray[np.float64],
        points: NDArray[np.int64],
    ) -> None:
        """The same parts of some machines; `values` and `points` have the shape (machines, parts, names)."""
        self.machines.append(np.repeat(machines, len(source_ids)))
        self.source_ids += [*source_ids] * len(machines)
        self.values.append(values.reshape(-1, len(self.names)))
        self.points.append(points.reshape(-1, len(self.names)))

    def finished(self) -> PartUtilization:
        machines = np.concatenate([np.empty(0, dtype=np.int64), *self.machines])
        order = np.argsort(machines, kind="stable")
        return PartUtilization(
            names=self.names,
            machine=machines[order],
            source_ids=[self.source_ids[row] for row in order.tolist()],
            values=np.concatenate(self.values)[order],
            points=np.concatenate(self.points)[order],
        )
