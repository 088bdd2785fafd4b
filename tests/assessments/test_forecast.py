"""When the confidence rating reaches each star, if points keep coming as in the last day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from assessments.forecast import LONGEST_HOURS, History, forecast
from ingest.models import Machine
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates


def shares(*of_last_hours: tuple[int, float]) -> Any:
    """A month of shares: runs of (hours, share) up to now, nothing before."""
    given = np.concatenate([np.full(hours, share) for hours, share in of_last_hours])
    return np.concatenate([np.zeros(LONGEST_HOURS - len(given)), given])


@pytest.mark.parametrize(
    ("history", "arriving", "hours", "now", "reached"),
    [
        # Half a day is there: a day needs over 60 % for four stars, over 80 % for five.
        (shares((12, 1.0)), 1.0, 24, 3, {4: 3, 5: 8}),
        (shares((24, 1.0)), 1.0, 24, 5, {}),
        (shares((24, 1.0)), 1.0, 168, 1, {2: 10, 3: 44, 4: 77, 5: 111}),
        # 80 % of the points never give five stars, and exactly 80 % are four.
        (shares((24, 0.8)), 0.8, 24, 4, {}),
        (shares((24, 0.0)), 0.0, 24, 1, {}),
        # What leaves the window counts: a gap two days long moves out of it.
        (shares((120, 1.0), (48, 0.0)), 1.0, 168, 4, {5: 135}),
    ],
)
def test_stars_are_reached_when_the_window_has_moved_so_far(
    history: Any, arriving: float, hours: int, now: int, reached: dict[int, int]
) -> None:
    found = forecast(history, arriving, hours)
    assert (found.stars, dict(found.reached_after_hours)) == (now, reached)


def test_a_rating_that_lives_on_older_days_falls() -> None:
    found = forecast(shares((144, 1.0), (24, 0.1)), 0.1, 168)
    assert (found.stars, found.falls_to) == (5, (1, 126))
    assert forecast(shares((168, 1.0)), 1.0, 168).falls_to is None


def test_hours_that_have_not_arrived_yet_do_not_lower_the_rate() -> None:
    assert History(shares((24, 1.0), (2, 0.0))).arriving() == 1.0
    assert History(shares((24, 1.0), (12, 0.0))).arriving() == 0.5


def test_who_began_to_send_hours_ago_is_judged_by_those_hours() -> None:
    assert History(shares((3, 1.0), (1, 0.0))).arriving() == 1.0
    assert History(shares((4, 0.5))).arriving() == 0.5
    assert History(shares((LONGEST_HOURS, 0.0))).arriving() == 0.0


def full_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def whole(source_id: str, start_at: datetime, count: int) -> dict[str, Any]:
    """All series of a machine with one disk and one NIC."""
    flat = [1.0] * count
    return estates.points(
        source_id,
        start_at=start_at,
        cpu_percent=flat,
        memory_percent=flat,
        disks={"scsi0:0": dict.fromkeys(("read_mbps", "write_mbps", "read_iops", "write_iops"), flat)},
        nics={"4000": dict.fromkeys(("received_mbps", "transmitted_mbps"), flat)},
    )


def site_with(*machines: dict[str, Any]) -> estates.ApplianceApi:
    """An appliance whose machines are known for a month."""
    site = estates.appliance()
    site.inventory(*machines)
    with tenant_context(estates.shared().tenant.id):
        Machine.objects.filter(appliance_id=site.id).update(first_seen_at=full_hour() - timedelta(days=40))
    return site


def of(site: estates.ApplianceApi, what: str) -> Any:
    return site.people.ok(site.people.get(f"projects/{site.project}/{what}/forecast/"))


def of_machine(site: estates.ApplianceApi, source_id: str = "vm-1") -> Any:
    return of(site, f"machines/{site.machine_id(source_id)}")


def test_a_machine_with_a_day_of_points_has_its_week_foretold() -> None:
    site = site_with(estates.machine())
    site.performance(whole("vm-1", full_hour() - timedelta(days=1), 144))
    found = of_machine(site)
    day, week = found["windows"]["1_day"], found["windows"]["1_week"]
    assert (found["arriving_percent"], day["percent"], day["stars"], day["reaches"]) == (100.0, 100.0, 5, [])
    assert day["covered"]["message"] == "Over 95 % now."
    assert [(reach["stars"], reach["at"]) for reach in week["reaches"]] == [
        (stars, (full_hour() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"))
        for stars, hours in {2: 10, 3: 44, 4: 77, 5: 111}.items()
    ]
    at = full_hour() + timedelta(hours=77)
    message = f"Reaches 4 stars on {at:%Y-%m-%d} if points keep coming as in the last day."
    assert week["reaches"][2]["message"] == message
    assert "limit" not in week


def test_the_rating_now_is_the_one_that_an_assessment_gives() -> None:
    site = site_with(estates.machine())
    site.performance(whole("vm-1", full_hour() - timedelta(hours=18), 90))
    found = of_machine(site)["windows"]["1_day"]
    assert (found["percent"], found["stars"]) == (62.5, 4)


def test_too_few_points_never_reach_five_stars() -> None:
    site = site_with(estates.machine())
    start = full_hour() - timedelta(days=1)
    site.performance(estates.points(start_at=start, cpu_percent=[1.0] * 144, memory_percent=[1.0] * 144))
    found = of_machine(site)["windows"]["1_week"]
    assert found["limit"] == {
        "stars": 2,
        "reason": "too_few_points",
        "message": "25 % of the points come; more stars need over 40 %.",
    }


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"power_state": "off"}, "machine_off"),
        ({"power_state": "suspended"}, "machine_off"),
        ({"power_state": "on"}, "silent"),
    ],
)
def test_a_machine_without_points_has_no_forecast_and_the_reason(properties: dict[str, Any], reason: str) -> None:
    site = site_with(estates.machine(**properties))
    found = of_machine(site)
    assert found["reason"] == reason
    assert {window["limit"]["reason"] for window in found["windows"].values()} == {reason}
    assert all(window["reaches"] == [] for window in found["windows"].values())


def test_a_removed_and_an_imported_machine_say_why() -> None:
    site = site_with(estates.machine("a"), estates.machine("b"))
    site.inventory(removed=["a"])
    with tenant_context(estates.shared().tenant.id):
        Machine.objects.filter(appliance_id=site.id, source_id="b").update(discovered_by="import", appliance_id=None)
    assert of_machine(site, "a")["reason"] == "machine_removed"
    assert of_machine(site, "b")["reason"] == "imported"


def test_a_group_and_an_appliance_are_foretold_by_the_mean_of_their_machines() -> None:
    site = site_with(estates.machine("full"), estates.machine("none", power_state="off"))
    for days in (2, 1):
        site.performance(whole("full", full_hour() - timedelta(days=days), 144))
    machines = [site.machine_id("full"), site.machine_id("none")]
    body = {"name": f"both of {site.id}", "machines": machines}
    group = site.people.ok(site.people.post(f"projects/{site.project}/groups/", body), 201)["id"]
    for found in (of(site, f"groups/{group}"), of(site, f"appliances/{site.id}")):
        assert (found["machines"], found["machines_off"], found["machines_imported"]) == (2, 1, 0)
        assert found["arriving_percent"] == 50.0
        assert found["windows"]["1_day"]["stars"] == 3
        assert [reach["stars"] for reach in found["windows"]["1_week"]["reaches"]] == [2, 3]
        assert found["windows"]["1_week"]["limit"]["stars"] == 3


def test_an_empty_group_and_a_silent_appliance_are_told_so() -> None:
    site = site_with(estates.machine())
    body = {"name": f"none of {site.id}"}
    group = site.people.ok(site.people.post(f"projects/{site.project}/groups/", body), 201)["id"]
    assert of(site, f"groups/{group}")["reason"] == "no_machines"
    assert of(site, f"appliances/{site.id}")["reason"] == "silent"


def test_charlie_is_foretold_nothing_of_another_tenant_and_a_reader_is() -> None:
    cast, charlie = estates.shared(), make.stranger()
    site = site_with(estates.machine())
    own = make.project(charlie)
    body = {"name": f"all of {site.id}", "filter": {}}
    group = site.people.ok(site.people.post(f"projects/{site.project}/groups/", body), 201)["id"]
    for what in (f"machines/{site.machine_id('vm-1')}", f"groups/{group}", f"appliances/{site.id}"):
        for project in (site.project, own):
            assert charlie.get(f"projects/{project}/{what}/forecast/").status_code == 404
        cast.rita.ok(cast.rita.get(f"projects/{site.project}/{what}/forecast/"))
