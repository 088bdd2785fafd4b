"""Fingerprints of a machine's points in a window, made from the keys of what is stored and not from the points.

A block is never changed once stored, and a folded day gets a new `version` with each write: as long as the keys are
the same, so are the points.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ingest.bulk import plain_array, rows
from migrate_hub.tenants.context import current_tenant_id

# Two hashes of 64 bits with different seeds, each combined over all keys whatever their order, and how many there are.
# Blocks never cross a UTC day, so those with points in a window start on or after the day in which it starts.
HISTORY_VERSIONS = """
SELECT machine_id, int8send(bit_xor(one)) || int8send(bit_xor(two)) || int8send(count(*))
FROM (
    SELECT machine_id, hash_record_extended(ROW(start_at, appliance_id, epoch, sequence), 1) AS one,
           hash_record_extended(ROW(start_at, appliance_id, epoch, sequence), 2) AS two
    FROM ingest_performanceblock
    WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
      AND start_at >= %(start_of_day)s AND start_at < %(end)s
    UNION ALL
    SELECT machine_id, hash_record_extended(ROW(day, interval_seconds, version), 1),
           hash_record_extended(ROW(day, interval_seconds, version), 2)
    FROM ingest_foldedday
    WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
      AND day BETWEEN %(first_day)s AND %(last_day)s
) keys
GROUP BY machine_id
"""


def history_versions(machine_ids: Sequence[UUID], start_at: datetime, end_at: datetime) -> dict[UUID, bytes]:
    """24 bytes for each of these machines that may have points in [start_at, end_at): equal bytes, equal points.

    One query. The bytes may differ although the points do not: after a fold, or a late upload of the window's first day
    before its start. To belong to points that are read beside them, both must be read in one snapshot.
    """
    start_of_day = start_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    parameters = {
        "tenant": current_tenant_id(),
        "machines": plain_array(machine_ids),
        "start_of_day": start_of_day,
        "end": end_at,
        "first_day": start_of_day.date(),
        "last_day": (end_at.astimezone(UTC) - timedelta(microseconds=1)).date(),
    }
    return {machine_id: bytes(version) for machine_id, version in rows(HISTORY_VERSIONS, parameters)}
