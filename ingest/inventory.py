"""store_inventory(): an upload of machines as a difference to what is stored, in one transaction.

A digest of everything that was said of a machine tells at once whether anything changed. Only the machines that did are
read in full and compared, property by property; the number of queries does not depend on the number of machines.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ingest import inventory_sql
from ingest.bulk import plain_array, rows, run, text_array
from ingest.changes import Change, changes_between, stored_configurations
from ingest.duplicates import Scope, StoredKeys, as_stored, recognise, stored_keys
from ingest.identity import KINDS, keys_of
from ingest.limits import MAX_AHEAD, MAX_MACHINES_PER_PROJECT
from ingest.models import Appliance, DiscoveredBy, UploadKind
from ingest.receipts import earlier_answer, keep_answer
from ingest.records import MachineRecord
from ingest.rejections import keep_rejections
from ingest.retention import RETENTION
from ingest.snapshots import refuse_suspicious_snapshot
from ingest.store import note_upload
from ingest.text import is_clean, normal
from ingest.uploads import InventoryUpload, Rejection, decode_upload
from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import uuid7

Order = tuple[int, int]
TEXT_FIELDS = ("source_id", "name", "path", "host", "cluster", "operating_system", "cpu_model")


@dataclass(frozen=True)
class Known:
    """What is stored of a machine, as far as every upload needs it."""

    id: UUID
    source_id: str
    appliance_id: UUID | None
    order: Order
    digest: bytes
    is_removed: bool
    configuration_version: int


@dataclass
class Difference:
    """What an upload changes: records by the id of their machine, and ids."""

    new: dict[UUID, MachineRecord] = field(default_factory=dict)
    changed: dict[UUID, MachineRecord] = field(default_factory=dict)
    seen: list[UUID] = field(default_factory=list)
    removed: list[Known] = field(default_factory=list)
    never_seen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """Which upload of which appliance speaks, and when; or, without an appliance, which import of a file."""

    tenant_id: int
    project_id: UUID
    appliance_id: UUID | None
    order: Order
    is_newest: bool
    after_snapshot: bool
    at: datetime
    import_id: UUID | None = None


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


def lock_inventory(project_id: UUID) -> None:
    """Until the transaction ends: two that read, compare and write the same machines must not do so side by side."""
    run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"inventory:{project_id}"])


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


def checked(records: Iterable[MachineRecord], rejected: list[Rejection]) -> dict[str, MachineRecord]:
    """The records that may be stored, by source id; what is wrong with the others goes to `rejected`."""
    machines: dict[str, MachineRecord] = {}
    for record in records:
        problem = _problem(record)
        if problem is None and record.source_id in machines:
            problem = Rejection(
                record.source_id, "duplicate_machine", "The upload lists this machine twice; the first counts."
            )
        if problem is None:
            _normalise(record)
            machines[record.source_id] = record
        else:
            rejected.append(problem)
    return machines


def _problem(record: MachineRecord) -> Rejection | None:
    if not all(map(is_clean, _texts(record))):
        return Rejection(record.source_id, "invalid_text", "A text holds NUL, control or unassigned characters.")
    for part, items in (("disk", record.disks), ("nic", record.nics)):
        if len({item.source_id for item in items}) < len(items):
            return Rejection(record.source_id, f"duplicate_{part}", f"Two {part}s of the machine have one source_id.")
    return None


def _texts(record: MachineRecord) -> Iterable[str]:
    for name in TEXT_FIELDS:
        yield getattr(record, name) or ""
    for disk in record.disks:
        yield disk.source_id
        yield disk.name or ""
    for nic in record.nics:
        yield nic.source_id
        yield nic.mac_address or ""
        yield nic.network or ""
        yield from nic.ip_addresses


def _normalise(record: MachineRecord) -> None:
    for name in TEXT_FIELDS[1:]:
        text = getattr(record, name)
        if text is not None:
            setattr(record, name, normal(text))
    record.name = record.name or record.source_id


def digest_of(record: MachineRecord) -> bytes:
    """Stands for everything that was said of a machine and for what was made of it: another person, another digest."""
    return hashlib.blake2b(msgspec.json.encode(record), digest_size=16, person=b"with keys").digest()


def known_machines(source: Source, listed: Iterable[str], *, all_of_appliance: bool) -> dict[str, Known]:
    """The stored machines that an upload may touch, by source id: those it lists, for a snapshot also all its own."""
    found = rows(
        inventory_sql.KNOWN,
        {
            "tenant": source.tenant_id,
            "project": source.project_id,
            "source_ids": text_array(source_id for source_id in listed if is_clean(source_id)),
            "appliance": source.appliance_id if all_of_appliance else None,
        },
    )
    return {
        source_id: Known(
            id=machine_id,
            source_id=source_id,
            appliance_id=appliance_id,
            order=(epoch, sequence),
            digest=bytes(digest),
            is_removed=is_removed,
            configuration_version=version,
        )
        for machine_id, source_id, appliance_id, epoch, sequence, digest, is_removed, version in found
    }


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


def write_difference(difference: Difference, known: dict[UUID, Known], source: Source) -> None:
    """Writes what an upload or an import changes, with its history. Needs the inventory's lock."""
    scope = {
        "tenant": source.tenant_id,
        "project": source.project_id,
        "appliance": source.appliance_id,
        "import": source.import_id,
        "discovered_by": DiscoveredBy.IMPORT if source.import_id else DiscoveredBy.APPLIANCE,
        "epoch": source.order[0],
        "sequence": source.order[1],
        "at": source.at,
    }
    _refuse_too_many(difference, scope)
    before = stored_keys(source.tenant_id, _rejudged(difference, known, source))
    changes = _changes(difference, known, source)
    raised = {change.machine_id for change in changes if change.raises_version}
    versions = {
        machine_id: known[machine_id].configuration_version + (machine_id in raised)
        for machine_id in [*difference.changed, *(machine.id for machine in difference.removed)]
    }
    if difference.new:
        run(inventory_sql.INSERT_MACHINES, scope | _machine_columns(difference.new))
    if difference.changed:
        parameters = _machine_columns(difference.changed)
        parameters["versions"] = plain_array(versions[machine_id] for machine_id in difference.changed)
        run(inventory_sql.UPDATE_MACHINES, scope | parameters)
    if difference.seen:
        run(inventory_sql.TOUCH_MACHINES, scope | {"ids": plain_array(difference.seen)})
    if difference.removed:
        ids = [machine.id for machine in difference.removed]
        parameters = {"ids": plain_array(ids), "versions": plain_array(versions[machine_id] for machine_id in ids)}
        run(inventory_sql.REMOVE_MACHINES, scope | parameters)
    if difference.never_seen:
        ids = [uuid7() for _ in difference.never_seen]
        parameters = {"ids": plain_array(ids), "source_ids": text_array(difference.never_seen)}
        run(inventory_sql.INSERT_REMOVED, scope | parameters)
    _write_parts({**difference.new, **difference.changed}, changed=list(difference.changed), scope=scope)
    if changes:
        run(inventory_sql.INSERT_CHANGES, scope | _change_columns(changes, versions))
    _recognise(difference, known, source, before=before)


def _recognise(
    difference: Difference, known: dict[UUID, Known], source: Source, *, before: dict[UUID, StoredKeys]
) -> None:
    """Has the machines judged again that are new, gone, back, of another owner, or known by other keys."""
    after = {machine_id: keys_of(record) for machine_id, record in {**difference.new, **difference.changed}.items()}
    same = {
        machine_id
        for machine_id in difference.changed
        if before[machine_id] == as_stored(after[machine_id])
        and not known[machine_id].is_removed
        and known[machine_id].appliance_id == source.appliance_id
    }
    judged = (before.keys() | difference.new.keys()) - same
    recognise(
        Scope(source.tenant_id, source.project_id, source.appliance_id, at=source.at),
        judged,
        [keys[machine_id] for machine_id in judged for keys in (before, after) if machine_id in keys],
    )


def _rejudged(difference: Difference, known: dict[UUID, Known], source: Source) -> set[UUID]:
    """The stored machines that may be seen twice now, or no longer: changed, removed, or taken over."""
    taken_over = (id for id in difference.seen if known[id].appliance_id != source.appliance_id)
    return {*difference.changed, *(machine.id for machine in difference.removed), *taken_over}


def _refuse_too_many(difference: Difference, scope: dict[str, Any]) -> None:
    more = len(difference.new) + len(difference.never_seen)
    if more and rows(inventory_sql.COUNT_MACHINES, scope)[0][0] + more > MAX_MACHINES_PER_PROJECT:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A project has at most {MAX_MACHINES_PER_PROJECT} machines."
        )


def _changes(difference: Difference, known: dict[UUID, Known], source: Source) -> list[Change]:
    stored = stored_configurations(source.tenant_id, difference.changed)
    changes = [
        change
        for machine_id, record in difference.changed.items()
        for change in changes_between(machine_id, stored[machine_id], record)
    ]
    changes += [
        Change(machine_id, "removed", old=True, new=False)
        for machine_id in difference.changed
        if known[machine_id].is_removed
    ]
    gone = (machine for machine in difference.removed if not machine.is_removed)
    return changes + [Change(machine.id, "removed", old=False, new=True) for machine in gone]


def _machine_columns(machines: dict[UUID, MachineRecord]) -> dict[str, Any]:
    records = machines.values()
    texts = (
        "source_id",
        "name",
        "path",
        "host",
        "cluster",
        "operating_system",
        "cpu_model",
        "power_state",
        "boot_type",
    )
    plain = ("cores", "memory_mb", "instance_uuid", "bios_uuid")
    keys = [keys_of(record) for record in records]
    return {
        "ids": plain_array(machines),
        "digests": text_array(f"\\x{digest_of(record).hex()}" for record in records),
        **{name: text_array(getattr(record, name) for record in records) for name in texts},
        **{name: plain_array(getattr(record, name) for record in records) for name in plain},
        **{f"{name}_key": plain_array(each[kind] for each in keys) for kind, name in enumerate(KINDS)},
    }


def _change_columns(changes: Sequence[Change], versions: dict[UUID, int]) -> dict[str, Any]:
    return {
        "ids": plain_array(uuid7() for _ in changes),
        "machines": plain_array(change.machine_id for change in changes),
        "properties": text_array(change.name for change in changes),
        "old": text_array(msgspec.json.encode(change.old).decode() for change in changes),
        "new": text_array(msgspec.json.encode(change.new).decode() for change in changes),
        "versions": plain_array(versions[change.machine_id] for change in changes),
    }


def _write_parts(machines: dict[UUID, MachineRecord], *, changed: Sequence[UUID], scope: dict[str, Any]) -> None:
    """Disks and nics of new and changed machines: what is gone is deleted, the rest inserted or brought up to date."""
    if not machines:
        return
    disks = [(machine_id, i, disk) for machine_id, record in machines.items() for i, disk in enumerate(record.disks)]
    nics = [(machine_id, i, nic) for machine_id, record in machines.items() for i, nic in enumerate(record.nics)]
    for items, delete, upsert in (
        (disks, inventory_sql.DELETE_DISKS, inventory_sql.UPSERT_DISKS),
        (nics, inventory_sql.DELETE_NICS, inventory_sql.UPSERT_NICS),
    ):
        columns = {
            "machines": plain_array(machine_id for machine_id, _, _ in items),
            "source_ids": text_array(item.source_id for _, _, item in items),
        }
        if changed:
            run(delete, scope | columns | {"changed": plain_array(changed)})
        if items:
            run(upsert, scope | columns | _part_columns(items))


def _part_columns(items: Sequence[tuple[UUID, int, Any]]) -> dict[str, Any]:
    columns = {
        "ids": plain_array(uuid7() for _ in items),
        "positions": plain_array(position for _, position, _ in items),
    }
    parts = [part for _, _, part in items]
    if hasattr(parts[0], "size_gb"):
        return columns | {
            "names": text_array(disk.name for disk in parts),
            "sizes": plain_array(disk.size_gb for disk in parts),
        }
    return columns | {
        "mac_addresses": text_array(nic.mac_address for nic in parts),
        "ip_addresses": text_array(text_array(nic.ip_addresses) for nic in parts),
        "networks": text_array(nic.network for nic in parts),
    }


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
