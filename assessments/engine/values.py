"""One region's catalog as arrays, and the arrays that everything going into the engine is made of.

Units: a *scaled* array holds quantities x 10^4 in int64 (`fixed_point.scaled`), a *money* array billionths of the
currency unit in int64; counts and indexes are plain int64. `network_mbps` of a size is megabits a second, `mbps` of a
disk tier megabytes.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import Self

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import BoolArray, IntArray, money, scaled
from assessments.engine.settings import DiskType

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
        check_lengths(self, len(self.names))

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
        check_lengths(self, len(self.linux.values))


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
        check_lengths(self, len(self.names))


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


def check_lengths(value: object, count: int, *, besides: Collection[str] = ()) -> None:
    """Raises ValueError when an array (or tuple of names) of a dataclass has another length than the others.

    Fields named in `besides` have a length of their own, or none.
    """
    for field in fields(value):  # type: ignore[arg-type]  # only dataclasses come here
        content = getattr(value, field.name)
        if field.name in besides or content is None:
            continue
        for array in _arrays(content):
            if len(array) != count:
                raise ValueError(f"{type(value).__name__}.{field.name} has {len(array)} entries instead of {count}")


def _arrays(content: object) -> list[Sequence[object]]:
    if is_dataclass(content):
        return [array for field in fields(content) for array in _arrays(getattr(content, field.name))]
    return [content]  # type: ignore[list-item]  # what is left is an array or a tuple of names
