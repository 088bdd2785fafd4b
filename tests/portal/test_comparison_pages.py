"""Runs and their comparison as pages: figures of the API, sums to the cent, repeated runs, what is not there."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments.comparison import CAUSES
from assessments.models import Assessment
from migrate_hub.portal.comparison import cents_that_add_up
from migrate_hub.portal.figures import money
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.compared import Scene, make_scene, whole
from tests.conftest import wait_until
from tests.estate import assessed, price_sheet
from tests.portal.browsing import Browser, sign_in, text_of
from tests.portal.test_sensitivity_pages import words

pytestmark = pytest.mark.usefixtures("catalog", "background")
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> Scene:
    """Two runs with different settings."""
    made = make_scene(seed=21)
    made.run_again(comfort_factor=1.9, commitment="reservation_1y")
    return made


@pytest.fixture(scope="module")
def bob(scene: Scene) -> Browser:
    return sign_in(scene.cast, "bob")


def ids(scene: Scene) -> tuple[str, str]:
    return scene.project, str(scene.assessment["id"])


def runs(scene: Scene) -> list[dict[str, Any]]:
    """The newest first."""
    rows: list[dict[str, Any]] = scene.api.ok(scene.api.get(f"{scene.path}runs/"))["results"]
    return rows


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_tells_of_each_run_who_asked_with_what_and_what_it_came_to(scene: Scene, bob: Browser) -> None:
    seen = words(bob.get("portal:runs", *ids(scene)))
    newest, first = runs(scene)[0], runs(scene)[-1]
    assert first["number"] == 1
    assert f"Run {newest['number']} shown now" in seen
    assert scene.cast.emails["bob"] in seen
    assert newest["created_by"] == first["created_by"] is not None
    for run in (newest, first):
        assert words(money(run["monthly_cost"]["total"], run["currency"])) in seen
    assert "reserved for 1 year" in seen
    assert "Compare two runs" in seen


def test_a_kept_run_is_read_with_its_machines(scene: Scene, bob: Browser) -> None:
    first = runs(scene)[-1]
    seen = words(bob.get("portal:run", *ids(scene), first["id"]))
    assert words(money(first["monthly_cost"]["total"], "USD")) in seen
    rows = bob.get("portal:results", *ids(scene), query=f"?run={first['id']}")
    assert "These are the results of run 1 , which was kept." in text_of(rows)
    shown = {row.machine.name: row.machine.recommended_sku for row in rows.context["rows"]}
    told = scene.api.ok(scene.api.get(f"{scene.path}machines/?run={first['id']}"))["results"]
    assert shown == {row["name"]: row.get("recommended_sku") for row in told}
    machine = told[0]["machine"]
    assert f"/machines/{machine}/?run={first['id']}" in rows.content.decode()
    one = bob.get("portal:result", *ids(scene), machine, query=f"?run={first['id']}")
    assert str(one.context["run"].id) == first["id"]


def test_a_run_is_repeated_at_a_price_sheet_and_the_difference_is_price_alone(scene: Scene, bob: Browser) -> None:
    sheet = price_sheet(scene.cast.alice, "Standard_D2s_v5,westeurope,pay_as_you_go,linux,0.01,hour,USD,2026-01-01")
    first = runs(scene)[-1]
    form = bob.see("portal:repeat-run", *ids(scene), first["id"])
    assert "As in the run" in form
    made = bob.post("portal:repeat-run", *ids(scene), first["id"], catalog="", price_sheet=sheet)
    assert made.status_code == 302
    run = made.url.rstrip("/").rpartition("/")[2]
    wait_until(lambda: "Monthly cost by part" in bob.see("portal:run", *ids(scene), run), what="the repeated run")
    assert "Repeats run 1 on exactly its inputs." in bob.see("portal:run", *ids(scene), run)
    compared = bob.get("portal:compare", *ids(scene), query=f"?before={first['id']}&after={run}")
    causes = {step.code: step.amount for step in compared.context["waterfall"].steps if step.code}
    assert {code for code, amount in causes.items() if amount} <= {"price"}
    named = {name for name, _, _ in compared.context["settings"]}
    assert named == {"Price sheet"}


def test_repeating_refuses_what_is_not_there_beside_the_field(scene: Scene, bob: Browser) -> None:
    first = runs(scene)[-1]
    response = bob.post("portal:repeat-run", *ids(scene), first["id"], catalog=str(uuid4()), price_sheet="")
    assert response.status_code == 400
    assert "There is no such catalog" in text_of(response)
    assert bob.post("portal:repeat-run", *ids(scene), first["id"], catalog="x").status_code == 400
    assert sign_in(scene.cast, "rita").get("portal:repeat-run", *ids(scene), first["id"]).status_code == 403


# --- the comparison ---------------------------------------------------------------------------------------------------


def two(scene: Scene, bob: Browser, **query: str) -> tuple[Any, dict[str, Any]]:
    """The page of the first and the published run, and what the API says."""
    first = scene.assessment["run"]["id"]
    published = next(run["id"] for run in runs(scene) if run["published"])
    told = whole(scene.api, f"{scene.path}compare/?{urlencode({'run': first, **query})}")
    page = bob.get("portal:compare", *ids(scene), query="?" + urlencode({"before": first, "after": published, **query}))
    assert page.status_code == 200, text_of(page)
    return page, told


def test_the_waterfall_adds_up_to_the_cent_and_has_the_figures_of_the_api(scene: Scene, bob: Browser) -> None:
    page, told = two(scene, bob)
    before, *causes, after = page.context["waterfall"].steps
    assert before.amount + sum(step.amount for step in causes) == after.amount
    assert [step.code for step in causes] == list(CAUSES)
    assert any(step.amount for step in causes)
    for step in causes:
        assert abs(step.amount - Decimal(told["causes"][step.code])) <= CENT
    seen = words(page)
    for side in ("before", "after"):
        assert words(money(told[side]["monthly_cost"])) in seen
    assert f"{told['machines']['changed_size']} {told['machines']['changed_cost']} with another cost" in seen
    named = {name: (old, new) for name, old, new in page.context["settings"]}
    assert named["Comfort factor"] == ("1.3", "1.9")
    assert "Currency" not in named


@pytest.mark.parametrize("query", [{}, {"order": "increase"}, {"order": "decrease"}, {"cause": "settings"}])
def test_machines_are_those_of_the_api_in_its_order(scene: Scene, bob: Browser, query: dict[str, str]) -> None:
    page, told = two(scene, bob, **query)
    shown = [(row.shown["name"], row.shown["difference"]) for row in page.context["page"].rows]
    assert shown == [(row["name"], row["difference"]) for row in told["results"]]
    assert shown
    for row in page.context["page"].rows:
        assert sum(part for _, part in row.causes) == row.difference


@pytest.mark.parametrize("query", ["cause=weather", "order=size", "place=-1", "place=99999999999", "place=x"])
def test_what_is_no_order_cause_or_place_shows_the_first_page(scene: Scene, bob: Browser, query: str) -> None:
    page = bob.get("portal:compare", *ids(scene), query=f"?before={scene.assessment['run']['id']}&{query}")
    assert page.status_code == 200
    assert len(page.context["page"].rows) == 8


def test_another_assessment_is_compared_by_its_published_run(scene: Scene, bob: Browser) -> None:
    other = assessed(scene.api, scene.project, scene.group, name=f"other {uuid4().hex[:6]}", comfort_factor=1.0)
    page = bob.get("portal:compare", *ids(scene), query=f"?after={other['run']['id']}")
    assert other["name"] in text_of(page)
    assert page.context["summary"]["after"]["assessment"] == UUID(other["id"])


def test_runs_that_cannot_be_compared_say_why(scene: Scene, bob: Browser) -> None:
    first = scene.assessment["run"]["id"]
    same = bob.get("portal:compare", *ids(scene), query=f"?before={first}&after={first}")
    assert same.status_code == 400
    assert "Both are the same run" in text_of(same)
    euro = assessed(scene.api, scene.project, scene.group, currency="EUR")
    other = bob.get("portal:compare", *ids(scene), query=f"?before={first}&after={euro['run']['id']}")
    assert other.status_code == 409
    assert "two currencies" in text_of(other)


def test_one_run_alone_says_how_to_get_another(scene: Scene, bob: Browser) -> None:
    alone = assessed(scene.api, scene.project, scene.group)
    assert "There are no two runs yet" in bob.see("portal:compare", scene.project, alone["id"])
    assert "Two completed runs can be compared." in bob.see("portal:runs", scene.project, alone["id"])


def test_a_run_of_another_project_of_a_deleted_assessment_or_of_nobody_is_404(scene: Scene, bob: Browser) -> None:
    elsewhere = make_scene(seed=22, machines=2)
    project = make.project(scene.api)
    deleted = assessed(scene.api, scene.project, scene.group)
    with tenant_context(scene.cast.tenant.id):
        Assessment.objects.filter(id=deleted["id"]).update(deleted_at=timezone.now())
    for run in (elsewhere.assessment["run"]["id"], deleted["run"]["id"], str(uuid4()), "x"):
        for side in ("before", "after"):
            assert bob.get("portal:compare", *ids(scene), query=f"?{side}={run}").status_code == 404
        assert bob.get("portal:run", *ids(scene), run).status_code == 404
    assert bob.get("portal:compare", project, ids(scene)[1]).status_code == 404
    charlie = sign_in(elsewhere.cast, "alice")
    assert charlie.get("portal:compare", *ids(scene)).status_code == 404
    assert charlie.get("portal:run", *ids(scene), scene.assessment["run"]["id"]).status_code == 404


def test_the_difference_is_asked_for_as_a_report(scene: Scene, bob: Browser) -> None:
    first = scene.assessment["run"]["id"]
    published = next(run["id"] for run in runs(scene) if run["published"])
    made = bob.post("portal:compare-report", *ids(scene), before=first, after=published, follow=True)
    assert "The difference is being made as a workbook." in text_of(made)
    reports = scene.api.ok(scene.api.get(f"{scene.path}reports/"))["results"]
    assert first in {str(report.get("before_run")) for report in reports}
    back = bob.post("portal:compare-report", *ids(scene), before=published, after=first, follow=True)
    assert "The difference is being made as a workbook." in text_of(back)
    newest = scene.api.ok(scene.api.get(f"{scene.path}reports/"))["results"][0]
    assert (newest["before_run"], newest["run"], newest["format"]) == (published, first, "xlsx")
    assert "Make a difference report" in bob.see(
        "portal:compare", *ids(scene), query=f"?before={published}&after={first}"
    )
    same = bob.post("portal:compare-report", *ids(scene), before=first, after=first, follow=True)
    assert "names no other completed run" in text_of(same)


def test_pages_take_as_many_queries_for_many_machines_and_runs_as_for_few() -> None:
    counts: list[list[int]] = []
    for machines, more_runs in ((2, 1), (60, 4)):
        made = make_scene(seed=23, machines=machines)
        for number in range(more_runs):
            made.run_again(comfort_factor=1.5 + number / 10)
        reader = sign_in(made.cast, "rita")
        first = made.assessment["run"]["id"]
        counts.append([])
        for name, extra in (("portal:runs", ()), ("portal:run", (first,)), ("portal:compare", ())):
            reader.get(name, *ids(made), *extra)
            with CaptureQueriesContext(connection) as captured:
                assert reader.get(name, *ids(made), *extra).status_code == 200
            counts[-1].append(len(captured))
    assert counts[0] == counts[1]
    assert max(counts[0]) < 25


@pytest.mark.parametrize(
    ("parts", "total", "rounded"),
    [
        (["0.004", "0.004", "0.002"], "0.01", ["0.01", "0.00", "0.00"]),
        (["-0.004", "-0.004", "-0.002"], "-0.01", ["-0.01", "0.00", "0.00"]),
        (["10.006", "-10.006"], "0", ["10.01", "-10.01"]),
        (["0", "0"], "0", ["0.00", "0.00"]),
    ],
)
def test_rounded_parts_come_to_the_rounded_total(parts: list[str], total: str, rounded: list[str]) -> None:
    found = cents_that_add_up([Decimal(part) for part in parts], Decimal(total))
    assert sum(found) == Decimal(total)
    assert sorted(found) == sorted(Decimal(part) for part in rounded)
