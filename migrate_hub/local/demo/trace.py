"""A recorded history, read from CSV and laid on the 5-minute grid; what was repaired on the way is counted.

One row a machine and 5 minutes, in the columns of the Grid Workloads Archive's Bitbrains traces (Shen, van Beek,
Iosup, CCGRID 2015), any compression that pandas knows. Real recordings are dirty: nothing is dropped in silence.
"""

import lzma
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from migrate_hub.local.demo.site import BLOCK_POINTS
from migrate_hub.local.demo.wire import Disk, DiskSeries, Machine, MachinePoints, Nic, NicSeries, Series, instant

INTERVAL_SECONDS = 300
CHUNK_ROWS = 100_000
COLUMNS = (
    "vm", "timestamp_s", "cpu_cores", "cpu_percent", "memory_capacity_kb", "memory_usage_kb",
    "disk_read_kbps", "disk_write_kbps", "net_received_kbps", "net_transmitted_kbps",
)  # fmt: skip
MEASURED = COLUMNS[2:]
CORES, CPU, CAPACITY, USAGE, READ, WRITE, RECEIVED, TRANSMITTED = range(len(MEASURED))
BUSIEST = 10
# The hub takes no percentage above this. A machine that starts is recorded with next to no capacity for a moment.
MAX_MEMORY_PERCENT = 10_000
# A recording says nothing of these; a fixed choice by machine keeps every run the same.
ASSUMED_SYSTEMS = (
    ("Microsoft Windows Server 2012 (64-bit)", "bios"),
    ("Red Hat Enterprise Linux 7 (64-bit)", "bios"),
    ("Microsoft Windows Server 2016 (64-bit)", "uefi"),
    ("Ubuntu Linux (64-bit)", "bios"),
    ("Microsoft Windows Server 2019 (64-bit)", "uefi"),
    ("CentOS 7 (64-bit)", "bios"),
    ("Microsoft Windows Server 2008 R2 (64-bit)", "bios"),
)
ASSUMED_DISK_GB = (40, 80, 100, 200, 500)
UNREADABLE = (OSError, ValueError, OverflowError, EOFError, lzma.LZMAError, zlib.error, pd.errors.ParserError)
Floats = NDArray[np.float32]
Slots = NDArray[np.int64]


class TraceError(Exception):
    """The file is no recording that can be played; the message says why."""


@dataclass
class TraceCounts:
    """What was found in a recording, in rows unless the name says otherwise."""

    rows: int = 0
    machines: int = 0
    unreadable: int = 0
    duplicate: int = 0
    off_grid: int = 0
    same_slot: int = 0
    zero_capacity: int = 0
    cpu_over_100: int = 0
    memory_over_capacity: int = 0
    implausible_memory: int = 0
    points: int = 0
    missing_points: int = 0
    machines_without_capacity: int = 0
    configuration_changes: int = 0

    def add(self, other: "TraceCounts") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class RecordedMachine:
    """One machine: slots (5 minutes since 1970, rising, each once) and the peaks measured there, [slot, MEASURED].

    `cores` and `capacity_kb` are those of the latest row of the slot; a row of zeros is no point but says "off".
    """

    number: int
    slots: Slots
    values: Floats
    is_on: NDArray[np.bool_]

    @property
    def source_id(self) -> str:
        return f"recorded-{self.number:04d}"

    @cached_property
    def busy_cores(self) -> float:
        """Cores in use, on average."""
        running = self.values[self.is_on]
        return float(np.mean(running[:, CORES] * running[:, CPU] / 100))

    def configuration(self, end_slot: int) -> tuple[int, int, str]:
        """Cores, memory in MB and power state as last seen before a slot; the first ones seen if that is later."""
        seen = int(np.searchsorted(self.slots, end_slot))
        running = np.flatnonzero(self.is_on[:seen])
        at = int(running[-1]) if len(running) else int(np.flatnonzero(self.is_on)[0])
        power_state = "on" if seen and self.is_on[seen - 1] else "off"
        return int(self.values[at, CORES]), max(round(float(self.values[at, CAPACITY]) / 1024), 1), power_state


class RecordedSite:
    """One site's share of a recording, shifted so that its last point ends at `ends_at`."""

    interval_seconds = INTERVAL_SECONDS

    def __init__(self, machines: Sequence[RecordedMachine], *, slot_range: tuple[int, int], ends_at: datetime) -> None:
        self._machines = {one.source_id: one for one in machines}
        self.first_slot, last_slot = slot_range
        self.point_count = last_slot - self.first_slot + 1
        self.start_at = ends_at - timedelta(seconds=self.point_count * INTERVAL_SECONDS)
        busiest = sorted(machines, key=lambda one: one.busy_cores, reverse=True)[:BUSIEST]
        self.groups = {"All machines": list(self._machines), "Busiest": [one.source_id for one in busiest]}

    @property
    def source_ids(self) -> Sequence[str]:
        return tuple(self._machines)

    def inventory(self, block: int) -> list[Machine]:
        return [
            _as_machine(one, self._configuration(one, block))
            for one in self._machines.values()
            if block == 0 or self._configuration(one, block) != self._configuration(one, block - 1)
        ]

    def _configuration(self, one: RecordedMachine, block: int) -> tuple[int, int, str]:
        return one.configuration(self.first_slot + (block + 1) * BLOCK_POINTS)

    def points(self, source_ids: Sequence[str], block: int) -> list[MachinePoints]:
        return [made for source_id in source_ids if (made := self._points(self._machines[source_id], block))]

    def _points(self, one: RecordedMachine, block: int) -> MachinePoints | None:
        start = self.first_slot + block * BLOCK_POINTS
        end = min(start + BLOCK_POINTS, self.first_slot + self.point_count)
        low, high = np.searchsorted(one.slots, [start, end])
        kept = one.is_on[low:high]
        if not kept.any():
            return None
        laid = np.full((len(MEASURED), end - start), np.nan)
        laid[:, one.slots[low:high][kept] - start] = one.values[low:high][kept].T
        start_at = self.start_at + timedelta(seconds=(start - self.first_slot) * INTERVAL_SECONDS)
        return _as_points(one, instant(start_at), laid)


def _as_machine(one: RecordedMachine, configuration: tuple[int, int, str]) -> Machine:
    cores, memory_mb, power_state = configuration
    operating_system, boot_type = ASSUMED_SYSTEMS[one.number % len(ASSUMED_SYSTEMS)]
    size_gb = ASSUMED_DISK_GB[one.number % len(ASSUMED_DISK_GB)]
    return Machine(
        source_id=one.source_id,
        name=f"recorded-{one.number:04d}",
        path="Recording",
        host="unknown",
        cluster="unknown",
        power_state=power_state,
        operating_system=operating_system,
        boot_type=boot_type,
        cores=cores,
        memory_mb=memory_mb,
        cpu_model=None,
        disks=(Disk("disk-0", "disk-0", size_gb),),
        nics=(Nic("nic-0", f"02:00:00:00:{one.number // 256 % 256:02x}:{one.number % 256:02x}", (), "unknown"),),
    )


def _as_points(one: RecordedMachine, start_at: str, laid: NDArray[np.float64]) -> MachinePoints:
    """`laid`: [MEASURED, point], NaN where nothing was recorded. Kilobytes a second become megabytes a second."""
    with np.errstate(invalid="ignore"):
        memory_percent = laid[USAGE] / laid[CAPACITY] * 100
        memory_percent[memory_percent > MAX_MEMORY_PERCENT] = np.nan
    return MachinePoints(
        source_id=one.source_id,
        start_at=start_at,
        cpu_percent=_series(laid[CPU], decimals=2),
        memory_percent=_series(memory_percent, decimals=2),
        disks={"disk-0": DiskSeries(read_mbps=_mbps(laid[READ]), write_mbps=_mbps(laid[WRITE]))},
        nics={"nic-0": NicSeries(received_mbps=_mbps(laid[RECEIVED]), transmitted_mbps=_mbps(laid[TRANSMITTED]))},
    )


def _mbps(kilobytes_a_second: NDArray[np.float64]) -> Series:
    return _series(kilobytes_a_second / 1000, decimals=4)


def _series(values: NDArray[np.float64], *, decimals: int) -> Series:
    row: Series = values.round(decimals).tolist()
    for index in np.flatnonzero(np.isnan(values)):
        row[index] = None
    return row


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recording:
    """A whole recording: its machines in order of their number, the slots it spans (both ends), what was counted."""

    machines: list[RecordedMachine]
    slot_range: tuple[int, int]
    counts: TraceCounts

    def site(self, *, number: int, ends_at: datetime) -> RecordedSite:
        """Every other machine: site 0 or 1."""
        return RecordedSite(self.machines[number::2], slot_range=self.slot_range, ends_at=ends_at)


def read_recording(path: Path) -> Recording:
    """Reads a recording; raises TraceError for a file that is none."""
    counts, rows = TraceCounts(), _read_rows(path)
    machines = []
    for number in sorted(rows):
        numbers, values = _joined(rows.pop(number))
        machine, found = lay_on_grid(number, numbers, values)
        counts.add(found)
        if machine.is_on.any():
            machines.append(machine)
    if not machines:
        raise TraceError(f"{path} holds no machine with capacity")
    counts.machines = len(machines)
    first, last = min(one.slots[0] for one in machines), max(one.slots[-1] for one in machines)
    return Recording(machines, (int(first), int(last)), counts)


Rows = dict[int, list[tuple[NDArray[np.float64], Floats]]]


def _read_rows(path: Path) -> Rows:
    """Per machine the stamps (seconds since 1970) and the measured values, as they come."""
    rows: Rows = {}
    try:
        with pd.read_csv(path, chunksize=CHUNK_ROWS, usecols=list(COLUMNS)) as chunks:
            for chunk in chunks:
                numbers = chunk.apply(pd.to_numeric, errors="coerce")
                for number, of_machine in numbers.dropna(subset=["vm"]).groupby("vm"):
                    stamps = of_machine["timestamp_s"].to_numpy(np.float64)
                    measured = of_machine[list(MEASURED)].to_numpy(np.float32)
                    rows.setdefault(int(float(str(number))), []).append((stamps, measured))
    except UNREADABLE as error:
        raise TraceError(f"{path} cannot be read as a recording: {error}") from error
    return rows


def _joined(parts: list[tuple[NDArray[np.float64], Floats]]) -> tuple[NDArray[np.float64], Floats]:
    return np.concatenate([stamps for stamps, _ in parts]), np.concatenate([values for _, values in parts])


def lay_on_grid(number: int, stamps: NDArray[np.float64], values: Floats) -> tuple[RecordedMachine, TraceCounts]:
    """Moves stamps to the start of their 5 minutes; rows that meet there become one point, the peak of each series."""
    counts = TraceCounts(rows=len(stamps))
    readable = np.isfinite(stamps) & np.isfinite(values).all(axis=1) & (values >= 0).all(axis=1)
    counts.unreadable = int((~readable).sum())
    order = np.argsort(stamps[readable], kind="stable")
    seconds, ordered = stamps[readable][order].astype(np.int64), values[readable][order]
    is_on = (ordered[:, CORES] > 0) & (ordered[:, CAPACITY] > 0)
    counts.zero_capacity = int((~is_on).sum())
    counts.cpu_over_100 = int((ordered[is_on, CPU] > 100).sum())
    counts.memory_over_capacity = int((ordered[is_on, USAGE] > ordered[is_on, CAPACITY]).sum())
    most = ordered[is_on, CAPACITY] * (MAX_MEMORY_PERCENT / 100)
    counts.implausible_memory = int((ordered[is_on, USAGE] > most).sum())
    counts.off_grid = int((seconds % INTERVAL_SECONDS != 0).sum())
    slots = seconds // INTERVAL_SECONDS
    counts.duplicate = int((np.diff(seconds) == 0).sum())
    counts.same_slot = int((np.diff(slots) == 0).sum()) - counts.duplicate
    machine = _peaks(number, slots, ordered, is_on)
    _count_points(machine, counts)
    return machine, counts


def _peaks(number: int, slots: Slots, values: Floats, is_on: NDArray[np.bool_]) -> RecordedMachine:
    """One row a slot. A row without capacity says nothing beside one that has it."""
    firsts = np.flatnonzero(np.diff(slots, prepend=slots[:1] - 1))
    if len(firsts) == 0:
        return RecordedMachine(number, slots, values, is_on)
    peaks = np.maximum.reduceat(np.where(is_on[:, None], values, 0), firsts)
    return RecordedMachine(number, slots[firsts], peaks, np.maximum.reduceat(is_on, firsts))


def _count_points(machine: RecordedMachine, counts: TraceCounts) -> None:
    running = machine.slots[machine.is_on]
    if len(running) == 0:
        counts.machines_without_capacity = 1
        return
    counts.points = len(running)
    counts.missing_points = int(running[-1] - running[0] + 1) - len(running)
    configurations = machine.values[machine.is_on][:, [CORES, CAPACITY]]
    counts.configuration_changes = int(np.diff(configurations, axis=0).any(axis=1).sum())
