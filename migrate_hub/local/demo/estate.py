"""The generated estate: machines as a real virtual data center has them, the same ones for the same seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
import numpy as np

from migrate_hub.local.demo.history import DiskLoad, Load, points_of_block
from migrate_hub.local.demo.kinds import DATABASE, KINDS, ODD_CASES, Kind, OddCase, Profile
from migrate_hub.local.demo.site import BLOCK_POINTS
from migrate_hub.local.demo.wire import Disk, Machine, MachinePoints, Nic, instant

SEED = 20_260_801
INTERVAL_SECONDS = 600
HISTORY_DAYS = 30
POINT_COUNT = HISTORY_DAYS * 86_400 // INTERVAL_SECONDS
CPU_MODELS = (
    "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz",
    "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz",
    "AMD EPYC 7543 32-Core Processor",
)
DATACENTERS = (("Frankfurt", "München"), ("Chicago", "Montréal"))
# cpu percent at the peak of each profile, lowest and highest
PEAK_CPU_PERCENT: dict[Profile, tuple[float, float]] = {
    "idle": (2, 12),
    "office_hours": (20, 80),
    "busy": (65, 98),
    "spiky": (55, 100),
    "nightly_batch": (75, 100),
    "off": (0, 0),
}
OFF_SHARE, NEW_SHARE, GAPPY_SHARE, RESIZED_SHARE, NO_MEMORY_SHARE, NO_IOPS_SHARE = 0.05, 0.03, 0.10, 0.04, 0.02, 0.03
BOOT_TYPES = {"bios": 62, "uefi": 33, "unknown": 5}
T = TypeVar("T")


@dataclass(frozen=True)
class GeneratedMachine:
    """A machine as it is today, how it is used, and when that began."""

    machine: Machine
    load: Load
    first_point: int = 0
    resized_in_block: int | None = None

    def as_of(self, block: int) -> Machine:
        """A machine that was resized had half of its memory before."""
        if self.resized_in_block is None or block >= self.resized_in_block:
            return self.machine
        return msgspec.structs.replace(self.machine, memory_mb=max(self.machine.memory_mb // 2, 256))


class GeneratedSite:
    """One site of the estate with its history of 10-minute points that ends at `ends_at`."""

    interval_seconds = INTERVAL_SECONDS
    point_count = POINT_COUNT

    def __init__(self, machines: Sequence[GeneratedMachine], *, ends_at: datetime) -> None:
        self.start_at = ends_at - timedelta(days=HISTORY_DAYS)
        self._machines = {one.machine.source_id: one for one in machines}
        databases = [one.machine.source_id for one in machines if one.machine.name.startswith(DATABASE.names)]
        self.groups = {"All machines": list(self._machines), "Databases": databases}

    @property
    def source_ids(self) -> Sequence[str]:
        return tuple(self._machines)

    def inventory(self, block: int) -> list[Machine]:
        return [one.as_of(block) for one in self._machines.values() if self._is_told(one, block)]

    def _is_told(self, one: GeneratedMachine, block: int) -> bool:
        born_in = one.first_point // BLOCK_POINTS
        return block == born_in or (born_in < block and block == one.resized_in_block)

    def points(self, source_ids: Sequence[str], block: int) -> list[MachinePoints]:
        return [made for source_id in source_ids if (made := self._points(self._machines[source_id], block))]

    def _points(self, one: GeneratedMachine, block: int) -> MachinePoints | None:
        end = min((block + 1) * BLOCK_POINTS, POINT_COUNT)
        first = max(block * BLOCK_POINTS, one.first_point)
        if first >= end or one.load.profile == "off":
            return None
        start_at = self.start_at + timedelta(seconds=first * INTERVAL_SECONDS)
        return points_of_block(
            one.machine,
            one.load,
            start_at=instant(start_at),
            seconds=np.arange(end - first, dtype=np.float64) * INTERVAL_SECONDS + start_at.timestamp(),
            block=block,
        )


def generate_site(*, number: int, machine_count: int, ends_at: datetime, seed: int = SEED) -> GeneratedSite:
    """Site 0 or 1 of the estate. `ends_at` lies on the 10-minute grid; machines depend on the seed and number only."""
    random = np.random.default_rng([seed, number])
    kinds = random.choice(len(KINDS), size=machine_count, p=_shares([kind.weight for kind in KINDS]))
    counters: dict[str, int] = {}
    machines = []
    for index in range(machine_count):
        odd = ODD_CASES[index] if index < len(ODD_CASES) and machine_count > 2 * len(ODD_CASES) else None
        kind = odd.kind if odd else KINDS[kinds[index]]
        prefix = odd.name if odd else str(random.choice(kind.names))
        counters[prefix] = counters.get(prefix, 0) + 1
        name = prefix if odd else f"{prefix}-{counters[prefix]:02d}"
        machines.append(_machine(random, kind, odd, name=name, site=number, index=index, seed=seed))
    return GeneratedSite(machines, ends_at=ends_at)


def _shares(weights: Sequence[int]) -> "np.typing.NDArray[np.float64]":
    return np.asarray(weights, dtype=np.float64) / sum(weights)


def _weighted(random: np.random.Generator, weights: Mapping[T, int]) -> T:
    return list(weights)[int(random.choice(len(weights), p=_shares(list(weights.values()))))]


def _one_of(random: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(random.integers(len(options)))]


def _machine(
    random: np.random.Generator, kind: Kind, odd: OddCase | None, *, name: str, site: int, index: int, seed: int
) -> GeneratedMachine:
    cores = _one_of(random, kind.cores)
    memory_mb = max(int(cores * _one_of(random, kind.memory_gb_per_core) * 1024), 256)
    disk_gb = odd.disk_gb if odd else _one_of(random, kind.disk_gb)
    off = odd is None and random.random() < OFF_SHARE
    cluster = f"Cluster-{'ABC'[int(random.integers(3))]}"
    host = f"esx-{int(random.integers(1, 25)):02d}"
    datacenter = DATACENTERS[site % 2][int(random.integers(2))]
    machine = Machine(
        source_id=str(UUID(bytes=random.bytes(16), version=4)),
        name=name,
        path=f"{datacenter}/{cluster}/{host}/{kind.names[0]}",
        host=host,
        cluster=cluster,
        power_state="off" if off else "on",
        operating_system=odd.system if odd else _weighted(random, kind.systems),
        boot_type=odd.boot_type if odd else _weighted(random, BOOT_TYPES),
        cores=cores,
        memory_mb=memory_mb,
        cpu_model=_one_of(random, CPU_MODELS),
        disks=tuple(Disk(f"scsi0:{i}", f"scsi0:{i}", size) for i, size in enumerate(disk_gb)),
        nics=tuple(_nic(site, index, i) for i in range(_one_of(random, kind.nics))),
    )
    return _with_history(random, kind, machine, seed=(seed, site, index))


def _nic(site: int, index: int, number: int) -> Nic:
    high, low = divmod(index, 250)
    return Nic(
        source_id=str(4000 + number),
        mac_address=f"00:50:56:{site * 64 + number:02x}:{index // 256 % 256:02x}:{index % 256:02x}",
        ip_addresses=(f"10.{10 * (site + 1) + number}.{high % 256}.{low + 2}",),
        network=("VM Network", "Backup", "Speicher-Netz")[number % 3],
    )


def _with_history(
    random: np.random.Generator, kind: Kind, machine: Machine, *, seed: tuple[int, int, int]
) -> GeneratedMachine:
    profile: Profile = "off" if machine.power_state == "off" else _weighted(random, kind.profiles)
    low, high = PEAK_CPU_PERCENT[profile]
    chance = random.random(5)
    new, resized = chance[0] < NEW_SHARE, chance[1] < RESIZED_SHARE
    blocks = POINT_COUNT // BLOCK_POINTS
    load = Load(
        profile=profile,
        peak_cpu_percent=float(random.uniform(low, high)),
        idle_memory_percent=float(random.uniform(8, 45)),
        peak_memory_percent=float(random.uniform(50, 97)),
        disks=tuple(_disk_load(random, kind) for _ in machine.disks),
        nic_mbps=tuple(float(kind.nic_mbps * random.uniform(0.1, 1)) for _ in machine.nics),
        has_gaps=bool(chance[2] < GAPPY_SHARE),
        has_memory=bool(chance[3] >= NO_MEMORY_SHARE),
        has_iops=bool(chance[4] >= NO_IOPS_SHARE),
        seed=seed,
    )
    return GeneratedMachine(
        machine=machine,
        load=load,
        first_point=POINT_COUNT - int(random.integers(30, 600)) if new else 0,
        resized_in_block=int(random.integers(1, blocks)) if resized and not new else None,
    )


def _disk_load(random: np.random.Generator, kind: Kind) -> DiskLoad:
    share = random.uniform(0.05, 1.0)
    return DiskLoad(
        peak_iops=float(kind.peak_iops * share),
        peak_mbps=float(kind.peak_mbps * share),
        write_share=float(random.uniform(0.15, 0.7)),
    )
