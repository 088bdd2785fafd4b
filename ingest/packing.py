"""Packing of points: the arrays of many machines into one buffer of float32, cut into blocks of one UTC day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ingest.series import Layout

DAY_SECONDS = 86_400
DECIMALS = 4
VALUE = np.dtype("<f4")


class PackedBlocks:
    """Blocks side by side: block i belongs to record `numbers[i]` and is `length` bytes of `values` from `offset` on.

    `offsets` count from 1, as SQL does. Records with a value that is negative or above its maximum are in
    `out_of_range` and have no block. Values are rounded to 4 decimals before they become float32.
    """

    def __init__(
        self,
        *,
        starts: Sequence[int],
        layouts: Sequence[Layout],
        points: Sequence[int],
        arrays: Sequence[Sequence[float | None]],
        interval_seconds: int,
    ) -> None:
        """Record i has `points[i]` points from `starts[i]` (in seconds) on; one array for each series of its layout."""
        self._interval_seconds = interval_seconds
        exact = np.array(list(chain.from_iterable(arrays)), dtype=np.float64)
        self._start, self._points = np.array(starts, dtype=np.int64), np.array(points, dtype=np.int64)
        self._series = np.array([len(layout.series) for layout in layouts], dtype=np.int64)
        self._ends = np.cumsum(self._series * self._points)
        self.out_of_range = self._beyond(exact, layouts)
        self._packed = np.round(exact, DECIMALS).astype(VALUE)
        self._layouts = layouts
        self._collect()

    def parts(self, size_bytes: int) -> Iterator[range]:
        """The blocks in runs of about this many bytes, in the order of their offsets."""
        start = 0
        for i in range(len(self.offsets)):
            if self.offsets[i] + self.lengths[i] - self.offsets[start] > size_bytes and i > start:
                yield range(start, i)
                start = i
        if self.offsets:
            yield range(start, len(self.offsets))

    def _beyond(self, exact: NDArray[np.float64], layouts: Sequence[Layout]) -> list[int]:
        row_points = np.repeat(self._points, self._series)
        maxima = np.repeat(np.concatenate([layout.maxima for layout in layouts]), row_points)
        wrong = np.flatnonzero((exact < 0) | (exact > maxima))
        return [int(i) for i in np.unique(np.searchsorted(self._ends, wrong, side="right"))]

    def _collect(self) -> None:
        last = self._start + (self._points - 1) * self._interval_seconds
        good = np.ones(len(self._start), dtype=bool)
        good[self.out_of_range] = False
        whole = np.flatnonzero(good & (self._start // DAY_SECONDS == last // DAY_SECONDS))
        sizes = self._series * self._points * VALUE.itemsize
        self.numbers: list[int] = whole.tolist()
        self.starts: list[int] = self._start[whole].tolist()
        self.points: list[int] = self._points[whole].tolist()
        self.offsets: list[int] = ((self._ends * VALUE.itemsize - sizes)[whole] + 1).tolist()
        self.lengths: list[int] = sizes[whole].tolist()
        self._pieces, self._size = [self._packed.tobytes()], self._packed.nbytes
        crossing = np.flatnonzero(good & (self._start // DAY_SECONDS != last // DAY_SECONDS))
        alike: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for number in crossing.tolist():
            shape = int(self._start[number]), int(self._series[number]), int(self._points[number])
            alike[shape].append(number)
        for (start, series, count), numbers in alike.items():
            self._split(numbers, start, series, count)
        self.values = b"".join(self._pieces)
        self.layouts = [self._layouts[number] for number in self.numbers]
        self.days = {start // DAY_SECONDS for start in set(self.starts)}

    def _split(self, numbers: list[int], start: int, series: int, count: int) -> None:
        """Cuts the arrays of records of one shape at UTC midnights; the pieces are appended to the buffer."""
        ends = self._ends[numbers]
        where = (ends - series * count)[:, np.newaxis] + np.arange(series * count)
        arrays = self._packed[where].reshape(len(numbers), series, count)
        times = start + np.arange(count) * self._interval_seconds
        cuts = np.flatnonzero(np.diff(times // DAY_SECONDS)) + 1
        for part, first in zip(np.split(arrays, cuts, axis=2), [0, *cuts.tolist()], strict=True):
            length = part[0].nbytes
            self.numbers += numbers
            self.starts += [int(times[first])] * len(numbers)
            self.points += [part.shape[2]] * len(numbers)
            self.offsets += range(self._size + 1, self._size + 1 + length * len(numbers), length)
            self.lengths += [length] * len(numbers)
            self._pieces.append(np.ascontiguousarray(part).tobytes())
            self._size += part.nbytes


def quantised(values: NDArray[np.float32 | np.float64]) -> NDArray[np.float64]:
    """What was sent, to 4 decimals: float32 alone would make 6.4 into 6.4000001."""
    return values.astype(np.float64).round(DECIMALS)
