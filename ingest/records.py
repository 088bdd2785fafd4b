"""A machine as appliances and files tell of it: typed structs that know their ranges, and nothing of the framework."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from ingest.limits import MAX_CORES, MAX_DISKS, MAX_IP_ADDRESSES, MAX_MEMORY_MB, MAX_NICS, MAX_SIZE_GB

SourceId = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=255)]


class DiskRecord(Struct, gc=False):
    source_id: SourceId
    name: Text | None = None
    size_gb: Annotated[float, Meta(ge=0, le=MAX_SIZE_GB)] | None = None


class NicRecord(Struct, gc=False):
    source_id: SourceId
    mac_address: Annotated[str, Meta(max_length=64)] | None = None
    ip_addresses: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=MAX_IP_ADDRESSES)] = []
    network: Text | None = None


class MachineRecord(Struct):
    """What is known of a machine. `disks` in their order: the first is the operating system's."""

    source_id: SourceId
    name: Text
    path: Annotated[str, Meta(max_length=1024)] | None = None
    host: Text | None = None
    cluster: Text | None = None
    power_state: Literal["on", "off", "suspended", "unknown"] = "unknown"
    operating_system: Text | None = None
    boot_type: Literal["bios", "uefi", "unknown"] = "unknown"
    cores: Annotated[int, Meta(ge=0, le=MAX_CORES)] | None = None
    memory_mb: Annotated[int, Meta(ge=0, le=MAX_MEMORY_MB)] | None = None
    cpu_model: Text | None = None
    instance_uuid: UUID | None = None
    bios_uuid: UUID | None = None
    disks: Annotated[list[DiskRecord], Meta(max_length=MAX_DISKS)] = []
    nics: Annotated[list[NicRecord], Meta(max_length=MAX_NICS)] = []
