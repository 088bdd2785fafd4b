"""The assessment wizard as people use it without a script: presets, preview, contradictions, what saving changes."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrate_hub.portal.figures import round_money
from tests import make
from tests.assessments.varied import varied_estate
from tests.estate import assessed, enrolled, finished, group_of_all, machine, price_sheet
from tests.portal.browsing import Browser, sign_in, text_of
from tests.portal.conftest import Site
from tests.portal.test_assessment_pages import fields

MACHINES = 12


@pytest.fixture(scope="module")
def place(background: None, catalog: None) -> tuple[make.Cast, Browser, str, str]:
    """A cast, bob's browser, a project of machines that differ, and the group of all of them."""
    cast = make.cast()
    project, group, _ = varied_estate(cast.bob, machines=MACHINES, days=2, seed=11)
    return cast, sign_in(cast, "bob"), project, group


def values(response: Any) -> dict[str, Any]:
    """What the form of the page holds."""
    form = response.context["form"]
    return {name: form[name].value() for name in form.fields}


def told(response: Any, name: str) -> str:
    """What stands beside a field."""
    found = re.search(rf'<div id="told-{name}"[^>]*>(.*?)</div>', response.content.decode(), re.DOTALL)
    assert found, name
    return re.sub(r"<[^>]+>", " ", found[1]).strip()


def test_every_default_is_explained(place: Any) -> None:
    _, bob, project, _ = place
    form = bob.get("portal:new-assessment", project).context["form"]
    assert [name for name, field in form.fields.items() if len(str(field.help_text)) < 20] == []


def test_a_name_is_proposed_that_fits_what_is_chosen(place: Any) -> None:
    """It follows group and sizing until another one is typed; a number is added where it is taken."""
    cast, bob, project, _ = place
    name = f"wave {uuid4().hex[:6]}"
    group = group_of_all(cast.bob, project, name)
    page = bob.get("portal:new-assessment", project, query=f"?group={group}")
    first = values(page)["name"]
    assert re.fullmatch(rf"{name}, by performance, \d{{4}}-\d\d-\d\d", first)
    assert f'name="proposed_name" value="{first}"' in page.content.decode()
    turned = fields(group=group, name=first, proposed_name=first)
    assert values(bob.post("portal:new-assessment", project, **turned, preset="as_it_is"))["name"] == first.replace(
        "by performance", "as on premises"
    )
    for _ in range(2):
        assert bob.post("portal:new-assessment", project, **fields(group=group, name="")).status_code == 302
    assert {first, f"{first} (2)"} <= set(
        re.findall(r">([^<>]+)</a>", bob.get("portal:assessments", project).content.decode())
    )
    assert values(bob.get("portal:new-assessment", project, query=f"?group={group}"))["name"] == f"{first} (3)"


def test_a_long_name_of_a_group_leaves_room_in_the_proposed_one(place: Any) -> None:
    cast, bob, project, _ = place
    group = group_of_all(cast.bob, project, "w" * 200)
    for _ in range(2):
        assert bob.post("portal:new-assessment", project, **fields(group=group, name="")).status_code == 302


def test_a_preset_fills_its_settings_in_and_keeps_what_was_typed(place: Any) -> None:
    _, bob, project, group = place
    typed = fields(group=group, name="typed", currency="EUR", disk_types=["premium_ssd"], percentile="50")
    page = bob.post("portal:new-assessment", project, **typed, preset="cautious")
    assert page.status_code == 200
    found = values(page)
    assert (found["percentile"], found["comfort_factor"], found["performance_window"]) == (99, "1.5", "1_month")
    assert (found["name"], found["currency"], found["disk_types"]) == ("typed", "EUR", ["premium_ssd"])
    assert found["group"] == group
    assert re.findall(r'value="(\w+)" formnovalidate aria-pressed="true"', page.content.decode()) == ["cautious"]


@pytest.mark.parametrize("preset", ["as_it_is", "right_sized", "cautious", "three_years"])
def test_what_a_preset_chooses_can_be_assessed_as_it_stands(place: Any, preset: str) -> None:
    cast, bob, project, group = place
    page = bob.get("portal:new-assessment", project, query=f"?group={group}&preset={preset}")
    sent = {name: value for name, value in values(page).items() if value is not None}
    made = bob.post("portal:new-assessment", project, **{**sent, "name": f"{preset} {uuid4().hex[:6]}"})
    assert made.status_code == 302, text_of(made)
    assert finished(cast.bob, project, made.url.rstrip("/").rpartition("/")[2])["status"] == "completed"


def test_the_preview_shows_the_runs_own_total_readiness_and_machines(place: Any) -> None:
    cast, bob, project, group = place
    summary = assessed(cast.bob, project, group, comfort_factor=1.5)["summary"]
    section = bob.post("portal:preview-assessment", project, **fields(group=group, name="", comfort_factor="1.5"))
    words = text_of(section)
    assert section.content.lstrip().startswith(b"<section")
    assert f"{round_money(Decimal(summary['monthly_cost']['total']))} USD a month" in words
    assert f"all {MACHINES} machines of the group" in words
    for name, count in (("Ready with conditions", "ready_with_conditions"), ("Not ready", "not_ready")):
        if summary["readiness"][count]:
            assert f"{name} {summary['readiness'][count]}" in words
    assert len(section.context["tried"].shown.told["examples"]) == 3
    assert re.search(r"D\S+_v\d|B\S+_v\d|F\S+_v\d|E\S+_v\d", words)


def test_a_sample_says_that_it_is_one_and_how_it_was_chosen(catalog: None) -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine(f"m-{number:02}") for number in range(60)])
    bob, group = sign_in(cast, "bob"), group_of_all(cast.bob, project)
    words = text_of(bob.post("portal:preview-assessment", project, **fields(group=group)))
    assert "For a sample of 50 of 60 machines" in words
    assert "lined up by cores and memory" in words


def test_without_a_script_a_button_shows_the_preview_on_the_page(place: Any) -> None:
    _, bob, project, group = place
    page = bob.post("portal:new-assessment", project, **fields(group=group, name="kept", preview="1"))
    assert page.status_code == 200
    assert "Three of them" in text_of(page)
    assert values(page)["name"] == "kept"


@pytest.mark.parametrize(
    ("changes", "beside"),
    [
        ({"commitment": "reservation_1y", "discount_percent": "10"}, ("commitment", "discount_percent")),
        ({"commitment": "savings_plan_3y", "hours_per_day": "10"}, ("commitment", "days_per_month")),
        ({"commitment": "reservation_3y", "offer": "dev_test"}, ("commitment", "offer")),
        ({"comfort_factor": "3"}, ("comfort_factor",)),
        ({"sku_families": "dsv99"}, ("sku_families",)),
        ({"rule_set": "am-2019-07", "disk_types": ["ultra"]}, ("disk_types", "rule_set")),
    ],
)
def test_what_does_not_go_together_is_told_beside_its_fields_before_anything_is_sent(
    place: Any, changes: dict[str, Any], beside: tuple[str, ...]
) -> None:
    _, bob, project, group = place
    answer = bob.post("portal:preview-assessment", project, **fields(group=group, name="", **changes))
    assert answer.status_code == 200
    assert all(told(answer, name) for name in beside), answer.content
    assert "do not go together yet" in text_of(answer)
    others = [name for name in answer.context["tried"].form.fields if name not in beside]
    assert [name for name in others if told(answer, name)] == []


def test_what_was_settled_is_no_longer_told(place: Any) -> None:
    _, bob, project, group = place
    answer = bob.post("portal:preview-assessment", project, **fields(group=group, commitment="reservation_1y"))
    assert told(answer, "commitment") == told(answer, "discount_percent") == ""


def test_before_a_group_is_chosen_the_preview_asks_for_one_and_blames_nothing(place: Any) -> None:
    _, bob, project, _ = place
    answer = bob.post("portal:preview-assessment", project, **fields(name=""))
    assert "Choose a group" in text_of(answer)
    assert told(answer, "group") == told(answer, "name") == ""


def test_a_group_without_machines_says_so_in_the_preview(place: Any) -> None:
    cast, bob, project, _ = place
    empty = cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": f"e {uuid4().hex[:6]}"}), 201)["id"]
    assert "The group has no machines" in text_of(bob.post("portal:preview-assessment", project, **fields(group=empty)))


def test_another_tenants_group_has_no_preview(place: Any, site: Site) -> None:
    _, bob, project, group = place
    theirs = site.ids("group")[0]
    assert "Choose a group" in text_of(bob.post("portal:preview-assessment", project, **fields(group=theirs)))
    assert site.bob.post("portal:preview-assessment", project, **fields(group=group)).status_code == 404


def test_own_prices_and_a_catalog_are_chosen_by_name(place: Any) -> None:
    cast, bob, project, group = place
    sheet = price_sheet(cast.alice, name=f"ours {uuid4().hex[:6]}")
    page = bob.get("portal:new-assessment", project)
    assert sheet in [value for value, _ in page.context["form"].fields["price_sheet"].widget.choices]
    catalog = values(page)["catalog"]
    typed = fields(group=group, price_sheet=sheet, catalog=catalog)
    made = bob.post("portal:new-assessment", project, **typed)
    assessment = finished(cast.bob, project, made.url.rstrip("/").rpartition("/")[2])
    assert (assessment["settings"]["price_sheet"], assessment["settings"]["catalog"]) == (sheet, catalog)


def test_saving_shows_what_will_change_and_keeps_the_rest(place: Any) -> None:
    cast, bob, project, group = place
    sheet = price_sheet(cast.alice)
    made = assessed(cast.bob, project, group, price_sheet=sheet, percentile=90, sku_families=["dsv5"])
    page = bob.get("portal:assessment-settings", project, made["id"])
    sent = {name: value for name, value in values(page).items() if value is not None}
    unchanged = bob.post("portal:preview-settings", project, made["id"], **sent)
    assert "Nothing yet" in text_of(unchanged)
    answer = bob.post("portal:preview-settings", project, made["id"], **{**sent, "percentile": "99"})
    assert answer.context["tried"].changes == [("Percentile", "90th", "99th")]
    assert "with the settings of now" in text_of(answer)
    bob.post("portal:assessment-settings", project, made["id"], **{**sent, "percentile": "99"})
    stored = finished(cast.bob, project, made["id"])["settings"]
    assert stored == {**made["settings"], "percentile": 99}


def test_saving_without_a_change_computes_nothing_again(place: Any) -> None:
    cast, bob, project, group = place
    made = assessed(cast.bob, project, group, comfort_factor=1.35, discount_percent=2.5)
    sent = {
        k: v for k, v in values(bob.get("portal:assessment-settings", project, made["id"])).items() if v is not None
    }
    words = text_of(bob.post("portal:assessment-settings", project, made["id"], **sent, follow=True))
    assert "nothing is computed again" in words
    assert cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{made['id']}/"))["run"]["number"] == 1


def test_the_wizard_asks_as_many_queries_for_three_groups_as_for_sixty(catalog: None) -> None:
    counts = []
    for count in (3, 60):
        cast = make.cast()
        project, _ = enrolled(cast.bob, [machine("m-1")])
        for number in range(count):
            cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": f"g {number}"}), 201)
        bob = sign_in(cast, "bob")
        bob.get("portal:new-assessment", project)
        with CaptureQueriesContext(connection) as queries:
            page = bob.get("portal:new-assessment", project)
        assert page.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 25


def test_a_reader_sees_no_wizard(site: Site) -> None:
    project, assessment = site.ids("project", "assessment")
    assert site.rita.get("portal:new-assessment", project).status_code == 403
    assert site.rita.post("portal:preview-assessment", project, **fields()).status_code == 403
    assert site.rita.post("portal:preview-settings", project, assessment, **fields()).status_code == 403
