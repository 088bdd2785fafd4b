"""Performance uploads: what is stored, what is refused, and that nothing depends on the order of arrival."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.models import PerformanceBlock, SeriesLayout, UploadReceipt
from migrate_hub.tenants.row_level_security import tenant_context
from tests.ingest import estates


@pytest.fixture
def site() -> estates.ApplianceApi:
    """An appliance whose project has vm-1 and vm-2."""
    made = estates.appliance()
    made.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
    return made


def _cpu(site: estates.ApplianceApi, start: datetime, count: int, *, interval: int = 600) -> list[float | None]:
    chart = site.chart("vm-1", start, start + timedelta(seconds=interval * count))
    values: list[float | None] = chart.get("cpu_percent", {}).get("maximum", [None] * count)
    return values


def _blocks(site: estates.ApplianceApi) -> list[PerformanceBlock]:
    with tenant_context(estates.shared().tenant.id):
        return list(PerformanceBlock.objects.filter(appliance_id=site.id).order_by("start_at", "sequence"))


def _codes(answer: Any) -> list[tuple[str, str]]:
    return sorted((item["source_id"], item["code"]) for item in answer["rejected"])


def test_every_series_comes_back_as_it_was_sent(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    rates = {"read_mbps": [0.1234], "write_mbps": [2], "read_iops": [6.4], "write_iops": [123456.7]}
    averages = {"read_mbps_average": [0.05], "read_mbps_count": [30]}
    sent: dict[str, Any] = {
        "cpu_percent": [114.0],
        "memory_percent": [None],
        "cpu_percent_average": [57.5],
        "disks": {"scsi0:0": rates | averages},
        "nics": {"4000": {"received_mbps": [1e-4], "transmitted_mbps": [None]}},
    }
    site.performance(estates.points(start_at=start, **sent))
    chart = site.chart("vm-1", start, start + timedelta(minutes=10))
    assert chart["cpu_percent"]["maximum"] == [114.0]
    assert chart["cpu_percent_average"]["maximum"] == [57.5]
    assert chart["memory_percent"]["maximum"] == [None]
    disk = {name: values["maximum"] for name, values in chart["disks"]["scsi0:0"].items()}
    assert disk == rates | averages | {"write_iops": [pytest.approx(123456.7, abs=0.01)]}
    assert chart["nics"]["4000"]["received_mbps"]["maximum"] == [0.0001]


def test_the_same_upload_twice_is_answered_the_same_and_stored_once(site: estates.ApplianceApi) -> None:
    body = {"sequence": 9, "interval_seconds": 600, "machines": [estates.points(), estates.points("vm-9")]}
    key = str(uuid4())
    first, second = (site.ok(site.upload(estates.PERFORMANCE, body, key=key)) for _ in range(2))
    assert first == second
    assert first["accepted"] == 1
    assert len(_blocks(site)) == 1


def test_the_same_upload_gzipped_is_the_same_upload(site: estates.ApplianceApi) -> None:
    body = {"sequence": 9, "interval_seconds": 600, "machines": [estates.points()]}
    key = str(uuid4())
    plain = site.ok(site.upload(estates.PERFORMANCE, body, key=key))
    zipped = site.upload(estates.PERFORMANCE, estates.gzipped(body), key=key, **{"Content-Encoding": "gzip"})
    assert site.ok(zipped) == plain


def test_the_same_key_with_another_content_is_a_conflict(site: estates.ApplianceApi) -> None:
    key = str(uuid4())
    site.upload(estates.PERFORMANCE, {"interval_seconds": 600, "machines": [estates.points()]}, key=key)
    other = {"interval_seconds": 600, "machines": [estates.points(cpu_percent=[99])]}
    refused = site.upload(estates.PERFORMANCE, other, key=key)
    assert site.ok(refused, 409)["code"] == "idempotency_key_reused"
    assert len(_blocks(site)) == 1


def test_the_same_key_and_bytes_at_the_other_endpoint_is_a_conflict(site: estates.ApplianceApi) -> None:
    body, key = b'{"sequence": 1000, "interval_seconds": 600, "machines": []}', str(uuid4())
    site.ok(site.upload(estates.INVENTORY, body, key=key))
    refused = site.upload(estates.PERFORMANCE, body, key=key)
    assert site.ok(refused, 409)["code"] == "idempotency_key_reused"
    assert site.ok(site.upload(estates.INVENTORY, body, key=key)) == {"accepted": 0, "rejected": []}


def test_a_key_of_one_appliance_means_nothing_for_another(site: estates.ApplianceApi) -> None:
    key = str(uuid4())
    other = estates.appliance(project=site.project)
    for sender in (site, other):
        body = {"interval_seconds": 600, "machines": [estates.points()]}
        assert sender.ok(sender.upload(estates.PERFORMANCE, body, key=key))["accepted"] == 1


@pytest.mark.parametrize(("key", "code"), [("", "idempotency_key_missing"), ("7", "idempotency_key_invalid")])
def test_an_upload_without_a_proper_key_is_refused(site: estates.ApplianceApi, key: str, code: str) -> None:
    body = {"sequence": 1, "interval_seconds": 600, "machines": []}
    assert site.ok(site.post(estates.PERFORMANCE, body, **{"Idempotency-Key": key}), 400)["code"] == code


def test_eight_times_the_same_upload_in_parallel_is_stored_once(site: estates.ApplianceApi) -> None:
    body = {"sequence": 9, "interval_seconds": 600, "machines": [estates.points()]}
    key, answers = str(uuid4()), []

    def send() -> None:
        client = estates.ApplianceApi(token=site.token)
        answers.append(client.upload(estates.PERFORMANCE, body, key=key).json())
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{"accepted": 1, "rejected": []}] * 8
    assert len(_blocks(site)) == 1
    with tenant_context(estates.shared().tenant.id):
        assert UploadReceipt.objects.filter(appliance_id=site.id, key=key).count() == 1


def test_a_correction_wins_whatever_arrives_last(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    site.performance(estates.points(start_at=start, cpu_percent=[50, None, 70]), sequence=8)
    site.performance(estates.points(start_at=start, cpu_percent=[1, 2, 3]), sequence=7)
    assert _cpu(site, start, 3) == [50.0, 2.0, 70.0]


def test_the_points_of_a_new_registration_outrank_those_before(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    site.performance(estates.points(start_at=start, cpu_percent=[1]), sequence=1000)
    key = site.people.ok(site.people.post(f"projects/{site.project}/appliances/{site.id}/registration-key/"), 201)
    token = site.ok(estates.register(key["registration_key"]), 201)["token"]
    estates.ApplianceApi(token=token).performance(estates.points(start_at=start, cpu_percent=[2]), sequence=1)
    assert _cpu(site, start, 1) == [2.0]


UPLOADS = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=6)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(uploads=UPLOADS, data=st.data())
def test_any_order_overlap_and_repetition_gives_the_same_series(
    uploads: list[tuple[int, list[int | None]]], data: Any
) -> None:
    site = estates.appliance()
    site.inventory(estates.machine())
    start = estates.an_hour_ago(3)
    for number in data.draw(st.permutations([*range(len(uploads)), 0])):
        offset, values = uploads[number]
        at = start + offset * timedelta(minutes=10)
        # The number of disks changes the layout, so that blocks of several layouts overlap too.
        disks = {f"disk-{i}": {"read_iops": values} for i in range(number % 3)}
        site.performance(estates.points(start_at=at, cpu_percent=values, disks=disks), sequence=number + 10)
    expected: list[float | None] = [None] * 12
    for offset, values in uploads:
        for i, value in enumerate(values):
            expected[offset + i] = expected[offset + i] if value is None else float(value)
    assert _cpu(site, start, 12) == expected


def test_a_block_never_crosses_a_utc_day(site: estates.ApplianceApi) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(days=1, minutes=20)
    series = {"cpu_percent": list(range(150)), "memory_percent": [None] * 150}
    site.performance(estates.points("vm-1", start_at=start, **series), estates.points("vm-2", start_at=start, **series))
    blocks = [block for block in _blocks(site) if block.machine_id == UUID(site.machine_id("vm-1"))]
    assert [block.points for block in blocks] == [2, 144, 4]
    assert [block.start_at for block in blocks[1:]] == [midnight - timedelta(days=1), midnight]
    assert _cpu(site, start, 150) == [float(value) for value in range(150)]


def test_five_minute_points_are_kept_as_such(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    site.performance(estates.points(start_at=start, cpu_percent=[1, 2, 3]), interval_seconds=300)
    assert _cpu(site, start, 3, interval=300) == [1.0, 2.0, 3.0]


def test_machines_with_equal_series_share_one_layout(site: estates.ApplianceApi) -> None:
    other = estates.appliance()
    other.inventory(*[estates.machine(f"m-{i}") for i in range(5)])
    name = f"only here {uuid4()}"
    other.performance(*[estates.points(f"m-{i}", disks={name: {"read_iops": [1]}}) for i in range(5)])
    with tenant_context(estates.shared().tenant.id):
        assert sum(name in str(layout.series) for layout in SeriesLayout.objects.all()) == 1


def test_one_bad_machine_costs_only_itself(site: estates.ApplianceApi) -> None:
    now, hour = datetime.now(UTC), estates.an_hour_ago()
    answer = site.performance(
        estates.points("vm-1"),
        estates.points("unknown"),
        estates.points("old", start_at=hour.replace(year=hour.year - 10)),
        estates.points("future", start_at=hour + timedelta(days=2)),
        estates.points("far", start_at=datetime(9999, 12, 31, 23, tzinfo=UTC)),
        estates.points("grid", start_at=hour + timedelta(minutes=5)),
        estates.points("fraction", start_at=now.replace(microsecond=1)),
        {"source_id": "naive", "start_at": "2026-11-22T09:00:00", "cpu_percent": [1]},
        estates.points("unequal", cpu_percent=[1, 2], memory_percent=[1]),
        estates.points("empty", cpu_percent=[]),
        {"source_id": "nothing", "start_at": hour.isoformat()},
        estates.points("many", cpu_percent=[1] * 289),
        estates.points("negative", cpu_percent=[1, -1]),
        estates.points("vm-2", cpu_percent=[1e9]),
        estates.points("text", cpu_percent=["1"]),
        estates.points("true", cpu_percent=[True]),
        estates.points("nul\0", cpu_percent=[1]),
        estates.points("disk", disks={"a\0": {"read_iops": [1]}}),
        estates.points("vm-1", cpu_percent=[99]),
        {"start_at": hour.isoformat()},
    )
    assert answer["accepted"] == 1
    assert _codes(answer) == sorted(
        [
            ("unknown", "unknown_machine"),
            ("old", "too_old"),
            ("future", "in_future"),
            ("far", "in_future"),
            ("grid", "off_grid"),
            ("fraction", "off_grid"),
            ("naive", "invalid_record"),
            ("unequal", "array_length"),
            ("empty", "array_length"),
            ("nothing", "array_length"),
            ("many", "array_length"),
            ("negative", "out_of_range"),
            ("vm-2", "out_of_range"),
            ("text", "invalid_record"),
            ("true", "invalid_record"),
            ("nul\N{REPLACEMENT CHARACTER}", "invalid_text"),
            ("disk", "invalid_text"),
            ("vm-1", "duplicate_machine"),
            ("", "invalid_record"),
        ]
    )
    assert [item["source_id"] for item in answer["rejected"] if item["retryable"]] == ["unknown"]
    assert _cpu(site, hour, 3) == [10.0, 20.0, 30.0]


def test_a_number_too_large_for_a_float_costs_only_its_machine(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago().isoformat()
    machines = [f'{{"source_id":"{name}","start_at":"{start}","cpu_percent":[{value}]}}' for name, value in _HUGE]
    body = f'{{"sequence":5,"interval_seconds":600,"machines":[{",".join(machines)}]}}'
    answer = site.ok(site.upload(estates.PERFORMANCE, body.encode()))
    assert (answer["accepted"], _codes(answer)) == (1, [("vm-2", "out_of_range")])


_HUGE = (("vm-1", "1.5"), ("vm-2", "1e400"))


def test_unknown_machines_are_accepted_once_the_inventory_came(site: estates.ApplianceApi) -> None:
    assert _codes(site.performance(estates.points("vm-3"))) == [("vm-3", "unknown_machine")]
    site.inventory(estates.machine("vm-3"))
    assert site.performance(estates.points("vm-3"))["accepted"] == 1


def test_late_points_of_a_machine_that_vanished_are_kept(site: estates.ApplianceApi) -> None:
    site.inventory(removed=["vm-1"])
    assert site.performance(estates.points("vm-1"))["accepted"] == 1


def test_points_go_to_machines_of_the_appliances_own_project_only(site: estates.ApplianceApi) -> None:
    elsewhere = estates.appliance()
    assert _codes(elsewhere.performance(estates.points("vm-1"))) == [("vm-1", "unknown_machine")]


def test_points_from_the_whole_retention_are_accepted(site: estates.ApplianceApi) -> None:
    oldest = estates.an_hour_ago(35 * 24 - 1)
    assert site.performance(estates.points(start_at=oldest))["accepted"] == 1
    assert site.performance(estates.points(start_at=oldest - timedelta(hours=2)))["accepted"] == 0


def test_what_is_not_described_yet_is_tolerated(site: estates.ApplianceApi) -> None:
    machine = estates.points() | {"gpu_percent": [1, 2, 3]}
    assert site.performance(machine, agent="2.0")["accepted"] == 1


def test_the_number_of_queries_does_not_depend_on_the_number_of_machines(site: estates.ApplianceApi) -> None:
    site.inventory(*[estates.machine(f"m-{i}") for i in range(300)])
    counts = []
    for size in (2, 300):
        with CaptureQueriesContext(connection) as captured:
            site.performance(*[estates.points(f"m-{i}") for i in range(size)], estates.points("unknown"))
        counts.append(len(captured))
    assert counts[0] == counts[1]
