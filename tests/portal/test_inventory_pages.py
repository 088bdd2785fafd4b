"""Appliances and machines as pages: enrolment with a key shown once, a table that stays quick, one machine whole."""

import gzip
import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.estate import Appliance, enrolled, last_full_hour, machine, points
from tests.portal.browsing import Browser, sign_in, text_of
from tests.portal.conftest import Site

MANY = 35_000


def names_on(response: Any) -> list[str]:
    return [row.name for row in response.context["page"].rows]


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


def test_the_key_is_shown_once_and_its_command_enrols(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    assert "No appliance yet" in bob.see("portal:appliances", project)
    made = bob.post("portal:new-appliance", project, name="Rotterdam, building 2", kind="vmware")
    assert made.status_code == 201
    command = made.context["command"]
    assert command.startswith("curl -X POST http://testserver/api/v1/appliances/register/")
    sent = re.search(r"-d '(.*)'$", command)
    assert sent is not None
    body = json.loads(sent.group(1).replace("""'"$(hostname)"'""", "collector-7"))
    assert make.Api(None).post("appliances/register/", body).status_code == 201
    appliance = made.context["appliance"].id
    assert body["registration_key"] not in bob.get("portal:appliance", project, appliance).content.decode()
    assert "collector-7" in bob.see("portal:appliance", project, appliance)
    assert "collector-7" in bob.see("portal:appliances", project)


def test_a_taken_name_is_told_beside_it(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    bob.post("portal:new-appliance", project, name="twice", kind="hyperv")
    again = bob.post("portal:new-appliance", project, name="twice", kind="hyperv")
    assert again.status_code == 400
    assert "exists already" in again.context["form"].errors["name"][0]


def test_an_appliance_is_shut_out_and_enrolled_again(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine("vm-1")])
    bob.post("portal:revoke-appliance", project, appliance.id)
    assert appliance.upload("inventory", {}).status_code == 401
    key = bob.post("portal:appliance-key", project, appliance.id).context["key"].wire
    appliance.register(key)
    assert appliance.inventory([machine("vm-1")])["rejected"] == []


def test_refused_records_are_listed_with_their_reason(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine("vm-1")])
    appliance.performance([points("nobody-knows-me", last_full_hour() - timedelta(hours=1), 6)])
    words = bob.see("portal:appliance", project, appliance.id)
    assert "nobody-knows-me" in words
    assert "unknown_machine" in words


def test_an_inventory_that_would_remove_too_much_waits_for_a_person(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine(f"vm-{number}") for number in range(30)])
    body = {"snapshot": True, "collected_at": "2026-01-01T00:00:00Z", "machines": [machine("vm-1")], "removed": []}
    assert appliance.upload("inventory", body).status_code == 409
    assert "29 of 30 would be removed" in bob.see("portal:appliance", project, appliance.id)
    bob.post("portal:confirm-snapshot", project, appliance.id)
    assert "would be removed" not in bob.see("portal:appliance", project, appliance.id)


@pytest.fixture(scope="module")
def large(cast: make.Cast) -> str:
    """A project with 35,000 machines."""
    project = make.project(cast.bob)
    appliance = Appliance(cast.bob, project)
    listed = [
        machine(
            f"vm-{number:05}",
            name=f"{('sql', 'web', 'App')[number % 3]}-{number:05}",
            operating_system="Ubuntu Linux (64-bit)" if number % 2 else "Microsoft Windows Server 2019 (64-bit)",
            power_state="off" if number % 10 == 0 else "on",
        )
        for number in range(MANY)
    ]
    appliance.inventory(listed)
    return project


@pytest.mark.parametrize(
    ("query", "count", "first"),
    [
        ("", 35_000, "App-00002"),
        ("?search=SQL-000", 34, "sql-00000"),
        ("?os=ubuntu", 17_500, "App-00005"),
        ("?power_state=off&search=w", 1167, "web-00010"),
        ("?search=nothing", 0, None),
    ],
)
def test_35_000_machines_are_searched_and_filtered_with_a_fixed_number_of_queries(
    large: str, bob: Browser, query: str, count: int, first: str | None
) -> None:
    bob.get("portal:machines", large)
    with CaptureQueriesContext(connection) as queries:
        response = bob.get("portal:machines", large, query=query)
    assert response.context["count"] == count
    assert next(iter(names_on(response)), None) == first
    assert len(queries) <= 12, [each["sql"][:120] for each in queries]
    assert len(gzip.compress(response.content)) < 100_000


def test_pages_follow_one_another_and_lead_back(large: str, bob: Browser) -> None:
    first = bob.get("portal:machines", large, query="?os=ubuntu")
    second = bob.get("portal:machines", large, query=first.context["page"].next_link)
    assert names_on(first)[-1] < names_on(second)[0]
    assert second.context["count"] == 17_500
    back = bob.get("portal:machines", large, query=second.context["page"].previous_link)
    assert names_on(back) == names_on(first)
    assert back.context["page"].previous_link == ""


def test_all_that_match_become_a_group_in_one_step(large: str, bob: Browser) -> None:
    offered = bob.see("portal:new-group", large, query="?os=ubuntu&all=1")
    assert "The 17,500 whose operating system contains “ubuntu”, as they are now" in offered
    response = bob.post(
        "portal:new-group", large, chosen="matching", name=f"Linux {uuid4().hex[:6]}", os="ubuntu", follow=True
    )
    assert "holds 17,500 machines now" in text_of(response)
    assert response.context["count"] == 17_500


def test_a_wrong_filter_is_told_beside_its_field(large: str, bob: Browser) -> None:
    response = bob.get("portal:machines", large, query="?power_state=asleep")
    assert response.status_code == 400
    assert "power_state" in response.context["form"].errors
    assert bob.get("portal:machines", large, query="?search=%00").status_code == 400


def test_a_machine_shows_its_parts_its_changes_and_its_utilization(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine("sql-01")])
    appliance.performance([points("sql-01", last_full_hour() - timedelta(hours=2), 12)])
    appliance.inventory([machine("sql-01", memory_mb=32768)])
    row = bob.get("portal:machines", project).context["page"].rows[0]
    words = bob.see("portal:machine", project, row.id)
    for expected in ("scsi0:1", "200 GB", "10.0.0.7", "Memory 16 GB 32 GB", "CPU: 20 % on average, 20 % at most"):
        assert expected in words.replace("\u202f", " ")
    assert "No measurements in this window" not in words
    for days in ("30", "91", "365"):
        shown = bob.get("portal:machine", project, row.id, query=f"?days={days}").context["drawing"]
        assert [(line.average, line.highest) for line in shown.lines if line.name == "CPU"] == [(20, 20)]


def test_hostile_names_are_shown_as_text(cast: make.Cast, bob: Browser) -> None:
    name = "<img src=x onerror=alert(1)>"
    project, _ = enrolled(cast.bob, [machine("vm-1", name=name, operating_system=name, host=name)])
    row = bob.get("portal:machines", project).context["page"].rows[0]
    for response in (bob.get("portal:machines", project), bob.get("portal:machine", project, row.id)):
        assert b"<img" not in response.content
        assert name in text_of(response) or b"&lt;img src=x" in response.content


def test_a_project_without_machines_says_where_they_come_from(site: Site, cast: make.Cast, bob: Browser) -> None:
    assert "They appear as soon as an appliance" in bob.see("portal:machines", make.project(cast.bob))
