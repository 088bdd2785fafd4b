"""A performance CSV in long form - machine, timestamp, metric, value - as packed blocks of points, whatever its length.

The rows may come in any order and more than once. They are judged piece by piece, written to disk in buckets, and laid
on the grid machine by machine: the peak of each interval counts, as in what appliances send.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.imports.parsed import Chunk, Options, ParsedPoints, Problem
from ingest.imports.performance_judging import KeptRows
from ingest.imports.performance_rows import RowReader
from ingest.imports.spill import SLOT_SECONDS, Grid, day_ranges, in_tens, interval_of, ordered_series
from ingest.imports.text_pieces import TextPieces
from ingest.limits import MAX_DISKS, MAX_NICS

BLOCKS_A_CHUNK = 500
CHUNK_BYTES = 2 * 1024 * 1024
NAMES_A_CHUNK = 20_000
MAX_SERIES_A_MACHINE = 2 + 4 * MAX_DISKS + 2 * MAX_NICS
WHOLE_INTERVAL = 600
# Reading is this share of the work, as far as progress tells.
READING = 0.8


def parse(path: Path, options: Options) -> Iterator[Chunk]:
    """The points of a file. Raises UnreadableFileError when it is no such file or nothing of it can be kept."""
    pieces = TextPieces(path)
    size = path.stat().st_size
    reader = RowReader(iter(pieces))
    kept = KeptRows(reader.dialect, options)
    with closing(kept.spill):
        for rows in reader:
            kept.add(rows)
            yield Chunk(done=int(pieces.position * READING), total=size)
        kept.refuse_if_nothing_is_left()
        yield from _named(kept)
        for share, chunk in _Blocks(kept, options).chunks():
            chunk.done, chunk.total = int(size * (READING + (1 - READING) * share)), size
            yield chunk
    yield Chunk(problems=kept.problems(), skipped=dict(kept.skipped), counts=dict(kept.counts), done=size, total=size)


def _named(kept: KeptRows) -> Iterator[Chunk]:
    """Every machine with its rows."""
    named = [(kept.machine_names[number], rows) for number, rows in enumerate(kept.spill.machine_rows.tolist()) if rows]
    for first in range(0, len(named), NAMES_A_CHUNK):
        yield Chunk(machine_rows=dict(named[first : first + NAMES_A_CHUNK]))


class _Blocks:
    """Lays the kept rows on the grid, machine by machine."""

    def __init__(self, kept: KeptRows, options: Options) -> None:
        self._kept = kept
        self._options = options
        self._oldest = int((options.now - timedelta(days=options.retention_days)).timestamp())

    def chunks(self) -> Iterator[tuple[float, Chunk]]:
        """The points of all machines, with the share of the work that is done."""
        assert self._kept.seen is not None
        shift, first, last = self._window(*self._kept.seen)
        names, done = {number: key for key, number in self._kept.kinds.items()}, 0
        blocks: list[ParsedPoints] = []
        size = 0
        for grid in self._kept.spill.grids(shift_seconds=shift, first_slot=first, slots=last - first):
            done += len(grid.series)
            self._kept.counts["rows_stored"] += grid.rows
            self._kept.counts["duplicate_rows"] += grid.duplicates
            for block in self._machine_blocks(grid, names, first):
                blocks.append(block)
                size += len(block.values)
                if len(blocks) >= BLOCKS_A_CHUNK or size >= CHUNK_BYTES:
                    yield done / len(self._kept.series_numbers), Chunk(points=blocks)
                    blocks, size = [], 0
        yield 1.0, Chunk(points=blocks)
        self._count_what_is_left(shift)

    def _window(self, low: int, high: int) -> tuple[int, int, int]:
        """How many seconds to shift by, and the slots from and to which points are kept, on the 10-minute grid."""
        shift = 0
        if self._options.shift_to_now:
            end = (high // WHOLE_INTERVAL + 1) * WHOLE_INTERVAL
            now = int(self._options.now.timestamp()) // WHOLE_INTERVAL * WHOLE_INTERVAL
            shift = now - end
            self._kept.counts["shifted_by_seconds"] = shift
            low = max(low + shift, self._oldest)
            high += shift
        first = low // WHOLE_INTERVAL * WHOLE_INTERVAL
        if first < self._oldest:
            # A point within the retention whose interval began before it.
            first += WHOLE_INTERVAL
        last = (high // WHOLE_INTERVAL + 1) * WHOLE_INTERVAL
        return shift, first // SLOT_SECONDS, last // SLOT_SECONDS

    def _machine_blocks(self, grid: Grid, names: dict[int, tuple[str, str, str]], first: int) -> Iterator[ParsedPoints]:
        machines = self._kept.series_numbers.machine[grid.series]
        cuts = np.flatnonzero(np.diff(machines)) + 1
        for rows in np.split(np.arange(len(grid.series)), cuts):
            if len(rows):
                name = self._kept.machine_names[machines[rows[0]]]
                series = [names[kind] for kind in self._kept.series_numbers.kind[grid.series[rows]].tolist()]
                yield from self._one_machine(name, series, grid.values[rows], first)

    def _one_machine(
        self, name: str, series: list[tuple[str, str, str]], values: NDArray[np.float32], first: int
    ) -> Iterator[ParsedPoints]:
        if len(series) > MAX_SERIES_A_MACHINE:
            message = f'"{name[:60]}" has {len(series):,} series; at most {MAX_SERIES_A_MACHINE} are kept of a machine.'
            self._kept.tell(Problem("error", "too_many_series", message))
            return
        order = ordered_series(series)
        series, values = [series[index] for index in order], values[order]
        interval = interval_of(_any(~np.isnan(values), 0))
        if interval != SLOT_SECONDS:
            values, first = in_tens(values), first // 2
        has_point: NDArray[np.bool_] = ~np.isnan(values)
        self._kept.counts["points_in_file"] += int(has_point.sum())
        for start, end in day_ranges(_any(has_point, 0), first, interval):
            present = np.flatnonzero(_any(has_point[:, start:end], 1))
            yield ParsedPoints(
                machine=name,
                start_at=(first + start) * interval,
                interval_seconds=300 if interval == SLOT_SECONDS else 600,
                points=end - start,
                series=[series[index] for index in present.tolist()],
                values=np.ascontiguousarray(values[present, start:end], dtype="<f4").tobytes(),
            )

    def _count_what_is_left(self, shift: int) -> None:
        stored, kept = self._kept.counts["rows_stored"], int(self._kept.spill.machine_rows.sum())
        if kept > stored:
            self._kept.skipped["too_old"] += kept - stored
            assert self._kept.seen is not None
            self._kept.note_old(self._kept.seen[0] + shift)
        self._kept.counts["rows_rolled_up"] = (
            stored - self._kept.counts["duplicate_rows"] - self._kept.counts["points_in_file"]
        )


def _any(flags: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    return np.asarray(flags.any(axis=axis))
