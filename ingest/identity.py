"""What a machine is recognised by, whoever lists it: the keys that are equal where the machine is the same.

Three keys, the surest first: the instance UUID that a hypervisor gives, the UUID of the BIOS, and the set of hardware
(MAC) addresses. A value that stands in many machines (a vendor's default, a virtual adapter's address) is no key.
"""

import hashlib
import re
from collections.abc import Iterable
from uuid import UUID

from ingest.records import MachineRecord

KINDS = ("instance", "bios", "mac")
# One entry for each of KINDS; None where the machine has no such key.
Keys = tuple[UUID | None, UUID | None, UUID | None]

# Firmware that nobody gave a UUID answers one of these: board vendors' samples, and a Dell without a service tag.
VENDOR_DEFAULTS = frozenset(
    map(
        UUID,
        (
            "03000200-0400-0500-0006-000700080009",
            "00020003-0004-0005-0006-000700080009",
            "00112233-4455-6677-8899-aabbccddeeff",
            "12345678-1234-5678-90ab-cddeefaabbcc",
            "12345678-1234-5678-1234-567812345678",
            "01234567-89ab-cdef-0123-456789abcdef",
            "fedcba98-7654-3210-fedc-ba9876543210",
            "44454c4c-0000-2010-8020-80c04f202020",
            "4c4c4544-0000-2010-8020-80c04f202020",
        ),
    )
)
# A UUID of one or two bytes repeated (zeros, ones, fe) identifies nothing.
MIN_DISTINCT_BYTES = 3

MAC_DIGITS = 12
MULTICAST_OR_LOCAL = 0b11
# Addresses of adapters that software makes: the same on every machine that has the software.
VIRTUAL_ADAPTERS = frozenset({"005056c00001", "005056c00008", "00059a3c7a00", "00090ffe0001", "00090faa0001"})
_SEPARATORS = re.compile(r"[^0-9a-f]")


def keys_of(record: MachineRecord) -> Keys:
    """The keys of an uploaded machine."""
    return _instance(record.instance_uuid), _bios(record.bios_uuid), _macs(nic.mac_address for nic in record.nics)


def _instance(uuid: UUID | None) -> UUID | None:
    return None if uuid is None or _is_default(uuid) else uuid


def _bios(uuid: UUID | None) -> UUID | None:
    """The same for both byte orders: SMBIOS before 2.6 left open which one a reader prints."""
    if uuid is None:
        return None
    swapped = UUID(bytes=uuid.bytes_le)
    return None if _is_default(uuid) or _is_default(swapped) else min(uuid, swapped)


def _is_default(uuid: UUID) -> bool:
    return uuid in VENDOR_DEFAULTS or len(set(uuid.bytes)) < MIN_DISTINCT_BYTES


def _macs(addresses: Iterable[str | None]) -> UUID | None:
    hardware = sorted({mac for mac in map(_mac, addresses) if mac})
    if not hardware:
        return None
    return UUID(bytes=hashlib.blake2b("".join(hardware).encode(), digest_size=16).digest())


def _mac(address: str | None) -> str | None:
    """Twelve lower-case digits; None for what no manufacturer has given to one card."""
    digits = _SEPARATORS.sub("", (address or "").lower())
    if len(digits) != MAC_DIGITS or int(digits[:2], 16) & MULTICAST_OR_LOCAL or not int(digits, 16):
        return None
    return None if digits in VIRTUAL_ADAPTERS else digits
