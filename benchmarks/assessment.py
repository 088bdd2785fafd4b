"""Seconds from the queue to published results, beside what numpy alone needs for the percentiles of the same arrays.

    python benchmarks/assessment.py [--machines 2000] [--days 31] [--block-hours 1]

Starts its own PostgreSQL and Redis in a temporary folder and one Celery worker with two processes, and stops them. The
estate is written straight into the tables: every machine has 12 series (CPU, memory, two disks, one NIC) of 10-minute
points. "Cold" is read from the blocks: `--block-hours 1` are blocks as appliances send them, 24 those of whole days.
DuckDB is no dependency of this project; numpy's partition on float32 in memory is the faster peer, and the limit.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path[0] = str(PROJECT_DIR)  # this folder has a module that is named as one of our packages

from migrate_hub.local.environment import open_data_dir  # noqa: E402
from migrate_hub.local.postgres import EmbeddedPostgres  # noqa: E402
from migrate_hub.local.processes import start_process, stop_process  # noqa: E402
from migrate_hub.local.redis import EmbeddedRedis  # noqa: E402

WORKER_PROCESSES = 2
POOL = 4001  # different blocks; each machine and day takes some of them
POINTS_AN_HOUR, SERIES, DISKS = 6, 12, 2
SYSTEMS = (
    "Microsoft Windows Server 2019 (64-bit)",
    "Microsoft Windows Server 2012 R2 (64-bit)",
    "Ubuntu Linux 22.04 (64-bit)",
    "Red Hat Enterprise Linux 8.4 (64-bit)",
)
BLOCKS = """
INSERT INTO ingest_performanceblock
    (tenant_id, machine_id, start_at, appliance_id, epoch, sequence, layout_id, interval_seconds, points, received_at,
     "values")
SELECT %(tenant)s, m.id, start_at, %(appliance)s, 1, extract(epoch FROM start_at)::bigint, %(layout)s, 600, %(points)s,
       now(), p.packed
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM ingest_machine WHERE tenant_id = %(tenant)s) m
CROSS JOIN generate_series(%(first)s::timestamptz, %(last)s::timestamptz, %(step)s) AS start_at
JOIN bench_pool p ON p.n = (m.n * 31 + (extract(epoch FROM start_at)::bigint / 3600) * 7) %% %(pool)s
WHERE start_at < %(last)s
"""
NICS = """
INSERT INTO ingest_nic (tenant_id, id, machine_id, position, source_id, ip_addresses)
SELECT app_tenant(), id, machine_id, 0, '4000', '{10.0.0.7}' FROM unnest(%s::uuid[], %s::uuid[]) AS n (id, machine_id)
"""


@dataclass
class Installation:
    """Servers of this benchmark: one tenant with an estate in one group."""

    superuser: Any
    worker: int
    tenant_id: int
    group_id: UUID
    machine_ids: list[UUID]
    last_hour: datetime


@contextmanager
def installation(machines: int, days: int, block_hours: int) -> Iterator[Installation]:
    """Servers, worker and estate; all of it gone afterwards."""
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
        for embedded in (postgres, EmbeddedRedis(data_dir)):
            stack.callback(embedded.stop)
            embedded.start()
        made = _estate(postgres, machines, days, block_hours)
        command = ["celery", "--app", "migrate_hub", "--workdir", str(PROJECT_DIR), "worker", "--loglevel", "warning"]
        command += ["--concurrency", str(WORKER_PROCESSES), "--queues", "interactive,bulk,maintenance"]
        command += ["--without-gossip", "--without-mingle"]
        worker = start_process([sys.executable, "-m", *command], log=folder / "worker.log")
        stack.callback(stop_process, worker)
        made.worker = worker.pid
        yield made


def _estate(postgres: EmbeddedPostgres, machines: int, days: int, block_hours: int) -> Installation:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", database="owner", verbosity=0)
    call_command("load_catalog", verbosity=0)

    from groups.membership import create_group
    from ingest.models import Appliance
    from ingest.tasks import keep_partitions_around
    from migrate_hub.tenants.models import Project
    from migrate_hub.tenants.people import create_tenant
    from migrate_hub.tenants.row_level_security import tenant_context

    started = time.perf_counter()
    last_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    keep_partitions_around(last_hour.date())
    tenant, _ = create_tenant(name="bench", owner_email="bench@example.com")
    with tenant_context(tenant.id):
        project = Project.objects.create(name="bench", target_region="westeurope", currency="USD")
        appliance = Appliance.objects.create(project=project, name="bench", kind="vmware")
        ids = _machines(project.id, appliance.id, machines)
        group = create_group(project=project, name="all", filter={})
        layout = _layout(tenant.id)
    superuser = postgres._connect("migrate_hub")
    with superuser.cursor() as cursor:
        _pool(cursor, block_hours)
        step = timedelta(hours=block_hours)
        first = (last_hour - timedelta(days=days)).replace(hour=0)
        cursor.execute(
            BLOCKS,
            {
                "tenant": tenant.id, "appliance": str(appliance.id), "layout": str(layout), "pool": POOL,
                "points": block_hours * POINTS_AN_HOUR, "first": first, "last": last_hour, "step": step,
            },
        )  # fmt: skip
        blocks = cursor.rowcount
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    seconds = time.perf_counter() - started
    print(f"{machines:,} machines, {days} days of history in {blocks:,} blocks, written in {seconds:.0f} s")
    return Installation(superuser, 0, tenant.id, group.id, ids, last_hour)


def _machines(project_id: UUID, appliance_id: UUID, count: int) -> list[UUID]:
    """Machines with disks and NICs, straight into the tables."""
    from django.db import connection

    from migrate_hub.tenants.bulk import bulk_insert
    from migrate_hub.tenants.models import uuid7

    dice = np.random.default_rng(1)
    ids, now = [uuid7() for _ in range(count)], datetime.now(UTC)
    cores = dice.choice([2, 4, 8, 16, 32], count).tolist()
    systems = [SYSTEMS[number] for number in dice.integers(0, len(SYSTEMS), count)]
    bulk_insert(
        "ingest_machine",
        {
            "id": ("uuid", ids),
            "project_id": ("uuid", [project_id] * count),
            "appliance_id": ("uuid", [appliance_id] * count),
            "source_id": ("text", [f"vm-{number}" for number in range(count)]),
            "name": ("text", [f"machine-{number:06}" for number in range(count)]),
            "power_state": ("text", ["on"] * count),
            "operating_system": ("text", systems),
            "boot_type": ("text", [["bios", "uefi"][number] for number in dice.integers(0, 2, count)]),
            "cores": ("integer", cores),
            "memory_mb": ("bigint", [core * 4096 for core in cores]),
            "discovered_by": ("text", ["appliance"] * count),
            "configuration_version": ("bigint", [1] * count),
            "content_digest": ("bytea", [b""] * count),
            "epoch": ("integer", [1] * count),
            "sequence": ("bigint", [1] * count),
            "first_seen_at": ("timestamptz", [now] * count),
            "last_seen_at": ("timestamptz", [now] * count),
        },
    )
    bulk_insert(
        "ingest_disk",
        {
            "id": ("uuid", [uuid7() for _ in range(count * DISKS)]),
            "machine_id": ("uuid", [id for id in ids for _ in range(DISKS)]),
            "position": ("smallint", [*range(DISKS)] * count),
            "source_id": ("text", [f"scsi0:{number}" for number in range(DISKS)] * count),
            "size_gb": ("double precision", dice.integers(30, 1000, count * DISKS).astype(float).tolist()),
        },
    )
    with connection.cursor() as cursor:
        cursor.execute(NICS, [[uuid7() for _ in ids], ids])
    return ids


def _layout(tenant_id: int) -> UUID:
    from ingest.series import DISK_SERIES, MACHINE_SERIES, NIC_SERIES, Layout, Series, store_layouts

    disks = [Series("disk", f"scsi0:{number}", name) for number in range(DISKS) for name in DISK_SERIES]
    nics = [Series("nic", "4000", name) for name in NIC_SERIES]
    layout = Layout((*(Series("", "", name) for name in MACHINE_SERIES), *disks, *nics))
    store_layouts(tenant_id, [layout])
    return layout.id


def _pool(cursor: Any, block_hours: int) -> None:
    """Blocks of utilization that looks like utilization: a level with peaks, two decimals, some points missing."""
    dice = np.random.default_rng(2)
    points = block_hours * POINTS_AN_HOUR
    levels = np.array([20, 40, *[8, 8, 150, 100] * DISKS, 5, 5], dtype=np.float64)
    most = np.array([100, 100, *[1e4] * (4 * DISKS + 2)])
    cursor.execute("CREATE TABLE bench_pool (n bigint PRIMARY KEY, packed bytea)")
    for number in range(POOL):
        values = dice.gamma(2, 0.5, (SERIES, points)) * levels[:, None] * dice.uniform(0.3, 2)
        values = np.minimum(values, most[:, None]).round(2)
        values[dice.random(values.shape) < 0.01] = np.nan
        cursor.execute("INSERT INTO bench_pool VALUES (%s, %s)", [number, values.astype("<f4").tobytes()])


# --- measuring --------------------------------------------------------------------------------------------------------


def published(made: Installation, name: str, **settings: Any) -> tuple[Any, float]:
    """A completed run, and the seconds from the commit that queued it to the commit that published it."""
    from django.utils import timezone

    from assessments.models import AssessmentRun
    from assessments.queueing import queue_assessment
    from assessments.serializers import with_defaults
    from groups.models import Group
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        group = Group.objects.select_related("project").get(id=made.group_id)
        asked = {**with_defaults({}), **settings}
        run_id = queue_assessment(group=group, name=name, settings=asked, now=timezone.now()).latest_run_id
    started = time.perf_counter()

    def ended() -> Any:
        with tenant_context(made.tenant_id):
            runs = AssessmentRun.objects.select_related("catalog").filter(id=run_id)
            return runs.filter(status__in=["completed", "failed"]).first()

    run = wait(ended, f"the run {name}")
    if run.status != "completed":
        sys.exit(f"the run {name} failed: {run.failure_detail}")
    return run, time.perf_counter() - started


def wait(condition: Callable[[], Any], what: str, seconds: float = 3600) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"{what} did not end in {seconds:.0f} s")


def percentiles_seconds(made: Installation, run: Any) -> float:
    """How long after publishing every menu percentile of the run was stored."""
    from assessments.models import Sensitivity
    from migrate_hub.tenants.row_level_security import tenant_context

    def done() -> bool:
        with tenant_context(made.tenant_id):
            return bool(Sensitivity.objects.filter(run=run, percentiles_status="completed").exists())

    started = time.perf_counter()
    wait(done, "the percentiles")
    return time.perf_counter() - started


def partition_alone(made: Installation, window: timedelta) -> tuple[float, float]:
    """Machines a second of numpy on one core for the p95 of arrays in memory, and million values a second."""
    from ingest.percentiles import percentiles
    from ingest.performance import read_series
    from migrate_hub.tenants.row_level_security import tenant_context

    sample = made.machine_ids[:500]
    with tenant_context(made.tenant_id):
        series = [machine.values for machine in read_series(sample, made.last_hour - window, made.last_hour)]
    started = time.process_time()
    for values in series:
        percentiles(values, [95])
    seconds = time.process_time() - started
    return len(series) / seconds, sum(values.size for values in series) / seconds / 1e6


def peak_memory_mib(process_id: int) -> list[float]:
    """The most memory that each process of the worker ever had."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    peaks = []
    for child in children:
        lines = Path(f"/proc/{child}/status").read_text().splitlines()
        peaks.append(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
    return peaks


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=2000)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--block-hours", type=int, default=1, choices=[1, 2, 4, 6, 12, 24])
    asked = parser.parse_args(arguments)
    with installation(asked.machines, asked.days, asked.block_hours) as made:
        published(made, "warm-up", sizing_criterion="as_on_premises")  # imports, catalog, connections
        _, seconds = published(made, "as on-premises", sizing_criterion="as_on_premises")
        print(f"as on-premises          {seconds:7.2f} s  {asked.machines / seconds:8,.0f} machines/s")
        for window, length in (("1_day", timedelta(days=1)), ("1_month", timedelta(days=30))):
            run, seconds = published(made, window, performance_window=window)
            stored = percentiles_seconds(made, run)
            rate = asked.machines / seconds
            alone, values = partition_alone(made, length)
            print(f"cold, window {window:10} {seconds:7.2f} s  {rate:8,.0f} machines/s")
            print(
                f"  numpy partition alone, one core: {alone:8,.0f} machines/s, {values:.0f} M values/s; "
                f"ratio {rate / alone:.2f} of one core, {rate / alone / WORKER_PROCESSES:.2f} of {WORKER_PROCESSES}"
            )
            print(f"  menu percentiles of the run stored {stored:.2f} s after publishing")
        peaks = ", ".join(f"{peak:.0f}" for peak in peak_memory_mib(made.worker))
        print(f"peak memory of the worker's processes: {peaks} MiB; wanted: below 1,024")


if __name__ == "__main__":
    main(sys.argv[1:])
