"""Sources: appliances with what to do about them, what they had refused by code and as CSV, and files beside them."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.estate import Appliance, enrolled, last_full_hour, machine, points
from tests.portal.browsing import Browser, sign_in
from tests.portal.conftest import Site


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


@pytest.fixture(scope="module")
def place(cast: make.Cast) -> tuple[str, Appliance]:
    """An appliance that had sixty machines refused that nobody knows, and one that it listed twice."""
    project, appliance = enrolled(cast.bob, [machine("vm-1")])
    start = last_full_hour() - timedelta(hours=1)
    appliance.performance([points(f"=unknown-{number:02}", start, 6) for number in range(60)])
    appliance.inventory([machine("vm-1"), machine("vm-1")], snapshot=False)
    return project, appliance


def rows_of(response: Any) -> list[list[str]]:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def test_refused_records_are_counted_by_code_and_shown_by_one(place: tuple[str, Appliance], bob: Browser) -> None:
    project, appliance = place
    whole = bob.get("portal:appliance", project, appliance.id)
    assert whole.context["codes"] == [("unknown_machine", 60), ("duplicate_machine", 1)]
    assert len(whole.context["page"].rows) == 50
    one = bob.get("portal:appliance", project, appliance.id, query="?code=duplicate_machine")
    assert [record.source_id for record in one.context["page"].rows] == ["vm-1"]
    assert "None with this code" in bob.see("portal:appliance", project, appliance.id, query="?code=other")


def test_refused_records_are_given_out_as_csv_without_formulas(
    place: tuple[str, Appliance], cast: make.Cast, bob: Browser
) -> None:
    project, appliance = place
    rows = rows_of(bob.get("portal:rejected-export", project, appliance.id))
    assert (rows[0][:2], len(rows)) == (["source_id", "code"], 62)
    assert all(row[0].startswith("'=unknown") for row in rows[1:] if row[1] == "unknown_machine")
    path = f"projects/{project}/appliances/{appliance.id}/rejected.csv?code=duplicate_machine"
    assert len(rows_of(cast.bob.get(path))) == 2
    assert make.stranger().get(path).status_code == 404
    listed = cast.bob.ok(cast.bob.get(path.replace("rejected.csv", "rejected/")))["results"]
    assert [row["code"] for row in listed] == ["duplicate_machine"]


def test_an_appliance_that_never_enrolled_says_what_to_do(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    cast.bob.ok(cast.bob.post(f"projects/{project}/appliances/", {"name": "new", "kind": "hyperv"}), 201)
    words = bob.see("portal:appliances", project)
    assert "Run the registration command where it stands." in words
    assert "Nothing was imported yet." in words


def test_files_stand_beside_appliances(site: Site) -> None:
    shown = site.bob.get("portal:appliances", *site.ids("project"))
    assert [str(row.id) for row in shown.context["imports"]] == [site.estate.ids["file_import"]]


def test_the_forecast_says_when_coverage_is_complete(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine("vm-1")])
    for day in (1, 2):
        appliance.performance([points("vm-1", last_full_hour() - timedelta(days=day))])
    row = bob.get("portal:machines", project).context["page"].rows[0]
    words = bob.see("portal:machine", project, row.id)
    assert "Over 95 % now." in words
    week = cast.bob.ok(cast.bob.get(f"projects/{project}/machines/{row.id}/forecast/"))["windows"]["1_week"]["covered"]
    assert week["percent"] == 95.0
    assert f"95 % coverage on {week['at'][:10]}." in words
