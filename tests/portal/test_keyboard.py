"""The main pages by keyboard alone: Tab comes to every control, in order, in sight, and to the end of the page."""

from typing import Any

import pytest

from tests.portal.conftest import Site
from tests.portal.test_every_page import path_of
from tests.portal.test_in_browser import DESKTOP, PHONE, signed_in

pytestmark = pytest.mark.e2e

MAIN_PAGES = [
    "home", "project", "appliances", "imports", "machines", "machine", "groups", "group", "new-group", "assessments",
    "new-assessment", "assessment", "assessment-settings", "results", "result", "sensitivity", "compare", "runs",
    "report-center", "report-templates", "catalog", "members", "account", "jobs",
]  # fmt: skip
# A field of a date has several places that Tab stops at.
MOST_STOPS_IN_ONE = 8

FIND_CONTROLS = """() => {
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
  const shown = [...all].filter((each) => !each.disabled && each.tabIndex >= 0 && each.type !== "hidden"
    && each.checkVisibility({ visibilityProperty: true }));
  const first = new Map(); // of each group of radio buttons Tab comes to one
  window.controls = shown.filter((each) => {
    if (each.type !== "radio") return true;
    const group = [...each.form.elements].filter((other) => other.type === "radio" && other.name === each.name);
    return each === (group.find((other) => other.checked) ?? group[0]);
  });
  return window.controls.map((each) => `${each.tagName} ${(each.innerText || each.name || "").trim().slice(0, 40)}`);
}"""
# Place of the focused control in that list (-1: none), and what is wrong with how it is seen.
LOOK = """() => {
  const at = document.activeElement;
  const place = window.controls.indexOf(at);
  if (place < 0) return [place, ""];
  const style = getComputedStyle(at);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1) return [place, "no focus ring"];
  const box = at.getClientRects()[0];
  const x = box.left + Math.min(box.width / 2, 10);
  const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2; // a tall one is seen in part
  const top = document.elementFromPoint(x, y);
  if (!top || !(at.contains(top) || top.contains(at))) return [place, `not in sight at ${x},${y}`];
  return [place, ""];
}"""


def faults_of(page: Any) -> list[str]:
    """Tabs once through the page: the controls that are left out, come out of order or are not seen, and traps."""
    names = page.evaluate(FIND_CONTROLS)
    faults, visited, stops_in_one = list[str](), list[int](), 0
    while not visited or visited[-1] < len(names) - 1:
        page.keyboard.press("Tab")
        place, wrong = page.evaluate(LOOK)
        if visited and place == visited[-1]:
            stops_in_one += 1
            if stops_in_one > MOST_STOPS_IN_ONE:
                return [*faults, f"{names[place]}: a trap"]
            continue
        stops_in_one = 0
        faults += [f"{names[place]}: {wrong}"] if wrong else []
        if place < 0 or (visited and place < visited[-1]):
            return [*faults, f"after {names[visited[-1]]}: left the page's order" if visited else "nothing to tab to"]
        visited.append(place)
    return faults + [f"{names[each]}: left out" for each in set(range(len(names))) - set(visited)]


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_tab_comes_to_every_control_in_order_and_in_sight(web: str, site: Site, screen: dict[str, int]) -> None:
    faults = list[str]()
    with signed_in(web, site.estate.cast.emails["alice"], screen) as (page, _):
        for name in MAIN_PAGES:
            page.goto(web + path_of(name, site))
            page.wait_for_load_state("networkidle")
            faults += [f"{name}: {each}" for each in faults_of(page)]
    assert "\n".join(faults) == ""


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(web: str, site: Site) -> None:
    with signed_in(web, site.estate.cast.emails["alice"], PHONE) as (page, _):
        page.goto(web + path_of("project", site))
        button = page.get_by_role("button", name="Menu")
        machines = page.locator("#menu").get_by_role("link", name="Machines", exact=True)
        button.focus()
        page.keyboard.press("Enter")
        machines.wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('menu').contains(document.activeElement)")
        page.keyboard.press("Escape")
        machines.wait_for(state="hidden")
        assert button.evaluate("each => each === document.activeElement")
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('content').contains(document.activeElement)")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        machines.focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Machines", exact=True).wait_for()
