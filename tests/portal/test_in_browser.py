"""The portal in a real browser: the way to a workbook without a reload by hand, and every page on a phone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests import make
from tests.browser import chromium
from tests.portal.conftest import Site
from tests.portal.test_every_page import PAGES, path_of

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def signed_in(web: str, email: str, viewport: dict[str, int], scheme: str = "light") -> Iterator[tuple[Any, list[str]]]:
    """A page after signing in, and what the browser complains about."""
    with chromium() as browser:
        page = browser.new_page(viewport=viewport, color_scheme=scheme)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{web}/sign-in/")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(make.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Projects").wait_for()
        yield page, complaints


def is_whole(page: Any) -> bool:
    """Whether it is a page, not a section that pages ask for again and again: that has no look of its own."""
    return bool(page.evaluate("document.doctype !== null"))


@pytest.mark.e2e
def test_from_ticked_machines_to_a_workbook(web: str, site: Site, tmp_path: Path) -> None:
    project = f"{web}/projects/{site.estate.ids['project']}"
    with signed_in(web, site.estate.cast.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{project}/machines/")
        page.get_by_label("Tick all on this page").check()
        assert page.locator("[data-count=machine]").inner_text() == "3"
        page.get_by_role("button", name="Group the ticked").click()
        page.get_by_label("Name of the new group").fill(f"ticked {uuid4().hex[:6]}")
        page.get_by_role("button", name="Group them").click()
        page.get_by_role("link", name="Assess", exact=True).click()
        page.get_by_label("Name", exact=True).fill(f"seen {uuid4().hex[:6]}")
        page.get_by_role("button", name="Assess").click()
        page.get_by_role("heading", name="Monthly cost by part").wait_for(timeout=60_000)
        page.get_by_role("button", name="Make a workbook").click()
        page.get_by_role("link", name="Download .xlsx").wait_for(timeout=60_000)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download .xlsx").click()
        download.value.save_as(tmp_path / "workbook.xlsx")
    assert (tmp_path / "workbook.xlsx").read_bytes().startswith(b"PK")
    assert complaints == []


@pytest.mark.e2e
def test_every_page_fits_a_phone_and_the_policy(web: str, site: Site) -> None:
    paths = {name: path_of(name, site) for name in PAGES}
    too_wide: dict[str, int] = {}
    with signed_in(web, site.estate.cast.emails["alice"], PHONE, scheme="dark") as (page, complaints):
        for name, path in paths.items():
            page.goto(web + path)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > PHONE["width"] and is_whole(page):
                too_wide[name] = width
        page.goto(web + paths["project"])
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Groups", exact=True).click()
        page.get_by_role("heading", name="Groups", exact=True).wait_for()
    assert too_wide == {}
    assert complaints == []
