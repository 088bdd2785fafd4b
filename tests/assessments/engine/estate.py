"""Builders of machines and catalogs for the engine's tests: plain numbers in, engine values out."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from assessments.engine.assess import decide, groundwork
from assessments.engine.credits import carried
from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray, billionths, scaled
from assessments.engine.machines import BOOT_TYPES, Credits, Disks, Machines, Nics
from assessments.engine.rankings import Rankings
from assessments.engine.recommendations import Recommendations
from assessments.engine.settings import DiskType
from assessments.engine.target import Target
from assessments.engine.values import (
    DISK_TYPES,
    Bursting,
    Catalog,
    DiskTiers,
    KnownArray,
    Observed,
    PremiumV2,
    SizePrices,
    Sizes,
    Ultra,
)

DATA = Path(__file__).parent / "data"
WINDOWS = "Microsoft Windows Server 2016 (64-bit)"
LINUX = "Ubuntu Linux 20.04 (64-bit)"


@dataclass(frozen=True)
class Disk:
    """One disk; None = no counter."""

    size_gb: float = 30.0
    read_iops: float | None = None
    write_iops: float | None = None
    read_mbps: float | None = None
    write_mbps: float | None = None
    points: int = 0


@dataclass(frozen=True)
class Nic:
    """One NIC; None = no counter."""

    transmitted_mbps: float | None = None
    received_mbps: float | None = None
    points: int = 0


@dataclass(frozen=True)
class Machine:
    """One machine with defaults that fit nearly anything."""

    cores: int = 1
    memory_mb: int = 1024
    os: str = LINUX
    boot: str = "bios"
    imported: bool = False
    cpu: float | None = None
    memory: float | None = None
    cpu_points: int = 0
    memory_points: int = 0
    expected_points: int = 144
    disks: Sequence[Disk] = (Disk(),)
    nics: Sequence[Nic] = (Nic(),)
    cpu_history: Sequence[float] | None = None  # percent by points


def estate(
    machines: Sequence[Machine],
    *,
    cpu_history: Sequence[Sequence[float]] | None = None,
    interval_minutes: int = 10,
    terms: Sequence[tuple[float, float, float]] = ((60, 24, 576),),
) -> Machines:
    """The engine's arrays of these machines; with a history of some, what it asks of these credit terms."""
    if cpu_history is None and any(machine.cpu_history is not None for machine in machines):
        cpu_history = [machine.cpu_history or () for machine in machines]
    names = tuple(dict.fromkeys(machine.os for machine in machines))
    disks = [disk for machine in machines for disk in machine.disks]
    nics = [nic for machine in machines for nic in machine.nics]
    return Machines(
        cores=_integers(machine.cores for machine in machines),
        memory_mb=_integers(machine.memory_mb for machine in machines),
        operating_systems=names,
        operating_system=_integers(names.index(machine.os) for machine in machines),
        boot_type=_integers(BOOT_TYPES.index(machine.boot) for machine in machines),
        imported=np.array([machine.imported for machine in machines], dtype=np.bool_),
        cpu_percent=Observed.quantities([m.cpu for m in machines], [m.cpu_points for m in machines]),
        memory_percent=Observed.quantities([m.memory for m in machines], [m.memory_points for m in machines]),
        expected_points=_integers(machine.expected_points for machine in machines),
        disks=Disks(
            machine=_integers(row for row, machine in enumerate(machines) for _ in machine.disks),
            size_gb=scaled([disk.size_gb for disk in disks]),
            read_iops=Observed.quantities([d.read_iops for d in disks], [d.points for d in disks]),
            write_iops=Observed.quantities([d.write_iops for d in disks], [d.points for d in disks]),
            read_mbps=Observed.quantities([d.read_mbps for d in disks], [d.points for d in disks]),
            write_mbps=Observed.quantities([d.write_mbps for d in disks], [d.points for d in disks]),
        ),
        nics=Nics(
            machine=_integers(row for row, machine in enumerate(machines) for _ in machine.nics),
            received_mbps=Observed.quantities([n.received_mbps for n in nics], [n.points for n in nics]),
            transmitted_mbps=Observed.quantities([n.transmitted_mbps for n in nics], [n.points for n in nics]),
        ),
        credits=None if cpu_history is None else credits_of(cpu_history, interval_minutes, terms),
    )


def credits_of(
    histories: Sequence[Sequence[float]], interval_minutes: int, terms: Sequence[tuple[float, float, float]]
) -> Credits:
    """What histories, one a machine, ask of burstable sizes with these terms."""
    asked = scaled(terms).reshape(-1, 3)
    answers = [carried(np.array(one, dtype=np.float32), interval_minutes, asked) for one in histories]
    nothing = np.zeros(len(asked), dtype=np.int64)
    return Credits(
        terms=asked,
        known=_flags(answer is not None for answer in answers),
        carried=np.stack([answer.cores if answer else nothing for answer in answers]),
        spent_minute=np.stack([answer.spent_minute if answer else nothing for answer in answers]),
    )


@dataclass(frozen=True)
class Size:
    """One size with its prices (strings or numbers; None = unknown)."""

    name: str
    series: str = "dsv3"
    vcpus: int = 2
    memory_mb: float = 8192
    data_disks: int = 4
    nics: int = 2
    premium: bool = True
    ultra: bool = False
    generation_1: bool = True
    disk_iops: float | None = 3200
    disk_mbps: float | None = 48
    network_mbps: float | None = 1000
    linux: str | None = "0.1"
    windows: str | None = None
    licence: str | None = None
    one_year_term: str | None = None
    three_year_term: str | None = None
    savings_1y: str | None = None
    savings_3y: str | None = None
    dev_test: str | None = None
    rhel: str | None = None
    sles: str | None = None
    available: bool = True
    standard_tier: bool = True
    considered: bool = True
    burst: tuple[float, float, float] | None = None  # initial credits, credits an hour, most credits
    burstable: bool = False


@dataclass(frozen=True)
class Tier:
    """One disk tier; month None = unpriced."""

    name: str
    type: DiskType
    size_gib: float
    iops: float
    mbps: float
    month: str | None


def westus_sizes() -> list[Size]:
    """Sizes and prices of West US in May 2020, computed back from Microsoft's public sample exports."""
    return [
        Size(
            name=row["size"],
            series=row["series"],
            vcpus=int(row["vcpus"]),
            memory_mb=int(row["memory_mb"]),
            data_disks=int(row["data_disks"]),
            nics=int(row["nics"]),
            premium=row["premium"] == "yes",
            disk_iops=_number(row["disk_iops"]),
            disk_mbps=_number(row["disk_mbps"]),
            network_mbps=_number(row["network_mbps"]),
            linux=row["linux_hour"] or None,
            windows=row["windows_hour"] or None,
            licence=row["licence_hour"] or None,
            one_year_term=row["one_year_term"] or None,
            three_year_term=row["three_year_term"] or None,
        )
        for row in _rows("westus_2020_05_sizes.csv")
    ]


def westus_tiers() -> list[Tier]:
    """Disk tiers of West US in May 2020; Premium SSD and Standard SSD from E4 on carry test prices."""
    return [
        Tier(
            row["tier"],
            cast(DiskType, row["type"]),
            float(row["size_gib"]),
            float(row["iops"]),
            float(row["mbps"]),
            row["month"],
        )
        for row in _rows("westus_2020_05_disks.csv")
    ]


@dataclass(frozen=True)
class Offerings:
    """A catalog in plain values."""

    sizes: Sequence[Size]
    tiers: Sequence[Tier] = field(default_factory=westus_tiers)
    premium_v2: PremiumV2 | None = None
    ultra: Ultra | None = None
    egress_gb_price: int | None = None

    def catalog(self) -> Catalog:
        """The engine's value."""
        return Catalog(
            region="westus",
            currency="USD",
            sizes=_sizes(self.sizes),
            prices=_prices(self.sizes),
            disk_tiers=DiskTiers(
                names=tuple(tier.name for tier in self.tiers),
                type=_integers(DISK_TYPES.index(tier.type) for tier in self.tiers),
                size_gib=scaled([tier.size_gib for tier in self.tiers]),
                iops=scaled([tier.iops for tier in self.tiers]),
                mbps=scaled([tier.mbps for tier in self.tiers]),
                monthly_price=KnownArray.money([tier.month for tier in self.tiers]),
            ),
            premium_v2=self.premium_v2,
            ultra=self.ultra,
            egress_gb_price=self.egress_gb_price,
        )


def westus() -> Catalog:
    """The catalog of West US in May 2020."""
    return Offerings(westus_sizes()).catalog()


def _sizes(sizes: Sequence[Size]) -> Sizes:
    bursts = [size.burst or (None, None, None) for size in sizes]
    return Sizes(
        names=tuple(size.name for size in sizes),
        series=tuple(size.series for size in sizes),
        quota_families=tuple(f"standard{size.series}Family" for size in sizes),
        vcpus=_integers(size.vcpus for size in sizes),
        memory_mb=scaled([size.memory_mb for size in sizes]),
        max_data_disks=_integers(size.data_disks for size in sizes),
        max_nics=_integers(size.nics for size in sizes),
        premium_storage=_flags(size.premium for size in sizes),
        ultra_storage=_flags(size.ultra for size in sizes),
        generation_1=_flags(size.generation_1 for size in sizes),
        uncached_iops=KnownArray.quantities(size.disk_iops for size in sizes),
        uncached_mbps=KnownArray.quantities(size.disk_mbps for size in sizes),
        network_mbps=KnownArray.quantities(size.network_mbps for size in sizes),
        available=_flags(size.available for size in sizes),
        standard_tier=_flags(size.standard_tier for size in sizes),
        considered=_flags(size.considered for size in sizes),
        burstable=_flags(size.burstable for size in sizes),
        bursting=Bursting(
            initial_credits=KnownArray.quantities(burst[0] for burst in bursts),
            credits_per_hour=KnownArray.quantities(burst[1] for burst in bursts),
            max_credits=KnownArray.quantities(burst[2] for burst in bursts),
        ),
    )


def _prices(sizes: Sequence[Size]) -> SizePrices:
    return SizePrices(
        linux=KnownArray.money(size.linux for size in sizes),
        windows=KnownArray.money(size.windows for size in sizes),
        windows_licence=KnownArray.money(size.licence for size in sizes),
        reservation_1y_term=KnownArray.money(size.one_year_term for size in sizes),
        reservation_3y_term=KnownArray.money(size.three_year_term for size in sizes),
        savings_plan_1y=KnownArray.money(size.savings_1y for size in sizes),
        savings_plan_3y=KnownArray.money(size.savings_3y for size in sizes),
        dev_test=KnownArray.money(size.dev_test for size in sizes),
        rhel_subscription=KnownArray.money(size.rhel for size in sizes),
        sles_subscription=KnownArray.money(size.sles for size in sizes),
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _integers(values: Iterable[int]) -> IntArray:
    return np.array(list(values), dtype=np.int64)


def _flags(values: Iterable[bool]) -> BoolArray:
    return np.array(list(values), dtype=np.bool_)


def number(value: int) -> float:
    """A scaled quantity as a plain number."""
    return value / QUANTITY_SCALE


def cents(billionths: int) -> str:
    """Money rounded half up to cents, as exports print it."""
    return f"{(billionths + 5_000_000) // 10_000_000 / 100:.2f}"


def premium_v2_terms(*, gib_hour: str, iops_hour: str, mbps_hour: str) -> PremiumV2:
    """Premium SSD v2 with the limits documented in August 2026."""
    return PremiumV2(
        max_size_gib=65_536,
        included_iops=3000,
        included_mbps=125,
        iops_per_gib=500,
        gib_without_extra_iops=6,
        max_iops=80_000,
        iops_per_mbps=4,
        max_mbps=2000,
        gib_hour=billionths(gib_hour),
        iops_hour=billionths(iops_hour),
        mbps_hour=billionths(mbps_hour),
    )


def ultra_terms(*, gib_hour: str, iops_hour: str, mbps_hour: str) -> Ultra:
    """Ultra as documented until 2022: 4 to 512 GiB doubling, then steps of 1 TiB; caps rise with the size (DT22)."""
    sizes = np.array([*(2**power for power in range(2, 10)), *range(1024, 65_537, 1024)], dtype=np.int64)
    return Ultra(
        sizes_gib=sizes,
        max_iops=np.minimum(sizes * 300, 160_000),
        max_mbps=np.select([sizes <= 4, sizes <= 8, sizes <= 16, sizes <= 32], [300, 600, 1200, 2400], 4000),
        min_iops=100,
        min_mbps=1,
        iops_per_mbps=4,
        gib_hour=billionths(gib_hour),
        iops_hour=billionths(iops_hour),
        mbps_hour=billionths(mbps_hour),
    )


def against(machines: Machines, target: Target) -> Recommendations:
    """An assessment under a rule set that the settings do not name."""
    return decide(machines, groundwork(machines, target), Rankings(target))
