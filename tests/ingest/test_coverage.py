"""Points expected and received, a day and a machine."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from ingest.coverage_jobs import COVERAGE_TASK, CountFailedError, count_in_turns, queue_counts
from ingest.models import CoverageDay, Machine, PerformanceBlock
from migrate_hub.jobs.claiming import claim
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.jobs.queueing import enqueue_once
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates

SERIES = 2 + 4 + 2  # of a machine with one disk and one NIC
A_DAY = 144


def midnight(days_ago: int) -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days_ago)


def day_of(days_ago: int) -> str:
    return midnight(days_ago).date().isoformat()


def site_since(days: int, *machines: str, **properties: Any) -> estates.ApplianceApi:
    """An appliance whose machines are known for some days."""
    site = estates.appliance()
    site.inventory(*[estates.machine(name, **properties) for name in machines])
    with tenant_context(estates.shared().tenant.id):
        Machine.objects.filter(appliance_id=site.id).update(first_seen_at=midnight(days))
    return site


def series(count: int, **instead: Any) -> dict[str, Any]:
    """All series of the machine."""
    flat: list[float | None] = [1.0] * count
    disk = dict.fromkeys(("read_mbps", "write_mbps", "read_iops", "write_iops"), flat)
    return {
        "cpu_percent": flat,
        "memory_percent": flat,
        "disks": {"scsi0:0": disk},
        "nics": {"4000": {"received_mbps": flat, "transmitted_mbps": flat}},
        **instead,
    }


def of_machine(site: estates.ApplianceApi, source_id: str, days: int) -> dict[str, Any]:
    path = f"projects/{site.project}/machines/{site.machine_id(source_id)}/coverage/?days={days}"
    return {day.pop("day"): day for day in site.people.ok(site.people.get(path))["days"]}


def of_appliance(site: estates.ApplianceApi, days: int = 7) -> Any:
    return site.people.ok(site.people.get(f"projects/{site.project}/appliances/{site.id}/coverage/?days={days}"))


def counted(expected: int, received: int) -> dict[str, Any]:
    return {
        "expected": expected,
        "received": received,
        "percent": round(100 * received / expected, 2),
    }


def test_a_machine_is_counted_by_day_and_kind_and_null_is_no_point() -> None:
    site = site_since(3, "vm-1")
    half = [1.0, None] * 36
    site.performance(estates.points(start_at=midnight(1), **series(72, memory_percent=half)))
    found = of_machine(site, "vm-1", 3)
    assert found[day_of(1)] == {
        **counted(SERIES * A_DAY, 7 * 72 + 36),
        "cpu": counted(A_DAY, 72),
        "memory": counted(A_DAY, 36),
        "disk": counted(4 * A_DAY, 4 * 72),
        "network": counted(2 * A_DAY, 2 * 72),
    }
    assert found[day_of(2)]["received"] == 0


def test_points_sent_twice_count_once_and_averages_not_at_all() -> None:
    site = site_since(2, "vm-1")
    for _ in range(2):
        site.performance(estates.points(start_at=midnight(1), **series(6, cpu_percent_average=[1.0] * 6)))
    assert of_machine(site, "vm-1", 2)[day_of(1)]["received"] == SERIES * 6


def test_points_of_a_disk_that_the_machine_does_not_have_count_nowhere() -> None:
    site = site_since(2, "vm-1")
    site.performance(estates.points(start_at=midnight(1), **series(6, disks={"gone": {"read_iops": [1.0] * 6}})))
    assert of_machine(site, "vm-1", 2)[day_of(1)]["disk"]["received"] == 0


def test_five_minute_points_are_expected_twice_as_often() -> None:
    site = site_since(2, "vm-1")
    site.performance(estates.points(start_at=midnight(1), **series(288)), interval_seconds=300)
    assert of_machine(site, "vm-1", 2)[day_of(1)]["cpu"] == counted(288, 288)


def test_a_machine_has_no_days_before_it_was_seen_or_after_it_was_gone() -> None:
    site = site_since(2, "vm-1")
    with tenant_context(estates.shared().tenant.id):
        Machine.objects.filter(appliance_id=site.id).update(removed_at=midnight(0))
    assert set(of_machine(site, "vm-1", 7)) == {day_of(2), day_of(1)}


def test_an_appliance_is_counted_by_day_and_its_worst_machines_come_first() -> None:
    site = site_since(2, "whole", "half", "none")
    site.performance(
        estates.points("whole", start_at=midnight(1), **series(A_DAY)),
        estates.points("half", start_at=midnight(1), **series(A_DAY // 2)),
    )
    answer = of_appliance(site, days=2)
    yesterday = next(day for day in answer["days"] if day["day"] == day_of(1))
    expected = SERIES * A_DAY
    assert yesterday == {"day": day_of(1), "machines": 3, **counted(3 * expected, expected + expected // 2)}
    names = [row["name"] for row in answer["machines"]]
    assert names[:2] == ["name of none", "name of half"]
    assert answer["machines_with_gaps"] == len(names)


def test_an_upload_that_comes_later_is_counted_too() -> None:
    site = site_since(2, "vm-1")
    site.performance(estates.points(start_at=midnight(1), **series(6)))
    first = of_appliance(site, days=2)["days"][0]["received"]
    site.performance(estates.points(start_at=midnight(1) + timedelta(hours=1), **series(6)))
    assert (first, of_appliance(site, days=2)["days"][0]["received"]) == (SERIES * 6, SERIES * 12)


def test_a_silent_appliance_has_days_without_points() -> None:
    site = site_since(2, "vm-1")
    with tenant_context(estates.shared().tenant.id):
        from ingest.models import Appliance

        Appliance.objects.filter(id=site.id).update(registered_at=midnight(2))
    yesterday = of_appliance(site, days=2)["days"][0]
    assert yesterday == {"day": day_of(1), "machines": 1, **counted(SERIES * A_DAY, 0)}


def test_one_without_machines_has_no_coverage() -> None:
    answer = of_appliance(estates.appliance())
    assert answer == {"days": [], "machines_with_gaps": 0, "machines": [], "counted_at": None}


def in_background(tenant_id: int, *, turn_seconds: float = 60) -> int:
    """Runs a tenant's job as a worker would, as often as it puts itself off; returns how many turns that took."""
    with tenant_context(tenant_id):
        enqueue_once(COVERAGE_TASK, UUID(int=tenant_id), queue="nobody", not_before=timezone.now())
    jobs = Job.objects.filter(tenant_id=tenant_id, task=COVERAGE_TASK, state=JobState.QUEUED)
    turns = 0
    while jobs.exists():
        held = claim(tenant_id, jobs.get().id)
        assert held is not None
        count_in_turns(held, turn_seconds=turn_seconds)
        turns += 1
    return turns


def days_counted_since(tenant_id: int, instant: datetime) -> int:
    with tenant_context(tenant_id):
        return CoverageDay.objects.filter(counted_at__gt=instant).count()


def test_the_background_counts_what_is_due_and_nothing_twice() -> None:
    cast = make.cast()
    site = estates.appliance(cast.alice)
    site.inventory(estates.machine("vm-1"))
    site.performance(estates.points(start_at=midnight(1), **series(6)))
    begun = timezone.now()
    assert in_background(cast.tenant.id) == 1
    assert days_counted_since(cast.tenant.id, begun) >= 1
    with tenant_context(cast.tenant.id):
        row = CoverageDay.objects.get(appliance_id=site.id, day=midnight(1).date())
    # The machine was listed today only, so nothing was expected of it yesterday.
    assert (row.machines, row.expected, row.received) == (0, 0, 0)
    again = timezone.now()
    in_background(cast.tenant.id)
    assert days_counted_since(cast.tenant.id, again) == 0
    site.performance(estates.points(start_at=midnight(1), **series(6)))
    in_background(cast.tenant.id)
    assert days_counted_since(cast.tenant.id, again) == 1


def test_the_background_gives_way_between_days() -> None:
    cast = make.cast()
    site = estates.appliance(cast.alice)
    site.inventory(estates.machine("vm-1"))
    for day in (1, 2, 3):
        site.performance(estates.points(start_at=midnight(day), **series(6)))
    begun = timezone.now()
    turns = in_background(cast.tenant.id, turn_seconds=0)
    assert turns == days_counted_since(cast.tenant.id, begun) >= 3


def test_a_day_that_cannot_be_counted_keeps_no_other() -> None:
    cast = make.cast()
    site = estates.appliance(cast.alice)
    site.inventory(estates.machine("vm-1"))
    for day in (1, 2, 3):
        site.performance(estates.points(start_at=midnight(day), **series(6)))
    with tenant_context(cast.tenant.id):
        Machine.objects.update(first_seen_at=midnight(5))
        spoiled = PerformanceBlock.objects.filter(start_at=midnight(2))
        spoiled.update(values=b"x")
    with pytest.raises(CountFailedError, match="1 days"):
        in_background(cast.tenant.id)
    with tenant_context(cast.tenant.id):
        counted_days = CoverageDay.objects.exclude(counted_at=None).values_list("day", flat=True)
        assert {midnight(day).date() for day in (1, 2, 3)} - set(counted_days) == {midnight(2).date()}


def test_jobs_are_for_tenants_with_days_to_count() -> None:
    idle, busy = make.cast().tenant.id, make.cast()
    estates.appliance(busy.alice)
    for _ in range(2):
        queue_counts(timezone.now() + timedelta(minutes=5))
    jobs = Job.objects.filter(task=COVERAGE_TASK, state=JobState.QUEUED)
    assert (jobs.filter(tenant_id=busy.tenant.id).count(), jobs.filter(tenant_id=idle).count()) == (1, 0)
    jobs.delete()


def test_days_past_the_retention_are_forgotten() -> None:
    cast = make.cast()
    site = estates.appliance(cast.alice)
    with tenant_context(cast.tenant.id):
        CoverageDay.objects.create(
            appliance_id=site.id, day=midnight(60).date(), touched_at=midnight(60), counted_for=midnight(60)
        )
    in_background(cast.tenant.id)
    with tenant_context(cast.tenant.id):
        assert not CoverageDay.objects.filter(day=midnight(60).date()).exists()


@pytest.mark.parametrize("days", ["0", "36", "-1", "1.5", "x", "9" * 50])
def test_a_senseless_number_of_days_is_refused(days: str) -> None:
    site = site_since(1, "vm-1")
    below = f"projects/{site.project}/"
    for path in (f"appliances/{site.id}/coverage/", f"machines/{site.machine_id('vm-1')}/coverage/"):
        assert site.people.get(f"{below}{path}?days={days}").status_code == 400


def test_charlie_finds_no_coverage_of_another_tenant_and_a_reader_does() -> None:
    cast, charlie = estates.shared(), make.stranger()
    site = site_since(1, "vm-1")
    own = make.project(charlie)
    for path in (f"appliances/{site.id}/coverage/", f"machines/{site.machine_id('vm-1')}/coverage/"):
        assert charlie.get(f"projects/{site.project}/{path}").status_code == 404
        assert charlie.get(f"projects/{own}/{path}").status_code == 404
        cast.rita.ok(cast.rita.get(f"projects/{site.project}/{path}"))
        assert cast.rita.post(f"projects/{site.project}/{path}").status_code in (403, 405)
