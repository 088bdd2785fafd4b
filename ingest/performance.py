"""Reading the points of many machines over a window: folded days and what has not been folded yet.

Memory is bounded: machines are read in chunks, and PostgreSQL joins the blocks of one machine and shape into one value,
so that a chunk is a few hundred rows however many blocks there are.
"""

import io
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
from django.db import connection

from ingest.bulk import plain_array, rows
from ingest.folded_ranks import unpack_ranks
from ingest.folded_values import unpack_values
from ingest.merging import RANK_BYTES, Blocks, Grid, MachineSeries, Ranks, machine_series
from ingest.packing import DAY_SECONDS, VALUE
from ingest.series import Layout, read_layouts
from migrate_hub.tenants.context import current_tenant_id

__all__ = ["MachineSeries", "read_series"]

CHUNK_BYTES = 24 * 1024 * 1024
MACHINES_A_LIST = 5000

# The blocks of one machine and shape as one row: starts, ranks and values, lowest rank first.
JOINED = """
machine_id, layout_id, interval_seconds::int, points::int,
string_agg(int8send(extract(epoch FROM start_at)::bigint), ''::bytea ORDER BY epoch, sequence, appliance_id, start_at),
string_agg(int4send(epoch) || int8send(sequence) || uuid_send(appliance_id)
           || int8send(extract(epoch FROM start_at)::bigint), ''::bytea
           ORDER BY epoch, sequence, appliance_id, start_at),
string_agg("values", ''::bytea ORDER BY epoch, sequence, appliance_id, start_at)
"""
# Whole days are read, so that the same series are there whether a day has been folded or not. One statement: a fold
# that commits meanwhile moves points from one table to the other.
READ_POINTS = f"""
COPY (
    SELECT {JOINED}
    FROM ingest_performanceblock
    WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
      AND start_at >= %(first)s AND start_at < %(beyond)s
    GROUP BY machine_id, layout_id, interval_seconds, points
    UNION ALL
    SELECT machine_id, layout_id, interval_seconds::int, {DAY_SECONDS} / interval_seconds::int,
           string_agg(int8send(extract(epoch FROM day)::bigint), ''::bytea ORDER BY day), ''::bytea,
           string_agg("values", ''::bytea ORDER BY day)
    FROM ingest_foldedday
    WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
      AND day >= %(first)s::date AND day < %(beyond)s::date
    GROUP BY machine_id, layout_id, interval_seconds
) TO STDOUT (FORMAT binary)
"""
# The bytes that the points of each machine take once read: blocks as they are with their keys, folded days unpacked.
HELD = f"""
SELECT machine_id, sum(bytes)::bigint FROM (
    SELECT machine_id, sum(octet_length("values") + {RANK_BYTES + 8}) AS bytes FROM ingest_performanceblock
    WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
      AND start_at >= %(first)s AND start_at < %(beyond)s
    GROUP BY machine_id
    UNION ALL
    SELECT machine_id, days * ({DAY_SECONDS} / interval_seconds) * {VALUE.itemsize} * jsonb_array_length(l.series)
    FROM (
        SELECT machine_id, layout_id, interval_seconds::int, count(*) AS days FROM ingest_foldedday
        WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
          AND day >= %(first)s::date AND day < %(beyond)s::date
        GROUP BY machine_id, layout_id, interval_seconds
    ) f JOIN ingest_serieslayout l ON l.tenant_id = %(tenant)s AND l.id = f.layout_id
) held GROUP BY machine_id
"""
READ_RANKED_DAYS = f"""
COPY (
    SELECT machine_id, layout_id, interval_seconds::int, {DAY_SECONDS} / interval_seconds::int,
           int8send(extract(epoch FROM day)::bigint), ranks, "values"
    FROM ingest_foldedday
    WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[]) AND day = ANY(%(days)s::date[])
) TO STDOUT (FORMAT binary)
"""
COPY_HEADER_BYTES = 19
EPOCH = date(1970, 1, 1)

Groups = dict[UUID, list[Blocks]]


def read_series(
    machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[MachineSeries]:
    """The series of each machine with points on the days of [start_at, end_at).

    What is held at once is a chunk of machines whose points take `chunk_bytes`, or a single machine.
    """
    for first in range(0, len(machine_ids), MACHINES_A_LIST):
        for chunk in _chunks(machine_ids[first : first + MACHINES_A_LIST], start_at, end_at, chunk_bytes):
            yield from _read_chunk(chunk, start_at, end_at)


def _chunks(
    machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime, chunk_bytes: int
) -> Iterator[Sequence[UUID]]:
    """Cuts machines where their points would take more: of one nothing need be known."""
    if len(machine_ids) == 1:
        yield machine_ids
        return
    held = dict(rows(HELD, _parameters(machine_ids, start_at, end_at)))
    first, size = 0, 0
    for number, machine_id in enumerate(machine_ids):
        length = held.get(machine_id, 0)
        if number > first and size + length > chunk_bytes:
            yield machine_ids[first:number]
            first, size = number, 0
        size += length
    yield machine_ids[first:]


def _read_chunk(machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime) -> Iterator[MachineSeries]:
    parameters = _parameters(machine_ids, start_at, end_at)
    groups = read_groups(READ_POINTS, parameters)
    layouts = layouts_of(groups.values())
    start, end = int(start_at.timestamp()), int(end_at.timestamp())
    overlapping: dict[UUID, list[Blocks]] = {}
    contested: set[int] = set()
    for machine_id, found in groups.items():
        grid = Grid(found, layouts, start, end)
        days = grid.contested_days()
        if days and any(group.ranks is None for group in found):
            overlapping[machine_id] = found
            contested |= days
        else:
            yield machine_series(machine_id, start_at, grid)
    if overlapping:
        ranked = _with_ranks(overlapping, contested)
        layouts |= layouts_of(ranked.values())
        for machine_id, found in ranked.items():
            yield machine_series(machine_id, start_at, Grid(found, layouts, start, end))


def _with_ranks(groups: Groups, days: Collection[int]) -> Groups:
    """What was read, but the folded rows of these days anew, with ranks: they hold at least what they held before."""
    anew = read_groups(READ_RANKED_DAYS, ranked_days(groups, days), packed_ranks=True)
    return {
        machine_id: [group if group.ranks else group.without(days) for group in found] + anew.get(machine_id, [])
        for machine_id, found in groups.items()
    }


def ranked_days(machine_ids: Iterable[UUID], days: Iterable[int]) -> dict[str, object]:
    """The parameters of READ_RANKED_DAYS; days are counted from 1970."""
    dates = plain_array(EPOCH + timedelta(days=number) for number in days)
    return {"tenant": current_tenant_id(), "machines": plain_array(machine_ids), "days": dates}


def _parameters(machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime) -> dict[str, object]:
    last = end_at.astimezone(UTC) - timedelta(microseconds=1)
    return {
        "tenant": current_tenant_id(),
        "machines": plain_array(machine_ids),
        "first": _midnight(start_at.astimezone(UTC)),
        "beyond": _midnight(last) + timedelta(days=1),
    }


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def layouts_of(groups: Iterable[Sequence[Blocks]]) -> dict[UUID, Layout]:
    """The layouts that these blocks name."""
    return read_layouts(current_tenant_id(), {group.layout_id for found in groups for group in found})


def read_groups(sql: str, parameters: Mapping[str, object], *, packed_ranks: bool = False) -> Groups:
    """Runs a COPY of rows as READ_POINTS or (`packed_ranks`) READ_RANKED_DAYS gives them."""
    stream = io.BytesIO()
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.copy_expert(cursor.cursor.mogrify(sql, parameters), stream)
    found: Groups = {}
    for machine_id, layout_id, interval, points, starts, ranks, values in _copied_rows(stream.getbuffer()):
        count, width = len(starts) // 8, int.from_bytes(points, "big")
        known: Ranks | None
        if len(ranks) and not packed_ranks:
            shaped = np.frombuffer(values, dtype=VALUE).reshape(count, -1, width)
            known = Ranks.of_blocks(ranks)
        else:
            shaped = unpack_values(values, width, count)
            known = unpack_ranks(ranks, shaped.shape[1:]) if packed_ranks else None
        group = Blocks(
            layout_id=UUID(bytes=bytes(layout_id)),
            interval_seconds=int.from_bytes(interval, "big"),
            starts=np.frombuffer(starts, dtype=">i8").astype(np.int64),
            ranks=known,
            values=shaped,
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
