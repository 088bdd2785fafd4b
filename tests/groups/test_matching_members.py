"""Members in bulk: all that match, added or removed in one statement; groups copied and converted."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.estate import enrolled, machine, machine_ids

NAMES = ("sql-01", "sql-02", "web-01", "web-02", "web-03")


@pytest.fixture(scope="module")
def place() -> Any:
    api = make.cast().bob
    project, appliance = enrolled(api, [machine(name) for name in NAMES])
    return api, project, appliance


def group_of(place: Any, **body: Any) -> str:
    api, project, _ = place
    made = api.ok(api.post(f"projects/{project}/groups/", {"name": f"group {uuid4().hex[:8]}", **body}), 201)
    return str(made["id"])


def change(place: Any, group: str, **body: Any) -> Any:
    api, project, _ = place
    return api.post(f"projects/{project}/groups/{group}/machines/", body)


def members(place: Any, group: str) -> list[str]:
    api, project, _ = place
    rows = api.ok(api.get(f"projects/{project}/machines/?group={group}&sort=name"))["results"]
    return [row["name"] for row in rows]


def counts(answer: Any) -> tuple[int, int, int, int]:
    body = answer.json()
    return body["machine_count"], body["added"], body["already_members"], body["removed"]


def test_all_that_match_are_added_and_those_that_were_in_it_are_told(place: Any) -> None:
    group = group_of(place)
    assert counts(change(place, group, add_matching={"search": "sql"})) == (2, 2, 0, 0)
    assert counts(change(place, group, add_matching={})) == (5, 3, 2, 0)
    assert counts(change(place, group, remove_matching={"search": "web"})) == (2, 0, 0, 3)
    assert members(place, group) == ["sql-01", "sql-02"]


def test_ids_tell_the_same(place: Any) -> None:
    api, project, _ = place
    ids = machine_ids(api, project)
    group = group_of(place, machines=[ids["sql-01"]])
    assert counts(change(place, group, add=[ids["sql-01"], ids["web-01"]])) == (2, 1, 1, 0)


def test_any_number_is_added_with_the_same_few_queries(place: Any) -> None:
    few, many = (CaptureQueriesContext(connection) for _ in range(2))
    one, all_of_them = group_of(place), group_of(place)
    with few:
        change(place, one, add_matching={"search": "sql-01"})
    with many:
        change(place, all_of_them, add_matching={})
    assert len(few) == len(many)
    assert sum("INSERT INTO groups_groupmember" in query["sql"] for query in many) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"add_matching": {"color": "red"}},
        {"add_matching": {"history": "old"}},
        {"add_matching": {"appliance": "x"}},
        {"add_matching": {}, "add": [str(uuid4())]},
    ],
)
def test_what_cannot_be_matched_changes_nothing(place: Any, body: dict[str, Any]) -> None:
    group = group_of(place)
    assert change(place, group, **body).status_code == 400
    assert members(place, group) == []


def test_a_group_by_filter_is_not_changed_by_hand(place: Any) -> None:
    answer = change(place, group_of(place, filter={}), add_matching={})
    assert (answer.status_code, answer.json()["code"]) == (409, "group_by_filter")


def test_a_group_may_follow_an_appliance(place: Any) -> None:
    _, _, appliance = place
    assert members(place, group_of(place, filter={"appliance": appliance.id})) == sorted(NAMES)
    assert members(place, group_of(place, filter={"discovered_by": "import"})) == []


def test_a_copy_has_the_same_members_and_is_apart(place: Any) -> None:
    api, project, _ = place
    group = group_of(place)
    change(place, group, add_matching={"search": "sql"})
    name = f"copy {uuid4().hex[:8]}"
    copied = api.ok(api.post(f"projects/{project}/groups/{group}/copy/", {"name": name}), 201)
    change(place, group, remove_matching={})
    assert (copied["name"], members(place, copied["id"]), members(place, group)) == (name, ["sql-01", "sql-02"], [])
    again = api.post(f"projects/{project}/groups/{group}/copy/", {"name": name})
    assert again.json()["code"] == "name_taken"


def test_a_group_by_filter_becomes_a_list_and_back(place: Any) -> None:
    api, project, _ = place
    group = group_of(place, filter={"search": "web"})
    path = f"projects/{project}/groups/{group}/convert/"
    listed = api.ok(api.post(path, {}))
    assert (listed["filter"], listed["machine_count"]) == (None, 3)
    assert counts(change(place, group, remove_matching={"search": "web-01"})) == (2, 0, 0, 1)
    assert api.post(path, {}).json()["code"] == "group_is_static"
    followed = api.ok(api.post(path, {"filter": {"search": "sql"}}))
    assert (followed["filter"], followed["machine_count"]) == ({"search": "sql"}, 2)
    assert followed["membership_version"] > listed["membership_version"]


def test_charlie_and_a_reader_change_no_group(place: Any) -> None:
    _, project, _ = place
    group = group_of(place)
    charlie = make.stranger()
    for what in ("machines", "copy", "convert"):
        assert charlie.post(f"projects/{project}/groups/{group}/{what}/", {}).status_code == 404
