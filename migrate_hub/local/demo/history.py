"""Performance history that looks like what it is named after: idle, office hours, busy, spiky, nightly batch."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from migrate_hub.local.demo.kinds import Profile
from migrate_hub.local.demo.wire import DiskSeries, Machine, MachinePoints, NicSeries, Series

Array = NDArray[np.float64]
DAY_SECONDS = 86_400
# 1970-01-01 was a Thursday
FIRST_WEEKDAY = 3
SPIKE_SHARE = 0.03
LONG_GAP_SHARE = 0.4
SINGLE_GAP_SHARE = 0.02


@dataclass(frozen=True)
class DiskLoad:
    """What a disk does at the peak of its machine's profile; reads and writes together."""

    peak_iops: float
    peak_mbps: float
    write_share: float


@dataclass(frozen=True)
class Load:
    """How a machine is used. The same seed gives the same history."""

    profile: Profile
    peak_cpu_percent: float
    idle_memory_percent: float
    peak_memory_percent: float
    disks: tuple[DiskLoad, ...]
    nic_mbps: tuple[float, ...]
    has_gaps: bool
    has_memory: bool
    has_iops: bool
    seed: tuple[int, int, int]


def activity(profile: Profile, seconds: Array, random: np.random.Generator) -> Array:
    """How active a machine is at each instant (seconds since 1970), from 0 to 1."""
    hour = seconds % DAY_SECONDS / 3600
    match profile:
        case "office_hours":
            weekend = (seconds // DAY_SECONDS + FIRST_WEEKDAY) % 7 >= 5
            day = np.clip(np.sin((hour - 6.5) / 12 * np.pi), 0.06, 1)
            return cast(Array, np.where(weekend, 0.12 * day, day))
        case "busy":
            return 0.82 + 0.12 * np.sin(hour / 12 * np.pi)
        case "spiky":
            spikes = random.random(len(seconds)) < SPIKE_SHARE
            return cast(Array, np.where(spikes, random.uniform(0.6, 1, len(seconds)), 0.07))
        case "nightly_batch":
            return cast(Array, np.where((hour >= 1) & (hour < 4.5), 0.95, 0.05))
        case _:
            return np.full(len(seconds), 0.3)


def points_of_block(machine: Machine, load: Load, *, start_at: str, seconds: Array, block: int) -> MachinePoints:
    """The points of one machine at these instants; what a gap covers is `None` in every series."""
    random = np.random.default_rng([*load.seed, block])
    active = activity(load.profile, seconds, random)
    missing = _gaps(load, random, len(seconds))
    rows = _rows(load, active, seconds, random)
    if not load.has_memory:
        rows[1] = [None] * len(seconds)
    for row in rows:
        for index in missing:
            row[index] = None
    return _named(machine, load, start_at, rows)


def _rows(load: Load, active: Array, seconds: Array, random: np.random.Generator) -> list[Series]:
    """CPU, memory, four series a disk and two a NIC, as lists of rounded numbers."""
    peaks = [load.peak_cpu_percent]
    for disk in load.disks:
        read, write = 1 - disk.write_share, disk.write_share
        peaks += [disk.peak_mbps * read, disk.peak_mbps * write, disk.peak_iops * read, disk.peak_iops * write]
    for nic in load.nic_mbps:
        peaks += [nic, 0.7 * nic]
    noise = random.standard_normal((len(peaks), len(active)))
    series = np.asarray(peaks)[:, None] * active * np.abs(1 + 0.15 * noise)
    series[0] = np.clip(series[0] + 0.4, 0, 100)
    memory = _memory_percent(load, active, seconds) + 0.3 * noise[0]
    rows: list[Series] = series.round(2).tolist()
    rows.insert(1, np.clip(memory, 0, 100).round(2).tolist())
    return rows


def _memory_percent(load: Load, active: Array, seconds: Array) -> Array:
    """Memory follows activity half-heartedly and breathes over three days."""
    room = load.peak_memory_percent - load.idle_memory_percent
    breath = 0.1 * np.sin(seconds / (3 * DAY_SECONDS) * 2 * np.pi)
    return load.idle_memory_percent + room * (0.6 * active + 0.2 + breath)


def _gaps(load: Load, random: np.random.Generator, count: int) -> list[int]:
    """Indices without data: seldom a single point, and hours on machines that have gaps."""
    gaps: set[int] = set()
    if random.random() < SINGLE_GAP_SHARE:
        gaps.add(int(random.integers(count)))
    if load.has_gaps and random.random() < LONG_GAP_SHARE:
        first = int(random.integers(count))
        gaps.update(range(first, min(first + int(random.integers(3, 60)), count)))
    return sorted(gaps)


def _named(machine: Machine, load: Load, start_at: str, rows: list[Series]) -> MachinePoints:
    remaining = iter(rows)
    cpu, memory = next(remaining), next(remaining)
    disks = {}
    for disk in machine.disks:
        read_mbps, write_mbps, read_iops, write_iops = (next(remaining) for _ in range(4))
        disks[disk.source_id] = DiskSeries(
            read_mbps=read_mbps,
            write_mbps=write_mbps,
            read_iops=read_iops if load.has_iops else UNSET,
            write_iops=write_iops if load.has_iops else UNSET,
        )
    nics = {
        nic.source_id: NicSeries(received_mbps=next(remaining), transmitted_mbps=next(remaining))
        for nic in machine.nics
    }
    return MachinePoints(
        source_id=machine.source_id,
        start_at=start_at,
        cpu_percent=cpu,
        memory_percent=memory,
        disks=disks,
        nics=nics,
    )
