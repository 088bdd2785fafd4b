"""Which records of machines may be stored, as they are written, and the digest that stands for all they say."""

import hashlib
from collections.abc import Iterable

import msgspec

from ingest.records import MachineRecord
from ingest.text import is_clean, normal
from ingest.uploads import Rejection

TEXT_FIELDS = ("source_id", "name", "path", "host", "cluster", "operating_system", "cpu_model")


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
