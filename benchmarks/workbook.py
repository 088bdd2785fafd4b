"""Seconds and memory of a report of 35,000 machines with 100,000 disks, beside plain pandas on the same rows.

    python benchmarks/workbook.py [--machines 35000]

Starts its own servers, worker and estate as `benchmarks/assessment.py` does, assesses it once, and makes each file in a
process of its own, from the rows in the database to the finished file. pandas is given its frames ready-made: only its
`to_excel` is timed. The memory is the most that each process ever had; "nothing" is a process that only starts.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path[0] = str(PROJECT_DIR)  # this folder has a module named as one of our packages

from benchmarks.assessment import group_of, published  # noqa: E402
from benchmarks.fixtures.estate import DISKS, Installation, installation  # noqa: E402

DISKS_A_MACHINE = 100_000 / 35_000
MORE_DISKS = """
INSERT INTO ingest_disk (tenant_id, id, machine_id, position, source_id, size_gb)
SELECT tenant_id, gen_random_uuid(), id, %(disks)s, 'scsi0:' || %(disks)s, 64
FROM (SELECT tenant_id, id FROM ingest_machine WHERE tenant_id = %(tenant)s ORDER BY id LIMIT %(count)s) machine
"""
TELL_MACHINES = """
UPDATE ingest_machine m SET disk_count = disk_count + 1, storage_gb = storage_gb + 64
FROM ingest_disk d
WHERE d.tenant_id = %(tenant)s AND d.position = %(disks)s AND m.tenant_id = d.tenant_id AND m.id = d.machine_id
"""
WANTED = {"four sheets": "wanted: below 30 s and 300 MB", "all sheets": "wanted: below 90 s"}


# --- one file, in a process of its own --------------------------------------------------------------------------------


def child(what: str, tenant: int, run_id: UUID) -> None:
    """Makes one file and prints seconds, MiB of memory, MB of the file."""
    import django

    django.setup()
    from assessments.models import AssessmentRun
    from migrate_hub.tenants.row_level_security import tenant_context
    from reports.data import build_report
    from reports.workbook import write_workbook

    with tenant_context(tenant):
        rows = AssessmentRun.objects.select_related("assessment__group", "assessment__project", "catalog")
        run = rows.get(id=run_id)
        report = build_report(run) if what == "all sheets" else build_report(run, frozenset())
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        if what == "pandas":
            seconds, cpu = pandas_seconds(report, file.name)
        else:
            started, worked = time.perf_counter(), time.process_time()
            if what != "nothing":
                write_workbook(report, Path(file.name))
            seconds, cpu = time.perf_counter() - started, time.process_time() - worked
        size = Path(file.name).stat().st_size
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    print(seconds, cpu, peak, size / 1e6)


def pandas_seconds(report: Any, path: str) -> tuple[float, float]:
    """What `to_excel` takes for the two big sheets, by the clock and of a core; the frames are there before."""
    import pandas as pd

    from reports.workbook.layouts import LAYOUTS

    layout = LAYOUTS["2024"]
    columns: dict[str, tuple[Any, ...]] = {"All_Assessed_Machines": layout.machines, "All_Assessed_Disks": layout.disks}
    values: dict[str, list[list[Any]]] = {name: [] for name in columns}
    for chunk in report.chunks():
        for name, rows in zip(columns, (chunk.machines, chunk.disks), strict=True):
            values[name] += [[column.cell(row) for column in columns[name]] for row in rows]
    frames = {name: pd.DataFrame(values.pop(name), columns=[one.heading for one in columns[name]]) for name in columns}
    started, worked = time.perf_counter(), time.process_time()
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        for name, frame in frames.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return time.perf_counter() - started, time.process_time() - worked


# --- all of them ------------------------------------------------------------------------------------------------------


def measured(made: Installation, what: str, run: Any, note: str = "") -> tuple[float, float]:
    """Seconds of a core and MiB of one file; with those by the clock, which other work stretches, printed."""
    command = [sys.executable, __file__, "--child", what, str(made.tenant_id), str(run.id)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, peak, size = (float(word) for word in answer.stdout.split()[-4:])
    times = f"{seconds:7.1f} s {cpu:7.1f} s of a core"
    print(f"{what:12} {run.machine_count:7,} machines {times} {peak:6.0f} MiB {size:7.1f} MB  {note}", flush=True)
    return cpu, peak


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=35_000)
    asked = parser.parse_args(arguments)
    print(f"load before: {os.getloadavg()[0]:.1f}")
    with installation(asked.machines, 0) as made:
        with made.superuser.cursor() as cursor:
            more = round(asked.machines * (DISKS_A_MACHINE - DISKS))
            names = {"tenant": made.tenant_id, "count": more, "disks": DISKS}
            cursor.execute(MORE_DISKS, names)
            cursor.execute(TELL_MACHINES, names)
        quarter = published(made, "quarter", group_of(made, asked.machines // 4))[0]
        whole = published(made, "whole")[0]
        nothing = measured(made, "nothing", whole)[1]
        small = measured(made, "four sheets", quarter)[1]
        four = measured(made, "four sheets", whole, WANTED["four sheets"])
        print(f"  above what a process takes anyhow: {small - nothing:.0f} and {four[1] - nothing:.0f} MiB")
        small = measured(made, "all sheets", quarter)[1]
        complete = measured(made, "all sheets", whole, WANTED["all sheets"])[1]
        print(f"  above what a process takes anyhow: {small - nothing:.0f} and {complete - nothing:.0f} MiB")
        peer = measured(made, "pandas", whole, "two big sheets, to_excel alone")
        seconds, memory = four[0] / peer[0], four[1] / peer[1]
        print(f"four sheets beside pandas: {seconds:.2f} of its time of a core, {memory:.2f} of its memory")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), UUID(sys.argv[4]))
    else:
        main(sys.argv[1:])
