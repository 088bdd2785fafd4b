"""When the confidence of an assessment reaches each star, as its page tells it."""

from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from assessments.models import Assessment
from migrate_hub.portal.forecast import StarForecast, forecast_of
from migrate_hub.tenants.row_level_security import tenant_context
from tests import estate, make
from tests.ingest.imports import files
from tests.portal.test_coverage_pages import seen_since

pytestmark = pytest.mark.usefixtures("catalog", "background")


def foretold(cast: make.Cast, project: str, **settings: Any) -> StarForecast | None:
    made = estate.assessed(cast.bob, project, estate.group_of_all(cast.bob, project, str(settings)), **settings)
    with tenant_context(cast.tenant.id):
        assessment = Assessment.objects.select_related("group", "project").get(id=made["id"])
        return forecast_of(assessment, timezone.now())


def shown(forecast: StarForecast | None, project: str) -> str:
    page = render_to_string("portal/parts/star_forecast.html", {"star_forecast": forecast, "project": {"id": project}})
    return " ".join(page.split())


def test_each_star_has_its_day_as_over_the_api() -> None:
    cast = make.cast()
    project, appliance = estate.enrolled(cast.bob, [estate.machine("a")])
    seen_since(cast, 2)
    appliance.performance([estate.points("a", estate.last_full_hour() - timedelta(days=1))])
    found = foretold(cast, project, performance_window="1_week")
    assert found is not None
    group = cast.bob.ok(cast.bob.get(f"projects/{project}/groups/"))["results"][0]["id"]
    told = cast.bob.ok(cast.bob.get(f"projects/{project}/groups/{group}/forecast/"))["windows"]["1_week"]
    assert {star.number: star.at.date().isoformat() for star in found.stars if star.at} == {
        each["stars"]: each["at"][:10] for each in told["reaches"]
    }
    assert [star.number for star in found.stars if star.is_reached] == list(range(1, told["stars"] + 1))
    page = shown(found, project)
    assert told["reaches"][0]["at"][:10] in page
    assert "What to do." in page


def test_nothing_that_comes_says_where_to_look_first() -> None:
    cast = make.cast()
    project, _ = estate.enrolled(cast.bob, [estate.machine("a", power_state="off")])
    found = foretold(cast, project)
    assert found is not None
    assert found.limit is not None
    page = shown(found, project)
    assert "Nothing came in the last day. Look at the health of the appliances first." in page
    assert "1 machine of the group is off or suspended." in page
    assert "not at this rate" not in page


def test_imported_machines_are_told_only_what_to_do() -> None:
    cast = make.cast()
    project = make.project(cast.bob)
    files.imported(cast.bob, project, files.azure(files.server()), "azure_migrate_csv")
    found = foretold(cast, project)
    assert found is not None
    page = shown(found, project)
    assert "These machines came from a file" in page
    assert "not at this rate" not in page


@pytest.mark.parametrize("settings", [{"sizing_criterion": "as_on_premises"}])
def test_as_on_premises_has_no_forecast(settings: dict[str, Any]) -> None:
    cast = make.cast()
    project, _ = estate.enrolled(cast.bob, [estate.machine("a")])
    found = foretold(cast, project, **settings)
    assert found is None
    assert "What to do" not in shown(found, project)
