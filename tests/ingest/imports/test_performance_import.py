"""Performance CSV files through the front door: read back as charts, whatever the order, and undone."""

import gzip
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest import estates
from tests.ingest.hostile_files import AS_CSV, AS_WORKBOOK
from tests.ingest.imports.files import ended, imported, machines, send, undone

pytestmark = pytest.mark.usefixtures("background")
HEADING = "machine,timestamp,metric,device,value"
STEP = timedelta(minutes=5)


@pytest.fixture(scope="module")
def site(background: None) -> estates.ApplianceApi:
    """A project with three machines that an appliance lists."""
    made = estates.appliance()
    two_disks = [{"source_id": "scsi0:0", "name": "Hard disk 1"}, {"source_id": "scsi0:1", "name": "Hard disk 2"}]
    made.inventory(
        estates.machine("vm-1", name="sql-01"),
        estates.machine("vm-2", name="web-01", disks=two_disks),
        estates.machine("vm-3", name="web-02"),
    )
    return made


def csv_of(rows: Iterable[str]) -> bytes:
    return "\n".join([HEADING, *rows, ""]).encode()


def brought(site: estates.ApplianceApi, rows: Iterable[str], **options: Any) -> Any:
    """The import of these rows, which must have completed."""
    done = imported(site.people, site.project, csv_of(rows), "performance_csv", **options)
    assert done["status"] == "completed", done["failure"]
    return done


def refused(site: estates.ApplianceApi, content: bytes, **options: Any) -> Any:
    """Why a file was refused."""
    done = imported(site.people, site.project, content, "performance_csv", **options)
    assert done["status"] == "failed", done
    return done["failure"]


def told(done: Any) -> list[tuple[str, str]]:
    return [(problem["severity"], problem["code"]) for problem in done["problems"]]


def hour(hours: int = 2) -> datetime:
    return estates.an_hour_ago(hours)


def row(machine: str, at: datetime, metric: str, value: float, device: str = "") -> str:
    return f"{machine},{at.isoformat()},{metric},{device},{value}"


def has_points(chart: Any, name: str) -> bool:
    return any(value is not None for value in chart.get(name, {"maximum": []})["maximum"])


def maxima(site: estates.ApplianceApi, source_id: str, start: datetime, points: int = 12) -> Any:
    """The chart of a machine from `start` on, in steps of 5 minutes."""
    return site.chart(source_id, start, start + points * STEP)


def test_points_are_read_back_as_they_were(site: estates.ApplianceApi) -> None:
    start = hour()
    rows = [row("sql-01", start + i * STEP, "cpu_percent", 10 + i) for i in range(12)]
    rows += [row("sql-01", start + i * STEP, "disk_read_mbps", i / 10, "Hard disk 1") for i in range(12)]
    rows += [row("sql-01", start + i * STEP, "network_in_mbps", i) for i in range(12)]
    done = brought(site, rows)
    chart = maxima(site, "vm-1", start)
    assert chart["interval_seconds"] == 300
    assert chart["cpu_percent"]["maximum"] == [10 + i for i in range(12)]
    assert chart["disks"]["scsi0:0"]["read_mbps"]["maximum"] == [i / 10 for i in range(12)]
    assert chart["nics"]["4000"]["received_mbps"]["maximum"] == list(range(12))
    assert (done["counts"]["rows"], done["counts"]["points"], done["counts"]["machines"]) == (36, 36, 1)
    assert told(done) == []


def test_the_same_file_twice_and_then_undone(site: estates.ApplianceApi) -> None:
    start = hour(4)
    rows = [row("web-02", start + i * STEP, "cpu_percent", i) for i in range(12)]
    first, second = brought(site, rows), brought(site, rows)
    expected = list(range(12))
    assert maxima(site, "vm-3", start)["cpu_percent"]["maximum"] == expected
    undone(site.people, site.project, second["id"])
    assert maxima(site, "vm-3", start)["cpu_percent"]["maximum"] == expected
    undone(site.people, site.project, first["id"])
    assert not has_points(maxima(site, "vm-3", start), "cpu_percent")


def test_an_appliance_wins_over_a_file_whenever_it_comes(site: estates.ApplianceApi) -> None:
    start = hour(6)
    site.performance(estates.points("vm-3", start_at=start, cpu_percent=[1.0, None, 3.0]))
    brought(site, [row("vm-3", start + i * 2 * STEP, "cpu_percent", 90 + i) for i in range(4)])
    chart = site.chart("vm-3", start, start + 8 * STEP)
    assert chart["cpu_percent"]["maximum"] == [1.0, 91.0, 3.0, 93.0]


def test_a_dry_run_tells_the_same_and_stores_nothing(site: estates.ApplianceApi) -> None:
    start = hour(8)
    rows = [row("web-02", start + i * STEP, "cpu_percent", i) for i in range(12)]
    rows.append(row("nobody", start, "cpu_percent", 1))
    tried = brought(site, rows, dry_run=True)
    assert not has_points(maxima(site, "vm-3", start), "cpu_percent")
    confirmed = site.people.ok(site.people.post(f"projects/{site.project}/imports/{tried['id']}/confirm/"), 202)
    done = ended(site.people, site.project, confirmed["id"])
    assert done["counts"] == tried["counts"]
    assert told(done) == told(tried) == [("error", "unknown_machine")]
    assert maxima(site, "vm-3", start)["cpu_percent"]["maximum"] == list(range(12))


def test_each_unknown_machine_is_told_once_with_its_rows(site: estates.ApplianceApi) -> None:
    rows = [
        row(name, hour() + i * STEP, "cpu_percent", 1) for name in ("nobody", "sql-01", "nobody-2") for i in range(7)
    ]
    done = brought(site, rows)
    assert told(done) == [("error", "unknown_machine")] * 2
    assert [("nobody" in one["message"], "7 rows" in one["message"]) for one in done["problems"]] == [(True, True)] * 2
    assert (done["counts"]["machines"], done["counts"]["unknown_machines"]) == (1, 2)


def test_names_that_two_machines_have_are_told_and_source_ids_are_not_confused(site: estates.ApplianceApi) -> None:
    other = estates.appliance(site.people)
    other.inventory(*(estates.machine(f"id-{i}", name="twin") for i in range(2)), estates.machine("sole", name="Sole"))
    start = hour()
    rows = [
        row("twin", start, "cpu", 1),
        row("id-1", start, "cpu", 2),
        row("SOLE", start, "cpu", 3),
        row("sole", start, "cpu", 4),
    ]
    done = brought(other, rows)
    assert sorted(told(done)) == [("error", "ambiguous_machine"), ("error", "machine_twice")]
    assert other.chart("id-1", start, start + 2 * STEP)["cpu_percent"]["maximum"] == [2.0]
    assert other.chart("sole", start, start + 2 * STEP)["cpu_percent"]["maximum"] == [4.0]


def test_totals_of_several_disks_are_not_guessed_to_one(site: estates.ApplianceApi) -> None:
    start = hour(10)
    rows = [row("web-01", start, "disk_read_mbps", 5), row("web-01", start, "disk_write_mbps", 6, "_Total")]
    rows += [row("web-01", start, "disk_read_mbps", 7, "scsi0:1"), row("web-01", start, "rx_mbps", 8, "Ethernet0")]
    done = brought(site, rows)
    assert sorted(told(done)) == [("warning", "disk_not_named"), ("warning", "unknown_device")]
    chart = site.chart("vm-2", start, start + 2 * STEP)
    assert {name: list(series) for name, series in chart["disks"].items()} == {"scsi0:1": ["read_mbps"]}
    assert list(chart["nics"]) == ["Ethernet0"]


def test_old_history_is_refused_and_comes_in_shifted(site: estates.ApplianceApi) -> None:
    rows = [row("web-02", datetime(2013, 8, 1, tzinfo=UTC) + i * STEP, "memory_percent", i % 100) for i in range(2016)]
    failure = refused(site, csv_of(rows))
    assert failure["code"] == "too_old"
    assert "shift_to_now" in failure["detail"]
    done = brought(site, rows, shift_to_now=True)
    assert done["counts"]["points"] == 2016
    now = datetime.fromisoformat(done["created_at"])
    end = now - timedelta(minutes=now.minute % 10, seconds=now.second, microseconds=now.microsecond)
    chart = site.chart("vm-3", end - 12 * STEP, end)
    assert chart["memory_percent"]["maximum"] == [i % 100 for i in range(2004, 2016)]


def test_naive_timestamps_need_the_option(site: estates.ApplianceApi) -> None:
    start = hour(12)
    local = (start + timedelta(hours=9)).replace(tzinfo=None)
    rows = [row("web-02", local + i * STEP, "cpu_percent", 70 + i) for i in range(12)]
    assert refused(site, csv_of(rows))["code"] == "naive_timestamps"
    brought(site, rows, timezone="Asia/Tokyo")
    assert maxima(site, "vm-3", start)["cpu_percent"]["maximum"] == [70 + i for i in range(12)]


@pytest.mark.parametrize(
    ("file_format", "options", "field"),
    [
        ("performance_csv", {"timezone": "Middle/Earth"}, "timezone"),
        ("rvtools", {"timezone": "UTC"}, "timezone is for performance_csv only"),
        ("rvtools", {"shift_to_now": True}, "shift_to_now is for performance_csv only"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    site: estates.ApplianceApi, file_format: str, options: dict[str, Any], field: str
) -> None:
    response = send(site.people, site.project, csv_of([]), file_format, **options)
    assert response.status_code == 400
    assert field in response.content.decode()


HOSTILE = [("performance_csv", AS_CSV, case) for case in ("a protected workbook", "a zip with the CSV inside", "noise")]
HOSTILE += [
    ("rvtools", AS_WORKBOOK, case)
    for case in ("protected by a label or a password", "zip bomb", "billion laughs", "macros", "CSV", "truncated")
]


@pytest.mark.parametrize(("file_format", "cases", "case"), HOSTILE, ids=[case for _, _, case in HOSTILE])
def test_hostile_files_end_as_failed_imports_with_advice(
    site: estates.ApplianceApi, file_format: str, cases: dict[str, Any], case: str
) -> None:
    made, code, advice = cases[case]
    done = imported(site.people, site.project, made(), file_format)
    assert (done["status"], done["failure"]["code"]) == ("failed", code)
    assert advice in done["failure"]["detail"]


def test_200_000_rows_gzipped_in_any_order(site: estates.ApplianceApi) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=30)
    series = [("cpu_percent", ""), ("memory_percent", ""), ("disk_read_iops", "scsi0:0"), ("network_out_mbps", "4000")]
    instants = [start + i * STEP for i in range(8333)]
    rows = [
        row(name, at, metric, i % 97, device)
        for name in ("vm-1", "sql-01x", "vm-3")
        for metric, device in series[:2]
        for i, at in enumerate(instants)
    ]
    rows += [
        row(name, at, metric, i % 97, device)
        for name in ("vm-1", "vm-3")
        for metric, device in series[2:]
        for i, at in enumerate(instants)
    ]
    rows += [
        row("vm-2", at, metric, i % 97, device) for metric, device in series[:2] * 7 for i, at in enumerate(instants)
    ]
    random.Random(5).shuffle(rows)
    assert len(rows) > 199_000
    project_path = f"projects/{site.project}/imports/"
    made = site.people.ok(send(site.people, site.project, gzip.compress(csv_of(rows), 1), "performance_csv"), 202)
    done = ended(site.people, site.project, made["id"])
    assert done["status"] == "completed", done["failure"]
    assert done["counts"]["rows"] == len(rows)
    assert done["counts"]["duplicate_rows"] == 12 * 8333
    assert done["counts"]["points_in_file"] == 8333 * 12
    assert done["counts"]["points"] == 8333 * 10
    window = instants[5000], instants[5000] + 12 * STEP
    assert site.chart("vm-3", *window)["cpu_percent"]["maximum"] == [i % 97 for i in range(5000, 5012)]
    site.people.ok(site.people.delete(f"{project_path}{made['id']}/"), 202)


METRICS = ("cpu_percent", "memory_percent")
observed = st.tuples(
    st.sampled_from(("vm-1", "vm-2")),
    st.integers(0, 59),
    st.sampled_from(METRICS),
    st.integers(0, 1000).map(lambda n: n / 8),
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(observed=st.lists(observed, min_size=1, max_size=40), seed=st.integers(0, 2**31))
def test_any_order_and_any_repetition_reads_back_as_the_same_chart(
    site: estates.ApplianceApi, observed: Sequence[tuple[str, int, str, float]], seed: int
) -> None:
    """The peak of each slot, as an independent reference computes it, from the sorted and from the shuffled file."""
    start, people = hour(20), site.people
    other = estates.appliance(people)
    other.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
    lines = [row(name, start + timedelta(minutes=minute), metric, value) for name, minute, metric, value in observed]
    dice = random.Random(seed)
    shuffled = [*lines, *dice.choices(lines, k=5)]
    dice.shuffle(shuffled)
    first = brought(other, lines)
    charts = {name: other.chart(name, start, start + 12 * STEP) for name in ("vm-1", "vm-2")}
    undone(people, other.project, first["id"])
    brought(other, shuffled)
    assert {name: other.chart(name, start, start + 12 * STEP) for name in ("vm-1", "vm-2")} == charts
    for name, metric in {(name, metric) for name, _, metric, _ in observed}:
        step = charts[name]["interval_seconds"] // 60
        peaks: list[float | None] = [None] * (60 // step)
        for machine, minute, named, value in observed:
            if (machine, named) == (name, metric):
                peaks[minute // step] = max(value, peaks[minute // step] or 0)
        assert charts[name][metric]["maximum"] == peaks


def test_a_reader_may_not_import(site: estates.ApplianceApi) -> None:
    reader = estates.shared().rita
    assert send(reader, site.project, csv_of([]), "performance_csv").status_code == 403
    assert set(machines(reader, site.project)) == {"sql-01", "web-01", "web-02"}
