"""What people see of an appliance's health, of the points that came, and of machines that are seen twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.models import Appliance, Machine
from migrate_hub.tenants.row_level_security import tenant_context
from tests import estate, make
from tests.portal.browsing import Browser, sign_in

UUID_A = "50116111-2222-3333-4444-555566667777"


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


def midnight(days_ago: int) -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def seen_since(cast: make.Cast, days: int, **of_appliance: Any) -> None:
    with tenant_context(cast.tenant.id):
        Machine.objects.update(first_seen_at=midnight(days))
        Appliance.objects.update(registered_at=midnight(days), **of_appliance)


def test_an_appliance_that_has_not_enrolled_says_what_to_do(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    body = {"name": "a", "kind": "vmware"}
    made = cast.bob.ok(cast.bob.post(f"projects/{project}/appliances/", body), 201)
    seen = bob.see("portal:appliance", project, made["id"])
    assert "It has not enrolled yet." in seen
    assert "Run the registration command where it stands." in seen
    assert "Nothing is expected as long as it lists no machines." in seen
    assert "Confidence of an assessment" not in seen


def test_an_appliances_days_gaps_and_forecast_are_shown(cast: make.Cast, bob: Browser) -> None:
    project, appliance = estate.enrolled(cast.bob, [estate.machine("full"), estate.machine("none", power_state="off")])
    seen_since(cast, 2)
    appliance.performance([estate.points("full", midnight(1))])
    seen = bob.see("portal:appliance", project, appliance.id)
    yesterday = midnight(1)
    assert f"{yesterday:%a} {yesterday.day} 50" in seen
    assert "Machines with gaps" in seen
    assert "none 0" in seen
    assert "What becomes of it" in seen


def test_an_appliance_that_fell_silent_and_one_with_a_wrong_clock_say_so(cast: make.Cast, bob: Browser) -> None:
    project, appliance = estate.enrolled(cast.bob, [estate.machine("a")])
    with tenant_context(cast.tenant.id):
        Appliance.objects.filter(id=appliance.id).update(
            last_seen_at=datetime.now(UTC) - timedelta(hours=9), clock_skew_seconds=-1200
        )
    seen = bob.see("portal:appliance", project, appliance.id)
    assert "Nothing was heard of it for 9 hours. Check that it runs" in seen
    assert "Its clock is 20 minutes ahead" in seen
    assert "silent" in bob.see("portal:appliances", project)


def test_a_machine_shows_what_came_of_it_and_when_it_will_be_good(cast: make.Cast, bob: Browser) -> None:
    project, appliance = estate.enrolled(cast.bob, [estate.machine("a")])
    seen_since(cast, 2)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    appliance.performance([estate.points("a", hour - timedelta(days=1))])
    seen = bob.see("portal:machine", project, estate.machine_ids(cast.bob, project)["a"])
    assert "Points that came" in seen
    assert (
        f"Reaches 5 stars on {hour + timedelta(hours=111):%Y-%m-%d} if points keep coming as in the last day." in seen
    )


def test_a_machine_that_is_off_says_why_nothing_comes(cast: make.Cast, bob: Browser) -> None:
    project, _ = estate.enrolled(cast.bob, [estate.machine("a", power_state="off")])
    seen = bob.see("portal:machine", project, estate.machine_ids(cast.bob, project)["a"])
    assert "The machine is off; it has points again when it runs." in seen


def test_a_machine_that_is_seen_twice_leads_to_the_other_and_counts_once(cast: make.Cast, bob: Browser) -> None:
    project, _ = estate.enrolled(cast.bob, [estate.machine("sql-first", instance_uuid=UUID_A), estate.machine("x")])
    second = estate.Appliance(cast.bob, project, name="the second")
    second.inventory([estate.machine("second", instance_uuid=UUID_A)])
    ids = estate.machine_ids(cast.bob, project)
    listed = bob.see("portal:machines", project)
    assert "2 machines in the inventory; 1 more is seen twice" in listed
    assert "second seen twice" in listed
    only = bob.see("portal:machines", project, query="?duplicates=only")
    assert "second seen twice" in only
    assert "1 machine seen twice, and not counted; show all" in only
    assert "sql-first" not in only
    assert "This is the same machine as sql-first , seen by another appliance." in bob.see(
        "portal:machine", project, ids["second"]
    )
    assert "Also seen by the second, as second ; that one is not counted." in bob.see(
        "portal:machine", project, ids["sql-first"]
    )
    assert "Same machine as – one seen by another appliance or a file" in bob.see(  # noqa: RUF001
        "portal:machine", project, ids["second"]
    )
    assert "1 counted elsewhere" in bob.see("portal:appliance", project, second.id)
