"""Stores what an import's parser found, as a difference to what is there, in the caller's transaction.

Machines go through the path of appliance uploads (ingest.inventory_writing): one digest a machine, bulk statements, a
change history that names the import. A dry run compares and writes nothing. What an appliance lists is the appliance's:
a file never changes it. For each machine that is touched the state before is kept, so that the import can be undone.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ingest.bulk import plain_array, rows, run, text_array
from ingest.imports.models import FileImport, ImportAction, ImportFormat
from ingest.imports.parsed import ParsedMachine, Problem, Utilization
from ingest.inventory_writing import Difference, Known, Source, known_machines, wait_for_inventory, write_difference
from ingest.record_checks import checked, digest_of
from ingest.records import DiskRecord, MachineRecord, NicRecord
from ingest.uploads import Rejection
from migrate_hub.tenants.models import uuid7

MACHINES_A_STATEMENT = 5000
RATES = (
    "cpu_percent", "memory_percent", "read_mbps", "write_mbps", "read_iops", "write_iops", "received_mbps",
    "transmitted_mbps",
)  # fmt: skip

RECORDS = """
SELECT id, source_id, name, path, host, cluster, power_state, operating_system, boot_type, cores, memory_mb, cpu_model,
       instance_uuid, bios_uuid
FROM ingest_machine WHERE tenant_id = %s AND id = ANY(%s::uuid[])
"""
DISKS = """
SELECT machine_id, source_id, name, size_gb FROM ingest_disk WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[])
ORDER BY machine_id, position
"""
NICS = """
SELECT machine_id, source_id, mac_address, ip_addresses, network FROM ingest_nic
WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) ORDER BY machine_id, position
"""
UTILIZATION = f"""
SELECT machine_id, file_import_id, {", ".join(RATES)}, disks FROM ingest_importedutilization
WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[])
"""
# The same figures stated again: the later import stands for them, so undoing the earlier one leaves them.
STATE_AGAIN = """
UPDATE ingest_importedutilization SET file_import_id = %(import)s
WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
"""
FORGET_UTILIZATION = """
DELETE FROM ingest_importedutilization WHERE tenant_id = %(tenant)s AND machine_id = ANY(%(machines)s::uuid[])
"""
KEEP_UTILIZATION = f"""
INSERT INTO ingest_importedutilization (tenant_id, file_import_id, id, machine_id, {", ".join(RATES)}, disks)
SELECT %(tenant)s, u.import_id, u.id, u.machine_id, {", ".join(f"u.{name}" for name in RATES)}, u.disks::jsonb
FROM unnest(%(imports)s::uuid[], %(ids)s::uuid[], %(machines)s::uuid[],
            {", ".join(f"%({name})s::float8[]" for name in RATES)}, %(disks)s::text[])
     AS u (import_id, id, machine_id, {", ".join(RATES)}, disks)
"""
KEEP_BEFORE = """
INSERT INTO ingest_importedmachine (tenant_id, file_import_id, id, machine_id, action, digest, before,
                                    utilization_before)
SELECT %(tenant)s, %(import)s, m.id, m.machine_id, m.action, m.digest::bytea, m.before::jsonb, m.utilization::jsonb
FROM unnest(%(ids)s::uuid[], %(machines)s::uuid[], %(actions)s::text[], %(digests)s::text[], %(before)s::text[],
            %(utilizations)s::text[]) AS m (id, machine_id, action, digest, before, utilization)
"""
SAME_NAMES = """
SELECT name_lower FROM ingest_machine
WHERE tenant_id = %(tenant)s AND project_id = %(project)s AND appliance_id IS NOT NULL AND removed_at IS NULL
  AND name_lower = ANY(%(names)s::text[])
"""
OTHER_IMPORTED = """
SELECT count(*) FROM ingest_machine
WHERE tenant_id = %(tenant)s AND project_id = %(project)s AND appliance_id IS NULL AND removed_at IS NULL
  AND discovered_by = 'import' AND sequence <> %(sequence)s
"""


class Before(msgspec.Struct):
    """A machine as it was before an import touched it. `record` only where the import changed it."""

    sequence: int
    removed: bool
    record: MachineRecord | None = None


class Stated(msgspec.Struct, frozen=True):
    """What an import stated of a machine's load."""

    import_id: UUID
    figures: Utilization


@dataclass
class Tally:
    """What an import did, or would do. A machine that was removed and comes back is created again."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def source_of(file_import: FileImport, now: datetime) -> Source:
    """An import as what speaks of machines: after all imports that were sent before, before every appliance."""
    return Source(
        tenant_id=file_import.tenant_id,
        project_id=file_import.project_id,
        appliance_id=None,
        order=(0, file_import.sequence),
        is_newest=True,
        after_snapshot=True,
        at=now,
        import_id=file_import.id,
    )


class ImportStore:
    """The machines of one import, in any number of chunks, in one transaction of the tenant."""

    def __init__(self, file_import: FileImport, now: datetime) -> None:
        self.file_import = file_import
        self.states_utilization = file_import.format == ImportFormat.AZURE_MIGRATE_CSV
        self.source = source_of(file_import, now)
        self.tally = Tally()
        self.problems: list[Problem] = []
        # History changes no machine, and may take long: inventory goes on meanwhile.
        if file_import.format != ImportFormat.PERFORMANCE_CSV:
            wait_for_inventory(file_import.project_id)

    def add(self, machines: Sequence[ParsedMachine]) -> None:
        """Stores machines; their names in this file must not have come before."""
        for start in range(0, len(machines), MACHINES_A_STATEMENT):
            self._add(machines[start : start + MACHINES_A_STATEMENT])

    def _add(self, machines: Sequence[ParsedMachine]) -> None:
        by_source = {machine.record.source_id: machine for machine in machines}
        rejected: list[Rejection] = []
        records = checked((machine.record for machine in machines), rejected)
        self._tell(rejected, by_source)
        known = known_machines(self.source, records, all_of_appliance=False)
        difference = self._difference(records, known)
        self._tell_same_names([by_source[record.source_id] for record in difference.new.values()])
        by_id = {machine.id: machine for machine in known.values()}
        stated = {
            machine_id: by_source[source_id].utilization
            for machine_id, source_id in self._touched(difference, by_id)
            if self.states_utilization
        }
        utilization = stored_utilization(self.source.tenant_id, stated)
        other = {id for id in stated if (utilization[id].figures if id in utilization else None) != stated[id]}
        updated = {*difference.changed, *(other - difference.new.keys())}
        self._count(difference, by_id, updated)
        if self.file_import.dry_run:
            return
        self._keep_before(difference, by_id, updated=updated, utilization=utilization)
        write_difference(difference, by_id, self.source)
        self._write_utilization(stated, other)

    def _write_utilization(self, stated: Mapping[UUID, Utilization | None], other: Collection[UUID]) -> None:
        fresh = {id: Stated(self.file_import.id, figures) if (figures := stated[id]) else None for id in other}
        write_utilization(self.source.tenant_id, fresh)
        if again := stated.keys() - fresh.keys():
            machines = {"machines": plain_array(again)}
            run(STATE_AGAIN, machines | {"tenant": self.source.tenant_id, "import": self.file_import.id})

    def _count(self, difference: Difference, known: Mapping[UUID, Known], updated: Collection[UUID]) -> None:
        back = sum(known[machine_id].is_removed for machine_id in difference.seen)
        self.tally.created += len(difference.new) + back
        self.tally.updated += len(updated) - back
        self.tally.unchanged += len(difference.seen) - len(updated)

    def _touched(self, difference: Difference, known: Mapping[UUID, Known]) -> Iterable[tuple[UUID, str]]:
        yield from ((machine_id, record.source_id) for machine_id, record in difference.new.items())
        yield from ((machine_id, known[machine_id].source_id) for machine_id in difference.seen)

    def _difference(self, records: Mapping[str, MachineRecord], known: Mapping[str, Known]) -> Difference:
        difference = Difference()
        for source_id, record in records.items():
            machine = known.get(source_id)
            if machine is None:
                difference.new[uuid7()] = record
            elif machine.appliance_id is not None or machine.order[0] > 0:
                self.tally.skipped["known_from_appliance"] += 1
            elif machine.order >= self.source.order:
                self.tally.skipped["newer_import"] += 1
            else:
                difference.seen.append(machine.id)
                if machine.is_removed or machine.digest != digest_of(record):
                    difference.changed[machine.id] = record
        return difference

    def _tell(self, rejected: Sequence[Rejection], machines: Mapping[str, ParsedMachine]) -> None:
        for item in rejected:
            machine = machines[item.source_id]
            self.problems.append(
                Problem(severity="error", code=item.code, message=item.message, sheet=machine.sheet, row=machine.row)
            )

    def _tell_same_names(self, machines: Sequence[ParsedMachine]) -> None:
        """A file without ids may name what an appliance knows by its id: a person must look, nobody guesses."""
        named = {machine.record.name.lower(): machine for machine in machines if machine.names_are_ids}
        scope = {"tenant": self.source.tenant_id, "project": self.source.project_id}
        for (name,) in rows(SAME_NAMES, scope | {"names": text_array(named)}) if named else ():
            machine = named.pop(name, None)
            if machine is not None:
                message = (
                    f'An appliance lists a machine of the name "{machine.record.name}", too. The file has no ids, so '
                    "both are kept: leave one out of your groups."
                )
                self.problems.append(
                    Problem(severity="warning", code="same_name", message=message, sheet=machine.sheet, row=machine.row)
                )

    def _keep_before(
        self,
        difference: Difference,
        known: Mapping[UUID, Known],
        *,
        updated: Collection[UUID],
        utilization: Mapping[UUID, Stated],
    ) -> None:
        """Writes how the machines are now; for those that do not change, only which import spoke last."""
        stored = stored_records(self.source.tenant_id, difference.changed)
        kept: list[tuple[UUID, str, bytes, bytes | None]] = [
            (machine_id, ImportAction.CREATED, digest_of(record), None) for machine_id, record in difference.new.items()
        ]
        for machine_id in difference.seen:
            machine, record = known[machine_id], difference.changed.get(machine_id)
            before = Before(machine.order[1], machine.is_removed, stored.get(machine_id))
            action = ImportAction.UPDATED if machine_id in updated else ImportAction.UNCHANGED
            digest = machine.digest if record is None else digest_of(record)
            kept.append((machine_id, action, digest, msgspec.json.encode(before)))
        if kept:
            ids = [machine_id for machine_id, *_ in kept]
            run(
                KEEP_BEFORE,
                {
                    "tenant": self.source.tenant_id,
                    "import": self.file_import.id,
                    "ids": plain_array(uuid7() for _ in kept),
                    "machines": plain_array(ids),
                    "actions": text_array(str(action) for _, action, _, _ in kept),
                    "digests": text_array(f"\\x{digest.hex()}" for _, _, digest, _ in kept),
                    "before": text_array(before.decode() if before else None for *_, before in kept),
                    "utilizations": text_array(
                        msgspec.json.encode(utilization[id]).decode() if id in utilization else None for id in ids
                    ),
                },
            )

    def not_in_file(self) -> int:
        """Machines of earlier imports that this one did not list; 0 for a file that lists no machines."""
        if self.file_import.format == ImportFormat.PERFORMANCE_CSV:
            return 0
        parameters = {
            "tenant": self.source.tenant_id,
            "project": self.source.project_id,
            "sequence": self.file_import.sequence,
        }
        others: int = rows(OTHER_IMPORTED, parameters)[0][0]
        listed = self.tally.updated + self.tally.unchanged if self.file_import.dry_run else 0
        return max(0, others - listed - self.tally.skipped["newer_import"])


def stored_records(tenant_id: int, machine_ids: Collection[UUID]) -> dict[UUID, MachineRecord]:
    """Stored machines with their parts, in three queries, as an upload would tell of them."""
    if not machine_ids:
        return {}
    parameters = [tenant_id, plain_array(machine_ids)]
    found = {machine_id: _record(values) for machine_id, *values in rows(RECORDS, parameters)}
    for machine_id, *disk in rows(DISKS, parameters):
        found[machine_id].disks.append(DiskRecord(*disk))
    for machine_id, *nic in rows(NICS, parameters):
        found[machine_id].nics.append(NicRecord(*nic))
    return found


def _record(values: Sequence[Any]) -> MachineRecord:
    record = MachineRecord(*values)
    record.disks, record.nics = [], []
    return record


def stored_utilization(tenant_id: int, machine_ids: Collection[UUID]) -> dict[UUID, Stated]:
    """What imports stated of machines so far."""
    if not machine_ids:
        return {}
    found = {}
    for machine_id, import_id, *values, disks in rows(UTILIZATION, [tenant_id, plain_array(machine_ids)]):
        figures: dict[str, Any] = dict(zip(RATES, values, strict=True))
        parts = msgspec.json.decode(disks) if isinstance(disks, str) else disks
        found[machine_id] = Stated(import_id, msgspec.convert({**figures, "disks": parts or {}}, Utilization))
    return found


def write_utilization(tenant_id: int, stated: Mapping[UUID, Stated | None]) -> None:
    """Replaces what was stated of machines; None forgets it."""
    if stated:
        run(FORGET_UTILIZATION, {"tenant": tenant_id, "machines": plain_array(stated)})
    kept = {machine_id: one for machine_id, one in stated.items() if one is not None}
    if kept:
        run(
            KEEP_UTILIZATION,
            {
                "tenant": tenant_id,
                "imports": plain_array(one.import_id for one in kept.values()),
                "ids": plain_array(uuid7() for _ in kept),
                "machines": plain_array(kept),
                **{name: plain_array(getattr(one.figures, name) for one in kept.values()) for name in RATES},
                "disks": text_array(msgspec.json.encode(one.figures.disks).decode() for one in kept.values()),
            },
        )
