"""Fingerprints of a machine's points in a window, made from the keys of what is stored and not from the points.

A block is never changed once stored, and a folded day gets a new `version` with each write: as long as the keys are
the same, so are the points.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ingest.bulk import plain_array, rows
from migrate_hub.tenants.context import current_tenant_id

# Blocks never cross a UTC day, so those with points in a window start on or after the day in which it starts.
KEYS = """
SELECT machine_id, start_at AS at, hash_record_extended(ROW(start_at, appliance_id, epoch, sequence), 1) AS one,
       hash_record_extended(ROW(start_at, appliance_id, epoch, sequence), 2) AS two
FROM ingest_performanceblock
WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[]) AND start_at >= %(first)s AND start_at < %(end)s
UNION ALL
SELECT machine_id, day::timestamp AT TIME ZONE 'UTC', hash_record_extended(ROW(day, interval_seconds, version), 1),
       hash_record_extended(ROW(day, interval_seconds, version), 2)
FROM ingest_foldedday
WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
  AND day >= %(first)s::date AND day <= %(last)s::date
"""
# Two hashes of 64 bits with different seeds, each combined over all keys whatever their order, and how many there are.
VERSION = """
int8send(bit_xor(one) FILTER (WHERE at >= {day})) || int8send(bit_xor(two) FILTER (WHERE at >= {day}))
|| int8send(count(*) FILTER (WHERE at >= {day}))
"""


def versions_of_windows(
    machine_ids: Sequence[UUID], starts: Sequence[datetime], end_at: datetime
) -> list[dict[UUID, bytes]]:
    """For each of these windows with one end, 24 bytes for each of these machines that may have points in it: equal
    bytes, equal points.

    One query that reads the keys once. The bytes may differ although the points do not: after a fold, or a late upload
    of a window's first day before its start. To belong to points that are read beside them, both must be read in one
    snapshot.
    """
    days = [start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) for start in starts]
    parameters = {
        "tenant": current_tenant_id(),
        "machines": plain_array(machine_ids),
        "first": min(days),
        "end": end_at,
        "last": end_at.astimezone(UTC) - timedelta(microseconds=1),
        **{f"day_{number}": day for number, day in enumerate(days)},
    }
    versions = ", ".join(VERSION.format(day=f"%(day_{number})s") for number in range(len(days)))
    found = rows(f"SELECT machine_id, {versions} FROM ({KEYS}) keys GROUP BY machine_id", parameters)
    return [
        {row[0]: bytes(row[number]) for row in found if row[number] is not None} for number in range(1, len(days) + 1)
    ]
