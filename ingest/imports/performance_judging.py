"""Which rows of a performance CSV are kept, and what is said of the others."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.imports.instants import NAIVE, Instants, zone_named
from ingest.imports.parsed import Options, Problem, UnreadableFileError
from ingest.imports.performance_names import Metric, known_metric
from ingest.imports.performance_rows import Dialect, Rows, Texts
from ingest.imports.spill import SeriesNumbers, Spill
from ingest.limits import MAX_AHEAD, MAX_PERCENT, MAX_RATE
from ingest.text import is_clean

ROWS_SHOWN_A_CODE = 100
NAMES_SHOWN = 200
MAX_MACHINES = 200_000
MAX_KINDS = 1_000_000
MAX_ID_CHARACTERS = 255
DECIMALS = 4
# What a monitoring system calls all disks or nics together: as if no device was named.
ALL_PARTS = frozenset({"_total", "total", "*", "all", "aggregate"})

MESSAGES = {
    "columns": "The line does not have as many fields as the heading.",
    "no_machine": "The line names no machine, or one with characters that no name has.",
    "not_a_number": "The value is no number.",
    "timestamp": "The timestamp is neither ISO 8601 with a zone (2026-11-22T10:00:00Z) nor Unix time.",
    "naive_timestamp": "The timestamp has no zone. Name the zone with the option timezone, or export in UTC.",
    "out_of_range": "The value is negative or larger than can be true.",
    "in_future": "The timestamp lies more than a day ahead. Check the clock and the zone of the export.",
}


COLUMN_OF = {
    "no_machine": "machine",
    "not_a_number": "value",
    "out_of_range": "value",
    "timestamp": "timestamp",
    "naive_timestamp": "timestamp",
    "in_future": "timestamp",
}


class _Numbered:
    """Texts numbered in the order in which they are first seen."""

    def __init__(self, most: int, what: str) -> None:
        self.names: list[str] = []
        self._number_of: dict[str, int] = {}
        self._most, self._what = most, what

    def of(self, texts: list[str]) -> NDArray[np.int64]:
        """The number of each text, -1 for one that is empty or could not be stored."""
        return np.array([self._of(text) for text in texts], dtype=np.int64)

    def _of(self, text: str) -> int:
        found = self._number_of.get(text)
        if found is not None:
            return found
        if not text or len(text) > MAX_ID_CHARACTERS or not is_clean(text):
            return -1
        if len(self.names) >= self._most:
            detail = f"The file names more than {self._most:,} {self._what}. Are its columns in the right order?"
            raise UnreadableFileError("too_many_names", detail)
        self.names.append(text)
        return self._number_of.setdefault(text, len(self.names) - 1)


class KeptRows:
    """The rows of a file that are kept, in a spill; counts, and what was wrong with the others.

    `machine_names` and `kinds` (part, device, series) are what the numbers in `series_numbers` mean; `seen` is the
    first and the last second of what was kept.
    """

    def __init__(self, dialect: Dialect, options: Options) -> None:
        self.dialect = dialect
        self._options = options
        self._oldest = int((options.now - timedelta(days=options.retention_days)).timestamp())
        self._newest = int((options.now + MAX_AHEAD).timestamp())
        self._instants = Instants(zone_named(options.timezone))
        self._machines = _Numbered(MAX_MACHINES, "machines")
        self._metrics: dict[tuple[str, str], Metric | None] = {}
        self.kinds: dict[tuple[str, str, str], int] = {}
        self.series_numbers = SeriesNumbers()
        self.spill = Spill(self.series_numbers)
        self.seen: tuple[int, int] | None = None
        self._oldest_left_out: int | None = None
        self._unknown: Counter[str] = Counter()
        self._row_problems: dict[str, list[Problem]] = {}
        self._refused: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()

    @property
    def machine_names(self) -> list[str]:
        return self._machines.names

    def add(self, rows: Rows) -> None:
        """Judges the rows of a piece and keeps the good ones. Of a row only the first thing that is wrong is told."""
        self.counts["rows"] += len(rows.lines) + len(rows.ragged)
        self._refuse("columns", np.array(rows.ragged, dtype=np.int64), None)
        machine, seconds = (
            self._column(rows, "machine", self._machines.of),
            self._column(rows, "timestamp", self._seconds),
        )
        kind, factor, most = self._measured(rows)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.round(rows.values * factor, DECIMALS)
        good = np.ones(len(rows.lines), dtype=bool)
        good = self._drop(good, machine < 0, "no_machine", rows)
        good = self._skip(good, kind < 0, "unknown_metric")
        good = self._drop(good, rows.unreadable, "not_a_number", rows)
        good = self._skip(good, np.isnan(values), "no_value")
        good = self._drop(good, seconds == NAIVE, "naive_timestamp", rows)
        good = self._drop(good, seconds < 0, "timestamp", rows)
        good = self._drop(good, (values < 0) | (values > most), "out_of_range", rows)
        good = self._drop(good, seconds > self._newest, "in_future", rows)
        if not self._options.shift_to_now:
            good = self._leave_out_old(good, seconds)
        self._keep(good, machine=machine, kind=kind, seconds=seconds, values=values)

    def _column(self, rows: Rows, name: str, read: Callable[[list[str]], NDArray[np.int64]]) -> NDArray[np.int64]:
        column = rows.texts[name]
        return read(column.values)[column.codes] if len(column.codes) else np.empty(0, dtype=np.int64)

    def _seconds(self, texts: list[str]) -> NDArray[np.int64]:
        return self._instants.seconds(texts)

    def _measured(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Of each row: its series of a machine (-1: none of ours), the factor of its unit, the largest value."""
        nothing = Texts(np.zeros(len(rows.lines), dtype=np.int64), [""])
        metric, unit, part = (rows.texts.get(name, nothing) for name in ("metric", "unit", "part"))
        units, parts = max(len(unit.values), 1), max(len(part.values), 1)
        codes = (metric.codes * units + unit.codes) * parts + part.codes
        distinct, inverse = np.unique(codes, return_inverse=True)
        found = [
            self._kind(
                metric.values[code // parts // units], unit.values[code // parts % units], part.values[code % parts]
            )
            for code in distinct.tolist()
        ]
        self._count_unknown(metric, [kind < 0 for kind, _, _ in found], distinct // parts // units, inverse)
        kinds, factors, most = zip(*found, strict=True) if found else ((), (), ())
        return (
            np.array(kinds, dtype=np.int64)[inverse],
            np.array(factors, dtype=np.float64)[inverse],
            np.array(most, dtype=np.float64)[inverse],
        )

    def _kind(self, name: str, unit: str, part: str) -> tuple[int, float, float]:
        if (name, unit) not in self._metrics and len(self._metrics) < MAX_KINDS:
            self._metrics[name, unit] = known_metric(name, unit)
        metric = self._metrics.get((name, unit))
        if metric is None:
            return -1, 1.0, 0.0
        device = part if metric.part and part.lower() not in ALL_PARTS else ""
        if len(device) > MAX_ID_CHARACTERS or not is_clean(device):
            return -1, 1.0, 0.0
        if len(self.kinds) >= MAX_KINDS:
            raise UnreadableFileError("too_many_names", f"The file names more than {MAX_KINDS:,} disks and nics.")
        key = (metric.part, device, metric.series)
        kind = self.kinds.setdefault(key, len(self.kinds))
        return kind, metric.factor, MAX_RATE if metric.part else MAX_PERCENT

    def _count_unknown(
        self, metric: Texts, unknown: list[bool], metrics: NDArray[np.int64], inverse: NDArray[np.int64]
    ) -> None:
        if not any(unknown):
            return
        rows = np.bincount(inverse, minlength=len(metrics)).tolist()
        for number, count, is_unknown in zip(metrics.tolist(), rows, unknown, strict=True):
            name = metric.values[number][:60] or "(empty)"
            if is_unknown and (name in self._unknown or len(self._unknown) < NAMES_SHOWN):
                self._unknown[name] += count

    def _drop(self, good: NDArray[np.bool_], bad: NDArray[np.bool_], code: str, rows: Rows) -> NDArray[np.bool_]:
        """Refuses rows: an error each, as far as they are shown."""
        wrong = good & bad
        if wrong.any():
            self._refuse(code, rows.lines[wrong], rows)
        return good & ~bad

    def _refuse(self, code: str, lines: NDArray[np.int64], rows: Rows | None) -> None:
        if not len(lines):
            return
        self._refused[code] += len(lines)
        shown = self._row_problems.setdefault(code, [])
        column = self.dialect.heading(COLUMN_OF.get(code, ""))
        for line in lines[: ROWS_SHOWN_A_CODE - len(shown)].tolist():
            shown.append(Problem("error", code, MESSAGES[code], row=line, column=column))

    def tell(self, problem: Problem) -> None:
        """A problem that is none of a row."""
        self._row_problems.setdefault(problem.code, []).append(problem)

    def _skip(self, good: NDArray[np.bool_], bad: NDArray[np.bool_], reason: str) -> NDArray[np.bool_]:
        """Leaves rows out that are not wrong."""
        count = int((good & bad).sum())
        if count:
            self.skipped[reason] += count
        return good & ~bad

    def _leave_out_old(self, good: NDArray[np.bool_], seconds: NDArray[np.int64]) -> NDArray[np.bool_]:
        old = good & (seconds < self._oldest)
        if old.any():
            self.note_old(int(seconds[old].min()))
        return self._skip(good, old, "too_old")

    def note_old(self, seconds: int) -> None:
        self._oldest_left_out = min(self._oldest_left_out or seconds, seconds)

    def _keep(
        self,
        good: NDArray[np.bool_],
        *,
        machine: NDArray[np.int64],
        kind: NDArray[np.int64],
        seconds: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        if not good.any():
            return
        series, kept, times = self.series_numbers.of(machine[good], kind[good]), values[good], seconds[good]
        self.spill.add(series, times, kept)
        low, high = int(times.min()), int(times.max())
        self.seen = (min(low, self.seen[0]), max(high, self.seen[1])) if self.seen else (low, high)
        is_cpu = np.array([name == "cpu_percent" for _, _, name in self.kinds])
        self.counts["cpu_over_100_percent"] += int((is_cpu[kind[good]] & (kept > 100)).sum())

    def refuse_if_nothing_is_left(self) -> None:
        """Says what the matter is when no row of the file can be kept."""
        if self.seen:
            return
        rows = self.counts["rows"]
        if not rows:
            raise UnreadableFileError("no_rows", "The file holds a heading but no rows. Export it again.")
        if self.skipped["too_old"]:
            raise UnreadableFileError("too_old", self._about_old(rows))
        if self.skipped["unknown_metric"] == rows:
            raise UnreadableFileError("no_known_metric", f"No metric of the file is known. {self._about_unknown()}")
        if self._refused["naive_timestamp"]:
            raise UnreadableFileError("naive_timestamps", MESSAGES["naive_timestamp"])
        reasons = {**self._refused, **self.skipped}
        told = ", ".join(f"{code}: {count:,}" for code, count in sorted(reasons.items()))
        raise UnreadableFileError("no_usable_rows", f"None of the {rows:,} rows can be used ({told}).")

    def _about_old(self, rows: int) -> str:
        oldest = datetime.fromtimestamp(self._oldest_left_out or 0, UTC).date().isoformat()
        count, days = self.skipped["too_old"], self._options.retention_days
        return (
            f"{count:,} of {rows:,} rows are older than the {days} days that are kept (the oldest of {oldest}). Send "
            "the file with shift_to_now to move the whole history so that it ends now."
        )

    def _about_unknown(self) -> str:
        names = ", ".join(f'"{name}"' for name, _ in self._unknown.most_common(5))
        return f"Found: {names}. docs/imports.md lists the metrics and units that are understood."

    def problems(self) -> list[Problem]:
        """Everything that was found, the rows first."""
        found = [problem for code in sorted(self._row_problems) for problem in self._row_problems[code]]
        for code, count in sorted(self._refused.items()):
            if count > len(self._row_problems[code]):
                message = f"{count:,} rows in all, of which the first {ROWS_SHOWN_A_CODE} are listed: {MESSAGES[code]}"
                found.append(Problem("error", code, message))
        for name, count in sorted(self._unknown.items()):
            message = f'"{name}" in {count:,} rows is no metric that is kept, or its unit is not known.'
            found.append(Problem("warning", "unknown_metric", message, column=self.dialect.heading("metric")))
        if self.skipped["too_old"]:
            found.append(Problem("warning", "too_old", self._old_message()))
        return found

    def _old_message(self) -> str:
        if not self._options.shift_to_now:
            return self._about_old(self.counts["rows"])
        count, days = self.skipped["too_old"], self._options.retention_days
        return f"{count:,} rows lie more than {days} days before the last one and are left out."
