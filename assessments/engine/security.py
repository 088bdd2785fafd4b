"""Security readiness: would Defender for Servers run on the machine? Rule book 4.7 (C25, 2024 and later)."""

import numpy as np

from assessments.engine.fixed_point import QUANTITY_SCALE, IntArray
from assessments.engine.guest_os import GuestOs
from assessments.engine.issues import READINESS
from assessments.engine.machines import Machines
from assessments.engine.readiness import Guests
from assessments.engine.recommendations import SECURITY_READINESS

MIN_CORES = 2
MIN_MEMORY_MB = 1024
MIN_DISK_GB = 2

# kind -> lowest and highest supported (major, minor).
_SUPPORTED: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    "windows_server": (((2008, 2), (2008, 2)), ((2012, 2), (2012, 2)), ((2016, 0), (2022, 0))),
    "rhel": (((7, 2), (9, 99)),),
    "ubuntu": (((16, 4), (22, 4)),),
    "sles": (((12, 0), (12, 99)), ((15, 0), (99, 99))),
    "debian": (((9, 0), (11, 99)),),
    "oracle_linux": (((7, 2), (8, 99)),),
    "amazon_linux": (((2, 0), (2, 99)),),
}


def security_readiness(machines: Machines, guests: Guests, readiness: IntArray) -> IntArray:
    """Index into SECURITY_READINESS, for each machine."""
    supported = np.array([is_supported(system) for system in guests.systems], dtype=np.bool_)
    total_disk = np.zeros(len(machines), dtype=np.int64)
    np.add.at(total_disk, machines.disks.machine, machines.disks.size_gb)
    ready = (
        supported[machines.operating_system]
        & (machines.cores >= MIN_CORES)
        & (machines.memory_mb >= MIN_MEMORY_MB)
        & (total_disk >= MIN_DISK_GB * QUANTITY_SCALE)
    )
    conditional, not_ready = SECURITY_READINESS.index("ready_with_conditions"), SECURITY_READINESS.index("not_ready")
    result: IntArray = np.where(
        readiness == READINESS.index("not_ready"), not_ready, np.where(ready, 0, conditional)
    ).astype(np.int64)
    return result


def is_supported(system: GuestOs) -> bool:
    """Whether Defender for Servers lists the system. A missing minor version counts as the lowest one."""
    if system.version is None:
        return False
    version = (system.version[0], system.version[1] or 0)
    return any(lowest <= version <= highest for lowest, highest in _SUPPORTED.get(system.kind, ()))
