"""The wizard in a real browser: presets, the preview that follows every change, and all of it by keyboard alone."""

from typing import Any
from uuid import uuid4

import pytest

from tests.portal.conftest import Site
from tests.portal.test_in_browser import DESKTOP, signed_in

MOST_STOPS = 120


def figure(page: Any) -> str:
    """What the preview says the sample costs."""
    return str(page.locator(".preview-figure").inner_text())


@pytest.mark.e2e
def test_the_preview_follows_presets_and_changes_until_the_assessment_is_made(web: str, site: Site) -> None:
    project, group = site.ids("project", "group")
    with signed_in(web, site.estate.cast.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{web}/projects/{project}/assessments/new/?group={group}")
        page.locator(".preview-figure").wait_for()
        assert "all 2 machines of the group" in page.locator("#preview").inner_text()
        right_sized = figure(page)

        page.get_by_role("button", name="What it costs as it is").click()
        page.locator(".preset[aria-pressed=true]").wait_for()
        page.locator(".preview-figure").wait_for()
        as_it_is = figure(page)
        assert as_it_is != right_sized
        page.get_by_label("Size machines").select_option("performance_based")
        page.get_by_label("Comfort factor").fill("1.3")
        page.wait_for_function(
            "before => document.querySelector('.preview-figure')?.innerText !== before", arg=as_it_is
        )

        page.get_by_label("Commitment", exact=True).select_option("reservation_3y")
        page.get_by_label("Discount (%)").fill("10")
        page.locator("#told-discount_percent .errorlist").wait_for()
        assert "excludes" in page.locator("#told-commitment").inner_text()
        page.get_by_label("Discount (%)").fill("0")
        page.locator("#told-discount_percent .errorlist").wait_for(state="detached")
        page.locator(".preview-figure").wait_for()
        assert "Reserved for 3 years" in page.locator("#review").inner_text()

        page.get_by_label("Name", exact=True).fill(f"three years {uuid4().hex[:6]}")
        page.get_by_role("button", name="Assess", exact=True).click()
        page.get_by_role("heading", name="What to look at first").wait_for(timeout=60_000)
    assert complaints == []


def tab_to(page: Any, words: str) -> None:
    """Presses Tab until what is focused is called so."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "() => { const at = document.activeElement; const label = at.labels?.[0]?.innerText ?? at.innerText ?? '';"
            " return label.trim(); }"
        )
        if found == words:
            return
    pytest.fail(f"the keyboard does not reach {words!r}")


@pytest.mark.e2e
def test_the_keyboard_alone_leads_from_a_group_to_a_machines_result(web: str, site: Site) -> None:
    project, group = site.ids("project", "group")
    with signed_in(web, site.estate.cast.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{web}/projects/{project}/groups/{group}/")
        tab_to(page, "Assess")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="New assessment").wait_for()
        tab_to(page, "Cautious\nNearly every peak of the last month counts, and half as much again is added.")
        page.keyboard.press("Enter")
        page.locator(".preset[aria-pressed=true]").wait_for()
        tab_to(page, "Name")
        page.keyboard.type(f"by keyboard {uuid4().hex[:6]}")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="What to look at first").wait_for(timeout=60_000)
        assert "1.5" in page.get_by_role("heading", name="Settings", exact=True).locator("..").inner_text()
        tab_to(page, "Machine by machine")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Machine by machine").wait_for()
        tab_to(page, "sql-01")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="How this was decided").wait_for()
        tab_to(page, "Next")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="web-01", exact=True).wait_for()
    assert complaints == []
