"""What changed of a machine: which properties are followed, and which of them make an assessment outdated."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingest.bulk import plain_array, rows
from ingest.records import MachineRecord

FOLLOWED = ("name", "power_state", "operating_system", "boot_type", "cores", "memory_mb")
# An on-premises change of these makes an assessment outdated (rules, section 2.2).
RAISING = frozenset({"operating_system", "boot_type", "cores", "memory_mb", "disks", "nics", "removed"})

MACHINES = f"SELECT id, {', '.join(FOLLOWED)} FROM ingest_machine WHERE tenant_id = %s AND id = ANY(%s::uuid[])"
DISKS = """
SELECT machine_id, source_id, size_gb FROM ingest_disk WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[])
ORDER BY machine_id, position
"""
NICS = """
SELECT machine_id, source_id, mac_address, ip_addresses, network FROM ingest_nic
WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) ORDER BY machine_id, position
"""


@dataclass(frozen=True)
class Change:
    """One property of one machine, before and after, as JSON values."""

    machine_id: UUID
    name: str
    old: Any
    new: Any

    @property
    def raises_version(self) -> bool:
        return self.name in RAISING


Configuration = dict[str, Any]


def _disk(source_id: str, size_gb: float | None) -> dict[str, Any]:
    return {"source_id": source_id, "size_gb": size_gb}


def _nic(source_id: str, mac_address: str | None, ip_addresses: Iterable[str], network: str | None) -> dict[str, Any]:
    # Appliances list addresses in any order.
    addresses = sorted(ip_addresses)
    return {"source_id": source_id, "mac_address": mac_address, "ip_addresses": addresses, "network": network}


def configuration_of(record: MachineRecord) -> Configuration:
    """The followed properties of an uploaded machine."""
    return {
        **{name: getattr(record, name) for name in FOLLOWED},
        "disks": [_disk(disk.source_id, disk.size_gb) for disk in record.disks],
        "nics": [_nic(nic.source_id, nic.mac_address, nic.ip_addresses, nic.network) for nic in record.nics],
    }


def stored_configurations(tenant_id: int, machine_ids: Collection[UUID]) -> dict[UUID, Configuration]:
    """The followed properties of stored machines, in three queries."""
    if not machine_ids:
        return {}
    parameters = [tenant_id, plain_array(machine_ids)]
    found: dict[UUID, Configuration] = {
        machine_id: {**dict(zip(FOLLOWED, values, strict=True)), "disks": [], "nics": []}
        for machine_id, *values in rows(MACHINES, parameters)
    }
    for machine_id, *disk in rows(DISKS, parameters):
        found[machine_id]["disks"].append(_disk(*disk))
    for machine_id, *nic in rows(NICS, parameters):
        found[machine_id]["nics"].append(_nic(*nic))
    return found


def changes_between(machine_id: UUID, stored: Configuration, record: MachineRecord) -> Iterator[Change]:
    """What an uploaded machine says differently from what is stored."""
    for name, new in configuration_of(record).items():
        if stored[name] != new:
            yield Change(machine_id, name, old=stored[name], new=new)
