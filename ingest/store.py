"""store_performance(): an upload's points as packed blocks, in one transaction and a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec

from ingest.appliances import clock_skew
from ingest.bulk import plain_array, rows, text_array
from ingest.coverage import touch_days
from ingest.limits import MAX_AHEAD
from ingest.models import Appliance, UploadKind
from ingest.packing import DAY_SECONDS, PackedBlocks
from ingest.partitions import make_partitions
from ingest.receipts import earlier_answer, keep_answer
from ingest.rejections import keep_rejections
from ingest.retention import RETENTION
from ingest.series import Layout, all_series, store_layouts
from ingest.text import is_clean
from ingest.uploads import MachinePoints, PerformanceUpload, Rejection, decode_upload

# The fields of a MachinePoints before its own series.
LEADING_FIELDS = 4
# Values of one statement: the driver holds them several times over, in hexadecimal.
STATEMENT_BYTES = 4 * 1024 * 1024

# One pass over the project's machines tells the unknown ones and stores the blocks of the others. All values travel as
# one bytea, of which each block is a slice: an array of bytea would be parsed character by character.
STORE_BLOCKS = """
WITH sent AS MATERIALIZED (
    SELECT * FROM unnest(%(numbers)s::int[], %(source_ids)s::text[], %(starts)s::bigint[], %(layouts)s::uuid[],
                         %(points)s::smallint[], %(offsets)s::int[], %(lengths)s::int[])
             AS s (number, source_id, start, layout_id, points, first, length)
), known AS MATERIALIZED (
    SELECT sent.*, m.id AS machine_id FROM sent LEFT JOIN ingest_machine m
    ON m.tenant_id = %(tenant)s AND m.project_id = %(project)s AND m.source_id = sent.source_id
), stored AS (
    INSERT INTO ingest_performanceblock (tenant_id, machine_id, start_at, appliance_id, epoch, sequence, layout_id,
                                         received_at, interval_seconds, points, "values")
    SELECT %(tenant)s, machine_id, to_timestamp(start), %(appliance)s, %(epoch)s, %(sequence)s, layout_id, %(now)s,
           %(interval)s, points, substring(%(values)s::bytea FROM first FOR length)
    FROM known WHERE machine_id IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT DISTINCT number FROM known WHERE machine_id IS NULL
"""


@dataclass
class Batch:
    """The readable records of an upload: their arrays side by side, in the order of `machines`."""

    machines: list[MachinePoints] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    arrays: list[list[float | None]] = field(default_factory=list)


def store_performance(*, appliance: Appliance, epoch: int, key: UUID, body: bytes, now: datetime) -> dict[str, Any]:
    """Stores an upload's points and returns the answer; the same key again answers as before and changes nothing.

    Runs in the caller's transaction. Raises DomainError for a body that cannot be read as an upload at all.
    """
    earlier = earlier_answer(appliance=appliance, kind=UploadKind.PERFORMANCE, key=key, body=body)
    if earlier is not None:
        return earlier
    decoded = decode_upload(PerformanceUpload, body)
    rejected = list(decoded.rejected)
    batch = _gather(decoded.upload, now, rejected)
    unknown = _store(batch, decoded.upload, appliance=appliance, epoch=epoch, now=now, rejected=rejected)
    answer = {
        "accepted": len(batch.machines) - unknown,
        "rejected": keep_rejections(appliance=appliance, kind=UploadKind.PERFORMANCE, rejected=rejected, now=now),
    }
    touch_days(appliance, _days_of(batch, decoded.upload.interval_seconds), now)
    note_upload(appliance, sent_at=decoded.upload.sent_at, now=now)
    keep_answer(appliance=appliance, kind=UploadKind.PERFORMANCE, key=key, body=body, answer=answer, now=now)
    return answer


def _days_of(batch: Batch, interval_seconds: int) -> set[date]:
    """The UTC days that the records of a batch speak of."""
    days: set[int] = set()
    for start, points in set(zip(batch.starts, batch.points, strict=True)):
        last = start + (points - 1) * interval_seconds
        days.update(range(start // DAY_SECONDS, last // DAY_SECONDS + 1))
    return {datetime.fromtimestamp(day * DAY_SECONDS, UTC).date() for day in days}


def note_upload(appliance: Appliance, *, sent_at: datetime | None, now: datetime) -> None:
    """Keeps when the appliance was heard last, and how far its clock is off."""
    appliance.last_seen_at = appliance.last_upload_at = now
    appliance.clock_skew_seconds = clock_skew(appliance, sent_at, now)
    appliance.save(update_fields=["last_seen_at", "last_upload_at", "clock_skew_seconds"])


def _gather(upload: PerformanceUpload, now: datetime, rejected: list[Rejection]) -> Batch:
    """Checks each record and lays its arrays side by side; what is wrong goes to `rejected`."""
    batch = Batch()
    layouts: dict[Any, Layout | None] = {}
    seen: set[str] = set()
    clock = _Clock(upload.interval_seconds, now)
    for machine in upload.machines:
        arrays, layout = _shape(machine, layouts)
        problem = _problem(machine, arrays, layout, clock, seen)
        if problem is not None:
            rejected.append(problem)
            continue
        assert layout is not None
        seen.add(machine.source_id)
        batch.machines.append(machine)
        batch.starts.append(int(machine.start_at.timestamp()))
        batch.layouts.append(layout)
        batch.points.append(len(arrays[0]))
        batch.arrays += arrays
    return batch


def _shape(machine: MachinePoints, layouts: dict[Any, Layout | None]) -> tuple[list[list[float | None]], Layout | None]:
    """The arrays that a record holds and the layout they make; None when a disk or nic has an unusable id."""
    columns: list[list[float | None] | None] = [*msgspec.structs.astuple(machine)[LEADING_FIELDS:]]
    for disk in machine.disks.values():
        columns += msgspec.structs.astuple(disk)
    for nic in machine.nics.values():
        columns += msgspec.structs.astuple(nic)
    arrays = [column for column in columns if column is not None]
    shape = (*machine.disks, None, *machine.nics, *[column is None for column in columns])
    if shape not in layouts:
        layouts[shape] = _layout(machine, columns)
    return arrays, layouts[shape]


def _layout(machine: MachinePoints, columns: Sequence[list[float | None] | None]) -> Layout | None:
    if not all(is_clean(source_id) for source_id in chain(machine.disks, machine.nics)):
        return None
    named = zip(all_series(machine.disks, machine.nics), columns, strict=True)
    return Layout(tuple(series for series, column in named if column is not None))


class _Clock:
    """The instants that an upload may speak of."""

    def __init__(self, interval_seconds: int, now: datetime) -> None:
        self.interval_seconds = interval_seconds
        self.oldest = now - RETENTION
        self.newest = int((now + MAX_AHEAD).timestamp())

    def problem(self, start_at: datetime, points: int) -> tuple[str, str] | None:
        """A code and a message when the points do not lie on the grid or within the retention."""
        if start_at < self.oldest:
            return "too_old", f"start_at is more than {RETENTION.days} days ago."
        start = start_at.timestamp()
        if start % self.interval_seconds:
            return "off_grid", f"start_at must be a multiple of {self.interval_seconds} seconds in UTC."
        if start + points * self.interval_seconds > self.newest:
            return "in_future", "The points end more than a day from now. Check the appliance's clock."
        return None


def _problem(
    machine: MachinePoints,
    arrays: list[list[float | None]],
    layout: Layout | None,
    clock: _Clock,
    seen: set[str],
) -> Rejection | None:
    """Why a record is refused before its values are looked at; None when it is not."""
    source_id = machine.source_id
    if layout is None or not is_clean(source_id):
        return Rejection(source_id, "invalid_text", "An id holds control or unassigned characters.")
    if source_id in seen:
        return Rejection(source_id, "duplicate_machine", "The upload lists this machine twice; the first counts.")
    lengths = set(map(len, arrays))
    if len(lengths) != 1 or 0 in lengths:
        message = "All arrays of a machine must have the same length, at least 1."
        return Rejection(source_id, "array_length", message)
    found = clock.problem(machine.start_at, lengths.pop())
    return Rejection(source_id, *found) if found else None


def _store(
    batch: Batch,
    upload: PerformanceUpload,
    *,
    appliance: Appliance,
    epoch: int,
    now: datetime,
    rejected: list[Rejection],
) -> int:
    """Writes the blocks of a batch. Returns how many of its machines could not be stored, and why in `rejected`."""
    if not batch.machines:
        return 0
    packed = PackedBlocks(
        starts=batch.starts,
        layouts=batch.layouts,
        points=batch.points,
        arrays=batch.arrays,
        interval_seconds=upload.interval_seconds,
    )
    rejected += [
        Rejection(batch.machines[i].source_id, "out_of_range", "A value is negative or larger than can be true.")
        for i in packed.out_of_range
    ]
    make_partitions(datetime.fromtimestamp(day * DAY_SECONDS, UTC).date() for day in packed.days)
    store_layouts(appliance.tenant_id, set(packed.layouts))
    unknown: set[int] = set()
    for part in packed.parts(STATEMENT_BYTES):
        unknown |= _store_part(part, packed, batch, upload, appliance=appliance, epoch=epoch, now=now)
    message = "No machine with this source_id. Send the inventory, then the same points under a new key and sequence."
    rejected += [
        Rejection(batch.machines[i].source_id, "unknown_machine", message, retryable=True) for i in sorted(unknown)
    ]
    return len(packed.out_of_range) + len(unknown)


def _store_part(
    part: range,
    packed: PackedBlocks,
    batch: Batch,
    upload: PerformanceUpload,
    *,
    appliance: Appliance,
    epoch: int,
    now: datetime,
) -> set[int]:
    """Writes some of the blocks; returns the numbers of the machines that the project does not know."""
    numbers, first = packed.numbers[part.start : part.stop], packed.offsets[part.start] - 1
    end = packed.offsets[part.stop - 1] - 1 + packed.lengths[part.stop - 1]
    found = rows(
        STORE_BLOCKS,
        {
            "numbers": plain_array(numbers),
            "source_ids": text_array(batch.machines[i].source_id for i in numbers),
            "starts": plain_array(packed.starts[part.start : part.stop]),
            "layouts": plain_array(packed.layouts[i].id for i in part),
            "points": plain_array(packed.points[part.start : part.stop]),
            "offsets": plain_array(packed.offsets[i] - first for i in part),
            "lengths": plain_array(packed.lengths[part.start : part.stop]),
            "values": packed.values[first:end],
            "tenant": appliance.tenant_id,
            "project": appliance.project_id,
            "appliance": appliance.id,
            "epoch": epoch,
            "sequence": upload.sequence,
            "interval": upload.interval_seconds,
            "now": now,
        },
    )
    return {number for (number,) in found}
