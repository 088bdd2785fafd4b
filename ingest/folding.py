"""Folding: the blocks of a closed UTC day become one row a machine and interval, and its statistics are kept.

Each chunk of machines is one transaction: it deletes the blocks, which hands over exactly what it deletes, merges them
with the rows that are there, and writes these anew. Whatever is killed, repeated or uploaded meanwhile, a point is
either in a block or in a folded row. Blocks of file imports (epoch 0) stay as they are: an import can be undone.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import numpy as np
import structlog
from django.db import InterfaceError, OperationalError
from numpy.typing import NDArray

from ingest.bulk import plain_array, rows, run
from ingest.daily import DayOfMachine, store_daily
from ingest.folded_ranks import pack_ranks, unpack_ranks
from ingest.folded_values import pack_values
from ingest.merging import Blocks, Grid, Ranks
from ingest.packing import DAY_SECONDS, VALUE
from ingest.partitions import make_partitions_to_fold
from ingest.performance import EPOCH, JOINED, READ_RANKED_DAYS, layouts_of, ranked_days, read_groups
from ingest.retention import RETENTION
from ingest.series import Layout, store_layouts
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
# How long after its end a day is folded: appliances send each hour, and what comes later is folded on the next round.
CLOSED_AFTER = timedelta(hours=2)
CHUNK_BYTES = 16 * 1024 * 1024
MACHINES_A_CHUNK = 1000
MACHINES_A_LIST = 20_000
NO_MACHINE = UUID(int=0)

DAYS_TO_FOLD = """
SELECT day FROM unnest(%s::date[]) day
WHERE EXISTS (SELECT FROM ingest_performanceblock
              WHERE tenant_id = %s AND start_at >= day::timestamp AT TIME ZONE 'UTC'
                AND start_at < (day + 1)::timestamp AT TIME ZONE 'UTC' AND epoch > 0)
ORDER BY day
"""
# With the bytes that each takes while it is folded: its blocks, and a whole day of each of their series.
MACHINES_TO_FOLD = f"""
SELECT machine_id, sum(bytes)::bigint FROM (
    SELECT machine_id, sum(octet_length("values"))
                       + max(octet_length("values") / points) * ({DAY_SECONDS} / interval_seconds::int) AS bytes
    FROM ingest_performanceblock
    WHERE tenant_id = %s AND machine_id > %s AND start_at >= %s AND start_at < %s AND epoch > 0
    GROUP BY machine_id, layout_id, interval_seconds
) held GROUP BY machine_id ORDER BY machine_id LIMIT %s
"""
# The same of the rows that are there from earlier folds.
FOLDED_BEFORE = f"""
SELECT f.machine_id, sum(jsonb_array_length(l.series) * ({DAY_SECONDS} / f.interval_seconds::int))::bigint
                     * {VALUE.itemsize}
FROM ingest_foldedday f JOIN ingest_serieslayout l ON l.tenant_id = f.tenant_id AND l.id = f.layout_id
WHERE f.tenant_id = %s AND f.machine_id >= %s AND f.machine_id <= %s AND f.day = %s GROUP BY f.machine_id
"""
# Two folds of one day of one tenant take turns. A block is never changed, only inserted and deleted.
LOCK_DAY = "SELECT pg_advisory_xact_lock(hashtextextended('ingest_fold ' || %s::text, %s))"
TAKE_BLOCKS = f"""
COPY (
    WITH taken AS (
        DELETE FROM ingest_performanceblock
        WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
          AND start_at >= %(first)s AND start_at < %(beyond)s AND epoch > 0
        RETURNING machine_id, layout_id, interval_seconds, points, start_at, epoch, sequence, appliance_id, "values"
    )
    SELECT {JOINED} FROM taken GROUP BY machine_id, layout_id, interval_seconds, points
) TO STDOUT (FORMAT binary)
"""
STORE_FOLDED = """
INSERT INTO ingest_foldedday (tenant_id, machine_id, day, interval_seconds, layout_id, version, folded_at, ranks,
                              "values")
SELECT %(tenant)s, machine_id, %(day)s, interval_seconds, layout_id, version, now(),
       substring(%(ranks)s::bytea FROM ranks_first FOR ranks_length),
       substring(%(values)s::bytea FROM first FOR length)
FROM unnest(%(machines)s::uuid[], %(intervals)s::smallint[], %(layouts)s::uuid[], %(versions)s::uuid[],
            %(ranks_firsts)s::int[], %(ranks_lengths)s::int[], %(firsts)s::int[], %(lengths)s::int[])
     AS f (machine_id, interval_seconds, layout_id, version, ranks_first, ranks_length, first, length)
ON CONFLICT (tenant_id, machine_id, day, interval_seconds) DO UPDATE
SET layout_id = excluded.layout_id, version = excluded.version, folded_at = excluded.folded_at, ranks = excluded.ranks,
    "values" = excluded."values"
"""


def closed_days(now: datetime) -> list[date]:
    """The UTC days that may be folded: ended some time ago and within the retention, oldest first."""
    last = (now - CLOSED_AFTER).astimezone(UTC).date() - timedelta(days=1)
    return [last - timedelta(days=n) for n in range(RETENTION.days - 1, -1, -1)]


def days_to_fold(now: datetime) -> list[date]:
    """The closed days of which the current tenant has blocks, oldest first. One query, whatever there is."""
    days = plain_array(closed_days(now))
    return [day for (day,) in rows(DAYS_TO_FOLD, [days, current_tenant_id()])]


class FoldFailedError(Exception):
    """Some of what was to be folded could not be; the rest was."""


class _UnfoldableError(Exception):
    """A chunk cannot be folded because of what it holds."""


def fold_day(
    tenant_id: int, day: date, *, chunk_bytes: int = CHUNK_BYTES, before_chunk: Callable[[], None] = lambda: None
) -> Iterator[int]:
    """Folds a tenant's day chunk by chunk; yields after the commit of each how many machines it held.

    `before_chunk` is called inside each transaction first and may raise to stop. A machine that cannot be folded keeps
    none of the others: FoldFailedError is raised when all have had their turn.
    """
    with tenant_context(tenant_id):
        make_partitions_to_fold(day)
    after, failed = NO_MACHINE, 0
    while machines := _machines_to_fold(tenant_id, day, after):
        for chunk in _chunks(machines, chunk_bytes):
            failed += yield from _fold_or_halve(tenant_id, day, chunk, before_chunk)
        after = machines[-1][0]
    if failed:
        raise FoldFailedError(f"{failed} machines")


def _fold_or_halve(
    tenant_id: int, day: date, chunk: Sequence[UUID], before_chunk: Callable[[], None]
) -> Generator[int, None, int]:
    """Folds a chunk in a transaction, or, where that cannot be, each half of it; returns how many machines failed."""
    try:
        with tenant_context(tenant_id):
            before_chunk()
            _fold_whole(chunk, day)
    except _UnfoldableError:
        if len(chunk) == 1:
            log.exception("machine_not_folded", machine=str(chunk[0]), day=str(day), tenant=tenant_id)
            return 1
    else:
        yield len(chunk)
        return 0
    middle = len(chunk) // 2
    failed = yield from _fold_or_halve(tenant_id, day, chunk[:middle], before_chunk)
    return failed + (yield from _fold_or_halve(tenant_id, day, chunk[middle:], before_chunk))


def _fold_whole(chunk: Sequence[UUID], day: date) -> None:
    try:
        fold_machines(chunk, day)
    except (OperationalError, InterfaceError):
        # A database that is full, busy or away: smaller chunks would fare no better.
        raise
    except Exception as error:
        raise _UnfoldableError from error


def _machines_to_fold(tenant_id: int, day: date, after: UUID) -> list[tuple[UUID, int]]:
    """Machines with blocks of that day, in order, and how many bytes their day takes in memory."""
    first = _midnight(day)
    with tenant_context(tenant_id):
        listed = rows(MACHINES_TO_FOLD, [tenant_id, after, first, first + timedelta(days=1), MACHINES_A_LIST])
        folded = dict(rows(FOLDED_BEFORE, [tenant_id, listed[0][0], listed[-1][0], day])) if listed else {}
    return [(machine_id, size + folded.get(machine_id, 0)) for machine_id, size in listed]


def _chunks(machines: Sequence[tuple[UUID, int]], chunk_bytes: int) -> Iterator[list[UUID]]:
    """Machines whose days take `chunk_bytes` together: a multiple of that is the memory of a fold."""
    chunk: list[UUID] = []
    size = 0
    for machine_id, length in machines:
        if chunk and (size + length > chunk_bytes or len(chunk) == MACHINES_A_CHUNK):
            yield chunk
            chunk, size = [], 0
        chunk.append(machine_id)
        size += length
    yield chunk


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def fold_machines(machine_ids: Sequence[UUID], day: date) -> None:
    """Folds the blocks of that day of these machines of the current tenant, in the caller's transaction."""
    tenant_id, first = current_tenant_id(), _midnight(day)
    rows(LOCK_DAY, [str(day), tenant_id])
    chunk = {
        "tenant": tenant_id,
        "machines": plain_array(machine_ids),
        "first": first,
        "beyond": first + timedelta(days=1),
    }
    fresh = read_groups(TAKE_BLOCKS, chunk)
    if not fresh:
        return
    earlier = read_groups(READ_RANKED_DAYS, ranked_days(machine_ids, [(day - EPOCH).days]), packed_ranks=True)
    folder = _Folder(int(first.timestamp()), layouts_of([*fresh.values(), *earlier.values()]))
    written: list[_Folded] = []
    days: list[DayOfMachine] = []
    for machine_id, blocks in fresh.items():
        made, kept = folder.folded(machine_id, blocks, earlier.get(machine_id, []))
        written += made
        days.append(folder.day_of(machine_id, made, kept))
    store_layouts(tenant_id, folder.new_layouts.values())
    _store(written, tenant_id, day)
    store_daily(days, day)


@dataclass(frozen=True)
class _Folded:
    """A row to be written; `values` has the shape (series, slots)."""

    machine_id: UUID
    interval_seconds: int
    layout_id: UUID
    values: NDArray[np.float32]
    ranks: bytes


class _Folder:
    """Folds the machines of one day. Nearly all have blocks of the same places and ranks: these are worked out once."""

    def __init__(self, start: int, layouts: Mapping[UUID, Layout]) -> None:
        self.start = start
        self.layouts = dict(layouts)
        self.new_layouts: dict[UUID, Layout] = {}
        self._alike: dict[tuple[object, ...], tuple[NDArray[np.int64], bytes] | None] = {}

    def folded(
        self, machine_id: UUID, blocks: Sequence[Blocks], earlier: Sequence[Blocks]
    ) -> tuple[list[_Folded], list[Blocks]]:
        """The rows of the intervals that have blocks, and the earlier rows of those that have none."""
        intervals = {group.interval_seconds for group in blocks}
        made = []
        for interval in sorted(intervals):
            fresh = [group for group in blocks if group.interval_seconds == interval]
            rows_before = [group for group in earlier if group.interval_seconds == interval]
            made.append(self._fold(machine_id, fresh, rows_before))
        return made, [group for group in earlier if group.interval_seconds not in intervals]

    def _fold(self, machine_id: UUID, fresh: Sequence[Blocks], earlier: Sequence[Blocks]) -> _Folded:
        group = fresh[0]
        alike = self._places(group) if len(fresh) == 1 and not earlier else None
        if alike:
            slots, ranks = alike
            values = self._empty(group)
            values[:, slots] = group.values.transpose(1, 0, 2)
            return _Folded(machine_id, group.interval_seconds, group.layout_id, values, ranks)
        grid = Grid([*earlier, *fresh], self.layouts, self.start, self.start + DAY_SECONDS)
        values, by_value = grid.laid_by_rank()
        layout = Layout(grid.series)
        if layout.id not in self.layouts:
            self.layouts[layout.id] = self.new_layouts[layout.id] = layout
        return _Folded(machine_id, grid.interval_seconds, layout.id, values, pack_ranks(by_value))

    def _empty(self, group: Blocks) -> NDArray[np.float32]:
        shape = (group.values.shape[1], DAY_SECONDS // group.interval_seconds)
        return np.full(shape, np.nan, dtype=np.float32)

    def _places(self, group: Blocks) -> tuple[NDArray[np.int64], bytes] | None:
        """The slots of blocks of one shape and their packed ranks; None when two have the same slot."""
        assert group.ranks is not None
        key = (group.interval_seconds, group.values.shape, group.starts.tobytes(), *group.ranks.table)
        if key not in self._alike:
            slots = (group.times() - self.start) // group.interval_seconds
            self._alike[key] = None if len(np.unique(slots)) < slots.size else (slots, _ranks_by_slot(group, slots))
        return self._alike[key]

    def day_of(self, machine_id: UUID, made: Sequence[_Folded], kept: Sequence[Blocks]) -> DayOfMachine:
        """The whole day of a machine, for its statistics."""
        if len(made) == 1 and not kept:
            (only,) = made
            return DayOfMachine(machine_id, only.interval_seconds, self.layouts[only.layout_id].series, only.values)
        grid = Grid(
            [*kept, *(self._as_blocks(one) for one in made)], self.layouts, self.start, self.start + DAY_SECONDS
        )
        return DayOfMachine(
            machine_id, grid.interval_seconds, grid.series, grid.laid_by_rank()[0], weights=grid.weights()
        )

    def _as_blocks(self, one: _Folded) -> Blocks:
        return Blocks(
            layout_id=one.layout_id,
            interval_seconds=one.interval_seconds,
            starts=np.array([self.start]),
            ranks=unpack_ranks(one.ranks, one.values.shape),
            values=one.values[np.newaxis],
        )


def _ranks_by_slot(group: Blocks, slots: NDArray[np.int64]) -> bytes:
    """The packed ranks of blocks that do not overlap: the same for all series."""
    assert group.ranks is not None
    chosen = np.zeros(DAY_SECONDS // group.interval_seconds, dtype=np.int64)
    chosen[slots] = np.arange(len(slots))[:, np.newaxis]
    return pack_ranks(Ranks(group.ranks.table, np.broadcast_to(chosen, (group.values.shape[1], len(chosen)))))


def _store(folded: Sequence[_Folded], tenant_id: int, day: date) -> None:
    values = [pack_values(one.values) for one in folded]
    lengths, ranks_lengths = [len(item) for item in values], [len(one.ranks) for one in folded]
    run(
        STORE_FOLDED,
        {
            "tenant": tenant_id,
            "day": day,
            "machines": plain_array(one.machine_id for one in folded),
            "intervals": plain_array(one.interval_seconds for one in folded),
            "layouts": plain_array(one.layout_id for one in folded),
            "versions": plain_array(uuid4() for _ in folded),
            "ranks_firsts": plain_array(_firsts(ranks_lengths)),
            "ranks_lengths": plain_array(ranks_lengths),
            "firsts": plain_array(_firsts(lengths)),
            "lengths": plain_array(lengths),
            "ranks": b"".join(one.ranks for one in folded),
            "values": b"".join(values),
        },
    )


def _firsts(lengths: Sequence[int]) -> list[int]:
    """Where each of some pieces starts when they lie one after the other, counted from 1 as SQL does."""
    ends = np.cumsum(lengths)
    first: list[int] = (ends - lengths + 1).tolist()
    return first
