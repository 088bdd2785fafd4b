"""Groups as pages: filled by what matches, previewed while a filter is typed, copied, converted, added to by name."""

import gzip
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.estate import enrolled, machine
from tests.portal.browsing import Browser, sign_in, text_of

NAMES = [f"{kind}-{number:02}" for kind in ("sql", "web") for number in range(30)]


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


@pytest.fixture(scope="module")
def project(cast: make.Cast) -> str:
    return enrolled(cast.bob, [machine(name, cores=2, memory_mb=1024) for name in NAMES])[0]


def group_of(cast: make.Cast, project: str, **body: Any) -> str:
    made = cast.bob.post(f"projects/{project}/groups/", {"name": f"group {uuid4().hex[:8]}", **body})
    return str(cast.bob.ok(made, 201)["id"])


def count_of(bob: Browser, project: str, group: str) -> int:
    return int(bob.get("portal:group", project, group).context["count"])


def test_all_that_match_go_into_a_group_and_out_of_it(cast: make.Cast, project: str, bob: Browser) -> None:
    group = group_of(cast, project)

    def all_named(search: str, action: str) -> str:
        fields = {"chosen": "matching", "group": group, "search": search, "action": action}
        return text_of(bob.post("portal:new-group", project, follow=True, **fields))

    assert "holds 30 machines now. Put in: 30 machines." in all_named("sql", "put")
    assert "holds 60 machines now. Put in: 30 machines; 30 were in it already." in all_named("", "put")
    assert "holds 59 machines now. Taken out: 1 machine." in all_named("web-07", "take")


def test_groups_that_list_their_machines_are_offered(cast: make.Cast, project: str, bob: Browser) -> None:
    listed, by_filter = group_of(cast, project), group_of(cast, project, filter={})
    offered = bob.get("portal:new-group", project).content.decode()
    assert f'<option value="{listed}">' in offered
    assert by_filter not in offered


def test_whom_to_take_out_of_must_be_said(project: str, bob: Browser) -> None:
    refused = bob.post("portal:new-group", project, chosen="matching", action="take", name="x")
    assert refused.status_code == 400
    assert refused.context["form"].errors["group"] == ["Choose the group to take them out of."]


def test_what_a_group_cannot_follow_is_not_offered_to_be_followed(project: str, bob: Browser) -> None:
    assert "new ones join by themselves" in bob.see("portal:new-group", project, query="?os=win&all=1")
    assert "new ones join by themselves" not in bob.see("portal:new-group", project, query="?history=none&all=1")


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", "Machines 60 Cores 120 Memory 60 GB"), ("?search=SQL", "Machines 30 Cores 60"), ("?search=q", "No machine")],
)
def test_a_preview_says_who_would_be_in_it(project: str, bob: Browser, query: str, expected: str) -> None:
    assert expected in bob.see("portal:group-preview", project, query=query).replace("\u202f", " ")


def test_a_preview_of_a_wrong_filter_says_so(project: str, bob: Browser) -> None:
    assert "while the filter is wrong" in bob.see("portal:group-preview", project, query="?power_state=asleep")


def test_a_group_by_filter_is_made_and_what_was_typed_stays(project: str, bob: Browser) -> None:
    name = f"sql {uuid4().hex[:6]}"
    made = bob.post("portal:new-filter-group", project, name=name, search="sql", follow=True)
    assert (made.context["group"].filter, made.context["count"]) == ({"search": "sql"}, 30)
    again = bob.post("portal:new-filter-group", project, name=name, search="web")
    assert again.status_code == 400
    assert "exists already" in text_of(again)
    assert 'value="web"' in again.content.decode()


def test_members_are_found_by_name_and_added(cast: make.Cast, project: str, bob: Browser) -> None:
    group = group_of(cast, project)
    found = bob.get("portal:group", project, group, query="?find=web-0")
    assert [row.name for row, _ in found.context["found"]] == [f"web-0{number}" for number in range(10)]
    first = found.context["found"][0][0].id
    bob.post("portal:group", project, group, do="add", machine=[first])
    assert bob.get("portal:group", project, group, query="?find=web-0").context["found_count"] == 9
    bob.post("portal:group", project, group, do="add-found", find="web")
    assert count_of(bob, project, group) == 30
    bob.post("portal:group", project, group, do="remove", machine=[first])
    assert count_of(bob, project, group) == 29


def test_a_group_is_copied_and_converted_both_ways(cast: make.Cast, project: str, bob: Browser) -> None:
    group = group_of(cast, project, filter={"search": "web"})
    copied = bob.post("portal:copy-group", project, group, name=f"copy {uuid4().hex[:6]}", follow=True)
    assert copied.context["group"].filter == {"search": "web"}
    listed = bob.post("portal:convert-group", project, group, follow=True)
    assert (listed.context["group"].filter, listed.context["count"]) == (None, 30)
    followed = bob.post("portal:convert-group", project, group, search="sql-0", follow=True)
    assert (followed.context["group"].filter, followed.context["count"]) == ({"search": "sql-0"}, 10)
    taken = bob.post("portal:copy-group", project, group, name=copied.context["group"].name, follow=True)
    assert "exists already" in text_of(taken)


def test_a_stranger_sees_no_preview(project: str) -> None:
    assert sign_in(make.cast(), "alice").get("portal:group-preview", project).status_code == 404


def test_as_many_queries_for_three_members_as_for_sixty(cast: make.Cast, project: str, bob: Browser) -> None:
    counts = []
    for search in ("sql-00", ""):
        group = group_of(cast, project, filter={"search": search} if search else {})
        for name in ("portal:group", "portal:group-settings"):
            bob.get(name, project, group)
            with CaptureQueriesContext(connection) as queries:
                response = bob.get(name, project, group)
            counts.append(len(queries))
            assert len(gzip.compress(response.content)) < 20_000
    assert counts[:2] == counts[2:]
