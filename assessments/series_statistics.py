"""The menu percentiles of each series over a run's own window, beside the one percentile that the run sized by.

They are those that a job reads after a run was published (percentile_grid.py), so they may know points that came
between the two. They are absent until the job has done the machine's shard, and for windows that are not on the menu.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from assessments.models import AssessedMachine, AssessmentRun, ShardArrays
from assessments.packed_run import unpacked
from assessments.percentile_grid import METRICS, ShardMenu, shard_menu, window_of
from ingest.percentiles import MAXIMUM, MENU

PARTS = {"": "machine", "disk": "disk", "nic": "nic"}
NAMES = tuple("maximum" if percentile == MAXIMUM else f"p{percentile}" for percentile in MENU)
Statistics = tuple[float | None, ...]


def series_statistics(run: AssessmentRun, machine: AssessedMachine) -> list[dict[str, Any]] | None:
    """Every series of one machine that has points, as rows of the trace; None where nothing is known yet, or ever.

    Reads the one shard that the machine is in.
    """
    window = window_of(run)
    shard = ShardArrays.objects.filter(run=run, part=machine.part, percentiles__isnull=False).first()
    if window is None or shard is None:
        return None
    inputs, menu = unpacked([shard.inputs]), shard_menu(shard.percentiles)
    own = inputs.row_of[machine.machine_id]
    disks, nics = inputs.machines.disks.machine, inputs.machines.nics.machine
    owned: dict[str, list[tuple[int, str | None]]] = {
        "": [(own, None)],
        "disk": [(int(row), inputs.disk_source_ids[row]) for row in np.flatnonzero(disks == own)],
        "nic": [(int(row), inputs.nic_source_ids[row]) for row in np.flatnonzero(nics == own)],
    }
    found = _Series(menu, window, expected=int(menu.expected[own, window]))
    return [told for part, rows in owned.items() for row, source_id in rows for told in found.of(part, row, source_id)]


@dataclass(frozen=True)
class _Series:
    menu: ShardMenu
    window: int
    expected: int

    def of(self, part: str, row: int, source_id: str | None) -> Iterator[dict[str, Any]]:
        """The series of a machine, a disk or a NIC; those without points are left out."""
        for column, metric in enumerate(METRICS[part]):
            points = int(self.menu.points[part][row, column, self.window])
            if not points:
                continue
            values = figures(self.menu.values[part][row, column, self.window])
            yield {
                "part": PARTS[part],
                **({} if source_id is None else {"source_id": source_id}),
                "metric": metric,
                "points": points,
                "expected_points": self.expected,
                **dict(zip(NAMES, values, strict=True)),
            }


def figures(values: NDArray[np.float32]) -> Statistics:
    """float32 as the shortest decimals that mean it; None for NaN."""
    return tuple(None if np.isnan(value) else float(str(value)) for value in values)


class MachineStatistics:
    """CPU's and memory's menu percentiles of all machines of a run, some bytes a machine; empty where unknown."""

    def __init__(self, run: AssessmentRun) -> None:
        """Needs the tenant's context, and reads shard after shard."""
        self._row_of: dict[UUID, int] = {}
        self._values = np.empty((0, len(METRICS[""]), len(MENU)), dtype=np.float32)
        window = window_of(run)
        if window is not None:
            self._read(run, window)

    def _read(self, run: AssessmentRun, window: int) -> None:
        values = [self._values]
        shards = ShardArrays.objects.filter(run=run, percentiles__isnull=False).order_by("part")
        for shard in shards.iterator(chunk_size=1):
            for machine_id in unpacked([shard.inputs]).machine_ids:
                self._row_of[machine_id] = len(self._row_of)
            values.append(shard_menu(shard.percentiles).values[""][:, :, window].copy())
        self._values = np.concatenate(values)

    def of(self, machine_id: UUID) -> tuple[Statistics, ...]:
        """The percentiles of each of MACHINE_METRICS in the order of MENU; nothing where they are not known."""
        row = self._row_of.get(machine_id)
        return () if row is None else tuple(figures(values) for values in self._values[row])
