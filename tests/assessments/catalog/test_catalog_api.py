"""Catalogs over the API: any member reads them, nobody changes them, no token sees nothing."""

import functools
from typing import Any
from uuid import uuid4

import pytest

from assessments.catalog.loading import load_catalog
from tests import make
from tests.assessments.catalog.catalogs import make_file

cast = functools.cache(make.cast)


@pytest.fixture
def rita(catalog: None) -> make.Api:
    """A reader."""
    return cast().rita


def bundled(api: make.Api) -> str:
    results = api.ok(api.get("catalogs/?page_size=1000"))["results"]
    return str(next(row["id"] for row in results if row["as_of"] == "2026-08-22"))


def every_page(api: make.Api, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        page = api.ok(api.get(following))
        rows += page["results"]
        following = page["next"]
    return rows


def test_catalogs_are_listed_newest_first(rita: make.Api) -> None:
    newest = load_catalog(make_file(name=f"Listed {uuid4()}"))[0]
    first = rita.ok(rita.get("catalogs/?page_size=1"))["results"][0]
    assert (first["id"], first["name"], first["as_of"]) == (str(newest.pk), newest.name, "2026-08-01")
    assert (first["currency"], first["is_current"]) == ("USD", False)


def test_a_catalog_tells_regions_rates_sources_and_what_was_left_out(rita: make.Api) -> None:
    detail = rita.ok(rita.get(f"catalogs/{bundled(rita)}/"))
    regions = {region["region"]: region["display_name"] for region in detail["regions"]}
    disks = {region["region"]: region["prices_disks"] for region in detail["regions"]}
    rates = {rate["currency"]: rate["rate_date"] for rate in detail["rates"]}
    assert regions["westeurope"] == "West Europe"
    assert "taiwannorth" not in regions  # its sizes are known, their prices are not
    assert (disks["westeurope"], disks["polandcentral"]) == (True, False)
    assert rates["EUR"] == "2026-01-26"
    assert {"MIT", "Apache-2.0", "CC BY 4.0"} <= {source["license"] for source in detail["sources"]}
    assert {"what", "rows", "reason"} == set(detail["left_out"][0])


def test_a_size_shows_its_prices_with_their_sources(rita: make.Api) -> None:
    rows = every_page(rita, f"catalogs/{bundled(rita)}/skus/?region=West%20Europe&page_size=1000")
    size = next(row for row in rows if row["name"] == "Standard_D4s_v5")
    assert (size["series"], size["vcpus"], size["memory_mb"], size["currency"]) == ("dsv5", 4, 16384, "USD")
    assert size["prices"]["linux_pay_as_you_go"]["amount"] == "0.23"
    assert size["prices"]["linux_pay_as_you_go"]["source"]["dated"] == "2026-08-22"
    reservation = size["prices"]["reservation_1y"]
    assert (reservation["amount"], reservation["per"], reservation["source"]["grade"]) == ("1243", "term", "A")
    assert size["prices"]["savings_plan_3y"] is None


def test_paging_gives_every_size_once_and_by_name(rita: make.Api) -> None:
    rows = every_page(rita, f"catalogs/{bundled(rita)}/skus/?region=westeurope&page_size=400")
    names = [row["name"] for row in rows]
    assert len(names) > 1000
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("skus/", 400, "invalid"),
        ("skus/?region=atlantis", 400, "unknown_region"),
        ("skus/?region=westeurope&page_size=1001", 400, "invalid"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(rita: make.Api, path: str, status: int, code: str) -> None:
    response = rita.get(f"catalogs/{bundled(rita)}/{path}")
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["catalogs/{}/", "catalogs/{}/skus/?region=westeurope"])
@pytest.mark.parametrize("catalog_id", ["0198c1f0-0000-7000-8000-000000000000", "newest"])
def test_a_catalog_that_is_not_there_is_404(rita: make.Api, path: str, catalog_id: str) -> None:
    response = rita.get(path.format(catalog_id))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["catalogs/", "catalogs/{}/", "catalogs/{}/skus/?region=westeurope"])
def test_without_a_token_nothing_is_shown(rita: make.Api, path: str) -> None:
    assert make.Api(None).get(path.format(bundled(rita))).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_not_even_an_owner_changes_a_catalog(catalog: None, method: str) -> None:
    alice = cast().alice
    assert alice.call(method, f"catalogs/{bundled(alice)}/", {}).status_code == 405
