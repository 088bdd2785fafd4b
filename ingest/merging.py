"""Blocks and folded days of one machine, laid on one grid: plain arrays, no database.

Per series and slot the non-null value of the highest rank counts. A rank is (epoch, sequence, appliance, start) of the
block that brought the value, as bytes that sort like these four. Of two blocks with the same the first stored counts,
whole: the store keeps the other away, unless the first is folded by then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.packing import DAY_SECONDS
from ingest.series import Layout, Series

RANK_BYTES = 36


@dataclass(frozen=True)
class Ranks:
    """The ranks of some values: `index` says which of `table`, in a shape that broadcasts to the values'."""

    table: list[bytes]
    index: NDArray[np.integer]

    @classmethod
    def of_blocks(cls, packed: bytes | memoryview) -> "Ranks":
        """Of blocks whose ranks lie one after the other: all values of a block have its rank."""
        table = [bytes(packed[i : i + RANK_BYTES]) for i in range(0, len(packed), RANK_BYTES)]
        return cls(table, np.arange(len(table)).reshape(-1, 1, 1))


@dataclass(frozen=True)
class Blocks:
    """Blocks of one machine that have the same shape; a folded day is one block as long as a day.

    `values` has the shape (blocks, series, points). `ranks` is None where they have not been read, which is enough as
    long as nothing overlaps.
    """

    layout_id: UUID
    interval_seconds: int
    starts: NDArray[np.int64]
    ranks: Ranks | None
    values: NDArray[np.float32]

    def without(self, days: Collection[int]) -> "Blocks":
        """Those that do not start on one of these UTC days, counted from 1970."""
        kept = ~np.isin(self.starts // DAY_SECONDS, list(days))
        return replace(self, starts=self.starts[kept], values=self.values[kept])

    def times(self) -> NDArray[np.int64]:
        """When each point starts, in seconds, shape (blocks, points)."""
        return self.starts[:, np.newaxis] + np.arange(self.values.shape[2]) * self.interval_seconds


@dataclass(frozen=True)
class MachineSeries:
    """The series of one machine over a window, on a grid of `interval_seconds`.

    `values` has the shape (series, slots) and NaN where there is no point; quantised() gives them exact to 4 decimals.
    `weights` is the number of slots that a point of each slot stands for: 2 for a 10-minute point on a 5-minute grid.
    """

    machine_id: UUID
    start_at: datetime
    interval_seconds: int
    series: tuple[Series, ...]
    values: NDArray[np.float32]
    weights: NDArray[np.int8]

    def points(self) -> NDArray[np.int64]:
        """How many intervals of the window each series covers."""
        counted: NDArray[np.int64] = np.where(np.isnan(self.values), 0, self.weights).sum(axis=1, dtype=np.int64)
        return counted


class Grid:
    """Blocks of one machine and where they lie in an array of (series, slots) over [start, end), both in seconds."""

    def __init__(self, groups: Sequence[Blocks], layouts: Mapping[UUID, Layout], start: int, end: int) -> None:
        self.series = united(groups, layouts)
        row_of = {item: row for row, item in enumerate(self.series)}
        seen = _seen(groups, start, end)
        self.interval_seconds = min(group.interval_seconds for group in seen or groups)
        self.slots = -(-(end - start) // self.interval_seconds)
        self.start = start
        self._placed = []
        for group in sorted(seen, key=lambda group: -group.interval_seconds):
            times = group.times()
            self._placed.append(
                _Placed(
                    group,
                    rows=np.array([row_of[item] for item in layouts[group.layout_id].series], dtype=np.int64),
                    slots=(times - start) // self.interval_seconds,
                    inside=(times >= start) & (times < end),
                )
            )

    def contested_days(self) -> set[int]:
        """The UTC days, counted from 1970, on which two blocks have the same slot."""
        times = self.start + np.flatnonzero(self._contested()) * self.interval_seconds
        return set(np.unique(times // DAY_SECONDS).tolist())

    def _contested(self) -> NDArray[np.bool_]:
        """The slots for which there is more than one block."""
        blocks = np.zeros(self.slots, dtype=np.int64)
        for one in self._placed:
            blocks += np.bincount(one.slots[one.inside], minlength=self.slots)
        return blocks > 1

    def laid(self) -> NDArray[np.float32]:
        """The values of blocks that do not overlap, shape (series, slots)."""
        values = np.full((len(self.series), self.slots), np.nan, dtype=np.float32)
        for one in self._placed:
            values[one.rows[:, np.newaxis], one.slots[one.inside]] = one.group.values.transpose(1, 0, 2)[:, one.inside]
        return values

    def resolved(self) -> NDArray[np.float32]:
        """The values of the highest rank, shape (series, slots): ranks are compared where blocks overlap only."""
        values, contested = self.laid(), self._contested()
        if contested.any():
            values[:, contested] = np.nan
            self._lay(values, contested)
        return values

    def laid_by_rank(self) -> tuple[NDArray[np.float32], Ranks]:
        """The values of the highest rank in each slot, shape (series, slots), and which rank each has."""
        values = np.full((len(self.series), self.slots), np.nan, dtype=np.float32)
        return values, self._lay(values, np.ones(self.slots, dtype=np.bool_))

    def _lay(self, values: NDArray[np.float32], chosen_slots: NDArray[np.bool_]) -> Ranks:
        """Writes the values of some slots by rank; returns which rank each has."""
        wanted_of = [one.inside & chosen_slots[np.where(one.inside, one.slots, 0)] for one in self._placed]
        concerned = [(one, wanted) for one, wanted in zip(self._placed, wanted_of, strict=True) if wanted.any()]
        folded = {rank for one, _ in concerned if one.is_folded for rank in one.ranks.table}
        table = sorted({rank for one, _ in concerned for rank in one.ranks.table})
        chosen = np.zeros(values.shape, dtype=np.int64)
        place = {rank: i for i, rank in enumerate(table)}
        indices, points, order = [], [], []
        for one, wanted in concerned:
            exists = wanted[:, np.newaxis, :] & ~np.isnan(one.group.values)
            if not one.is_folded:
                exists[[rank in folded for rank in one.ranks.table]] = False
            block, row, point = np.nonzero(exists)
            indices.append(one.rows[row] * self.slots + one.slots[block, point])
            points.append(one.group.values[exists])
            places = np.array([place[rank] for rank in one.ranks.table], dtype=np.int64)
            order.append(places[np.broadcast_to(one.ranks.index, exists.shape)[exists]])
        if indices:  # all points that exist, lowest rank first: of repeated slots the last one stays
            by_rank = np.argsort(np.concatenate(order), kind="stable")
            where = np.concatenate(indices)[by_rank]
            values.ravel()[where] = np.concatenate(points)[by_rank]
            chosen.ravel()[where] = np.concatenate(order)[by_rank]
        return Ranks(table, chosen)

    def weights(self) -> NDArray[np.int8]:
        """How many slots the point of each slot stands for: where two intervals meet, that of the finer one."""
        weights = np.ones(self.slots, dtype=np.int8)
        if len({one.group.interval_seconds for one in self._placed}) > 1:
            for one in self._placed:  # the finest last
                known = one.inside & ~np.isnan(one.group.values).all(axis=1)
                weights[one.slots[known]] = one.group.interval_seconds // self.interval_seconds
        return weights


@dataclass(frozen=True)
class _Placed:
    """Blocks and where they lie; `slots` and `inside` are of shape (blocks, points)."""

    group: Blocks
    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    inside: NDArray[np.bool_]

    @property
    def ranks(self) -> Ranks:
        if self.group.ranks is None:
            raise ValueError("overlapping blocks need their ranks")
        return self.group.ranks

    @property
    def is_folded(self) -> bool:
        """Whether it holds values of several blocks, each with its rank."""
        return self.ranks.index.shape[1:] != (1, 1)


def united(groups: Sequence[Blocks], layouts: Mapping[UUID, Layout]) -> tuple[Series, ...]:
    """Every series of these blocks once, those of the largest layout first and in its order."""
    ids = {group.layout_id for group in groups}
    ordered = sorted(ids, key=lambda layout_id: (-len(layouts[layout_id].series), layout_id))
    return tuple(dict.fromkeys(item for layout_id in ordered for item in layouts[layout_id].series))


def _seen(groups: Sequence[Blocks], start: int, end: int) -> Sequence[Blocks]:
    """The blocks that decide the grid: where several intervals meet, those with a value inside the window."""
    if len({group.interval_seconds for group in groups}) == 1:
        return groups
    return [group for group in groups if _has_value(group, start, end)]


def _has_value(group: Blocks, start: int, end: int) -> bool:
    times = group.times()
    inside = (times >= start) & (times < end)
    return bool((inside & ~np.isnan(group.values).all(axis=1)).any())


def machine_series(machine_id: UUID, start_at: datetime, grid: Grid) -> MachineSeries:
    """What lies on a grid."""
    values, weights = grid.resolved(), grid.weights()
    return MachineSeries(
        machine_id, start_at, grid.interval_seconds, series=grid.series, values=values, weights=weights
    )
