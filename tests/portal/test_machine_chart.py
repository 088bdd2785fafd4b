"""The figures that the chart of a machine is drawn from: bounded, exact, with gaps and in the right units."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.estate import enrolled, instant, last_full_hour, machine, points
from tests.portal.browsing import Browser, sign_in
from tests.portal.conftest import Site


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


@pytest.fixture(scope="module")
def place(cast: make.Cast, bob: Browser) -> tuple[str, str]:
    """A machine with ten days of history, an hour of which is missing."""
    project, appliance = enrolled(cast.bob, [machine("sql-01")])
    for day in range(1, 11):
        values = [float(number % 100) for number in range(144)]
        appliance.performance([points("sql-01", last_full_hour() - timedelta(days=day), cpu_percent=values)])
    row = bob.get("portal:machines", project).context["page"].rows[0]
    return project, str(row.id)


def figures(bob: Browser, place: tuple[str, str], **query: Any) -> Any:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return bob.get("portal:machine-chart", *place, query=f"?{asked}").json()


@pytest.mark.parametrize(("days", "points"), [(1, 144), (7, 1000), (30, 1000), (91, 1000), (365, 1000)])
def test_there_are_never_more_points_than_a_chart_can_show(
    bob: Browser, place: tuple[str, str], days: int, points: int
) -> None:
    found = figures(bob, place, days=days)
    assert [series["name"] for series in found["series"]] == ["CPU", "Memory"]
    assert all(len(series[name]) <= points for series in found["series"] for name in ("minimum", "average", "maximum"))


def test_a_shorter_window_has_finer_points(bob: Browser, place: tuple[str, str]) -> None:
    month = figures(bob, place, days=30, points=200)
    end = last_full_hour()
    hours = figures(bob, place, start=instant(end - timedelta(hours=6)), end=instant(end), points=200)
    assert hours["bucket_seconds"] == 600 < month["bucket_seconds"]
    assert hours["resolution"] == "10 minutes"


@pytest.mark.parametrize(("percentile", "value"), [(50, 35.0), (95, 92.0), (100, 99.0), (7, 92.0)])
def test_the_percentile_is_that_of_the_window(
    bob: Browser, place: tuple[str, str], percentile: int, value: float
) -> None:
    end = last_full_hour()
    found = figures(bob, place, start=instant(end - timedelta(days=1)), end=instant(end), percentile=percentile)
    assert found["series"][0]["percentile"] == value


def test_a_gap_stays_a_gap(bob: Browser, place: tuple[str, str]) -> None:
    start = last_full_hour() - timedelta(days=11)
    found = figures(bob, place, start=instant(start), end=instant(start + timedelta(days=2)))
    average = found["series"][0]["average"]
    assert average[:144] == [None] * 144
    assert average[144:] == [float(number % 100) for number in range(144)]


@pytest.mark.parametrize(
    ("show", "unit", "names"),
    [
        ("operations:scsi0:1", "IOPS", ["Reads", "Writes"]),
        ("throughput:scsi0:0", "MB/s", ["Read", "Written"]),
        ("network:4000", "MB/s", ["Received", "Sent"]),
        ("operations:no such disk", "%", ["CPU", "Memory"]),
    ],
)
def test_disks_and_networks_have_their_own_units(
    bob: Browser, place: tuple[str, str], show: str, unit: str, names: list[str]
) -> None:
    found = figures(bob, place, days=7, show=show)
    assert (found["unit"], [series["name"] for series in found["series"]]) == (unit, names)
    page = bob.get("portal:machine", *place, query=f"?days=7&show={show}")
    assert page.context["drawing"].unit == unit
    assert len(page.context["chart_rows"]) <= 24


@pytest.mark.parametrize(
    "query", ["start=yesterday", "start=2026-02-01T00:00&end=2026-01-01T00:00", "start=0001-01-01T00:00"]
)
def test_a_window_that_cannot_be_is_told_and_the_page_stays(bob: Browser, place: tuple[str, str], query: str) -> None:
    assert bob.get("portal:machine-chart", *place, query=f"?{query}").status_code == 400
    page = bob.get("portal:machine", *place, query=f"?{query}")
    assert (page.status_code, bool(page.context["window_problem"])) == (400, True)


def test_a_machine_without_history_says_so(cast: make.Cast, bob: Browser) -> None:
    project, _ = enrolled(cast.bob, [machine("silent")])
    row = bob.get("portal:machines", project).context["page"].rows[0]
    assert "No measurements in this window" in bob.see("portal:machine", project, row.id)
    assert figures(bob, (project, str(row.id)))["series"] == []


def test_as_many_queries_for_many_parts_as_for_few(cast: make.Cast, bob: Browser) -> None:
    disks = [{"source_id": f"scsi0:{number}", "size_gb": 10.0} for number in range(60)]
    project, _ = enrolled(cast.bob, [machine("few"), machine("many", disks=disks)])
    counts = []
    for row in bob.get("portal:machines", project).context["page"].rows:
        with CaptureQueriesContext(connection) as queries:
            bob.get("portal:machine", project, row.id)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_page_tells_the_assessments_of_the_machine(site: Site) -> None:
    shown = site.alice.get("portal:machine", *site.ids("project", "machine"))
    rows = {str(row["assessment"].id): row for row in shown.context["assessed"]}
    row = rows[site.estate.ids["assessment"]]
    assert row["monthly_cost"] > 0
    assert f"/assessments/{row['assessment'].id}/machines/{site.estate.ids['machine']}/" in shown.content.decode()


def test_a_stranger_gets_no_figures(site: Site, bob: Browser) -> None:
    assert bob.get("portal:machine-chart", *site.ids("project", "machine")).status_code == 404
