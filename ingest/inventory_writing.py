"""Machines of a project as they are stored, and writing what differs: the one way for appliances and for files.

Only the machines that changed are read in full and compared, property by property; the number of queries does not
depend on the number of machines.
"""

import math
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
from ingest.models import DiscoveredBy
from ingest.record_checks import digest_of
from ingest.records import MachineRecord
from ingest.text import is_clean
from migrate_hub.tenants.models import uuid7
from migrate_hub.tenants.quotas import limit_reached, quotas_of

Order = tuple[int, int]
PATIENCE_SECONDS = 120


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


def lock_inventory(project_id: UUID) -> None:
    """Until the transaction ends: two that read, compare and write the same machines must not do so side by side."""
    run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"inventory:{project_id}"])


def wait_for_inventory(project_id: UUID) -> None:
    """lock_inventory() of background work, patient until its transaction ends: starting over would cost more."""
    run("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_SECONDS}s"])
    lock_inventory(project_id)


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
    if not more:
        return
    limit = quotas_of(scope["tenant"]).machines_a_project
    if rows(inventory_sql.COUNT_MACHINES, scope)[0][0] + more > limit:
        raise limit_reached(f"A project of this tenant has at most {limit} machines.")


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
        "disk_counts": plain_array(len(record.disks) for record in records),
        "storage_gb": plain_array(_storage_gb(record) for record in records),
        **{name: text_array(getattr(record, name) for record in records) for name in texts},
        **{name: plain_array(getattr(record, name) for record in records) for name in plain},
        **{f"{name}_key": plain_array(each[kind] for each in keys) for kind, name in enumerate(KINDS)},
    }


def _storage_gb(record: MachineRecord) -> float | None:
    """The sizes that are known, added up; None where none is."""
    known = [disk.size_gb for disk in record.disks if disk.size_gb is not None]
    return math.fsum(known) if known else None


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
