"""utilization(): what an assessment reads of machines over a window."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from ingest.performance import read_series
from ingest.utilization import Utilization, utilization
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates

HOUR = timedelta(hours=1)


def _read(machines: list[UUID], start: datetime, end: datetime, percentile: float = 95) -> Utilization:
    with tenant_context(estates.shared().tenant.id):
        return utilization(machines, start, end, percentile)


def _ids(site: estates.ApplianceApi, *source_ids: str) -> list[UUID]:
    return [UUID(site.machine_id(source_id)) for source_id in source_ids]


@pytest.fixture
def site() -> estates.ApplianceApi:
    made = estates.appliance()
    made.inventory(*[estates.machine(f"vm-{i}") for i in (1, 2, 3)])
    return made


def test_percentiles_and_counts_stand_in_the_order_asked_for(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    disks = {
        "b": {"read_iops": [5, 6.4, None], "write_mbps": [None, None, None]},
        "a": {"read_iops": [1, 2, 3]},
    }
    site.performance(
        estates.points("vm-1", start_at=start, cpu_percent=[10, 30, 20], disks=disks),
        estates.points("vm-2", start_at=start, memory_percent=[7, 7, None], nics={"n": {"received_mbps": [1, 2, 3]}}),
    )
    asked = _ids(site, "vm-3", "vm-2", "vm-1")
    used = _read(asked, start, start + HOUR, 50)
    assert used.machine_ids == asked
    assert used.expected_points.tolist() == [6, 6, 6]
    assert [used.machine(i, "cpu_percent") for i in range(3)] == [[None, 0], [None, 0], [20.0, 3]]
    assert used.machine(1, "memory_percent") == [7.0, 2]
    assert (used.disks.machine.tolist(), used.disks.source_ids) == ([2, 2], ["a", "b"])
    assert used.part(asked[2], "disk", "b", "read_iops") == [5.0, 2]
    assert used.part(asked[2], "disk", "b", "write_mbps") == [None, 0]
    assert used.part(asked[2], "disk", "c", "read_iops") == [None, 0]
    assert used.part(asked[1], "nic", "n", "received_mbps") == [2.0, 3]


def test_values_are_exact_to_four_decimals(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    site.performance(estates.points(start_at=start, cpu_percent=[6.4], memory_percent=[0.12345]))
    used = _read(_ids(site, "vm-1"), start, start + HOUR)
    assert (used.machine(0, "cpu_percent")[0], used.machine(0, "memory_percent")[0]) == (6.4, 0.1234)


def test_only_points_of_the_window_count(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago(3)
    site.performance(estates.points(start_at=start, cpu_percent=[99] * 6 + [1] * 6 + [98] * 6))
    assert _read(_ids(site, "vm-1"), start + HOUR, start + 2 * HOUR, 100).machine(0, "cpu_percent") == [1.0, 6]


def test_a_window_may_span_days(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago(72)
    for day in range(3):
        values = [float(day)] * 144
        site.performance(estates.points(start_at=start + timedelta(days=day), cpu_percent=values))
    used = _read(_ids(site, "vm-1"), start, start + timedelta(days=3), 50)
    assert used.machine(0, "cpu_percent") == [1.0, 432]
    assert used.expected_points.tolist() == [432]


def test_a_machine_that_changed_its_interval_is_covered_by_both(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago(2)
    site.performance(estates.points(start_at=start, cpu_percent=[10] * 6), interval_seconds=600)
    site.performance(estates.points(start_at=start + HOUR, cpu_percent=[20] * 12), interval_seconds=300)
    used = _read(_ids(site, "vm-1"), start, start + 2 * HOUR, 100)
    assert used.interval_seconds.tolist() == [300]
    assert used.machine(0, "cpu_percent") == [20.0, 24]
    assert used.expected_points.tolist() == [24]


def test_a_disk_that_came_later_has_only_its_own_points(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago(2)
    old, new = {"a": {"read_iops": [1.0] * 6}}, {"a": {"read_iops": [2.0] * 6}, "b": {"read_iops": [3.0] * 6}}
    site.performance(estates.points(start_at=start, disks=old))
    site.performance(estates.points(start_at=start + HOUR, disks=new))
    machine = _ids(site, "vm-1")
    used = _read(machine, start, start + 2 * HOUR, 50)
    assert used.part(machine[0], "disk", "a", "read_iops") == [1.0, 12]
    assert used.part(machine[0], "disk", "b", "read_iops") == [3.0, 6]


def test_reading_one_machine_at_a_time_changes_nothing(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    site.performance(*[estates.points(f"vm-{i}", start_at=start, cpu_percent=[i]) for i in (1, 2, 3)])
    machines = _ids(site, "vm-1", "vm-2", "vm-3")
    with tenant_context(estates.shared().tenant.id):
        found = list(read_series(machines, start, start + timedelta(minutes=10), chunk_bytes=1))
    assert [(one.machine_id, one.values.tolist()) for one in found] == [
        (machine, [[float(i)]]) for i, machine in enumerate(machines, 1)
    ]


def test_nothing_is_read_of_another_tenants_machines(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago()
    site.performance(estates.points(start_at=start))
    machine = _ids(site, "vm-1")
    with tenant_context(make.cast().tenant.id):
        assert utilization(machine, start, start + HOUR, 95).machine(0, "cpu_percent") == [None, 0]


def test_no_machines_have_no_utilization() -> None:
    start = estates.an_hour_ago()
    assert _read([], start, start + HOUR).values.shape == (0, 2)
