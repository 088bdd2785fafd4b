"""What an appliance puts on the wire: the bodies of the two uploads. Units stand in the names, `None` is no data."""

from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

Series = list[float | None]


class Disk(Struct, frozen=True):
    source_id: str
    name: str
    size_gb: float


class Nic(Struct, frozen=True):
    source_id: str
    mac_address: str
    ip_addresses: tuple[str, ...]
    network: str


class Machine(Struct, frozen=True, kw_only=True):
    """One machine of an inventory upload; `boot_type` is bios, uefi or unknown, `power_state` on or off."""

    source_id: str
    name: str
    path: str
    host: str
    cluster: str
    power_state: str
    operating_system: str
    boot_type: str
    cores: int
    memory_mb: int
    cpu_model: str | None
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]


class InventoryUpload(Struct, kw_only=True):
    sequence: int
    snapshot: bool
    collected_at: str
    machines: list[Machine]
    removed: list[str]


class DiskSeries(Struct, kw_only=True, omit_defaults=True):
    """A series that the source does not measure is left out."""

    read_mbps: Series
    write_mbps: Series
    read_iops: Series | UnsetType = UNSET
    write_iops: Series | UnsetType = UNSET


class NicSeries(Struct, kw_only=True):
    received_mbps: Series
    transmitted_mbps: Series


class MachinePoints(Struct, kw_only=True):
    """Consecutive points of one machine from `start_at` on; every series has the same length."""

    source_id: str
    start_at: str
    cpu_percent: Series
    memory_percent: Series
    disks: dict[str, DiskSeries]
    nics: dict[str, NicSeries]

    def value_count(self) -> int:
        """Values in all series of this machine."""
        iops = sum((disk.read_iops is not UNSET) + (disk.write_iops is not UNSET) for disk in self.disks.values())
        return len(self.cpu_percent) * (2 + 2 * len(self.disks) + iops + 2 * len(self.nics))


class PerformanceUpload(Struct, kw_only=True):
    sequence: int
    sent_at: str
    interval_seconds: int
    machines: list[MachinePoints]


def instant(at: datetime) -> str:
    """An instant as the wire writes it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


encode = msgspec.json.Encoder().encode
