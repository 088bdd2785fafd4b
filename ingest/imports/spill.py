"""Points in any order, by millions: written to disk in buckets of machines, read back bucket by bucket as grids.

Memory is bounded by the size of a batch and of a grid, whatever the order and the number of the rows. A row takes 12
bytes on disk.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.imports.room import keep_reserve

SLOT_SECONDS = 300
BUCKET_MACHINES = 32
FLUSH_ROWS = 1_000_000
BATCH_ROWS = 2_000_000
GRID_CELLS = 12_000_000
SECOND_BITS = np.uint64(32)
SECOND_MASK = np.uint64(2**32 - 1)
RECORD = np.dtype([("key", "<u8"), ("value", "<f4")])


def _distinct(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct values, rising, and which of them each one is."""
    found, inverse = np.unique(values, return_inverse=True)
    return found, inverse


class SeriesNumbers:
    """Numbers for the pairs (machine, series of a machine) in the order in which they are first seen."""

    def __init__(self) -> None:
        self._pairs = np.empty(0, dtype=np.int64)
        self._numbers = np.empty(0, dtype=np.int64)
        self.machine = np.empty(0, dtype=np.int64)
        self.kind = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.machine)

    def of(self, machine: NDArray[np.int64], kind: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of each row's series; `kind` is what the caller calls a series of a machine."""
        pairs = machine << 32 | kind
        distinct, inverse = _distinct(pairs)
        where = np.searchsorted(self._pairs, distinct)
        is_known = np.zeros(len(distinct), dtype=bool)
        inside = where < len(self._pairs)
        is_known[inside] = self._pairs[where[inside]] == distinct[inside]
        numbers = np.empty(len(distinct), dtype=np.int64)
        numbers[is_known] = self._numbers[where[is_known]]
        fresh = distinct[~is_known]
        if len(fresh):
            numbers[~is_known] = self._add(fresh, where[~is_known])
        found: NDArray[np.int64] = numbers[inverse]
        return found

    def _add(self, pairs: NDArray[np.int64], where: NDArray[np.int64]) -> NDArray[np.int64]:
        numbers = np.arange(len(self), len(self) + len(pairs))
        self.machine = np.concatenate([self.machine, pairs >> 32])
        self.kind = np.concatenate([self.kind, pairs & 0xFFFFFFFF])
        self._pairs = np.insert(self._pairs, where, pairs)
        self._numbers = np.insert(self._numbers, where, numbers)
        return numbers


@dataclass(frozen=True)
class Grid:
    """The peaks of some machines: `values` of shape (series, slots), NaN where nothing was measured.

    `series` are the numbers of the rows, `rows` how many rows of the file fell on the grid, and `duplicates` how many
    of them repeated an instant of their series.
    """

    series: NDArray[np.int64]
    values: NDArray[np.float32]
    rows: int
    duplicates: int


class Spill:
    """Collects points and gives them back as grids. The file has no name: it goes with the process.

    Raises UnreadableFileError no_room before the disk is full.
    """

    def __init__(self, numbers: SeriesNumbers) -> None:
        self._numbers = numbers
        self._folder = Path(tempfile.gettempdir())
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  close() closes it
        self._pending: list[NDArray[np.void]] = []
        self._pending_rows = self._written_rows = 0
        self._segments: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._machine_rows = np.zeros(0, dtype=np.int64)

    def close(self) -> None:
        self._file.close()

    def add(self, series: NDArray[np.int64], seconds: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Rows of series by their number; seconds since 1970."""
        records = np.empty(len(series), dtype=RECORD)
        records["key"] = series.astype(np.uint64) << SECOND_BITS | seconds.astype(np.uint64)
        records["value"] = values
        machine_rows = np.bincount(self._numbers.machine[series], minlength=len(self._machine_rows))
        machine_rows[: len(self._machine_rows)] += self._machine_rows
        self._machine_rows = machine_rows
        self._pending.append(records)
        self._pending_rows += len(records)
        if self._pending_rows >= FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._pending_rows:
            return
        records = np.concatenate(self._pending)
        bucket = self._machine_of(records) // BUCKET_MACHINES
        order = np.argsort(bucket, kind="stable")
        keep_reserve(self._folder, records.nbytes)
        self._file.write(records[order].tobytes())
        buckets, counts = np.unique(bucket, return_counts=True)
        start = self._written_rows
        for number, count in zip(buckets.tolist(), counts.tolist(), strict=True):
            self._segments[number].append((start, count))
            start += count
        self._written_rows, self._pending, self._pending_rows = start, [], 0

    def _machine_of(self, records: NDArray[np.void]) -> NDArray[np.int64]:
        machine: NDArray[np.int64] = self._numbers.machine[(records["key"] >> SECOND_BITS).astype(np.int64)]
        return machine

    @property
    def machine_rows(self) -> NDArray[np.int64]:
        """How many rows each machine has, by its number."""
        return self._machine_rows

    def grids(self, *, shift_seconds: int, first_slot: int, slots: int) -> Iterator[Grid]:
        """All machines, few at a time. Slot 0 is `first_slot` * 300 seconds since 1970, after the shift.

        Rows that lie elsewhere are left out.
        """
        self._flush()
        window = _Window(shift_seconds, first_slot, slots)
        by_machine = np.argsort(self._numbers.machine, kind="stable")
        starts = np.searchsorted(self._numbers.machine[by_machine], np.arange(len(self._machine_rows) + 1))
        for bucket in sorted(self._segments):
            for machines in self._groups(bucket, starts, slots):
                series = by_machine[starts[machines.start] : starts[machines.stop]]
                yield self._grid(bucket, machines, series, window)

    def _groups(self, bucket: int, starts: NDArray[np.int64], slots: int) -> Iterator[range]:
        """The machines of a bucket in ranges of which each fits into memory."""
        last = min((bucket + 1) * BUCKET_MACHINES, len(self._machine_rows))
        first, cells = bucket * BUCKET_MACHINES, 0
        for machine in range(first, last):
            more = int(starts[machine + 1] - starts[machine]) * slots
            if cells and cells + more > GRID_CELLS:
                yield range(first, machine)
                first, cells = machine, 0
            cells += more
        yield range(first, last)

    def _grid(self, bucket: int, machines: range, series: NDArray[np.int64], window: "_Window") -> Grid:
        values = np.full((len(series), window.slots), np.nan, dtype=np.float32)
        place = np.full(len(self._numbers), -1, dtype=np.int64)
        place[series] = np.arange(len(series))
        rows = duplicates = 0
        for records in self._batches(bucket):
            machine = self._machine_of(records)
            chosen = records[(machine >= machines.start) & (machine < machines.stop)]
            laid, repeated = window.lay(chosen, place, values)
            rows, duplicates = rows + laid, duplicates + repeated
        return Grid(series, values, rows, duplicates)

    def _batches(self, bucket: int) -> Iterator[NDArray[np.void]]:
        """The records of a bucket, at most about BATCH_ROWS at a time."""
        batch: list[NDArray[np.void]] = []
        count = 0
        for start, rows in self._segments[bucket]:
            self._file.seek(start * RECORD.itemsize)
            batch.append(np.frombuffer(self._file.read(rows * RECORD.itemsize), dtype=RECORD))
            count += rows
            if count >= BATCH_ROWS:
                yield np.concatenate(batch)
                batch, count = [], 0
        if batch:
            yield np.concatenate(batch)


@dataclass(frozen=True)
class _Window:
    """Where on the grid a row falls."""

    shift_seconds: int
    first_slot: int
    slots: int

    def lay(self, records: NDArray[np.void], place: NDArray[np.int64], values: NDArray[np.float32]) -> tuple[int, int]:
        """Lays records on the grid, the peak of each slot; returns how many, and how many repeated an instant."""
        ordered = records[np.argsort(records["key"])]
        keys = ordered["key"]
        slots = ((keys & SECOND_MASK).astype(np.int64) + self.shift_seconds) // SLOT_SECONDS - self.first_slot
        inside = (slots >= 0) & (slots < self.slots)
        keys, slots, found = keys[inside], slots[inside], ordered["value"][inside]
        if not len(keys):
            return 0, 0
        cells = place[(keys >> SECOND_BITS).astype(np.int64)] * self.slots + slots
        firsts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
        peaks = np.maximum.reduceat(found, firsts)
        flat = values.reshape(-1)
        flat[cells[firsts]] = np.fmax(flat[cells[firsts]], peaks)
        return len(keys), int((keys[1:] == keys[:-1]).sum())


def day_ranges(occupied: NDArray[np.bool_], first_slot: int, slot_seconds: int) -> Iterator[tuple[int, int]]:
    """From the first to behind the last occupied slot of each UTC day that has one."""
    taken = np.flatnonzero(occupied)
    if not len(taken):
        return
    days = (taken + first_slot) * slot_seconds // 86_400
    cuts = np.flatnonzero(np.diff(days)) + 1
    for part in np.split(taken, cuts):
        yield int(part[0]), int(part[-1]) + 1


def interval_of(occupied: NDArray[np.bool_]) -> int:
    """300 seconds when most points of a machine follow each other in 5 minutes, 600 otherwise."""
    gaps = np.diff(np.flatnonzero(occupied))
    return SLOT_SECONDS if len(gaps) and float(np.median(gaps)) < 2 else 2 * SLOT_SECONDS


def in_tens(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Five-minute slots as 10-minute slots: the higher of two; the number of slots is even."""
    folded: NDArray[np.float32] = np.fmax(values[:, 0::2], values[:, 1::2])
    return folded


def ordered_series(names: Sequence[tuple[str, str, str]]) -> list[int]:
    """The machine's own series first, then disks and nics by name, whatever order the file had."""
    return sorted(range(len(names)), key=lambda index: names[index])
