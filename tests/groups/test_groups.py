"""Groups over the API: listed machines and filters, all or nothing, up to 35,000 a call."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.estate import Appliance, enrolled, machine, machine_ids


@pytest.fixture(scope="module")
def place() -> tuple[make.Api, str, dict[str, str]]:
    """bob, a project, and its machines' ids by name."""
    api = make.cast().bob
    listed = [
        machine("sql-01", operating_system="Microsoft Windows Server 2019 (64-bit)"),
        machine("sql-02", operating_system="Microsoft Windows Server 2012 (64-bit)", power_state="off"),
        machine("web-01", operating_system="Ubuntu Linux (64-bit)"),
    ]
    project, _ = enrolled(api, listed)
    return api, project, machine_ids(api, project)


def make_group(place: Any, **body: Any) -> Any:
    api, project, _ = place
    return api.post(f"projects/{project}/groups/", {"name": f"group {uuid4().hex[:8]}", **body})


def test_a_group_counts_its_machines_once(place: Any) -> None:
    api, project, ids = place
    group = api.ok(make_group(place, machines=[ids["sql-01"], ids["sql-01"], ids["web-01"]]), 201)
    assert group["machine_count"] == 2
    path = f"projects/{project}/groups/{group['id']}/"
    changed = api.ok(api.post(path + "machines/", {"add": [ids["sql-02"]], "remove": [ids["web-01"]]}))
    assert changed["machine_count"] == 2
    assert changed["membership_version"] > group["membership_version"]
    again = api.ok(api.post(path + "machines/", {"add": [ids["sql-02"]]}))
    assert again["membership_version"] == changed["membership_version"]
    listed = api.ok(api.get(f"projects/{project}/groups/"))["results"]
    assert {row["id"]: row["machine_count"] for row in listed}[group["id"]] == 2


def test_unknown_machines_are_named_and_nothing_changes(place: Any) -> None:
    api, project, ids = place
    group = api.ok(make_group(place), 201)
    unknown = [str(uuid4()) for _ in range(150)]
    answer = api.post(f"projects/{project}/groups/{group['id']}/machines/", {"add": [ids["sql-01"], *unknown]})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "unknown_machines")
    assert len(problem["errors"]) == 100
    assert {error["field"] for error in problem["errors"]} <= set(unknown)
    assert api.ok(api.get(f"projects/{project}/groups/{group['id']}/"))["machine_count"] == 0


def test_another_tenants_machine_is_as_unknown_as_none(place: Any) -> None:
    theirs = make.cast().bob
    their_project, _ = enrolled(theirs, [machine("secret")])
    answer = make_group(place, machines=list(machine_ids(theirs, their_project).values()))
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_machines")


def test_a_machine_of_another_project_is_unknown(place: Any) -> None:
    api, _, _ = place
    other, _ = enrolled(api, [machine("elsewhere")])
    answer = make_group(place, machines=list(machine_ids(api, other).values()))
    assert answer.json()["code"] == "unknown_machines"


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ({}, 3),
        ({"search": "SQL"}, 2),
        ({"os": "windows"}, 2),
        ({"os": "windows", "power_state": "off"}, 1),
        ({"cluster": "Cluster-A"}, 3),
        ({"host": "nowhere"}, 0),
    ],
)
def test_a_group_by_filter_holds_whoever_matches(place: Any, conditions: dict[str, str], count: int) -> None:
    api, _, _ = place
    assert api.ok(make_group(place, filter=conditions), 201)["machine_count"] == count


def test_a_group_by_filter_lists_nobody_by_hand(place: Any) -> None:
    api, project, ids = place
    group = api.ok(make_group(place, filter={}), 201)
    answer = api.post(f"projects/{project}/groups/{group['id']}/machines/", {"add": [ids["sql-01"]]})
    assert (answer.status_code, answer.json()["code"]) == (409, "group_by_filter")


def test_an_unknown_filter_condition_is_an_error(place: Any) -> None:
    assert make_group(place, filter={"color": "red"}).json()["errors"][0]["code"] == "unknown_field"


def test_a_name_is_taken_once_and_free_again_after_deletion(place: Any) -> None:
    api, project, _ = place
    group = api.ok(make_group(place, name="once"), 201)
    assert make_group(place, name="once").json()["code"] == "name_taken"
    assert api.delete(f"projects/{project}/groups/{group['id']}/").status_code == 204
    api.ok(make_group(place, name="once"), 201)


def test_machines_can_be_listed_by_group(place: Any) -> None:
    api, project, ids = place
    group = api.ok(make_group(place, machines=[ids["web-01"]]), 201)["id"]
    rows = api.ok(api.get(f"projects/{project}/machines/?group={group}"))["results"]
    assert [row["name"] for row in rows] == ["web-01"]
    assert api.get(f"projects/{project}/machines/?group={uuid4()}").status_code == 404


def test_35000_machines_in_one_call_and_a_fixed_number_of_queries() -> None:
    api = make.cast().bob
    project = make.project(api)
    appliance = Appliance(api, project)
    lean: dict[str, Any] = {"disks": [], "nics": []}
    appliance.inventory([machine(f"m-{number}", **lean) for number in range(35_000)])
    ids: list[str] = []
    url = f"projects/{project}/machines/?page_size=1000"
    while url:
        page = api.ok(api.get(url))
        ids += [row["id"] for row in page["results"]]
        url = (page["next"] or "").replace("http://testserver", "")
    small = api.ok(api.post(f"projects/{project}/groups/", {"name": "small"}), 201)["id"]
    with CaptureQueriesContext(
        connection,
    ) as few:
        api.ok(api.post(f"projects/{project}/groups/{small}/machines/", {"add": ids[:10]}))
    big = api.ok(api.post(f"projects/{project}/groups/", {"name": "big"}), 201)["id"]
    with CaptureQueriesContext(connection) as many:
        changed = api.ok(api.post(f"projects/{project}/groups/{big}/machines/", {"add": ids}))
    assert changed["machine_count"] == 35_000
    inserts = sum("INSERT INTO groups_groupmember" in query["sql"] for query in many)
    assert len(many) - inserts == len(few) - 1
    assert inserts == 7
    too_many = api.post(f"projects/{project}/groups/{big}/machines/", {"add": [*ids, str(uuid4())]})
    assert too_many.status_code == 400
