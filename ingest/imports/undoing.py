"""Undoing an import: what it made goes, what it changed goes back, in one transaction that also ends the job.

Only what is still as the import left it goes back. Where a later import has spoken of a machine, that one takes over
what was before: whatever the order in which imports are undone, machines end as if those had never been. Machines are
marked as removed, never deleted: results of past runs name them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from django.utils import timezone

from ingest.bulk import plain_array, rows, run
from ingest.imports.models import FileImport, ImportAction, ImportFormat, ImportStatus
from ingest.imports.points import delete_blocks
from ingest.imports.storing import Before, Stated, source_of, write_utilization
from ingest.inventory_writing import Difference, Known, wait_for_inventory, write_difference
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.tenants.row_level_security import tenant_context

BATCH = 5000
FIRST_ID = UUID(int=0)

TOUCHED = """
SELECT i.machine_id, i.action, i.before::text, i.utilization_before::text, m.source_id, m.content_digest,
       m.removed_at IS NOT NULL, m.configuration_version,
       m.appliance_id IS NULL AND m.epoch = 0 AND m.sequence = %(sequence)s AND m.content_digest = i.digest
FROM ingest_importedmachine i JOIN ingest_machine m ON m.tenant_id = i.tenant_id AND m.id = i.machine_id
WHERE i.tenant_id = %(tenant)s AND i.file_import_id = %(import)s AND i.machine_id > %(after)s
ORDER BY i.machine_id LIMIT %(limit)s
"""
# Which import spoke last goes back with the rest, so that an earlier import can be undone after this one.
SPOKE_BEFORE = """
UPDATE ingest_machine t SET sequence = b.sequence
FROM unnest(%(ids)s::uuid[], %(sequences)s::bigint[]) AS b (id, sequence)
WHERE t.tenant_id = %(tenant)s AND t.id = b.id
"""
# `later` is the import that spoke next of the machine. One that found everything as it was kept no record.
HAND_OVER = """
UPDATE ingest_importedmachine later SET
    action = CASE WHEN mine.before IS NULL THEN 'created' WHEN mine.action = 'unchanged' THEN later.action
                  ELSE 'updated' END,
    before = CASE WHEN mine.before->'record' = 'null'
                  THEN mine.before || jsonb_build_object('record', later.before->'record')
                  ELSE mine.before END
FROM ingest_importedmachine mine
WHERE mine.tenant_id = %(tenant)s AND mine.file_import_id = %(import)s
  AND later.tenant_id = mine.tenant_id AND later.machine_id = mine.machine_id
  AND (later.before->>'sequence')::bigint = %(sequence)s
"""
HAND_OVER_UTILIZATION = """
UPDATE ingest_importedmachine later SET utilization_before = mine.utilization_before
FROM ingest_importedmachine mine
WHERE mine.tenant_id = %(tenant)s AND mine.file_import_id = %(import)s
  AND later.tenant_id = mine.tenant_id AND later.machine_id = mine.machine_id
  AND (later.utilization_before->>'import_id')::uuid = %(import)s
"""
FORGET_BEFORE = "DELETE FROM ingest_importedmachine WHERE tenant_id = %(tenant)s AND file_import_id = %(import)s"
STATED = """
SELECT machine_id FROM ingest_importedutilization WHERE tenant_id = %(tenant)s AND file_import_id = %(import)s
"""


def undo_import(claim: Claim) -> None:
    """Undoes the import of the job. Killed and repeated it starts over; done twice it does nothing more."""
    with tenant_context(claim.tenant_id):
        file_import = FileImport.objects.filter(id=claim.object_id, status=ImportStatus.UNDOING).first()
        if file_import is None:
            raise LeaseLostError(f"import {claim.object_id} is not to be undone")
        counts = undone(file_import, timezone.now())
        FileImport.objects.filter(id=file_import.id).update(
            status=ImportStatus.UNDONE, undone_at=timezone.now(), counts={**file_import.counts, "undo": counts}
        )
        claim.finish()


def fail_undo(import_id: UUID, failure: str) -> None:
    """Nothing was undone: the import is what it was, and can be undone again. Runs inside the tenant."""
    FileImport.objects.filter(id=import_id, status=ImportStatus.UNDOING).update(status=ImportStatus.COMPLETED)


def undone(file_import: FileImport, now: datetime) -> dict[str, int]:
    """Brings everything back and returns how many machines were removed, restored and kept."""
    wait_for_inventory(file_import.project_id)
    parameters = {
        "tenant": file_import.tenant_id,
        "import": file_import.id,
        "sequence": file_import.sequence,
    }
    stated = {machine_id for (machine_id,) in rows(STATED, parameters)}
    counts = {"removed": 0, "restored": 0, "kept": 0}
    for touched in _pages(file_import, parameters):
        _undo(file_import, touched, counts, now)
        before = {one.machine.id: one.stated_before for one in touched if one.machine.id in stated}
        write_utilization(file_import.tenant_id, before)
    for statement in (HAND_OVER, HAND_OVER_UTILIZATION, FORGET_BEFORE):
        run(statement, parameters)
    if file_import.format == ImportFormat.PERFORMANCE_CSV:
        delete_blocks(file_import.id, file_import.project_id)
    return counts


@dataclass
class Touched:
    """A machine that the import touched: how it is now, how it was before, and whether the import spoke of it last."""

    machine: Known
    is_ours: bool
    has_changed: bool
    before: Before
    stated_before: Stated | None

    @classmethod
    def of_row(cls, row: Sequence[Any], file_import: FileImport) -> Self:
        machine_id, action, before, stated, source_id, digest, is_removed, version, is_ours = row
        return cls(
            machine=Known(
                id=machine_id,
                source_id=source_id,
                appliance_id=None,
                order=(0, file_import.sequence),
                digest=bytes(digest),
                is_removed=is_removed,
                configuration_version=version,
            ),
            is_ours=is_ours,
            has_changed=action != ImportAction.UNCHANGED,
            before=msgspec.json.decode(before, type=Before) if before else Before(sequence=0, removed=True),
            stated_before=msgspec.json.decode(stated, type=Stated) if stated else None,
        )


def _pages(file_import: FileImport, parameters: Mapping[str, Any]) -> Iterator[list[Touched]]:
    """What the import touched, some machines at a time: the memory does not grow with the file."""
    after = FIRST_ID
    while page := rows(TOUCHED, {**parameters, "after": after, "limit": BATCH}):
        touched = [Touched.of_row(row, file_import) for row in page]
        yield touched
        after = touched[-1].machine.id


def _undo(file_import: FileImport, touched: Sequence[Touched], counts: dict[str, int], now: datetime) -> None:
    """Brings machines back of which nobody has spoken since."""
    ours = [one for one in touched if one.is_ours]
    counts["kept"] += sum(one.has_changed for one in touched if not one.is_ours)
    counts["removed"] += sum(one.has_changed and one.before.removed for one in ours)
    counts["restored"] += sum(one.has_changed and not one.before.removed for one in ours)
    difference = Difference(
        changed={one.machine.id: one.before.record for one in ours if one.before.record is not None},
        removed=[one.machine for one in ours if one.before.removed],
    )
    write_difference(difference, {one.machine.id: one.machine for one in ours}, source_of(file_import, now))
    if ours:
        ids = plain_array(one.machine.id for one in ours)
        sequences = plain_array(one.before.sequence for one in ours)
        run(SPOKE_BEFORE, {"tenant": file_import.tenant_id, "ids": ids, "sequences": sequences})
