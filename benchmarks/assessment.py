"""A run from the queue to its published results, beside what DuckDB needs only for the p95 of the same history.

    python benchmarks/assessment.py [--machines 35000] [--days 31] [--peer 5000]

Starts its own PostgreSQL, Redis and one Celery worker with two processes, and stops them. The estate of
benchmarks/fixtures/estate.py is assessed in groups of 1,000, 5,000 and all machines, over the month, in all scenarios:
"cold" from the points, "warm" from rolled-up rows. DuckDB reads `--peer` machines; its time for more is in proportion.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # this folder has a module named as one of our packages

from benchmarks.fixtures.duckdb_peer import p95_seconds  # noqa: E402
from benchmarks.fixtures.estate import WORKER_PROCESSES, Installation, installation  # noqa: E402

GROUPS = (1000, 5000)
MONTH = timedelta(days=30)
LOADED_ABOVE = 0.5


def published(made: Installation, name: str, group_id: UUID | None = None, **settings: Any) -> tuple[Any, float]:
    """A completed run, and the seconds from the commit that queued it to the commit that published it."""
    from django.utils import timezone

    from assessments.models import AssessmentRun
    from assessments.queueing import queue_assessment
    from assessments.serializers import with_defaults
    from groups.models import Group
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        group = Group.objects.select_related("project").get(id=group_id or made.group_id)
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


def peak_memory_mib(process_id: int) -> list[float]:
    """The most memory that each process of the worker ever had."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    peaks = []
    for child in children:
        lines = Path(f"/proc/{child}/status").read_text().splitlines()
        peaks.append(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
    return peaks


def group_of(made: Installation, count: int) -> UUID:
    """A group of the first machines."""
    from groups.membership import create_group
    from migrate_hub.tenants.models import Project
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        return create_group(
            project=Project.objects.get(), name=f"{count} machines", machines=made.machine_ids[:count]
        ).id


def forget_rows(made: Installation) -> None:
    with made.superuser.cursor() as cursor:
        cursor.execute("TRUNCATE ingest_rollup")


def age_rows(made: Installation, count: int | None = None) -> None:
    """Makes rows invalid, those of all machines or of some, as the next hour or late points would."""
    chosen = [str(machine_id) for machine_id in made.machine_ids[:count]]
    with made.superuser.cursor() as cursor:
        cursor.execute("UPDATE ingest_rollup SET fingerprint = '' WHERE machine_id = ANY(%s::uuid[])", [chosen])


def refreshed_seconds(made: Installation) -> float:
    """How long the background takes for what is invalid, from the beat to the last commit."""
    from django.utils import timezone

    from ingest.rollup_jobs import REFRESH_TASK, plan_refresh
    from migrate_hub.jobs.models import OPEN_STATES, Job

    started = time.perf_counter()
    plan_refresh(made.tenant_id, timezone.now())
    wait(lambda: not Job.objects.filter(task=REFRESH_TASK, state__in=OPEN_STATES).exists(), "the refresh")
    return time.perf_counter() - started


def measure_group(made: Installation, count: int) -> float:
    """Prints what runs of this many machines take; the seconds of the warm one."""
    group_id = made.group_id if count == len(made.machine_ids) else group_of(made, count)
    forget_rows(made)
    as_is = published(made, f"as-is {count}", group_id, sizing_criterion="as_on_premises")[1]
    run, cold = published(made, f"cold {count}", group_id, performance_window="1_month")
    percentiles = percentiles_seconds(made, run)
    again, warm = published(made, f"warm {count}", group_id, performance_window="1_month")
    if again.performance_end_at != run.performance_end_at:  # an hour ended meanwhile: that was a cold one
        percentiles_seconds(made, again)
        again, warm = published(made, f"warm again {count}", group_id, performance_window="1_month")
    percentiles_seconds(made, again)
    for name, seconds in (("as on-premises", as_is), ("month, cold", cold), ("month, warm", warm)):
        rate = f"{count / seconds:8,.0f} machines/s {1000 * seconds / count:6.2f} ms a machine"
        print(f"{count:6,} machines, {name:15} {seconds:7.2f} s {rate}")
    print(f"{count:6,} machines, rows of all windows and the run's percentiles {percentiles:.2f} s after the cold run")
    return warm


def measure_refresh(made: Installation) -> None:
    count = len(made.machine_ids)
    age_rows(made)
    print(
        f"{count:6,} machines rolled up anew, 3 windows: {refreshed_seconds(made):.2f} s; wanted for 35,000: below 90"
    )
    age_rows(made, count // 20)
    print(f"{count // 20:6,} of them changed:               {refreshed_seconds(made):.2f} s")
    print(f"     0 of them changed:               {refreshed_seconds(made):.2f} s")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=2000)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--peer", type=int, default=5000)
    asked = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    print(f"load before: {load:.1f}{', so the machine is busy with other work' if load > LOADED_ABOVE else ''}")
    with installation(asked.machines, asked.days) as made:
        published(made, "warm-up", sizing_criterion="as_on_premises")  # imports, catalog, connections
        for count in (count for count in GROUPS if count < asked.machines):
            measure_group(made, count)
        warm = measure_group(made, asked.machines)
        measure_refresh(made)
        peer = min(asked.peer, asked.machines)
        duckdb = p95_seconds(made, MONTH, made.machine_ids[:peer]) * asked.machines / peer
        print(
            f"DuckDB, two threads, only the p95 of the month: {duckdb:.2f} s, {asked.machines / duckdb:,.0f} machines/s"
        )
        print(f"  (measured with {peer:,} machines); a warm run takes {warm / duckdb:.2f} of it; wanted: below 0.50")
        peaks = ", ".join(f"{peak:.0f}" for peak in peak_memory_mib(made.worker))
        print(f"peak memory of the worker's {WORKER_PROCESSES} processes: {peaks} MiB; wanted: below 1,024")


if __name__ == "__main__":
    main(sys.argv[1:])
