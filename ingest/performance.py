"""Reading the performance blocks: many machines and a window into arrays.

Memory is bounded: machines are read in chunks, and PostgreSQL joins the blocks of one machine and shape into one value,
so that a chunk is a few hundred rows however many blocks there are.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from ingest.bulk import plain_array
from ingest.limits import DEFAULT_INTERVAL_SECONDS
from ingest.packing import VALUE
from ingest.series import Layout, Series, read_layouts
from migrate_hub.tenants.context import current_tenant_id

CHUNK_BYTES = 24 * 1024 * 1024
SERIES_A_MACHINE = 16

# Blocks never cross a UTC day, so those of a window start on or after the day in which it starts.
READ_BLOCKS = """
COPY (
    SELECT machine_id, layout_id, interval_seconds::int, points::int,
           string_agg(int8send(extract(epoch FROM start_at)::bigint), ''::bytea ORDER BY epoch, sequence, appliance_id),
           string_agg(int4send(epoch) || int8send(sequence) || uuid_send(appliance_id), ''::bytea
                      ORDER BY epoch, sequence, appliance_id),
           string_agg("values", ''::bytea ORDER BY epoch, sequence, appliance_id)
    FROM ingest_performanceblock
    WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) AND start_at >= %s AND start_at < %s
    GROUP BY machine_id, layout_id, interval_seconds, points
) TO STDOUT (FORMAT binary)
"""
RANK_BYTES = 28
COPY_HEADER_BYTES = 19


@dataclass(frozen=True)
class Blocks:
    """All blocks of one machine that have the same shape, lowest (epoch, sequence) first.

    `values` has the shape (blocks, series, points); `ranks` holds (epoch, sequence, appliance) as 28 bytes a block.
    """

    layout_id: UUID
    interval_seconds: int
    starts: NDArray[np.int64]
    ranks: memoryview
    values: NDArray[np.float32]

    def times(self) -> NDArray[np.int64]:
        """When each point starts, in seconds, shape (blocks, points)."""
        return self.starts[:, np.newaxis] + np.arange(self.values.shape[2]) * self.interval_seconds

    def each_rank(self) -> list[bytes]:
        """Bytes that sort as (epoch, sequence, appliance), for each block."""
        return [bytes(self.ranks[i : i + RANK_BYTES]) for i in range(0, len(self.ranks), RANK_BYTES)]


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


def read_series(
    machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[MachineSeries]:
    """The series of each machine that has points in [start_at, end_at), in chunks of about `chunk_bytes` of points."""
    slots = (end_at - start_at).total_seconds() / DEFAULT_INTERVAL_SECONDS
    size = max(1, int(chunk_bytes // (SERIES_A_MACHINE * VALUE.itemsize * max(slots, 1))))
    tenant_id = current_tenant_id()
    for first in range(0, len(machine_ids), size):
        blocks = _read_blocks(tenant_id, machine_ids[first : first + size], start_at, end_at)
        layouts = read_layouts(tenant_id, {group.layout_id for groups in blocks.values() for group in groups})
        for machine_id, groups in blocks.items():
            yield merged(machine_id, groups, layouts, start_at, end_at)


def _read_blocks(
    tenant_id: int, machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime
) -> dict[UUID, list[Blocks]]:
    day = start_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    stream = io.BytesIO()
    with connection.cursor() as cursor:
        query = cursor.cursor.mogrify(READ_BLOCKS, [tenant_id, plain_array(machine_ids), day, end_at])
        cursor.cursor.copy_expert(query, stream)
    found: dict[UUID, list[Blocks]] = {}
    for machine_id, layout_id, interval, points, starts, ranks, values in _copied_rows(stream.getbuffer()):
        count = len(starts) // 8
        group = Blocks(
            layout_id=UUID(bytes=bytes(layout_id)),
            interval_seconds=int.from_bytes(interval, "big"),
            starts=np.frombuffer(starts, dtype=">i8").astype(np.int64),
            ranks=ranks,
            values=np.frombuffer(values, dtype=VALUE).reshape(count, -1, int.from_bytes(points, "big")),
        )
        found.setdefault(UUID(bytes=bytes(machine_id)), []).append(group)
    return found


def _copied_rows(data: memoryview) -> Iterator[list[memoryview]]:
    """The fields of each row in PostgreSQL's binary COPY format."""
    position = COPY_HEADER_BYTES
    while True:
        (count,) = struct.unpack_from(">h", data, position)
        if count < 0:
            return
        position += 2
        fields = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, position)
            fields.append(data[position + 4 : position + 4 + length])
            position += 4 + length
        yield fields


def merged(
    machine_id: UUID, groups: Sequence[Blocks], layouts: dict[UUID, Layout], start_at: datetime, end_at: datetime
) -> MachineSeries:
    """One machine's blocks on one grid: per series and slot the non-null value of the highest (epoch, sequence)."""
    interval = min(group.interval_seconds for group in groups)
    start, end = int(start_at.timestamp()), int(end_at.timestamp())
    series = tuple(dict.fromkeys(item for group in groups for item in layouts[group.layout_id].series))
    row_of = {item: row for row, item in enumerate(series)}
    placed = [
        _Placed(
            group,
            rows=np.array([row_of[item] for item in layouts[group.layout_id].series]),
            slots=(group.times() - start) // interval,
            inside=(group.times() >= start) & (group.times() < end),
        )
        for group in sorted(groups, key=lambda group: -group.interval_seconds)
    ]
    values = np.full((len(series), -(-(end - start) // interval)), np.nan, dtype=np.float32)
    weights = np.ones(values.shape[1], dtype=np.int8)
    for one in placed:  # the finest last: its slots are whole
        weights[one.slots[one.inside]] = one.group.interval_seconds // interval
    if _overlap(placed):
        _lay_by_rank(placed, values)
    else:
        for one in placed:
            values[one.rows[:, np.newaxis], one.slots[one.inside]] = one.group.values.transpose(1, 0, 2)[:, one.inside]
    return MachineSeries(machine_id, start_at, interval, series=series, values=values, weights=weights)


@dataclass(frozen=True)
class _Placed:
    """Blocks and where they lie in an array of (series, slots); `slots` and `inside` are of shape (blocks, points)."""

    group: Blocks
    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    inside: NDArray[np.bool_]


def _overlap(placed: Sequence[_Placed]) -> bool:
    slots = np.sort(np.concatenate([one.slots[one.inside] for one in placed]))
    return bool((slots[1:] == slots[:-1]).any())


def _lay_by_rank(placed: Sequence[_Placed], values: NDArray[np.float32]) -> None:
    """Writes all points that exist, lowest rank first: of repeated slots the last one stays."""
    ranks = sorted({rank for one in placed for rank in one.group.each_rank()})
    place = {rank: i for i, rank in enumerate(ranks)}
    indices, points, order = [], [], []
    for one in placed:
        exists = one.inside[:, np.newaxis, :] & ~np.isnan(one.group.values)
        block, row, point = np.nonzero(exists)
        indices.append(one.rows[row] * values.shape[1] + one.slots[block, point])
        points.append(one.group.values[exists])
        order.append(np.array([place[rank] for rank in one.group.each_rank()], dtype=np.int64)[block])
    by_rank = np.argsort(np.concatenate(order), kind="stable")
    values.ravel()[np.concatenate(indices)[by_rank]] = np.concatenate(points)[by_rank]
