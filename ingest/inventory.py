"""store_inventory(): an upload of machines as a difference to what is stored, in one transaction.

A digest of everything that was said of a machine tells at once whether anything changed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest.inventory_writing import Difference, Known, Source, known_machines, lock_inventory, write_difference
from ingest.limits import MAX_AHEAD
from ingest.models import Appliance, UploadKind
from ingest.receipts import earlier_answer, keep_answer
from ingest.record_checks import checked, digest_of
from ingest.records import MachineRecord
from ingest.rejections import keep_rejections
from ingest.retention import RETENTION
from ingest.snapshots import refuse_suspicious_snapshot
from ingest.store import note_upload
from ingest.text import is_clean
from ingest.uploads import InventoryUpload, Rejection, decode_upload
from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import uuid7


def store_inventory(*, appliance: Appliance, epoch: int, key: UUID, body: bytes, now: datetime) -> dict[str, Any]:
    """Stores an upload's machines and returns the answer; the same key again answers as before and changes nothing.

    Runs in the caller's transaction. Raises DomainError for a body that cannot be read as an upload at all, and
    SuspiciousSnapshotError for a snapshot that would remove too much.
    """
    earlier = earlier_answer(appliance=appliance, kind=UploadKind.INVENTORY, key=key, body=body)
    if earlier is not None:
        return earlier
    decoded = decode_upload(InventoryUpload, body)
    upload, rejected = decoded.upload, list(decoded.rejected)
    lock_inventory(appliance.project_id)
    appliance.refresh_from_db()
    source = _source(appliance, upload, epoch=epoch, now=now)
    machines = checked(upload.machines, rejected)
    listed = [*machines, *upload.removed, *(item.source_id for item in rejected)]
    known = known_machines(source, listed, all_of_appliance=upload.snapshot)
    difference = _difference(machines, known, source)
    difference.removed = _removals(upload, machines, known, source, rejected)
    if source.after_snapshot and not upload.snapshot:
        removed = filter(is_clean, set(upload.removed) - machines.keys() - known.keys())
        difference.never_seen = sorted(removed)
    if upload.snapshot:
        refuse_suspicious_snapshot(
            appliance=appliance,
            order=source.order,
            removes=[machine.id for machine in difference.removed],
            known_machines=sum(_is_own(machine, appliance) for machine in known.values()),
            now=now,
        )
    write_difference(difference, {machine.id: machine for machine in known.values()}, source)
    return _finish(appliance, upload, source, len(machines), rejected, key=key, body=body, now=now)


def _source(appliance: Appliance, upload: InventoryUpload, *, epoch: int, now: datetime) -> Source:
    collected_at = upload.collected_at or now
    if collected_at > now + MAX_AHEAD:
        raise DomainError(
            code="in_future", detail="collected_at is more than a day from now. Check the appliance's clock."
        )
    order = (epoch, upload.sequence)
    return Source(
        tenant_id=appliance.tenant_id,
        project_id=appliance.project_id,
        appliance_id=appliance.id,
        order=order,
        is_newest=order >= (appliance.inventory_epoch, appliance.inventory_sequence),
        after_snapshot=order >= (appliance.snapshot_epoch, appliance.snapshot_sequence),
        at=collected_at if now - RETENTION <= collected_at <= now else now,
    )


def _is_own(machine: Known, appliance: Appliance) -> bool:
    return machine.appliance_id == appliance.id and not machine.is_removed


def _may_write(machine: Known, source: Source) -> bool:
    """The higher (epoch, sequence) wins; a machine of another appliance is taken over by this one's newest upload."""
    if machine.appliance_id != source.appliance_id:
        return source.is_newest
    # A newer snapshot that did not list a machine which was gone already has left no trace in its row.
    return source.order > machine.order and (source.after_snapshot or not machine.is_removed)


def _difference(machines: dict[str, MachineRecord], known: dict[str, Known], source: Source) -> Difference:
    difference = Difference()
    for source_id, record in machines.items():
        machine = known.get(source_id)
        if machine is None:
            if source.after_snapshot:
                difference.new[uuid7()] = record
        elif _may_write(machine, source):
            difference.seen.append(machine.id)
            if machine.is_removed or machine.digest != digest_of(record):
                difference.changed[machine.id] = record
    return difference


def _removals(
    upload: InventoryUpload,
    machines: dict[str, MachineRecord],
    known: dict[str, Known],
    source: Source,
    rejected: Sequence[Rejection],
) -> list[Known]:
    """The appliance's own machines that are gone. A record that was refused still says that its machine is there."""
    refused = {item.source_id for item in rejected}
    if upload.snapshot:
        if "" in refused:
            return []  # nobody can tell which machine that record was
        listed = machines.keys() | refused
        gone = [machine for machine in known.values() if not machine.is_removed and machine.source_id not in listed]
    else:
        # Those removed already are removed again: the later of the two counts when an older upload comes late.
        gone = [known[source_id] for source_id in sorted(set(upload.removed) & known.keys() - machines.keys())]
    return [machine for machine in gone if machine.appliance_id == source.appliance_id and _may_write(machine, source)]


def _finish(
    appliance: Appliance,
    upload: InventoryUpload,
    source: Source,
    accepted: int,
    rejected: Sequence[Rejection],
    *,
    key: UUID,
    body: bytes,
    now: datetime,
) -> dict[str, Any]:
    if source.is_newest:
        appliance.inventory_epoch, appliance.inventory_sequence = source.order
    if upload.snapshot and source.after_snapshot:
        appliance.snapshot_epoch, appliance.snapshot_sequence = source.order
    appliance.save(update_fields=["inventory_epoch", "inventory_sequence", "snapshot_epoch", "snapshot_sequence"])
    # A collection that is still to come proves that the clock is ahead, whether or not the batch says when it was sent.
    is_ahead = upload.collected_at is not None and upload.collected_at > now
    note_upload(appliance, sent_at=upload.sent_at or (upload.collected_at if is_ahead else None), now=now)
    answer = {
        "accepted": accepted,
        "rejected": keep_rejections(appliance=appliance, kind=UploadKind.INVENTORY, rejected=rejected, now=now),
    }
    keep_answer(appliance=appliance, kind=UploadKind.INVENTORY, key=key, body=body, answer=answer, now=now)
    return answer
