"""axe-core over every page, as an owner, a reader and a stranger sees it, light and dark: no serious violation."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.browser import chromium
from tests.portal.conftest import Site
from tests.portal.test_every_page import OPEN_TO_READERS, PAGES, path_of, view_of
from tests.portal.test_in_browser import DESKTOP, PHONE, is_whole, signed_in

SERIOUS = {"serious", "critical"}
OUTSIDE = ["/tenants/", "/no-such-page/"]
SIGNED_OUT = ["/sign-in/", "/sign-in/company/", "/forgotten-password/", f"/invitations/{uuid4()}/"]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Any, paths: dict[str, str], web: str) -> Iterator[str]:
    """What axe-core calls serious or critical: page, rule, and where on the page."""
    for name, path in paths.items():
        page.goto(web + path)
        if is_whole(page):
            yield from violations_here(page, name)


def violations_here(page: Any, name: str) -> Iterator[str]:
    """The same of the page as it is now."""
    from axe_playwright_python.sync_playwright import Axe  # only `make test-e2e` installs it

    for each in Axe().run(page, options=RULES).response["violations"]:
        if each["impact"] in SERIOUS:
            where = each["nodes"][0]
            yield f"{name}: {each['id']} at {where['target']}: {where['failureSummary']}"


@pytest.mark.e2e
@pytest.mark.parametrize(("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark-phone"])
def test_no_page_of_an_owner_has_a_serious_violation(
    web: str, site: Site, scheme: str, viewport: dict[str, int]
) -> None:
    paths = {name: path_of(name, site) for name in PAGES} | {path: path for path in OUTSIDE}
    with signed_in(web, site.estate.cast.emails["alice"], viewport, scheme) as (page, _):
        assert "\n".join(violations(page, paths, web)) == ""


@pytest.mark.e2e
def test_no_page_of_a_reader_has_a_serious_violation(web: str, site: Site) -> None:
    theirs = [name for name in PAGES if name in OPEN_TO_READERS or view_of(name).reads_need == "reader"]
    paths = {name: path_of(name, site) for name in theirs}
    with signed_in(web, site.estate.cast.emails["rita"], DESKTOP) as (page, _):
        assert "\n".join(violations(page, paths, web)) == ""


@pytest.mark.e2e
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_before_signing_in_has_a_serious_violation(web: str, scheme: str) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport=PHONE, color_scheme=scheme)
        assert "\n".join(violations(page, {path: path for path in SIGNED_OUT}, web)) == ""
