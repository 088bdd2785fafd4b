"""Two tenants in two browser contexts of one browser: neither ever sees a word of the other."""

from typing import Any

import pytest

from tests import make
from tests.browser import chromium
from tests.estate import enrolled, machine
from tests.portal.browsing import give_password
from tests.portal.conftest import Site
from tests.portal.test_every_page import PAGES, PUBLIC_FACTS, WITH_IDS, path_of


def enter(context: Any, web: str, email: str) -> Any:
    """A page of this context after signing in."""
    page = context.new_page()
    page.goto(f"{web}/sign-in/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    return page


@pytest.mark.e2e
def test_neither_of_two_tenants_sees_the_other(web: str, site: Site) -> None:
    other = make.cast()
    secret = f"only-theirs-{other.emails['alice'][:8]}"
    project, _ = enrolled(other.alice, [machine(secret)])
    give_password(other.emails["alice"])
    with chromium() as browser:
        ours = enter(browser.new_context(), web, site.estate.cast.emails["alice"])
        theirs = enter(browser.new_context(), web, other.emails["alice"])
        theirs.goto(f"{web}/projects/{project}/machines/")
        assert secret in theirs.content()

        for name in PAGES:
            ours.goto(web + path_of(name, site))
            assert secret not in ours.content(), name
            assert other.emails["alice"] not in ours.content(), name
        absent = theirs.request.get(f"{web}/projects/{project[::-1]}/").text()
        for name in sorted(set(WITH_IDS) - PUBLIC_FACTS):
            answer = theirs.request.get(web + path_of(name, site))
            assert answer.status in (404, 405), name
            assert answer.status == 405 or answer.text() == absent, name
