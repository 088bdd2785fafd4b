"""The parser of performance CSV files: what it understands and refuses, and that order and repeats do not matter."""

import gzip
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.imports import spill, text_pieces
from ingest.imports.instants import NAIVE, UNREADABLE, Instants, zone_named
from ingest.imports.parsed import Chunk, Options, UnreadableFileError
from ingest.imports.performance_csv import parse
from ingest.imports.performance_names import known_metric

NOW = datetime(2026, 11, 22, 10, 7, tzinfo=UTC)
HEADING = "machine,timestamp,metric,device,value"
Points = dict[tuple[str, str, str, str], dict[int, float]]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "file.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def chunks(folder: Path, text: str | bytes, **options: object) -> list[Chunk]:
    return list(parse(written(folder, text), Options(now=NOW, **options)))  # type: ignore[arg-type]


def told(found: Sequence[Chunk]) -> list[tuple[str, int | None]]:
    """The problems as (code, line)."""
    return [(problem.code, problem.row) for chunk in found for problem in chunk.problems]


def points(found: Sequence[Chunk]) -> Points:
    """Every point: {(machine, part, device, series): {second: value}}."""
    laid: Points = {}
    for chunk in found:
        for block in chunk.points:
            values = np.frombuffer(block.values, dtype="<f4").reshape(len(block.series), block.points)
            for name, row in zip(block.series, values, strict=True):
                series = laid.setdefault((block.machine, *name), {})
                for at, value in enumerate(row.tolist()):
                    if not np.isnan(value):
                        series[block.start_at + at * block.interval_seconds] = round(value, 4)
    return laid


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def refusal(folder: Path, text: str | bytes, **options: object) -> UnreadableFileError:
    with pytest.raises(UnreadableFileError) as refused:
        chunks(folder, text, **options)
    return refused.value


ROWS = [
    "sql-01,2026-11-22T09:00:00Z,cpu_percent,,12.5",
    "sql-01,2026-11-22T09:00:00Z,disk_read_mbps,scsi0:0,3",
    "sql-01,2026-11-22T09:05:00Z,cpu_percent,,20",
    "sql-01,2026-11-22T09:05:00Z,disk_read_mbps,scsi0:0,4.25",
]
READ: Points = {
    ("sql-01", "", "", "cpu_percent"): {seconds("2026-11-22T09:00Z"): 12.5, seconds("2026-11-22T09:05Z"): 20.0},
    ("sql-01", "disk", "scsi0:0", "read_mbps"): {seconds("2026-11-22T09:00Z"): 3, seconds("2026-11-22T09:05Z"): 4.25},
}


def plain(rows: Sequence[str] = ROWS, *, heading: str = HEADING, end: str = "\n") -> str:
    return end.join([heading, *rows]) + end


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(plain(), id="plain"),
        pytest.param(plain().rstrip("\n"), id="last line without an end"),
        pytest.param(plain(end="\r\n"), id="Windows line ends"),
        pytest.param(plain(end="\r"), id="old Mac line ends"),
        pytest.param("\ufeff" + plain(), id="UTF-8 with a mark"),
        pytest.param(plain().encode("utf-16"), id="UTF-16 with a mark"),
        pytest.param(plain().encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(gzip.compress(plain().encode()), id="gzip"),
        pytest.param(
            gzip.compress(plain(ROWS[:2]).encode()) + gzip.compress(plain(ROWS[2:])[38:].encode()), id="2 gzips"
        ),
        pytest.param(plain().replace(",", ";"), id="semicolons"),
        pytest.param(plain().replace(",", "\t"), id="tabs"),
        pytest.param(plain().replace(",", ";").replace("12.5", "12,5").replace("4.25", "4,25"), id="decimal commas"),
        pytest.param("sep=;\n" + plain().replace(",", ";"), id="Excel's separator line"),
        pytest.param('#TYPE Selected.Object\n"exported by x"\n\n' + plain(), id="lines above the heading"),
        pytest.param(plain().replace("sql-01", '"sql-01"'), id="quotes"),
        pytest.param(plain(heading="VM Name,Time,Counter,Instance,Value"), id="other headings"),
        pytest.param(plain(heading="VM Name,Time,Counter,Instance,Maximum"), id="maximum"),
        pytest.param(plain([f"{row},ok" for row in ROWS], heading=f"{HEADING},state"), id="a column more"),
        pytest.param(plain([*ROWS, "", ""]), id="blank lines below"),
        pytest.param(plain([*ROWS, *ROWS]), id="everything twice"),
        pytest.param(plain(ROWS[::-1]), id="backwards"),
    ],
)
def test_a_file_is_read_however_it_is_written(tmp_path: Path, text: str | bytes) -> None:
    found = chunks(tmp_path, text)
    assert points(found) == READ
    assert told(found) == []


def test_names_of_windows_1252_are_read(tmp_path: Path) -> None:
    found = chunks(tmp_path, plain().replace("sql-01", "büro-01").encode("cp1252"))
    assert {machine for machine, *_ in points(found)} == {"büro-01"}


def test_the_export_of_powercli_is_read(tmp_path: Path) -> None:
    text = (
        '"MetricId","Timestamp","Value","Unit","Instance","Entity"\n'
        '"cpu.usage.average","2026-11-22T09:00:00Z","12.5","%","","sql-01"\n'
        '"virtualDisk.read.average","2026-11-22T09:00:00Z","3000","KBps","scsi0:0","sql-01"\n'
        '"net.received.average","2026-11-22T09:00:00Z","500","KBps","4000","sql-01"\n'
    )
    at = seconds("2026-11-22T09:00Z")
    assert points(chunks(tmp_path, text)) == {
        ("sql-01", "", "", "cpu_percent"): {at: 12.5},
        ("sql-01", "disk", "scsi0:0", "read_mbps"): {at: 3.0},
        ("sql-01", "nic", "4000", "received_mbps"): {at: 0.5},
    }


@pytest.mark.parametrize(
    ("metric", "unit", "series", "factor"),
    [
        ("cpu_percent", "", "cpu_percent", 1),
        ("% Processor Time", "", "cpu_percent", 1),
        (r"\\sql-01\Processor(_Total)\% Processor Time", "", "cpu_percent", 1),
        ("CPU Usage (%)", "", "cpu_percent", 1),
        ("cpu", "ratio", "cpu_percent", 100),
        ("mem.usage.average", "%", "memory_percent", 1),
        ("% Committed Bytes In Use", "", "memory_percent", 1),
        ("read_mbps", "", "read_mbps", 1),
        ("Disk Read Bytes/sec", "", "read_mbps", 1e-6),
        ("disk_read", "KB/s", "read_mbps", 1e-3),
        ("disk_read", "KiB/s", "read_mbps", 1024e-6),
        ("disk_write_kbps", "", "write_mbps", 1e-3),
        ("Disk Writes/sec", "", "write_iops", 1),
        ("virtualDisk.numberReadAveraged.average", "number", "read_iops", 1),
        ("network_in", "Mbit/s", "received_mbps", 0.125),
        ("network_in", "Mbps", "received_mbps", 0.125),
        ("network_in", "MBps", "received_mbps", 1),
        ("network_in", "bps", "received_mbps", 1e-6 / 8),
        ("Network Out [kbit/s]", "", "transmitted_mbps", 1e-3 / 8),
        ("net_tx_bytes_per_second", "", "transmitted_mbps", 1e-6),
        ("nic_transmitted_gbps", "", "transmitted_mbps", 1e3),
    ],
)
def test_metrics_and_units_of_monitoring_systems(metric: str, unit: str, series: str, factor: float) -> None:
    found = known_metric(metric, unit)
    assert found is not None
    assert found.series == series
    assert found.factor == pytest.approx(factor)


@pytest.mark.parametrize(
    ("metric", "unit"),
    [("disk_read", ""), ("memory", "MB"), ("cpu.ready.summation", "ms"), ("cpu", "GHz"), ("cpu", "KB/s"), ("", "%")],
)
def test_what_cannot_be_told_is_not_guessed(metric: str, unit: str) -> None:
    assert known_metric(metric, unit) is None


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00Z"),
        ("2026-11-22 10:00:00+01:00", "2026-11-22T09:00Z"),
        ("2026-11-22 10:00:00 +0100", "2026-11-22T09:00Z"),
        ("2026-11-22 10:00:00 UTC", "2026-11-22T10:00Z"),
        ("2026-11-22T10:00:00.999Z", "2026-11-22T10:00Z"),
        ("1795341600", "2026-11-22T10:00Z"),
        ("1795341600.5", "2026-11-22T10:00Z"),
        ("1795341600000", "2026-11-22T10:00Z"),
        ("1795341600000000000", "2026-11-22T10:00Z"),
    ],
)
def test_instants(text: str, second: str) -> None:
    assert Instants(None).seconds([text]).tolist() == [seconds(second)]


@pytest.mark.parametrize("text", ["", "yesterday", "22.11.2026 10:00", "11/22/2026 10:00:00 AM", "12", "9999999999999"])
def test_what_is_no_instant(text: str) -> None:
    assert Instants(None).seconds([text]).tolist() == [UNREADABLE]


def test_instants_without_a_zone_need_one() -> None:
    texts = ["2026-11-22T10:00:00", "2026-07-01 10:00:00", "2026-10-25T02:30:00"]
    assert Instants(None).seconds(texts).tolist() == [NAIVE] * 3
    berlin = Instants(zone_named("Europe/Berlin")).seconds(texts).tolist()
    assert berlin == [seconds(one) for one in ("2026-11-22T09:00Z", "2026-07-01T08:00Z", "2026-10-25T00:30Z")]


def test_naive_timestamps_are_refused_and_the_answer_names_the_option(tmp_path: Path) -> None:
    text = plain().replace("Z,", ",")
    refused = refusal(tmp_path, text)
    assert (refused.code, "option timezone" in refused.detail) == ("naive_timestamps", True)
    in_tokyo = points(chunks(tmp_path, text, timezone="Asia/Tokyo"))
    nine_hours_before = {name: {at - 9 * 3600: value for at, value in row.items()} for name, row in READ.items()}
    assert in_tokyo == nine_hours_before


BAD_ROWS = [
    ("sql-01,2026-11-22T09:10:00Z,cpu_percent,", "columns"),
    ("sql-01,2026-11-22T09:10:00Z,cpu_percent,,1,2", "columns"),
    (",2026-11-22T09:10:00Z,cpu_percent,,1", "no_machine"),
    ("sql\x01,2026-11-22T09:10:00Z,cpu_percent,,1", "no_machine"),
    ("sql-01,2026-11-22T09:10:00Z,cpu_percent,,much", "not_a_number"),
    ("sql-01,2026-11-22T09:10:00Z,cpu_percent,,-1", "out_of_range"),
    ("sql-01,2026-11-22T09:10:00Z,cpu_percent,,10001", "out_of_range"),
    ("sql-01,2026-11-22T09:10:00Z,cpu_percent,,inf", "out_of_range"),
    ("sql-01,2026-11-22T09:10:00Z,disk_read_mbps,a,1e300", "out_of_range"),
    ("sql-01,22.11.2026 09:10,cpu_percent,,1", "timestamp"),
    ("sql-01,2026-11-22T09:10:00,cpu_percent,,1", "naive_timestamp"),
    ("sql-01,2026-11-24T09:10:00Z,cpu_percent,,1", "in_future"),
    ('sql-01","2026-11-22T09:10:00Z,cpu_percent,,1', "columns"),
]


@pytest.mark.parametrize(("row", "code"), BAD_ROWS)
def test_a_wrong_row_costs_only_itself_and_is_told_with_its_line(tmp_path: Path, row: str, code: str) -> None:
    found = chunks(tmp_path, plain([*ROWS[:2], row, *ROWS[2:]]))
    assert points(found) == READ
    assert told(found) == [(code, 4)]


def test_all_wrong_rows_together_cost_only_themselves(tmp_path: Path) -> None:
    rows = [row for row, _ in BAD_ROWS]
    found = chunks(tmp_path, plain([*rows, *ROWS, *rows]))
    assert points(found) == READ
    lines = [*range(2, 2 + len(rows)), *range(2 + len(rows) + len(ROWS), 2 + 2 * len(rows) + len(ROWS))]
    assert sorted(line for _, line in told(found) if line) == lines


def test_of_many_wrong_rows_a_hundred_are_shown_and_all_counted(tmp_path: Path) -> None:
    found = chunks(tmp_path, plain([*ROWS, *["sql-01,2026-11-22T09:10:00Z,cpu_percent,,x"] * 250]))
    problems = found[-1].problems
    assert len(problems) == 101
    assert problems[-1].message.startswith("250 rows in all")


def test_gaps_and_unknown_metrics_are_counted_not_fatal(tmp_path: Path) -> None:
    more = ["sql-01,2026-11-22T09:10:00Z,cpu_percent,,", "sql-01,2026-11-22T09:10:00Z,cpu_percent,,N/A"]
    more += ["sql-01,2026-11-22T09:10:00Z,fan_rpm,,900"] * 3
    last = chunks(tmp_path, plain([*ROWS, *more]))[-1]
    assert last.skipped == {"no_value": 2, "unknown_metric": 3}
    assert [(problem.severity, "fan_rpm" in problem.message) for problem in last.problems] == [("warning", True)]


def test_finer_points_are_rolled_up_to_their_peak_and_repeats_counted(tmp_path: Path) -> None:
    rows = [
        f"a,2026-11-22T08:{minute:02}:{second:02}Z,cpu,,{minute + second / 100}"
        for minute in range(15)
        for second in (0, 20, 40)
    ]
    found = chunks(tmp_path, plain([*rows, *rows[:5]]))
    start = seconds("2026-11-22T08:00Z")
    assert points(found) == {("a", "", "", "cpu_percent"): {start: 4.4, start + 300: 9.4, start + 600: 14.4}}
    assert found[-1].counts["duplicate_rows"] == 5
    assert found[-1].counts["rows_rolled_up"] == 42
    assert found[-1].counts["points_in_file"] == 3


def test_each_machine_gets_the_interval_of_its_points(tmp_path: Path) -> None:
    fine = [f"fine,2026-11-22T08:{minute:02}:00Z,cpu,,{minute}" for minute in range(0, 60, 5)]
    coarse = [f"coarse,2026-11-22T08:{minute:02}:05Z,cpu,,{minute}" for minute in range(0, 60, 10)]
    blocks = [block for chunk in chunks(tmp_path, plain([*fine, *coarse])) for block in chunk.points]
    assert {block.machine: (block.interval_seconds, block.points) for block in blocks} == {
        "fine": (300, 12),
        "coarse": (600, 6),
    }


def test_no_block_crosses_midnight(tmp_path: Path) -> None:
    rows = [f"a,2026-11-{day}T{hour:02}:30:00Z,cpu,,1" for day in (20, 21) for hour in range(24)]
    blocks = [block for chunk in chunks(tmp_path, plain(rows)) for block in chunk.points]
    assert [(block.start_at // 86_400, block.points) for block in blocks] == [(20777, 139), (20778, 139)]


def test_old_history_is_refused_and_the_answer_names_the_option(tmp_path: Path) -> None:
    refused = refusal(tmp_path, plain().replace("2026-11", "2013-08"))
    assert refused.code == "too_old"
    assert "4 of 4 rows" in refused.detail
    assert "2013-08-22" in refused.detail
    assert "shift_to_now" in refused.detail


def test_some_old_history_is_left_out_and_counted(tmp_path: Path) -> None:
    found = chunks(tmp_path, plain([*ROWS, "sql-01,2026-09-22T09:00:00Z,cpu_percent,,1"]))
    assert points(found) == READ
    assert found[-1].skipped == {"too_old": 1}
    assert told(found) == [("too_old", None)]


def test_a_shifted_history_ends_with_the_last_full_interval(tmp_path: Path) -> None:
    rows = [f"a,2013-08-{day:02}T{hour:02}:03:00Z,cpu,,{hour}" for day in range(1, 31) for hour in range(24)]
    found = chunks(tmp_path, plain(rows), shift_to_now=True)
    laid = points(found)["a", "", "", "cpu_percent"]
    assert max(laid) == seconds("2026-11-22T09:50Z")
    assert laid[max(laid)] == 23
    assert len(laid) == 720
    assert found[-1].counts["shifted_by_seconds"] % 600 == 0


def test_of_a_longer_history_the_last_35_days_are_kept(tmp_path: Path) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [f"a,{(start + timedelta(hours=hour)).isoformat()},cpu,,1" for hour in range(24 * 100)]
    found = chunks(tmp_path, plain(rows), shift_to_now=True)
    laid = points(found)["a", "", "", "cpu_percent"]
    assert min(laid) >= int((NOW - timedelta(days=35)).timestamp())
    assert found[-1].skipped["too_old"] == 2400 - len(laid)
    assert len(laid) == 35 * 24


def test_a_cpu_above_100_percent_is_kept_and_counted(tmp_path: Path) -> None:
    found = chunks(tmp_path, plain([*ROWS, "b,2026-11-22T09:00:00Z,cpu,,114"]))
    assert points(found)["b", "", "", "cpu_percent"] == {seconds("2026-11-22T09:00Z"): 114}
    assert found[-1].counts["cpu_over_100_percent"] == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "missing_columns", id="empty"),
        ("machine,metric,value\na,cpu,1\n", "missing_columns"),
        ("one line of prose", "missing_columns"),
        (HEADING + "\n", "no_rows"),
        (plain(["a,2026-11-22T09:00:00Z,fan_rpm,,900"]), "no_known_metric"),
        (plain(["a,2026-11-22T09:00:00Z,cpu,,x"]), "no_usable_rows"),
        (gzip.compress(plain().encode(), mtime=0)[:-12], "damaged_gzip"),
        (b"\x1f\x8b" + b"no gzip at all", "damaged_gzip"),
        (plain() + "\0", "other_kind"),
        pytest.param(plain() + "x" * (text_pieces.PIECE_BYTES + 2**16), "long_line", id="a long line"),
        pytest.param("x" * (text_pieces.PIECE_BYTES + 2), "long_line", id="no line ends"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_reason(tmp_path: Path, text: str | bytes, code: str) -> None:
    assert refusal(tmp_path, text).code == code


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, plain(), timezone="Middle/Earth").code == "unknown_timezone"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces, buckets, batches and grids so small that a few rows fill many of them."""
    monkeypatch.setattr(text_pieces, "PIECE_BYTES", 256)
    for name, size in (("BUCKET_MACHINES", 2), ("FLUSH_ROWS", 7), ("BATCH_ROWS", 5), ("GRID_CELLS", 40)):
        monkeypatch.setattr(spill, name, size)


MACHINES, METRICS = (
    ("a", "b", "c", "d", "e"),
    ("cpu,", "memory,", "disk_read_mbps,x", "disk_read_mbps,y", "rx_mbps,4000"),
)
observed = st.tuples(
    st.sampled_from(MACHINES),
    st.integers(0, 500),
    st.sampled_from(METRICS),
    st.floats(0, 9999).map(lambda one: round(one, 4)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(observed, min_size=1, max_size=60), seed=st.integers(0, 2**31), shift=st.booleans())
def test_order_and_repeats_change_no_point(
    tmp_path: Path, small_steps: None, rows: list[tuple[str, int, str, float]], seed: int, shift: bool
) -> None:
    """Against a plain reference: the peak of each machine, series and interval."""
    start = NOW - timedelta(days=2)
    lines = [
        f"{machine},{(start + timedelta(minutes=minute)).isoformat()},{metric},{value!r}"
        for machine, minute, metric, value in rows
    ]
    dice = random.Random(seed)
    shuffled = [*lines, *dice.choices(lines, k=len(lines))]
    dice.shuffle(shuffled)
    found, other = (
        chunks(tmp_path, plain(lines), shift_to_now=shift),
        chunks(tmp_path, plain(shuffled), shift_to_now=shift),
    )
    assert points(found) == points(other)
    intervals = {block.machine: block.interval_seconds for chunk in found for block in chunk.points}
    shift_seconds = found[-1].counts.get("shifted_by_seconds", 0)
    expected: dict[tuple[str, str], dict[int, float]] = {}
    for machine, minute, metric, value in rows:
        second = int((start + timedelta(minutes=minute)).timestamp()) + shift_seconds
        slot = second // intervals[machine] * intervals[machine]
        series = expected.setdefault((machine, metric), {})
        series[slot] = max(series.get(slot, 0), float(np.float32(value)))
    assert sorted(sorted(row.items()) for row in points(found).values()) == sorted(
        sorted((at, round(value, 4)) for at, value in row.items()) for row in expected.values()
    )
    assert sum(chunk.machine_rows.get(machine, 0) for chunk in found for machine in MACHINES) == len(rows)
