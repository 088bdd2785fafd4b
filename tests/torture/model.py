"""What the hub must hold after everything that was sent: the points and sizes of machines, kept by the test."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

POINTS, INTERVAL_SECONDS = 6, 600
HOURS = 36
DISK, NIC = "scsi0:0", "4000"
MACHINE_SERIES = ("cpu_percent", "memory_percent")
DISK_SERIES = ("read_mbps", "write_mbps", "read_iops", "write_iops")
NIC_SERIES = ("received_mbps", "transmitted_mbps")

Rank = tuple[int, int]
Slot = tuple[str, str, int]


def last_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def random_points(dice: random.Random, source_id: str, start_at: datetime) -> dict[str, Any]:
    """One machine's hour: some series left out, some points null."""

    def array(names: tuple[str, ...]) -> dict[str, Any]:
        chosen = [name for name in names if dice.random() < 0.9]
        return {
            name: [None if dice.random() < 0.1 else round(dice.uniform(0, 100), 2) for _ in range(POINTS)]
            for name in chosen
        }

    return {
        "source_id": source_id,
        "start_at": start_at.isoformat(),
        "cpu_percent": [round(dice.uniform(0, 100), 2) for _ in range(POINTS)],
        **array(MACHINE_SERIES[1:]),
        "disks": {DISK: array(DISK_SERIES)},
        "nics": {NIC: array(NIC_SERIES)},
    }


def series_of(machine: dict[str, Any]) -> Iterator[tuple[str, list[float | None]]]:
    """Each series of a machine of an upload by a name of its own."""
    for name in MACHINE_SERIES:
        if name in machine:
            yield name, machine[name]
    for part in ("disks", "nics"):
        for source_id, series in machine[part].items():
            for name, values in series.items():
                yield f"{part} {source_id} {name}", values


@dataclass
class Model:
    """Per machine, series and slot the non-null value of the highest (epoch, sequence); per machine its memory."""

    points: dict[Slot, tuple[Rank, float]] = field(default_factory=dict)
    memory_mb: dict[str, list[int]] = field(default_factory=dict)

    def add_points(self, rank: Rank, machines: list[dict[str, Any]]) -> None:
        for machine in machines:
            start = int(datetime.fromisoformat(machine["start_at"]).timestamp())
            for name, values in series_of(machine):
                for number, value in enumerate(values):
                    slot = (machine["source_id"], name, start + number * INTERVAL_SECONDS)
                    if value is not None and rank >= self.points.get(slot, (rank, 0))[0]:
                        self.points[slot] = (rank, value)

    def series(self, source_id: str) -> dict[tuple[str, int], float]:
        """The points of a machine by series and instant."""
        return {(name, at): value for (owner, name, at), (_, value) in self.points.items() if owner == source_id}


def charted(chart: dict[str, Any]) -> dict[tuple[str, int], float]:
    """The points of a chart that was not down-sampled, in the form of Model.series()."""
    assert chart["bucket_seconds"] == chart["interval_seconds"] == INTERVAL_SECONDS
    start = int(datetime.fromisoformat(chart["start_at"]).timestamp())
    found = [(name, chart[name]) for name in MACHINE_SERIES if name in chart]
    for part in ("disks", "nics"):
        for source_id, series in chart[part].items():
            found += [(f"{part} {source_id} {name}", statistics) for name, statistics in series.items()]
    return {
        (name, start + number * INTERVAL_SECONDS): value
        for name, statistics in found
        for number, value in enumerate(statistics["maximum"])
        if value is not None
    }


def window() -> str:
    """The query of a chart that holds everything the tests send."""
    start, end = last_hour() - timedelta(hours=HOURS + 4), last_hour() + timedelta(hours=4)
    return f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={end:%Y-%m-%dT%H:%M:%SZ}"
