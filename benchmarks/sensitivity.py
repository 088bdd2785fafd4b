"""One position of the sliders, the whole grid and the comparison of two runs, for many machines.

    python benchmarks/sensitivity.py [--machines 35000] [--days 2]

Starts its own servers, worker and estate as `benchmarks/assessment.py` does. The limit beside each position is what it
takes to read every array that it needs once (copying them); beside the grid, the positions of one process in a row.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # this folder has a module named as one of our packages

from benchmarks.assessment import percentiles_seconds, published, wait  # noqa: E402
from benchmarks.fixtures.estate import Installation, installation  # noqa: E402

POSITIONS = 30


def seconds_of(function: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def copied(value: Any) -> int:
    """Copies every array of a value of the engine; the bytes that were copied."""
    if isinstance(value, np.ndarray):
        return value.copy().nbytes
    return sum(copied(getattr(value, field.name)) for field in fields(value)) if is_dataclass(value) else 0


def positions(made: Installation, run: Any) -> None:
    """Cold: the arrays come from the database. Warm: they are in the process."""
    from assessments.percentile_grid import WINDOW_NAMES, Reading
    from assessments.sensitivity import workbench
    from ingest.percentiles import MENU
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        cold, bench = seconds_of(lambda: workbench(run))
    print(f"stored arrays read and laid out: {cold:.2f} s, {bench.nbytes / 1e6:.0f} MB, once a process and run")
    dice, warm, limits = random.Random(1), [], []
    for _ in range(POSITIONS):
        reading = Reading(dice.randrange(len(MENU)), dice.randrange(len(WINDOW_NAMES)))
        factor = Decimal(dice.randint(100, 200)) / 100
        seconds, _ = seconds_of(lambda reading=reading, factor=factor: bench.at(factor, bench.machines(reading)))  # type: ignore[misc]
        warm.append(seconds)
        limits.append(seconds_of(lambda reading=reading: copied(bench.machines(reading)))[0])  # type: ignore[misc]
    median, limit = statistics.median(warm), statistics.median(limits)
    print(f"a position, warm: median {median * 1000:.0f} ms, most {max(warm) * 1000:.0f} ms; wanted: below 300")
    print(f"  reading its arrays alone: {limit * 1000:.0f} ms, ratio {limit / median:.2f}")


def grid(made: Installation, run: Any) -> None:
    """The whole grid by the worker's two processes."""
    from assessments.models import Sensitivity
    from assessments.sensitivity_jobs import GRID_POSITIONS, request_grid
    from migrate_hub.tenants.row_level_security import tenant_context

    def done() -> bool:
        with tenant_context(made.tenant_id):
            return bool(Sensitivity.objects.filter(run=run, grid_status="completed").exists())

    started = time.perf_counter()
    with tenant_context(made.tenant_id):
        request_grid(run)
    wait(done, "the grid")
    seconds = time.perf_counter() - started
    each = seconds / GRID_POSITIONS
    print(
        f"the grid of {GRID_POSITIONS} positions: {seconds:.1f} s, {each * 1000:.0f} ms a position; wanted: below 60 s"
    )


def comparison(made: Installation, before: Any, after: Any) -> None:
    from assessments.comparison import CAUSES, compare
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        cold, found = seconds_of(lambda: compare(before, after))
        warm, _ = seconds_of(lambda: compare(before, after))
    parts = found.by_cause()
    assert sum(parts.values()) == found.after_total - found.before_total
    assert list(parts) == list(CAUSES)
    print(f"two runs compared by cause: {cold:.2f} s, again {warm * 1000:.1f} ms")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=35_000)
    parser.add_argument("--days", type=int, default=2)
    asked = parser.parse_args(arguments)
    with installation(asked.machines, asked.days) as made:
        run, seconds = published(made, "sensitive")
        print(f"published after {seconds:.1f} s")
        print(f"menu percentiles of the run stored {percentiles_seconds(made, run):.1f} s later")
        positions(made, run)
        grid(made, run)
        other, _ = published(made, "other", percentile=50, commitment="reservation_1y", hybrid_benefit="none")
        percentiles_seconds(made, other)
        comparison(made, run, other)


if __name__ == "__main__":
    main(sys.argv[1:])
