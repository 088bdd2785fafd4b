"""What goes into the engine: one region's catalog and many machines, as arrays.

Units: a *scaled* array holds quantities x 10^4 in int64 (`fixed_point.scaled`), a *money* array billionths of the
currency unit in int64; counts and indexes are plain int64. Disks and NICs are flattened, `machine` naming the owner.
`mbps` of disks and NICs is megabytes (10^6) a second, as appliances send it; `network_mbps` of a size is megabits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Self

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import BoolArray, IntArray, money, scaled
from assessments.engine.settings import DiskType

BOOT_TYPES = ("bios", "uefi", "unknown")
DISK_TYPES: tuple[DiskType, ...] = (
    "standard_hdd",
    "standard_ssd",
    "premium_ssd",
    "premium_ssd_v2",
    "ultra",
)


@dataclass(frozen=True, slots=True)
class KnownArray:
    """int64 values of which some may be unknown; the value under a False mask is 0 and means nothing."""

    values: IntArray
    known: BoolArray

    @classmethod
    def quantities(cls, values: Iterable[float | None]) -> Self:
        """Scaled quantities; None is unknown."""
        listed = list(values)
        known = np.array([value is not None for value in listed], dtype=np.bool_)
        return cls(scaled([0.0 if value is None else float(value) for value in listed]), known)

    @classmethod
    def money(cls, amounts: Iterable[Decimal | int | str | None]) -> Self:
        """Amounts in billionths; None is unknown."""
        return cls(*money(amounts))

    @classmethod
    def unknown(cls, count: int) -> Self:
        """Nothing known."""
        return cls(np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_))

    def take(self, rows: npt.NDArray[np.intp] | IntArray) -> "KnownArray":
        """The entries at these rows."""
        return KnownArray(self.values[rows], self.known[rows])

    def number(self, row: int) -> int | None:
        """One value, None when unknown."""
        return int(self.values[row]) if self.known[row] else None


@dataclass(frozen=True, slots=True)
class Observed:
    """The chosen percentile of one metric, one entry a machine, disk or NIC; scaled. `points` stood behind it."""

    values: IntArray
    known: BoolArray
    points: IntArray

    @classmethod
    def quantities(cls, values: Sequence[float | None], points: Sequence[int] | None = None) -> Self:
        """From plain numbers; None is unknown. Without `points` (an import gives values, not series) they count 0."""
        array = KnownArray.quantities(values)
        counts = np.zeros(len(values), dtype=np.int64) if points is None else np.array(points, dtype=np.int64)
        return cls(array.values, array.known, counts)

    @classmethod
    def missing(cls, count: int) -> Self:
        """No data at all."""
        return cls.quantities([None] * count)

    def take(self, rows: npt.NDArray[np.intp] | IntArray) -> "Observed":
        """The entries at these rows."""
        return Observed(self.values[rows], self.known[rows], self.points[rows])


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
        _check_lengths(self, len(self.machine))
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
        _check_lengths(self, len(self.machine))
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
        _check_lengths(self, count)
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


@dataclass(frozen=True, slots=True)
class Bursting:
    """Credit terms of the burstable sizes. One credit is one vCPU at 100 % for one minute; all scaled.

    A size without known terms here counts as not burstable.
    """

    initial_credits: KnownArray
    credits_per_hour: KnownArray
    max_credits: KnownArray


@dataclass(frozen=True, slots=True)
class Sizes:
    """VM sizes of the catalog.

    `vcpus` are the active ones of a constrained size. `considered` is False for what an x86 lift-and-shift never gets:
    Arm, accelerated and HPC sizes (F23). `burstable` sizes need `Credits`. `available` is for the target region.
    """

    names: tuple[str, ...]
    series: tuple[str, ...]  # slug, e.g. "dsv5": what `sku_families` names
    quota_families: tuple[str, ...]  # e.g. "standardDSv5Family"
    vcpus: IntArray
    memory_mb: IntArray  # scaled
    max_data_disks: IntArray
    max_nics: IntArray
    premium_storage: BoolArray
    ultra_storage: BoolArray
    generation_1: BoolArray  # runs a generation 1 VM, the only kind that boots with BIOS
    uncached_iops: KnownArray  # scaled
    uncached_mbps: KnownArray  # scaled
    network_mbps: KnownArray  # scaled, megabits a second
    available: BoolArray
    standard_tier: BoolArray
    considered: BoolArray
    burstable: BoolArray
    bursting: Bursting

    def __post_init__(self) -> None:
        _check_lengths(self, len(self.names))

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class SizePrices:
    """Prices of the sizes in one region and currency, money, an hour unless said otherwise; zero is not a price.

    `*_term` is the total of a reservation over its term. Reservations, savings plans and Dev/Test are compute only. The
    Windows licence is the given `windows_licence`, else `windows - linux` where both are known. The Linux subscriptions
    are what RHEL and SLES cost on top of the Linux price.
    """

    linux: KnownArray
    windows: KnownArray
    windows_licence: KnownArray
    reservation_1y_term: KnownArray
    reservation_3y_term: KnownArray
    savings_plan_1y: KnownArray
    savings_plan_3y: KnownArray
    dev_test: KnownArray
    rhel_subscription: KnownArray
    sles_subscription: KnownArray

    def __post_init__(self) -> None:
        _check_lengths(self, len(self.linux.values))


@dataclass(frozen=True, slots=True)
class DiskTiers:
    """Fixed tiers (S, E, P). `type` indexes DISK_TYPES; IOPS and MB/s scaled; money a month. Unpriced = not offered."""

    names: tuple[str, ...]  # e.g. "S10"
    type: IntArray
    size_gib: IntArray  # scaled
    iops: IntArray
    mbps: IntArray
    monthly_price: KnownArray

    def __post_init__(self) -> None:
        _check_lengths(self, len(self.names))


@dataclass(frozen=True, slots=True)
class PremiumV2:
    """Premium SSD v2 of a region: limits (plain numbers) and hourly unit prices (billionths)."""

    max_size_gib: int
    included_iops: int
    included_mbps: int
    iops_per_gib: int
    gib_without_extra_iops: int  # up to this size only the included IOPS
    max_iops: int
    iops_per_mbps: int  # provisioned IOPS behind each MB/s
    max_mbps: int
    gib_hour: int
    iops_hour: int
    mbps_hour: int


@dataclass(frozen=True, slots=True)
class Ultra:
    """Ultra disks of a region: offered sizes with the caps of each (plain numbers, same length), hourly unit prices.

    `iops_per_mbps` is 4: each provisioned IOPS carries 256 KiB/s (DT22, C25).
    """

    sizes_gib: IntArray
    max_iops: IntArray
    max_mbps: IntArray
    min_iops: int
    min_mbps: int
    iops_per_mbps: int
    gib_hour: int
    iops_hour: int
    mbps_hour: int


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything on sale in one region and currency. None = that disk type has no price there and is not offered."""

    region: str
    currency: str
    sizes: Sizes
    prices: SizePrices
    disk_tiers: DiskTiers
    premium_v2: PremiumV2 | None = None
    ultra: Ultra | None = None
    egress_gb_price: int | None = None  # billionths per GB; bandwidth is reported apart


def _check_lengths(value: object, count: int) -> None:
    """Raises ValueError when an array (or tuple of names) of a dataclass has another length than the others."""
    for field in fields(value):  # type: ignore[arg-type]  # only dataclasses come here
        content = getattr(value, field.name)
        if field.name in _FREE_LENGTH or content is None:
            continue
        for array in _arrays(content):
            if len(array) != count:
                raise ValueError(f"{type(value).__name__}.{field.name} has {len(array)} entries instead of {count}")


_FREE_LENGTH = frozenset({"operating_systems", "disks", "nics", "credits"})


def _arrays(content: object) -> list[Sequence[object]]:
    if isinstance(content, KnownArray | Observed | Bursting | DiskTotals | NicTotals):
        return [array for field in fields(content) for array in _arrays(getattr(content, field.name))]
    return [content]  # type: ignore[list-item]  # what is left is an array or a tuple of names


def _parts_of(owner: IntArray, rows: npt.NDArray[np.intp] | IntArray) -> tuple[IntArray, IntArray]:
    """Rows of the disks (or NICs) of the chosen machines, and their new owner indexes."""
    starts = np.searchsorted(owner, rows)
    counts = np.searchsorted(owner, rows, side="right") - starts
    new_owner = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return starts[new_owner] + within, new_owner
