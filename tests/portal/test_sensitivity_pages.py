"""The sliders of a run as a page: figures of the API, positions off the scale, the curves and their table."""

import html
import re
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.array_cache import READER
from assessments.models import AssessmentRun, Sensitivity, ShardArrays
from migrate_hub.portal.figures import money
from migrate_hub.portal.sensitivity import PERCENTILE_WORDS
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.varied import percentiles_there, varied_estate
from tests.conftest import wait_until
from tests.estate import assessed, enrolled, group_of_all, last_full_hour, machine, points
from tests.portal.browsing import sign_in, text_of

pytestmark = pytest.mark.usefixtures("catalog", "background")
AT = "?percentile_step=3&comfort_factor=1.75&window_step=1"


def words(shown: Any) -> str:
    """What a page, or a figure, says with plain spaces."""
    text = shown if isinstance(shown, str) else text_of(shown)
    return " ".join(text.replace("\u202f", " ").split())


class Place:
    """An estate of ten different machines, a run of it, and the people who look at it."""

    def __init__(self, machines: int = 10, days: int = 1) -> None:
        self.cast = make.cast()
        self.api = self.cast.bob
        self.project, self.group, _ = varied_estate(self.api, machines=machines, days=days, seed=3)
        self.assessment = self.assessed()
        self.bob, self.rita = sign_in(self.cast, "bob"), sign_in(self.cast, "rita")

    def assessed(self, **settings: Any) -> str:
        made = assessed(self.api, self.project, self.group, **settings)
        if made["settings"]["sizing_criterion"] == "performance_based":
            percentiles_there(self.api, self.project, made["id"])
        return str(made["id"])

    def ids(self) -> tuple[str, str]:
        return self.project, self.assessment

    def at(self, query: str) -> dict[str, Any]:
        """What the API says of a position."""
        path = f"projects/{self.project}/assessments/{self.assessment}/sensitivity/?{query}"
        answer: dict[str, Any] = self.api.ok(self.api.get(path))
        return answer


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    return Place()


def test_the_page_starts_with_the_run_itself(place: Place) -> None:
    response = place.rita.get("portal:sensitivity", *place.ids())
    at = response.context["at"]
    assert (at.percentile, at.comfort_factor, at.window) == ("95th", Decimal("1.3"), "the last day")
    assert (at.difference, at.changed_sizes) == (0, 0)
    assert words(money(place.at("")["monthly_cost"]["total"], "USD")) in words(response)
    assert response.context["position"].reading == (2, 0)


def test_a_position_has_the_figures_of_the_api_to_the_cent(place: Place) -> None:
    told = place.at("percentile=maximum&comfort_factor=2&window=1_week")
    query = "?percentile_step=4&comfort_factor=2&window_step=1"
    shown = words(place.rita.get("portal:sensitivity-position", *place.ids(), query=query))
    whole = words(place.rita.get("portal:sensitivity", *place.ids(), query=query))
    cost = told["monthly_cost"]
    assert Decimal(told["difference"]) > 0
    for expected in (
        *(
            f"{name} {words(money(cost[part], 'USD'))}"
            for name, part in (("Compute", "compute"), ("Storage", "storage"))
        ),
        f"Against run 1 +{words(money(told['difference']))} USD",
        f"Other sizes {told['changed_sizes']} of 10 machines",
        f"Ready {told['readiness']['ready']}",
    ):
        assert expected in shown, expected
        assert expected in whole, expected


def test_a_position_that_prices_other_machines_says_so_and_breaks_the_curve() -> None:
    """The most memory that a size has, nearly all in use: with more headroom the machine fits no size."""
    cast = make.cast()
    huge = machine("huge", cores=4, memory_mb=4_000_000)
    project, appliance = enrolled(cast.bob, [huge, machine("small")])
    start = last_full_hour() - timedelta(days=1)
    appliance.performance([points("huge", start, memory_percent=[90.0] * 144), points("small", start)])
    made = assessed(cast.bob, project, group_of_all(cast.bob, project), comfort_factor=1.0)
    percentiles_there(cast.bob, project, made["id"])
    rita = sign_in(cast, "rita")
    same = rita.get("portal:sensitivity-position", project, made["id"])
    query = "?percentile_step=2&comfort_factor=2&window_step=0"
    other = rita.get("portal:sensitivity-position", project, made["id"], query=query)
    assert "Not the same machines have a cost" not in text_of(same)
    assert "Not the same machines have a cost: 1 here, 2 in the run." in text_of(other)
    sign_in(cast, "bob").post("portal:sensitivity-grid", project, made["id"])
    wait_until(lambda: rita.get("portal:sensitivity-curves", project, made["id"]).json()["windows"], what="the curves")
    pieces = rita.get("portal:sensitivity-curves", project, made["id"]).json()["windows"][0][2]
    assert [each["machines"] for each in pieces] == [2, 1]
    assert "Where a line breaks" in text_of(rita.get("portal:sensitivity-grid", project, made["id"]))


def test_a_run_that_is_still_read_answers_at_once_and_is_asked_again(place: Place) -> None:
    other, done = place.assessed(), Event()
    READER.submit(done.wait, 60)
    try:
        query = "?percentile_step=4&comfort_factor=2&window_step=1"
        page = place.rita.get_once("portal:sensitivity", place.project, other, query=query)
        assert "Reading 10 machines" in text_of(page)
        assert 'value="4"' in page.content.decode()
        again = re.search(r'hx-get="([^"]*position/[?][^"]*)" hx-trigger="load', page.content.decode())
        assert again is not None
        assert "Reading 10 machines" in text_of(place.rita.get_once(html.unescape(again[1])))
    finally:
        done.set()
    cost = place.at("percentile=maximum&comfort_factor=2&window=1_week")["monthly_cost"]["total"]
    assert words(money(cost, "USD")) in words(place.rita.get(html.unescape(again[1])))


def test_the_position_is_kept_in_the_address_and_leads_to_the_settings(place: Place) -> None:
    query = "?percentile_step=1&comfort_factor=1.55&window_step=2"
    response = place.bob.get("portal:sensitivity-position", *place.ids(), query=query)
    assert response["HX-Replace-Url"].endswith(f"/sensitivity/{query}")
    settings = "percentile=90&amp;comfort_factor=1.55&amp;performance_window=1_month"
    assert settings in response.content.decode()
    at_most = place.bob.get("portal:sensitivity-position", *place.ids(), query=query.replace("step=1&", "step=4&", 1))
    assert "the maximum is only looked at here" in text_of(at_most)
    assert "Use these settings" not in text_of(place.rita.get("portal:sensitivity-position", *place.ids(), query=query))


def test_the_settings_of_a_position_fill_in_the_form_and_change_nothing_yet(place: Place) -> None:
    query = "?percentile_step=1&comfort_factor=1.5&window_step=1"
    page = place.bob.get("portal:sensitivity", *place.ids(), query=query)
    link = re.search(r'href="([^"]*settings/\?[^"]*)"', page.content.decode())
    assert link is not None
    form = place.bob.get(html.unescape(link[1])).context["form"]
    shown = {name: str(form[name].value()) for name in ("percentile", "comfort_factor", "performance_window")}
    assert shown == {"percentile": "90", "comfort_factor": "1.5", "performance_window": "1_week"}
    assert form["name"].value() != ""
    stored = place.api.ok(place.api.get(f"projects/{place.project}/assessments/{place.assessment}/"))["settings"]
    assert (stored["percentile"], stored["comfort_factor"]) == (95, 1.3)


@pytest.mark.parametrize(
    "query",
    [
        "percentile_step=5&comfort_factor=1.3&window_step=0",
        "percentile_step=-1&comfort_factor=1.3&window_step=0",
        "percentile_step=2&comfort_factor=2.01&window_step=0",
        "percentile_step=2&comfort_factor=0.99&window_step=0",
        "percentile_step=2&comfort_factor=NaN&window_step=0",
        "percentile_step=2&comfort_factor=1.3&window_step=3",
        "percentile_step=%00&comfort_factor=1.3&window_step=x",
        "percentile_step=2&comfort_factor=1.3",
    ],
)
def test_a_position_off_the_scale_is_refused_and_the_sliders_stay(place: Place, query: str) -> None:
    page = place.rita.get("portal:sensitivity", *place.ids(), query=f"?{query}")
    assert page.status_code == 400
    assert "The sliders do not go that far" in text_of(page)
    assert page.context["at"].changed_sizes == 0
    assert place.rita.get("portal:sensitivity-position", *place.ids(), query=f"?{query}").status_code == 400


def test_a_run_as_on_premises_says_why_it_has_no_sliders(place: Place) -> None:
    as_is = place.assessed(sizing_criterion="as_on_premises")
    seen = place.bob.see("portal:sensitivity", place.project, as_is)
    assert "This run sizes machines as they are on premises." in seen
    assert "Size by performance instead" in seen
    assert "Size by performance instead" not in place.rita.see("portal:sensitivity", place.project, as_is)


def test_a_run_with_a_window_of_its_own_starts_with_one_of_the_menu(place: Place) -> None:
    end = last_full_hour()
    window = {"start": (end - timedelta(hours=36)).isoformat(), "end": end.isoformat()}
    own = place.assessed(performance_window=window)
    assert place.rita.get("portal:sensitivity", place.project, own).context["at"].window == "the last week"


def test_the_curves_are_computed_watched_and_shown_with_a_table(place: Place) -> None:
    first = place.bob.see("portal:sensitivity", *place.ids())
    assert "Compute the curve" in first
    assert "Somebody with the role contributor can start it" in place.rita.see("portal:sensitivity", *place.ids())
    assert place.rita.get("portal:sensitivity-curves", *place.ids()).json()["windows"] == []
    assert place.bob.post("portal:sensitivity-grid", *place.ids()).status_code == 302
    wait_until(lambda: place.bob.get("portal:sensitivity-curves", *place.ids()).json()["windows"], what="the curves")
    curves = place.rita.get("portal:sensitivity-curves", *place.ids()).json()
    assert curves["percentiles"] == list(PERCENTILE_WORDS)
    assert [len(window) for window in curves["windows"]] == [5, 5, 5]
    for curve in (curve for window in curves["windows"] for curve in window):
        there = [
            [total for total in each if total is not None] for each in zip(*(p["totals"] for p in curve), strict=True)
        ]
        assert [len(each) for each in there] == [1] * 11
    cost = place.at("percentile=99&comfort_factor=1.7&window=1_month")["monthly_cost"]
    told = cost["total"]
    (piece,) = (each for each in curves["windows"][2][3] if each["totals"][7] is not None)
    assert (piece["machines"], piece["totals"][7]) == (cost["priced_machines"], float(told))
    assert words(money(told)) in words(place.rita.get("portal:sensitivity-grid", *place.ids()))


@pytest.mark.parametrize("name", ["portal:sensitivity-grid", "portal:cancel-grid"])
def test_the_sliders_stay_where_they_are_when_the_curves_are_asked_for(place: Place, name: str) -> None:
    """The part that moves with the sliders holds what the form of the curves sends with it."""
    shown = place.bob.get("portal:sensitivity-position", *place.ids(), query=AT).content.decode()
    steps = dict(re.findall(r'<input type="hidden" form="grid-form" name="(\w+)" value="([^"]*)">', shown))
    page = place.bob.post(name, *place.ids(), follow=True, **steps)
    assert (page.context["position"].reading, page.context["position"].comfort_factor) == ((3, 1), Decimal("1.75"))
    assert 'id="grid-form"' in place.bob.get("portal:sensitivity", place.project, place.assessed()).content.decode()


def test_a_position_that_is_none_leads_nowhere_else(place: Place) -> None:
    told = place.bob.post("portal:sensitivity-grid", *place.ids(), percentile_step="9", next="//example.com")
    assert told.url == f"/projects/{place.project}/assessments/{place.assessment}/sensitivity/#grid"


def test_computing_the_curves_can_be_cancelled(place: Place) -> None:
    other = place.assessed()
    told = place.bob.post("portal:cancel-grid", place.project, other, follow=True)
    assert "The grid of this run is not being computed" in text_of(told)
    with tenant_context(place.cast.tenant.id):  # as if a worker were at it
        Sensitivity.objects.filter(run__assessment=other).update(grid_status="running")
    grid = place.bob.get("portal:sensitivity-grid", place.project, other)
    assert "0 of 165 positions" in text_of(grid)
    assert b'hx-trigger="every 1s"' in grid.content
    place.bob.post("portal:cancel-grid", place.project, other)
    assert "Compute the curve" in text_of(place.bob.get("portal:sensitivity-grid", place.project, other))


def test_until_the_history_is_read_the_page_shows_how_far_it_is_and_then_loads_anew(place: Place) -> None:
    other = place.assessed()
    with tenant_context(place.cast.tenant.id):
        statuses = Sensitivity.objects.filter(run__assessment=other)
        statuses.update(percentiles_status="running")
        ShardArrays.objects.filter(run__assessment=other).update(percentiles=None)
    seen = place.rita.see("portal:sensitivity", place.project, other)
    assert "0 of 10 machines. The sliders appear when all are read" in seen
    assert place.rita.get("portal:sensitivity-position", place.project, other).status_code == 409
    with tenant_context(place.cast.tenant.id):
        statuses.update(percentiles_status="failed")
    assert "was not read to its end" in place.rita.see("portal:sensitivity", place.project, other)
    assert place.bob.post("portal:sensitivity-grid", place.project, other).status_code == 302
    percentiles_there(place.api, place.project, other)
    path = f"/projects/{place.project}/assessments/{other}/sensitivity/grid/?waiting=1"
    assert place.rita.client.get(path, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_history_that_is_gone_is_told_on_the_page(place: Place) -> None:
    other = place.assessed()
    with tenant_context(place.cast.tenant.id):
        Sensitivity.objects.filter(run__assessment=other).update(percentiles_status="failed")
        ShardArrays.objects.filter(run__assessment=other).update(percentiles=None)
        run = AssessmentRun.objects.get(assessment=other)
        AssessmentRun.objects.filter(id=run.id).update(
            performance_start_at=run.performance_start_at - timedelta(days=60),
            performance_end_at=run.performance_end_at - timedelta(days=60),
        )
    told = place.bob.post("portal:sensitivity-grid", place.project, other, follow=True)
    assert "points are kept for" in text_of(told)


def test_a_stranger_and_the_run_of_another_assessment_are_404(place: Place) -> None:
    charlie = sign_in(make.cast())
    for name in ("portal:sensitivity", "portal:sensitivity-position", "portal:sensitivity-curves"):
        assert charlie.get(name, *place.ids()).status_code == 404
    other = place.assessed()
    run = place.api.ok(place.api.get(f"projects/{place.project}/assessments/{other}/"))["run"]["id"]
    for wrong in (run, uuid4(), "x"):
        assert place.rita.get("portal:sensitivity", *place.ids(), query=f"?run={wrong}").status_code == 404


def test_the_pages_take_as_many_queries_for_many_machines_as_for_few() -> None:
    counts: list[list[int]] = []
    for machines in (2, 40):
        few = Place(machines=machines)
        query = "?percentile_step=0&comfort_factor=1.1&window_step=2"
        few.rita.get("portal:sensitivity", *few.ids(), query=query)
        counts.append([])
        for name in ("portal:sensitivity", "portal:sensitivity-position", "portal:sensitivity-grid"):
            with CaptureQueriesContext(connection) as captured:
                assert few.rita.get(name, *few.ids(), query=query).status_code == 200
            counts[-1].append(len(captured))
    assert counts[0] == counts[1]
    assert max(counts[0]) < 20
