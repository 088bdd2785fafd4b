"""How an appliance is: in one word, with the reason and what to do."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from ingest.models import Appliance, CoverageDay
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates

HEARTBEAT = "ingest/heartbeat/"


def shown(site: estates.ApplianceApi) -> Any:
    return site.people.ok(site.people.get(f"projects/{site.project}/appliances/{site.id}/"))


def health(site: estates.ApplianceApi) -> tuple[str, str]:
    answer = shown(site)
    assert bool(answer["what_to_do"]) == (answer["health"] != "ok")
    return answer["health"], answer["health_reason"]


def age(site: estates.ApplianceApi, **instants: datetime) -> None:
    """Moves what is known of an appliance into the past."""
    with tenant_context(estates.shared().tenant.id):
        Appliance.objects.filter(id=site.id).update(**instants)


def sending() -> estates.ApplianceApi:
    """An appliance that has sent inventory and points."""
    site = estates.appliance()
    site.inventory(estates.machine())
    site.performance(estates.points())
    return site


def hours_ago(hours: float) -> datetime:
    return timezone.now() - timedelta(hours=hours)


def test_one_that_sends_is_ok() -> None:
    assert health(sending()) == ("ok", "")


def test_one_that_just_enrolled_is_ok() -> None:
    assert health(estates.appliance()) == ("ok", "")


def test_one_that_never_enrolled_is_told_how() -> None:
    people = estates.shared().alice
    project = make.project(people)
    made = estates.new_appliance(people, project)
    assert (made["health"], made["health_reason"]) == ("never_registered", "It has not enrolled yet.")
    assert made["what_to_do"].startswith("Run the registration command")
    (listed,) = people.ok(people.get(f"projects/{project}/appliances/"))["results"]
    assert listed["health"] == "never_registered"


def test_one_that_was_not_heard_for_hours_is_silent() -> None:
    site = sending()
    age(site, last_seen_at=hours_ago(5))
    assert health(site) == ("silent", "Nothing was heard of it for 5 hours.")


def test_one_that_lives_but_sends_no_inventory_is_late() -> None:
    site = estates.appliance()
    age(site, registered_at=hours_ago(4))
    site.ok(site.post(HEARTBEAT, {"health": "ok"}))
    assert health(site) == ("late", "It enrolled 4 hours ago and has sent no inventory.")


def test_one_whose_points_stopped_is_late_though_its_inventory_comes() -> None:
    site = sending()
    with tenant_context(estates.shared().tenant.id):
        CoverageDay.objects.filter(appliance_id=site.id).update(touched_at=hours_ago(6))
    site.inventory(estates.machine())
    assert health(site) == ("late", "Its last points came 6 hours ago.")


def test_one_that_never_sent_points_is_late_after_a_while() -> None:
    site = estates.appliance()
    site.inventory(estates.machine())
    assert health(site)[0] == "ok"
    age(site, registered_at=hours_ago(4))
    assert health(site) == ("late", "It has sent no points of its machines.")


@pytest.mark.parametrize(
    ("heartbeat", "reason"),
    [
        ({"health": "degraded"}, "It says of itself: degraded."),
        ({"errors": ["vcenter-2 is away"]}, "It reports 1 error: vcenter-2 is away"),
        ({"errors": [{"code": "full", "message": "disk full"}, "x"]}, "It reports 2 errors: disk full"),
    ],
)
def test_one_that_complains_is_failing_until_it_does_not(heartbeat: dict[str, Any], reason: str) -> None:
    site = sending()
    site.ok(site.post(HEARTBEAT, heartbeat))
    assert health(site) == ("failing", reason)
    site.ok(site.post(HEARTBEAT, {"health": "Healthy"}))
    assert health(site)[0] == "ok"


def test_one_whose_inventory_waits_for_a_person_is_failing() -> None:
    site = estates.appliance()
    site.inventory(*[estates.machine(str(number)) for number in range(30)], snapshot=True)
    assert site.upload(estates.INVENTORY, {"snapshot": True, "machines": []}).status_code == 409
    assert health(site) == ("failing", "Its last inventory lists so few machines that it was set aside.")
    site.people.ok(site.people.post(f"projects/{site.project}/appliances/{site.id}/confirm-snapshot/"))
    assert health(site)[0] == "ok"


@pytest.mark.parametrize("way", ["performance", "inventory", "heartbeat"])
@pytest.mark.parametrize(
    ("seconds", "warning"),
    [
        (-90, None),
        (-299, None),
        (-900, "Its clock is 15 minutes behind: its points stand in the wrong intervals. Set it by NTP."),
        (1200, "Its clock is 20 minutes ahead: its points stand in the wrong intervals. Set it by NTP."),
    ],
)
def test_the_clock_is_measured_by_every_batch(way: str, seconds: int, warning: str | None) -> None:
    site = sending()
    sent_at = (timezone.now() + timedelta(seconds=seconds)).isoformat()
    if way == "performance":
        site.performance(estates.points(), sent_at=sent_at)
    elif way == "inventory":
        site.inventory(estates.machine(), sent_at=sent_at)
    else:
        site.ok(site.post(HEARTBEAT, {"sent_at": sent_at}))
    answer = shown(site)
    assert abs(answer["clock_skew_seconds"] + seconds) < 10
    assert answer["clock_warning"] == warning


def test_a_collection_that_is_still_to_come_proves_that_the_clock_is_ahead() -> None:
    site = estates.appliance()
    site.inventory(estates.machine(), collected_at=(timezone.now() + timedelta(hours=2)).isoformat())
    assert "120 minutes ahead" in shown(site)["clock_warning"]
    site.inventory(estates.machine(), collected_at=hours_ago(1).isoformat())
    assert "120 minutes ahead" in shown(site)["clock_warning"], "an old collection says nothing of the clock"


def test_a_clock_that_is_days_off_is_a_failure() -> None:
    site = sending()
    site.ok(site.post(HEARTBEAT, {"sent_at": hours_ago(50).isoformat()}))
    assert health(site)[0] == "failing"


def test_what_was_refused_within_a_day_is_counted() -> None:
    site = sending()
    assert shown(site)["rejected_last_day"] == 0
    site.performance(estates.points("nobody"), estates.points("vm-1", start_at=hours_ago(900)))
    site.performance(estates.points("nobody"))
    assert shown(site)["rejected_last_day"] == 2


def test_the_machines_of_an_appliance_that_count_elsewhere_are_told() -> None:
    first = estates.appliance()
    second = estates.appliance(first.people, first.project)
    for site in (first, second):
        name = f"vm of {site.id}"
        site.inventory(estates.machine(name, instance_uuid="50116111-2222-3333-4444-555566667777"))
    counts = [(shown(site)["machine_count"], shown(site)["duplicate_count"]) for site in (first, second)]
    assert counts == [(1, 0), (1, 1)]
