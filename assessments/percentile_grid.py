"""The percentiles that people can choose from, of every series of a run's machines, over every window they can choose.

A job reads them after the run was published, shard by shard; they are kept with the run, so that any position of the
sliders is computed from them and from the run's own inputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from assessments.credit_history import KEPT_WINDOWS, credits_of_answers, read_windows
from assessments.engine.fixed_point import IntArray, scaled
from assessments.engine.machines import Credits, Disks, Machines, Nics
from assessments.engine.values import Observed
from assessments.inputs import DISK_METRICS, MACHINE_METRICS, NIC_METRICS
from assessments.models import AssessmentRun, ShardArrays
from assessments.packed_run import CREDIT_NUMBER, RunInputs, same_terms
from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.percentiles import MENU, WINDOWS
from ingest.rollups import NOTHING_SEEN, Rolled, Versions, rolled_up

WINDOW_NAMES = tuple(WINDOWS)
DEFAULT_INTERVAL = timedelta(seconds=DEFAULT_INTERVAL_SECONDS)
VALUE, COUNT = np.dtype("<f4"), np.dtype("<i4")
METRICS = {"": MACHINE_METRICS, "disk": DISK_METRICS, "nic": NIC_METRICS}


class Reading(NamedTuple):
    """How a run looks at the history: indexes into MENU and WINDOW_NAMES."""

    percentile: int
    window: int


def reading_of(run: AssessmentRun) -> Reading | None:
    """How a run itself looked at the history; None where its window or percentile is not on the menu."""
    window, percentile = window_of(run), run.settings["percentile"]
    if window is None or percentile not in MENU:
        return None
    return Reading(MENU.index(percentile), window)


def window_of(run: AssessmentRun) -> int | None:
    """The index into WINDOW_NAMES of the run's own window; None where it is not on the menu."""
    length = run.performance_end_at - run.performance_start_at
    lengths = list(WINDOWS.values())
    return lengths.index(length) if length in lengths else None


class PackedCredits(msgspec.Struct):
    """What the histories of one shard's machines ask of burstable sizes over one window; arrays as in Credits."""

    terms: bytes
    known: bytes
    carried: bytes


class PackedPercentiles(msgspec.Struct):
    """One shard on disk: little-endian arrays whose rows are those of the shard's inputs, by kind of row as in METRICS.

    `values` are float32 of the shape (rows, metrics, windows, percentiles), NaN where there was no point; `points` are
    int32 of the shape (rows, metrics, windows), `expected` int32 of the shape (machines, windows). `credits` are of the
    windows that are long enough, where the run looks at credits at all.
    """

    values: dict[str, bytes]
    points: dict[str, bytes]
    expected: bytes
    credits: dict[str, PackedCredits] = {}


_decoder = msgspec.msgpack.Decoder(PackedPercentiles)


class ShardMenu(NamedTuple):
    """One shard's percentiles in the shapes of PackedPercentiles, by kind of row."""

    values: dict[str, NDArray[np.float32]]
    points: dict[str, NDArray[np.int32]]
    expected: NDArray[np.int32]


def shard_menu(packed: bytes) -> ShardMenu:
    """What `read_percentiles` packed; the arrays are views of the bytes."""
    shard = _decoder.decode(packed)
    values, points = {}, {}
    for part, metrics in METRICS.items():
        shape = (-1, len(metrics), len(WINDOW_NAMES))
        values[part] = np.frombuffer(shard.values[part], dtype=VALUE).reshape(*shape, len(MENU))
        points[part] = np.frombuffer(shard.points[part], dtype=COUNT).reshape(shape)
    return ShardMenu(values, points, np.frombuffer(shard.expected, dtype=COUNT).reshape(-1, len(WINDOW_NAMES)))


@dataclass(frozen=True)
class Menu:
    """The percentiles of a whole run, for engine arrays: values (metrics, windows, percentiles, rows), points
    (metrics, windows, rows), expected (windows, machines)."""

    values: dict[str, NDArray[np.float32]]
    points: dict[str, IntArray]
    expected: IntArray
    credits: Mapping[str, Credits]

    @cached_property
    def nbytes(self) -> int:
        carried = [credits.carried for credits in self.credits.values()]
        arrays: list[NDArray[Any]] = [*self.values.values(), *self.points.values(), self.expected, *carried]
        return sum(array.nbytes for array in arrays)

    def machines(self, inputs: RunInputs, reading: Reading) -> Machines:
        """The run's machines with their utilization read in another way; what files stated stays what it is."""
        machines = inputs.machines

        def observed(part: str, owner: Machines | Disks | Nics, metrics: Sequence[str]) -> dict[str, Any]:
            return {
                name: _with_stated(self._observed(part, column, reading), getattr(owner, name))
                for column, name in enumerate(metrics)
            }

        return replace(
            machines,
            **observed("", machines, MACHINE_METRICS),
            expected_points=self.expected[reading.window],
            disks=replace(machines.disks, **observed("disk", machines.disks, DISK_METRICS)),
            nics=replace(machines.nics, **observed("nic", machines.nics, NIC_METRICS)),
            credits=self.credits.get(WINDOW_NAMES[reading.window]),
        )

    def _observed(self, part: str, metric: int, reading: Reading) -> Observed:
        values = self.values[part][metric, reading.window, reading.percentile]
        known = ~np.isnan(values)
        return Observed(scaled(np.where(known, values, 0)), known, self.points[part][metric, reading.window])


def _with_stated(observed: Observed, own: Observed) -> Observed:
    """Where there is no series, the run's own value without points: what a file stated."""
    stated = ~observed.known & own.known & (own.points == 0)
    return Observed(np.where(stated, own.values, observed.values), observed.known | stated, observed.points)


def load_menu(run: AssessmentRun) -> Menu:
    """The percentiles of a run whose shards all have them, by the rows of `load_inputs`."""
    packed = ShardArrays.objects.filter(run=run).order_by("part").values_list("percentiles", flat=True)
    shards = [_decoder.decode(blob) for blob in packed]
    values, points = {}, {}
    for part, metrics in METRICS.items():
        shape = (-1, len(metrics), len(WINDOW_NAMES))
        of_part = np.frombuffer(b"".join(shard.values[part] for shard in shards), dtype=VALUE)
        values[part] = np.ascontiguousarray(np.moveaxis(of_part.reshape(*shape, len(MENU)), 0, -1))
        counted = np.frombuffer(b"".join(shard.points[part] for shard in shards), dtype=COUNT)
        points[part] = np.moveaxis(counted.reshape(shape), 0, -1).astype(np.int64)
    expected = np.frombuffer(b"".join(shard.expected for shard in shards), dtype=COUNT)
    counts = [len(shard.expected) // (COUNT.itemsize * len(WINDOW_NAMES)) for shard in shards]
    return Menu(
        values,
        points,
        expected.reshape(-1, len(WINDOW_NAMES)).T.astype(np.int64),
        credits={
            name: _credits(shards, counts, name) for name in KEPT_WINDOWS if any(name in s.credits for s in shards)
        },
    )


def _credits(shards: Sequence[PackedPercentiles], counts: Sequence[int], window_name: str) -> Credits:
    """The credits of all shards over one window."""
    nothing = PackedCredits(terms=b"", known=b"", carried=b"")
    return same_terms(
        [_unpacked(shard.credits.get(window_name, nothing), count) for shard, count in zip(shards, counts, strict=True)]
    )


def _unpacked(packed: PackedCredits, count: int) -> Credits:
    terms = np.frombuffer(packed.terms, dtype=CREDIT_NUMBER).reshape(-1, 3).astype(np.int64)
    known = np.frombuffer(packed.known, dtype=np.bool_) if packed.known else np.zeros(count, dtype=np.bool_)
    carried = np.frombuffer(packed.carried, dtype=CREDIT_NUMBER).reshape(count, len(terms)).astype(np.int64)
    return Credits(terms, known, carried, np.zeros_like(carried))


def _packed_credits(inputs: RunInputs, end_at: datetime, terms: IntArray, seen: Versions) -> dict[str, PackedCredits]:
    starts = {name: end_at - WINDOWS[name] for name in KEPT_WINDOWS}
    windows = read_windows(inputs.machine_ids, starts, end_at, terms, seen)
    packed = {}
    for name, answers in windows.items():
        credits = credits_of_answers([answers.get(machine_id, b"") for machine_id in inputs.machine_ids])
        packed[name] = PackedCredits(
            terms=credits.terms.astype(CREDIT_NUMBER).tobytes(),
            known=credits.known.tobytes(),
            carried=credits.carried.astype(CREDIT_NUMBER).tobytes(),
        )
    return packed


# --- reading them -----------------------------------------------------------------------------------------------------


def read_percentiles(
    inputs: RunInputs, end_at: datetime, credit_terms: IntArray | None = None, seen: Versions = NOTHING_SEEN
) -> bytes:
    """The menu percentiles of one shard over the windows that end at `end_at`, packed; from rolled-up rows where valid.

    With `credit_terms` also what the histories ask of burstable sizes with these terms. Points that arrived after the
    run count too: the windows end where the run's does, the history is what is there now. `seen` is what
    `rollups.refresh` answered before.
    """
    table = _Table(inputs)
    for window_name, rolled in rolled_up(inputs.machine_ids, end_at, WINDOW_NAMES, seen):
        table.add(WINDOW_NAMES.index(window_name), rolled)
    return table.packed({} if credit_terms is None else _packed_credits(inputs, end_at, credit_terms, seen))


class _Table:
    """Collects what is read of a shard's machines, which come in any order."""

    def __init__(self, inputs: RunInputs) -> None:
        machines = inputs.machines
        self._number = inputs.row_of
        self._rows: dict[str, dict[tuple[int, str], int]] = {
            "": {(row, ""): row for row in range(len(inputs))},
            "disk": _rows_of(machines.disks.machine, inputs.disk_source_ids),
            "nic": _rows_of(machines.nics.machine, inputs.nic_source_ids),
        }
        counts = {"": len(inputs), "disk": len(inputs.disk_source_ids), "nic": len(inputs.nic_source_ids)}
        shapes = {part: (counts[part], len(metrics), len(WINDOW_NAMES)) for part, metrics in METRICS.items()}
        self._values = {part: np.full((*shape, len(MENU)), np.nan, dtype=VALUE) for part, shape in shapes.items()}
        self._points = {part: np.zeros(shape, dtype=COUNT) for part, shape in shapes.items()}
        # A machine without any point is expected to have one every ten minutes, as in a run.
        self._expected = np.empty((len(inputs), len(WINDOW_NAMES)), dtype=COUNT)
        self._expected[:] = [length // DEFAULT_INTERVAL for length in WINDOWS.values()]

    def add(self, window: int, rolled: Rolled) -> None:
        """The percentiles of some machines over one window; parts that are gone are left out."""
        numbers = [self._number[machine_id] for machine_id in rolled.machine_ids]
        length = int(WINDOWS[WINDOW_NAMES[window]].total_seconds())
        self._expected[numbers, window] = length // rolled.interval_seconds
        for part, metrics in METRICS.items():
            source_ids, values, points = rolled.placed(part, metrics)
            keys = [(number, source_id) for number in numbers for source_id in source_ids]
            rows = np.array([self._rows[part].get(key, -1) for key in keys], dtype=np.int64)
            there = rows >= 0
            self._values[part][rows[there], :, window] = values.reshape(-1, len(metrics), len(MENU))[there]
            self._points[part][rows[there], :, window] = points.reshape(-1, len(metrics))[there]

    def packed(self, credits: dict[str, PackedCredits]) -> bytes:
        return msgspec.msgpack.encode(
            PackedPercentiles(
                values={part: array.tobytes() for part, array in self._values.items()},
                points={part: array.tobytes() for part, array in self._points.items()},
                expected=self._expected.tobytes(),
                credits=credits,
            )
        )


def _rows_of(owner: IntArray, source_ids: Sequence[str]) -> dict[tuple[int, str], int]:
    return {key: row for row, key in enumerate(zip(owner.tolist(), source_ids, strict=True))}
