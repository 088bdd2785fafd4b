"""The inventory in a real browser: sorted without a reload, columns, all that match, a chart's zoom, a live preview."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.conftest import wait_until
from tests.estate import enrolled, last_full_hour, machine, points
from tests.portal.test_accessibility import violations_here
from tests.portal.test_in_browser import DESKTOP, PHONE, signed_in

pytestmark = pytest.mark.e2e
WAVE = "wave 1"
TOP, BOTTOM = "each => each.getBoundingClientRect().top", "each => each.getBoundingClientRect().bottom"
IS_IN_BULK = "each => each.closest('.bulk') !== null"


@pytest.fixture(scope="module")
def place(database: None) -> tuple[make.Cast, str]:
    """Sixty machines, the first with two days of history, and an empty group."""
    cast = make.cast()
    project, appliance = enrolled(cast.bob, [machine(f"vm-{number:02}", cores=number + 1) for number in range(60)])
    for day in (1, 2):
        appliance.performance([points("vm-00", last_full_hour() - timedelta(days=day))])
    cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": WAVE}), 201)
    return cast, project


@pytest.fixture
def visit(web: str, place: tuple[make.Cast, str]) -> Iterator[tuple[Any, str]]:
    """bob's browser and the project's address; nothing may have been complained about."""
    cast, project = place
    with signed_in(web, cast.emails["bob"], DESKTOP) as (page, complaints):
        yield page, f"{web}/projects/{project}"
    assert complaints == []


def first_name(page: Any) -> str:
    return str(page.locator("tbody th").first.inner_text())


def test_sorting_filtering_and_taking_a_chip_away_need_no_reload(visit: tuple[Any, str]) -> None:
    page, project = visit
    page.goto(f"{project}/machines/")
    page.evaluate("window.stayed = true")
    page.get_by_role("link", name="Cores").click()
    page.locator("th[aria-sort=descending]").wait_for()
    assert first_name(page) == "vm-59"
    page.get_by_label("Name begins with").fill("vm-1")
    page.get_by_label("Name begins with").press("Enter")
    page.get_by_text("10 match the filter").wait_for()
    assert first_name(page) == "vm-19"
    assert "search=vm-1" in page.url
    assert "sort=-cores" in page.url
    page.locator(".chip").first.click()
    page.get_by_text("60 machines in the inventory").wait_for()
    assert page.evaluate("window.stayed") is True
    page.go_back()
    page.get_by_text("10 match the filter").wait_for()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_to_do_with_the_ticked_stays_in_sight(web: str, place: tuple[make.Cast, str], viewport: Any) -> None:
    """At the bottom of the window while anything is ticked, and never over the box that has the focus."""
    from playwright.sync_api import expect  # only `make test-e2e` installs it

    cast, project = place
    with signed_in(web, cast.emails["bob"], viewport) as (page, complaints):
        page.goto(f"{web}/projects/{project}/machines/")
        group = page.get_by_role("button", name="Group the ticked")
        expect(group).not_to_be_in_viewport()
        box = page.get_by_label("vm-00", exact=True)
        box.focus()
        box.press("Space")
        expect(group).to_be_in_viewport(ratio=1)
        assert "\n".join(violations_here(page, "ticked")) == ""
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            assert focused.evaluate(BOTTOM) <= page.locator(".bulk").evaluate(TOP) or focused.evaluate(IS_IN_BULK)
        box.uncheck()
        expect(group).not_to_be_in_viewport()
    assert complaints == []


def test_chosen_columns_are_there_the_next_time(visit: tuple[Any, str]) -> None:
    page, project = visit
    page.goto(f"{project}/machines/")
    page.get_by_text("Columns and rows a page").click()
    page.get_by_label("Boots with").check()
    page.get_by_role("button", name="Keep for me").click()
    page.get_by_role("columnheader", name="Boots with").wait_for()
    page.goto(f"{project}/machines/?sort=-cores")
    page.get_by_role("columnheader", name="Boots with").wait_for()


def test_all_that_match_go_into_a_group_that_exists(visit: tuple[Any, str]) -> None:
    page, project = visit
    page.goto(f"{project}/machines/?search=vm-1")
    page.get_by_role("button", name="Group all 10 that match").click()
    page.get_by_label("Group", exact=True).select_option(label=WAVE)
    page.get_by_role("button", name="Group them").click()
    page.get_by_text(f"{WAVE} holds 10 machines now. Put in: 10 machines.").wait_for()


def interval_of(page: Any) -> int:
    """The seconds that one point of the chart stands for, once it is drawn and nothing more is asked for."""
    drawn = page.locator("#chart[data-bucket-seconds]:not([aria-busy])")
    drawn.wait_for()
    return int(drawn.get_attribute("data-bucket-seconds"))


def comes(page: Any, expected: Callable[[int], bool]) -> bool:
    return bool(wait_until(lambda: expected(interval_of(page)), what="another interval"))


def test_the_chart_is_zoomed_by_mouse_and_by_keyboard_and_finer_points_arrive(visit: tuple[Any, str]) -> None:
    page, project = visit
    page.goto(f"{project}/machines/")
    page.get_by_role("link", name="vm-00").click()
    page.goto(f"{page.url}?days=30")
    page.locator("#chart .u-over").wait_for()
    whole = interval_of(page)
    page.locator("#chart").scroll_into_view_if_needed()
    box = page.locator("#chart .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 60, steps=5)
    page.mouse.up()
    assert comes(page, lambda seconds: seconds < whole)
    assert "95th percentile" in page.locator("#chart-status").inner_text()
    page.locator("#chart .u-over").dblclick()
    assert comes(page, lambda seconds: seconds == whole)
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").focus()
        page.keyboard.press("Enter")
        interval_of(page)
    assert comes(page, lambda seconds: seconds < whole)
    page.get_by_role("button", name="Later").press("Enter")
    page.get_by_role("button", name="Reset").press("Enter")
    assert comes(page, lambda seconds: seconds == whole)


def test_whom_a_filter_takes_is_seen_while_it_is_typed(visit: tuple[Any, str]) -> None:
    page, project = visit
    page.goto(f"{project}/groups/new/filter/")
    preview = page.locator("#group-preview")
    preview.get_by_text("60", exact=True).wait_for()
    page.get_by_label("Name begins with").press_sequentially("vm-2", delay=30)
    preview.get_by_text("10", exact=True).wait_for()
    assert "vm-20, vm-21" in preview.inner_text()
