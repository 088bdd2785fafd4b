"""Many machines as arrays, with their disks, NICs and utilization: what the engine assesses.

Units as in `engine.values`. Disks and NICs are flattened, `machine` naming the owner. Their `mbps` is megabytes (10^6)
a second, as appliances send it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import BoolArray, IntArray
from assessments.engine.values import Observed, check_lengths

BOOT_TYPES = ("bios", "uefi", "unknown")


@dataclass(frozen=True, slots=True)
class Disks:
    """Disks of all machines, sorted by machine and in the machine's own order: the first is its OS disk."""

    machine: IntArray
    size_gb: IntArray  # scaled
    read_iops: Observed
    write_iops: Observed
    read_mbps: Observed
    write_mbps: Observed

    def __post_init__(self) -> None:
        check_lengths(self, len(self.machine))
        if np.any(np.diff(self.machine) < 0):
            raise ValueError("disks must be sorted by machine")

    @property
    def is_os_disk(self) -> BoolArray:
        """True for the first disk of each machine."""
        result: BoolArray = np.diff(self.machine, prepend=-1) != 0
        return result


@dataclass(frozen=True, slots=True)
class Nics:
    """Network adapters of all machines, sorted by machine."""

    machine: IntArray
    received_mbps: Observed
    transmitted_mbps: Observed

    def __post_init__(self) -> None:
        check_lengths(self, len(self.machine))
        if np.any(np.diff(self.machine) < 0):
            raise ValueError("nics must be sorted by machine")


@dataclass(frozen=True, slots=True)
class DiskTotals:
    """Counters of all disks of a machine together, one entry a machine: what some imports give instead of each disk's.

    They count for the choice of the size where not every disk has counters of its own; those disks are sized by size.
    """

    read_iops: Observed
    write_iops: Observed
    read_mbps: Observed
    write_mbps: Observed

    def take(self, rows: npt.NDArray[np.intp] | IntArray) -> "DiskTotals":
        """The machines at these rows."""
        return DiskTotals(
            self.read_iops.take(rows), self.write_iops.take(rows), self.read_mbps.take(rows), self.write_mbps.take(rows)
        )


@dataclass(frozen=True, slots=True)
class NicTotals:
    """Traffic of all network adapters of a machine together, one entry a machine: what imports give.

    It counts where not every adapter has a counter of its own.
    """

    received_mbps: Observed
    transmitted_mbps: Observed

    def take(self, rows: npt.NDArray[np.intp] | IntArray) -> "NicTotals":
        """The machines at these rows."""
        return NicTotals(self.received_mbps.take(rows), self.transmitted_mbps.take(rows))


@dataclass(frozen=True, slots=True)
class Credits:
    """What the CPU credits of burstable sizes carry of each machine's history (`engine.credits`).

    `terms` (t x 3, scaled) are credits at first, an hour and at most. `carried` (machines x t, scaled) is the most
    cores x comfort factor with which they last, `spent_minute` (machines x t) when they are spent with more, in minutes
    from the start of the history. Where not `known` (machines) the history is too short to tell.
    """

    terms: IntArray
    known: BoolArray
    carried: IntArray
    spent_minute: IntArray

    def take(self, rows: npt.NDArray[np.intp] | IntArray) -> "Credits":
        """The machines at these rows."""
        return Credits(self.terms, self.known[rows], self.carried[rows], self.spent_minute[rows])


@dataclass(frozen=True, slots=True)
class Machines:
    """n machines. `cores` and `memory_mb` are plain integers (at most 10^5 and 10^8), utilization is scaled.

    `operating_system` indexes `operating_systems`, the unique names. `boot_type` indexes BOOT_TYPES.
    `expected_points` is what a series of this machine would hold if it covered the window completely.
    `credits` are needed only to consider burstable sizes, the totals only where an import gives nothing better.
    """

    cores: IntArray
    memory_mb: IntArray
    operating_systems: tuple[str, ...]
    operating_system: IntArray
    boot_type: IntArray
    imported: BoolArray
    cpu_percent: Observed
    memory_percent: Observed
    expected_points: IntArray
    disks: Disks
    nics: Nics
    disk_totals: DiskTotals | None = None
    nic_totals: NicTotals | None = None
    credits: Credits | None = None

    def __post_init__(self) -> None:
        count = len(self.cores)
        check_lengths(self, count, besides=("operating_systems", "disks", "nics", "credits"))
        for part in (self.disks.machine, self.nics.machine):
            if len(part) and not 0 <= int(part[0]) <= int(part[-1]) < count:
                raise ValueError("a disk or NIC names a machine that is not there")
        if self.credits is not None and self.credits.carried.shape != (count, len(self.credits.terms)):
            raise ValueError("the credits must have one row a machine and one column a kind of terms")

    def __len__(self) -> int:
        return len(self.cores)

    def take(self, rows: npt.NDArray[np.intp] | IntArray) -> "Machines":
        """The machines at these rows, in this order, with their disks and NICs."""
        disk_rows, disk_owner = _parts_of(self.disks.machine, rows)
        nic_rows, nic_owner = _parts_of(self.nics.machine, rows)
        return Machines(
            cores=self.cores[rows],
            memory_mb=self.memory_mb[rows],
            operating_systems=self.operating_systems,
            operating_system=self.operating_system[rows],
            boot_type=self.boot_type[rows],
            imported=self.imported[rows],
            cpu_percent=self.cpu_percent.take(rows),
            memory_percent=self.memory_percent.take(rows),
            expected_points=self.expected_points[rows],
            disks=Disks(
                machine=disk_owner,
                size_gb=self.disks.size_gb[disk_rows],
                read_iops=self.disks.read_iops.take(disk_rows),
                write_iops=self.disks.write_iops.take(disk_rows),
                read_mbps=self.disks.read_mbps.take(disk_rows),
                write_mbps=self.disks.write_mbps.take(disk_rows),
            ),
            nics=Nics(
                machine=nic_owner,
                received_mbps=self.nics.received_mbps.take(nic_rows),
                transmitted_mbps=self.nics.transmitted_mbps.take(nic_rows),
            ),
            disk_totals=None if self.disk_totals is None else self.disk_totals.take(rows),
            nic_totals=None if self.nic_totals is None else self.nic_totals.take(rows),
            credits=None if self.credits is None else self.credits.take(rows),
        )


def _parts_of(owner: IntArray, rows: npt.NDArray[np.intp] | IntArray) -> tuple[IntArray, IntArray]:
    """Rows of the disks (or NICs) of the chosen machines, and their new owner indexes."""
    starts = np.searchsorted(owner, rows)
    counts = np.searchsorted(owner, rows, side="right") - starts
    new_owner = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return starts[new_owner] + within, new_owner
