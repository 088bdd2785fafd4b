"""An estate whose machines differ and whose utilization moves, so that percentiles, windows and headroom matter."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests import make
from tests.conftest import wait_until
from tests.estate import POINTS_A_DAY, Appliance, enrolled, group_of_all, last_full_hour, machine, points

SYSTEMS = (
    "Microsoft Windows Server 2019 (64-bit)",
    "Ubuntu Linux 22.04 (64-bit)",
    "Red Hat Enterprise Linux 8.4 (64-bit)",
    "Other (32-bit)",
    "Microsoft Windows Server 2008 R2 (64-bit)",
)


def varied_machines(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """Machines of 2 to 32 cores with one to three disks and up to two NICs."""
    return [
        machine(
            f"m-{number:03}",
            operating_system=chance.choice(SYSTEMS),
            boot_type=chance.choice(["bios", "uefi"]),
            cores=chance.choice([2, 4, 8, 16, 32]),
            memory_mb=chance.choice([4096, 8192, 32768, 131072]),
            disks=[
                {"source_id": f"scsi0:{disk}", "size_gb": chance.choice([40.0, 128.0, 900.5])}
                for disk in range(chance.randint(1, 3))
            ],
            nics=[{"source_id": f"40{nic:02}"} for nic in range(chance.randint(0, 2))],
        )
        for number in range(count)
    ]


def moving_points(listed: dict[str, Any], start: datetime, chance: random.Random) -> dict[str, Any]:
    """A day of utilization of a machine; some points are missing."""

    def series(most: float) -> list[float | None]:
        level = chance.uniform(0.05, 0.6) * most
        return [
            None if chance.random() < 0.05 else round(min(most, chance.expovariate(1 / level)), 4)
            for _ in range(POINTS_A_DAY)
        ]

    rates = {"read_mbps": 60.0, "write_mbps": 60.0, "read_iops": 3000.0, "write_iops": 3000.0}
    return points(
        listed["source_id"],
        start,
        cpu_percent=series(100.0),
        memory_percent=series(100.0),
        disks={disk["source_id"]: {name: series(most) for name, most in rates.items()} for disk in listed["disks"]},
        nics={
            nic["source_id"]: {"received_mbps": series(50.0), "transmitted_mbps": series(50.0)}
            for nic in listed["nics"]
        },
    )


def upload_days(appliance: Appliance, listed: Sequence[dict[str, Any]], days: int, chance: random.Random) -> None:
    """History up to the last full hour, one upload a day."""
    for day in range(days, 0, -1):
        start = last_full_hour() - timedelta(days=day)
        appliance.performance([moving_points(one, start, chance) for one in listed])


def varied_estate(api: make.Api, *, machines: int, days: int, seed: int) -> tuple[str, str, Appliance]:
    """A project, a group of all its machines, and the appliance that can change them."""
    chance = random.Random(seed)
    listed = varied_machines(machines, chance)
    project, appliance = enrolled(api, listed)
    upload_days(appliance, listed, days, chance)
    return project, group_of_all(api, project), appliance


def percentiles_there(api: make.Api, project: str, assessment: str) -> None:
    """Waits until the percentiles of the published run are stored."""
    path = f"projects/{project}/assessments/{assessment}/sensitivity/grid/"
    wait_until(
        lambda: api.ok(api.get(path))["percentiles"]["status"] == "completed", seconds=60, what="the percentiles"
    )
