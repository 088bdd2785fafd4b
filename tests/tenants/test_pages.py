"""Lists page by cursor: no row is skipped or repeated, and what is no cursor is told so."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from assessments.models import Assessment
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import Estate, assessed, enrolled, group_of_all, machine, whole_estate
from tests.tenants.test_stranger import api_routes

LISTS = sorted(
    route
    for route, pattern in api_routes()
    if getattr(pattern.callback, "actions", {}).get("get") in ("list", "compare")
)
AN_ID = "0198c1f0-0000-7000-8000-000000000000"


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


GARBAGE = {
    "nothing": "",
    "no base64": "%%%",
    "not ASCII": "ä",
    "NUL": "\0",
    "no JSON": base64.urlsafe_b64encode(b"cD0x").decode(),
    "no UTF-8": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "no list": cursor_of({"id": AN_ID}),
    "too few": cursor_of([]),
    "too many": cursor_of([AN_ID] * 4),
    "no texts": cursor_of([1]),
    "no UUID": cursor_of(["x"]),
    "no UUID behind a text": cursor_of(["x", "x"]),
    "NUL in a text": cursor_of(["\0", AN_ID]),
    "a lone surrogate": cursor_of(["\ud800", AN_ID]),
    "no zone": cursor_of(["2026-01-01T00:00:00", "x"]),
    "nested": base64.urlsafe_b64encode(b"[" * 2900).decode(),
    "long": "A" * 100_000,
    "negative": "LTU=",
}


@pytest.fixture(scope="module")
def estate(catalog: None, background: None) -> Estate:
    """One of everything that can be listed."""
    return whole_estate()


def asked(estate: Estate, route: str, query: str) -> Any:
    needed = "region=westeurope&" if route.endswith("skus/") else ""
    return estate.cast.alice.get(f"{estate.path(route)}?{needed}{query}")


def pages(api: make.Api, url: str | None, *, at_most: int = 50) -> Iterator[list[dict[str, Any]]]:
    for _ in range(at_most):
        if url is None:
            return
        page = api.ok(api.get(url.replace("http://testserver", "")))
        url = page["next"]
        yield page["results"]
    pytest.fail(f"more than {at_most} pages")


@pytest.mark.parametrize("route", LISTS)
def test_what_is_no_cursor_is_told_so(route: str, estate: Estate) -> None:
    for name, cursor in GARBAGE.items():
        answer = asked(estate, route, f"cursor={quote(cursor)}")
        assert (answer.status_code, answer.json().get("code")) == (400, "invalid_cursor"), f"{name}: {answer.content!r}"


@pytest.mark.parametrize("route", LISTS)
def test_a_page_has_at_most_a_thousand_rows(route: str, estate: Estate) -> None:
    for size in ("1001", "00000000150000", "0", "-1", "1e3", "9" * 5000, ""):
        answer = asked(estate, route, f"page_size={size}")
        assert (answer.status_code, answer.json().get("code")) == (400, "invalid"), f"{size}: {answer.content!r}"


@pytest.mark.parametrize("route", [route for route in LISTS if not route.endswith(("compare/", "skus/"))])
def test_pages_of_one_row_hold_what_one_page_holds(route: str, estate: Estate) -> None:
    whole = asked(estate, route, "page_size=1000").json()["results"]
    # Catalogs are everybody's: other tests may have loaded any number of them.
    found = list(pages(estate.cast.alice, f"{estate.path(route)}?page_size=1", at_most=len(whole) + 2))
    assert [row for page in found for row in page] == whole


def test_rows_with_the_same_name_come_once_each(catalog: None, background: None) -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine(f"vm-{number}", name="same") for number in range(1500)])
    body = {"name": "all", "filter": {"search": "same"}}
    group = api.ok(api.post(f"projects/{project}/groups/", body), 201)["id"]
    assessment = assessed(api, project, group)
    rows = f"projects/{project}/assessments/{assessment['id']}/machines/?page_size=200"
    found = [row["machine"] for page in pages(api, rows) for row in page]
    assert (len(found), len(set(found))) == (1500, 1500)


def test_newest_first_pages_of_rows_of_one_instant_hold_each_once(catalog: None, background: None) -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    group = group_of_all(cast.bob, project)
    made = [assessed(cast.bob, project, group)["id"] for _ in range(5)]
    with tenant_context(cast.tenant.id):
        Assessment.objects.filter(id__in=made[:3]).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
        Assessment.objects.filter(id__in=made[3:]).update(created_at=datetime(2026, 1, 2, tzinfo=UTC))
    found = [row["id"] for page in pages(cast.bob, f"projects/{project}/assessments/?page_size=1") for row in page]
    assert found == sorted(made[3:]) + sorted(made[:3])


@pytest.mark.parametrize("search", ["\0", "sql\0", "x" * 256])
def test_a_search_for_what_no_name_can_be_is_told_so(search: str, estate: Estate) -> None:
    for route in ("projects/<str:project>/machines/", "projects/<str:project>/assessments/<str:assessment>/machines/"):
        answer = asked(estate, route, f"search={quote(search)}")
        assert (answer.status_code, answer.json().get("code")) == (400, "invalid"), route


def test_the_machines_of_a_run_are_found_by_the_start_of_their_name(estate: Estate) -> None:
    route = "projects/<str:project>/assessments/<str:assessment>/machines/"
    found = {search: asked(estate, route, f"search={search}").json()["results"] for search in ("sql", "SQL", "ql")}
    assert {search: [row["name"] for row in rows] for search, rows in found.items()} == {
        "sql": ["sql-01"],
        "SQL": [],
        "ql": [],
    }
