"""What a machine costs in the sample store as an estate grows: uploads, folding, reading, and the bytes a value takes.

    python benchmarks/storage.py [--machines 500 1000 2000 4000] [--days 2]

Starts its own PostgreSQL in a temporary folder and stops it. Each estate is a tenant of its own with days of its own:
12 series of 10-minute points a machine, uploaded hour by hour through the function that the upload view calls, folded,
vacuumed as autovacuum does, and shrunk as the housekeeping does. Sizes are of tables, TOAST and indexes together.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from migrate_hub.local.environment import open_data_dir
from migrate_hub.local.postgres import EmbeddedPostgres

POINTS_AN_HOUR, SERIES, DISKS = 6, 12, 2
VALUES_A_DAY = 24 * POINTS_AN_HOUR * SERIES
DISK_SERIES = ("read_mbps", "write_mbps", "read_iops", "write_iops")
NIC_SERIES = ("received_mbps", "transmitted_mbps")
BYTES_WANTED = 5.0
POOL = 997  # different sets of points; each machine and hour takes one of them

SIZES = """
SELECT coalesce(sum(pg_total_relation_size(to_regclass('ingest_performanceblock_' || name))), 0)::bigint,
       coalesce(sum(pg_total_relation_size(to_regclass('ingest_foldedday_' || name))), 0)::bigint
FROM unnest(%s::date[]) day, to_char(day, 'YYYYMMDD') AS name
"""


@dataclass
class Measured:
    """One estate: seconds for all its machines and days, and bytes of its days."""

    machines: int
    upload: float
    read_blocks: float
    fold: float
    read_folded: float
    block_bytes: int
    left_bytes: int
    folded_bytes: int


@contextmanager
def database() -> Iterator[Any]:
    """A fresh database; yields a superuser's connection to look at sizes and to vacuum."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="mh-bench-"))
        folder.chmod(0o755)  # as root, PostgreSQL's own user must walk through it
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        data_dir = open_data_dir(folder)
        os.environ.update(data_dir.variables("http://127.0.0.1"))
        os.environ.update(DJANGO_SETTINGS_MODULE="migrate_hub.settings", LOG_LEVEL="WARNING")
        os.environ["STATEMENT_TIMEOUT_SECONDS"] = "600"  # as the services give their workers
        postgres = EmbeddedPostgres(data_dir)
        stack.callback(shutil.rmtree, postgres.home, ignore_errors=True)
        stack.callback(postgres.stop)
        postgres.start()
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", database="owner", verbosity=0)
        yield postgres._connect("migrate_hub")


def seconds_of(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def points_of_an_hour() -> list[dict[str, Any]]:
    """Sets of points of a machine with two decimals, as appliances send them."""
    dice = random.Random(7)

    def array(level: float, top: float) -> list[float]:
        return [round(min(dice.gammavariate(2, 0.5) * level, top), 2) for _ in range(POINTS_AN_HOUR)]

    return [
        {
            "cpu_percent": array(20, 100),
            "memory_percent": array(40, 100),
            "disks": {f"scsi0:{d}": {name: array(80, 1e4) for name in DISK_SERIES} for d in range(DISKS)},
            "nics": {"4000": {name: array(5, 1e4) for name in NIC_SERIES}},
        }
        for _ in range(POOL)
    ]


class Estate:
    """A tenant with one appliance and its machines."""

    def __init__(self, machines: int) -> None:
        from ingest.inventory import store_inventory
        from ingest.models import Appliance, Machine
        from migrate_hub.tenants.models import Project
        from migrate_hub.tenants.people import create_tenant
        from migrate_hub.tenants.row_level_security import tenant_context

        self.tenant, _ = create_tenant(name=f"{machines} machines", owner_email=f"{machines}@example.com")
        self.sources = [f"vm-{number:06}" for number in range(machines)]
        disks = [{"source_id": f"scsi0:{d}", "size_gb": 80.0} for d in range(DISKS)]
        records = [{"source_id": name, "name": name, "disks": disks} for name in self.sources]
        body = msgspec.json.encode({"sequence": 1, "snapshot": True, "machines": records})
        with tenant_context(self.tenant.id):
            project = Project.objects.create(name="bench", target_region="westeurope", currency="USD")
            self.appliance = Appliance.objects.create(project=project, name="bench", kind="vmware", epoch=1)
            store_inventory(appliance=self.appliance, epoch=1, key=uuid4(), body=body, now=datetime.now(UTC))
            self.machine_ids: list[UUID] = list(Machine.objects.values_list("id", flat=True))

    def upload_hour(self, start_at: datetime, pool: list[dict[str, Any]]) -> float:
        """Seconds from the body to the commit."""
        from ingest.store import store_performance
        from migrate_hub.tenants.row_level_security import tenant_context

        number = int(start_at.timestamp()) // 3600
        machines = [
            {"source_id": name, "start_at": start_at.isoformat(), **pool[(i * 31 + number * 7) % POOL]}
            for i, name in enumerate(self.sources)
        ]
        body = msgspec.json.encode({"sequence": number, "interval_seconds": 600, "machines": machines})
        started = time.perf_counter()
        with tenant_context(self.tenant.id):
            answer = store_performance(appliance=self.appliance, epoch=1, key=uuid4(), body=body, now=datetime.now(UTC))
        assert answer["accepted"] == len(self.sources), answer
        return time.perf_counter() - started

    def fold(self, days: Sequence[date]) -> None:
        from ingest.folding import fold_day

        for day in days:
            assert sum(fold_day(self.tenant.id, day)) == len(self.sources)

    def read(self, first: datetime, beyond: datetime) -> None:
        from ingest.performance import read_series
        from migrate_hub.tenants.row_level_security import tenant_context

        with tenant_context(self.tenant.id):
            assert sum(1 for _ in read_series(self.machine_ids, first, beyond)) == len(self.machine_ids)


def give_back(superuser: Any, days: Sequence[date]) -> None:
    """What autovacuum and the housekeeping do within an hour or so of a fold."""
    from django.db import transaction

    from ingest.partitions import reclaim_partition

    with superuser.cursor() as cursor:
        for day in days:
            cursor.execute(f"VACUUM ingest_performanceblock_{day:%Y%m%d}")
            cursor.execute(f"VACUUM ingest_foldedday_{day:%Y%m%d}")
    for day in days:
        with transaction.atomic():
            reclaim_partition(day)


def sizes(superuser: Any, days: Sequence[date]) -> tuple[int, int]:
    with superuser.cursor() as cursor:
        cursor.execute(SIZES, [list(days)])
        blocks, folded = cursor.fetchone()
    return int(blocks), int(folded)


def measure(superuser: Any, machines: int, days: Sequence[date], pool: list[dict[str, Any]]) -> Measured:
    """Uploads, reads, folds and reads again the days of one estate."""
    estate = Estate(machines)
    first = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC)
    beyond = first + timedelta(days=len(days))
    upload = sum(estate.upload_hour(first + timedelta(hours=n), pool) for n in range(24 * len(days)))
    with superuser.cursor() as cursor:
        cursor.execute("ANALYZE ingest_performanceblock")
    block_bytes, _ = sizes(superuser, days)
    read_blocks = seconds_of(lambda: estate.read(first, beyond))
    fold = seconds_of(lambda: estate.fold(days))
    give_back(superuser, days)
    left_bytes, folded_bytes = sizes(superuser, days)
    read_folded = seconds_of(lambda: estate.read(first, beyond))
    return Measured(
        machines,
        upload=upload,
        read_blocks=read_blocks,
        fold=fold,
        read_folded=read_folded,
        block_bytes=block_bytes,
        left_bytes=left_bytes,
        folded_bytes=folded_bytes,
    )


def show(found: Sequence[Measured], days: int) -> None:
    print(f"{days} days of {SERIES} series of 10-minute points; microseconds a machine and day, bytes a value")
    print("machines   upload     fold   read: blocks   folded   bytes: blocks   closed   of which left in blocks")
    for one in found:
        share = 1e6 / one.machines / days
        values = one.machines * days * VALUES_A_DAY
        print(
            f"{one.machines:8,} {one.upload * share:8.0f} {one.fold * share:8.0f}       {one.read_blocks * share:8.0f} "
            f"{one.read_folded * share:8.0f}        {one.block_bytes / values:8.2f} "
            f"{(one.folded_bytes + one.left_bytes) / values:8.2f}   {one.left_bytes / values:8.2f}"
        )
    small, large = found[0], found[-1]
    growth = large.machines / small.machines
    print(f"cost a machine, {large.machines:,} machines to {small.machines:,} (1.00: constant)")
    for name in ("upload", "fold", "read_folded"):
        print(f"  {name.replace('_', ' '):12} {getattr(large, name) / getattr(small, name) / growth:.2f}")
    values = large.machines * days * VALUES_A_DAY
    closed = (large.folded_bytes + large.left_bytes) / values
    print(f"closed days {closed:.2f} bytes a value, {closed / 4:.2f} of the bare float32; wanted: under {BYTES_WANTED}")
    print(f"reading folded days is {large.read_blocks / large.read_folded:.1f} times as fast as reading their blocks")
    print(f"folding {values / large.fold / 1e6:.1f} M values/s; uploads {values / large.upload / 1e6:.1f} M values/s")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, nargs="+", default=[500, 1000, 2000, 4000])
    parser.add_argument("--days", type=int, default=2)
    asked = parser.parse_args(arguments)
    pool = points_of_an_hour()
    today = datetime.now(UTC).date()
    with database() as superuser:
        measure(superuser, 50, [today - timedelta(days=33)], pool)  # warms up
        found = []
        for number, machines in enumerate(asked.machines):
            last = today - timedelta(days=2 + number * asked.days)
            days = [last - timedelta(days=n) for n in range(asked.days - 1, -1, -1)]
            found.append(measure(superuser, machines, days, pool))
        show(found, asked.days)


if __name__ == "__main__":
    main(sys.argv[1:])
