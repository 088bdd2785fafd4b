"""What-if in a real browser: sliders by the keyboard alone, curves without a reload, two runs compared."""

import re
from typing import Any

import pytest

from tests.assessments.compared import Scene, make_scene
from tests.portal.browsing import give_password
from tests.portal.test_in_browser import DESKTOP, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("catalog", "background")]


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> Scene:
    made = make_scene(seed=31)
    made.run_again(comfort_factor=1.6)
    give_password(made.cast.emails["bob"])
    return made


def total(page: Any) -> str:
    return str(page.locator("#position [data-total]").get_attribute("data-total"))


def address(web: str, scene: Scene) -> str:
    return f"{web}/projects/{scene.project}/assessments/{scene.assessment['id']}"


def test_the_slider_moves_by_the_keyboard_and_the_total_follows_without_a_reload(web: str, scene: Scene) -> None:
    asked = scene.api.get(f"{scene.path}sensitivity/?comfort_factor=2&percentile=95&window=1_week")
    told = scene.api.ok(asked)["monthly_cost"]["total"]
    with signed_in(web, scene.cast.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{address(web, scene)}/sensitivity/")
        page.evaluate("window.notReloaded = true")
        first = total(page)
        factor = page.get_by_label("Comfort factor (headroom)")
        factor.focus()
        page.keyboard.press("End")
        page.wait_for_url(re.compile(r"comfort_factor=2(&|$)"))
        assert total(page) == told != first
        page.get_by_label("Percentile of utilization").focus()
        page.keyboard.press("End")
        page.wait_for_url(re.compile(r"percentile_step=4(&|$)"))
        assert page.get_by_label("Percentile of utilization").get_attribute("aria-valuetext") == "maximum"
        assert page.evaluate("window.notReloaded") is True
        page.reload()
        assert page.locator("output").all_inner_texts()[:2] == ["maximum", "2"]
        page.get_by_role("button", name="Compute the curve").click()
        page.locator("[data-curves] canvas").wait_for(timeout=60_000)
        assert page.locator("output").all_inner_texts()[:2] == ["maximum", "2"]
        page.get_by_label("Comfort factor (headroom)").press("Home")
        page.wait_for_url(re.compile(r"comfort_factor=1(&|$)"))
        page.get_by_text("As tables").click()
        assert page.locator("#grid table").count() == 3
    assert complaints == []


def test_two_runs_are_chosen_and_compared(web: str, scene: Scene) -> None:
    with signed_in(web, scene.cast.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{address(web, scene)}/runs/")
        page.get_by_role("link", name="Compare two runs").click()
        page.get_by_label("From").select_option(scene.assessment["run"]["id"])
        page.get_by_role("button", name="Compare", exact=True).click()
        page.get_by_role("heading", name="Where it comes from").wait_for()
        assert page.locator(".waterfall tbody tr").count() == 7
        page.get_by_role("link", name="Settings", exact=True).click()
        page.get_by_label("Order").select_option("increase")
        page.get_by_role("button", name="Sort").click()
        page.wait_for_url(re.compile("cause=settings.*order=increase"))
        page.locator("#machines tbody tr").first.wait_for()
    assert complaints == []
