"""Charlie, who owns another tenant, walks every URL: what is not his answers as what is not there."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests import make
from tests.estate import Estate, whole_estate

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
# Whose rows are the caller's own whatever the caller: nothing of another tenant can be named in the URL.
COLLECTIONS_OF_THE_CALLER = {
    "report-templates/",
    "projects/",
    "tokens/",
    "members/",
    "audit/",
    "catalogs/",
    "price-sheets/",
    "overview/",
    "jobs/",
    "usage/",
    "company-sign-in/",
    "invitations/",
    "tenant/",
}
# Global facts, the same for everybody.
PUBLIC_FACTS = {
    "assessment-presets/",
    "catalogs/<str:catalog>/",
    "catalogs/<str:catalog>/skus/",
    "catalogs/<str:catalog>/price-changes/",
}
# Carry their own proof instead of a person's token; tested in tests/ingest and tests/reports.
OWN_PROOF = {
    "appliances/register/",
    "appliances/token/",
    "ingest/heartbeat/",
    "ingest/inventory/",
    "ingest/performance/",
    "report-downloads/<str:signed>/",
}


def api_routes() -> Iterator[tuple[str, URLPattern]]:
    """Every route below /api/v1/, with the part behind it."""

    def walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
        for entry in resolver.url_patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, route)
            else:
                yield route, entry

    for route, pattern in walk(get_resolver(), ""):
        if route.startswith("api/v1/"):
            yield route.removeprefix("api/v1/"), pattern


ROUTES = sorted({route for route, _ in api_routes()})
OF_A_TENANT = [r for r in ROUTES if r not in COLLECTIONS_OF_THE_CALLER | PUBLIC_FACTS | OWN_PROOF]


@pytest.fixture(scope="module")
def estate(catalog: None, background: None) -> Estate:
    """One of everything that a URL can name, in alice's tenant."""
    return whole_estate()


@pytest.mark.parametrize("route", OF_A_TENANT)
def test_a_stranger_gets_404_for_what_exists_as_for_what_does_not(route: str, estate: Estate) -> None:
    charlie = make.stranger()
    for method in METHODS:
        theirs = charlie.call(method, estate.path(route), {} if method != "GET" else None)
        absent = charlie.call(method, estate.path(route, instead=uuid4()), {} if method != "GET" else None)
        assert theirs.status_code in (404, 405), f"{method} {route}: {theirs.status_code} {theirs.content[:300]!r}"
        assert theirs.status_code == absent.status_code
        if theirs.status_code == 404:
            assert theirs.json() == absent.json()


@pytest.mark.parametrize("route", OF_A_TENANT)
def test_the_tenant_itself_is_let_through(route: str, estate: Estate) -> None:
    """Otherwise the 404 above would prove nothing. Deletes only where nothing else is offered."""
    answers = []
    for method in ("GET", "POST", "DELETE"):
        answers.append(estate.cast.alice.call(method, estate.path(route)).status_code)
        if answers[-1] not in (404, 405):
            return
    pytest.fail(f"{route} answered {answers}")


@pytest.mark.parametrize("route", sorted(set(ROUTES) - OWN_PROOF))
def test_without_a_token_every_url_is_401(route: str, estate: Estate) -> None:
    nobody = make.Api(None)
    answers = {nobody.call(method, estate.path(route)).status_code for method in METHODS}
    assert answers <= {401, 405}
    assert 401 in answers


def test_every_view_below_the_api_names_its_permission() -> None:
    from migrate_hub.tenants.api import TenantAPIView

    for route, pattern in api_routes():
        view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
        assert route in OWN_PROOF or (view is not None and issubclass(view, TenantAPIView)), route
