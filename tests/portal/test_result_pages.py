"""Results as pages: the table sorted, filtered and summed up, one machine with its whole way, what to look at first."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrate_hub.portal.figures import money
from migrate_hub.portal.progress import in_words, progress_times
from tests import make
from tests.assessments.varied import varied_estate
from tests.estate import assessed, enrolled, group_of_all, machine
from tests.ingest.imports.files import azure, imported, server
from tests.portal.browsing import Browser, sign_in

MACHINES = 30
Place = tuple[make.Cast, Browser, str, str]


@pytest.fixture(scope="module")
def place(background: None, catalog: None) -> Place:
    """A cast, rita's browser, a project, and an assessment of machines that differ, one of them without history."""
    cast = make.cast()
    project, _, appliance = varied_estate(cast.bob, machines=MACHINES - 1, days=1, seed=5)
    appliance.inventory([machine("quiet-1", cores=64)], snapshot=False)
    group = group_of_all(cast.bob, project, "everything")
    return cast, sign_in(cast, "rita"), project, assessed(cast.bob, project, group)["id"]


def plain(words: str) -> str:
    return words.replace("\u202f", " ")


def names(place: Place, query: str = "") -> list[str]:
    _, rita, project, assessment = place
    page = rita.get("portal:results", project, assessment, query=query)
    assert page.status_code == 200
    return [row.machine.name for row in page.context["rows"]]


def api_rows(place: Place, query: str) -> list[dict[str, Any]]:
    cast, _, project, assessment = place
    path = f"projects/{project}/assessments/{assessment}/machines/?page_size=50&{query}"
    rows: list[dict[str, Any]] = cast.bob.ok(cast.bob.get(path))["results"]
    return rows


@pytest.mark.parametrize(
    "query",
    ["sort=-monthly_cost", "sort=cores", "sort=-monthly_saving", "readiness=ready", "fit=oversized", "max_stars=4",
     "issue=percentage_of_cores_utilized_missing", "series=dsv5", "disk_type=premium_ssd", "search=m-01"],
)  # fmt: skip
def test_the_table_lists_what_the_api_lists_and_sums_it_up(place: Place, query: str) -> None:
    cast, rita, project, assessment = place
    assert names(place, f"?{query}") == [row["name"] for row in api_rows(place, query)]
    path = f"projects/{project}/assessments/{assessment}/totals/?{query.replace('sort=', 'x=')}"
    totals = cast.bob.ok(cast.bob.get(path))
    words = plain(rita.see("portal:results", project, assessment, query=f"?{query}"))
    assert f"{totals['machines']} machine" in words
    assert plain(money(Decimal(totals["monthly_cost"]), totals["currency"])) in words


def test_what_no_table_can_be_filtered_by_counts_as_not_there(place: Place) -> None:
    assert names(place, "?readiness=nearly&max_stars=9&fit=snug&sort=size&issue=%00") == names(place)


def test_a_filter_without_machines_says_so_and_leads_back(place: Place) -> None:
    _, rita, project, assessment = place
    words = rita.see("portal:results", project, assessment, query="?search=nobody&max_stars=1")
    assert "0 machines" in words
    assert "No machine here" in words
    assert "Show all" in words


def test_machines_before_and_behind_are_those_of_the_table_one_came_from(place: Place) -> None:
    _, rita, project, assessment = place
    query = "?readiness=ready&sort=-monthly_cost"
    listed = rita.get("portal:results", project, assessment, query=query).context["rows"]
    walked, path = [listed[0].machine.name], None
    page = rita.get("portal:result", project, assessment, listed[0].machine.machine_id, query=query)
    assert page.context["previous"] is None
    while page.context["next"] is not None:
        walked.append(page.context["next"].name)
        path = unescape(re.search(r'rel="next" href="([^"]+)"', page.content.decode())[1])  # type: ignore[index]
        page = rita.get(path)
    assert walked == [row.machine.name for row in listed]
    assert path is not None
    assert "sort=-monthly_cost" in path
    assert page.context["previous"].name == walked[-2]


def test_one_paragraph_tells_the_whole_way_and_a_table_how_busy_it_will_be(place: Place) -> None:
    cast, rita, project, assessment = place
    row = next(row for row in api_rows(place, "sort=-monthly_cost") if "cpu_percent" in row["observed"])
    path = f"projects/{project}/assessments/{assessment}/machines/{row['machine']}/"
    trace = cast.bob.ok(cast.bob.get(path))["trace"]
    words = plain(rita.see("portal:result", project, assessment, row["machine"]))
    busy = trace["expected"]
    used = trace["cores"] * row["observed"]["cpu_percent"] / busy["cores"]
    assert busy["cpu_percent"] == pytest.approx(used, abs=0.06)
    assert f"It has {trace['cores']} cores" in words
    assert "with headroom that asks for" in words
    assert f"The cheapest size that offers all it needs has {busy['cores']} core" in words
    assert re.search(rf"CPU [\d.]+ % of {trace['cores']} cores [\d.]+ % of {busy['cores']} core", words)


def test_a_machine_without_history_is_told_what_to_do_whatever_it_came_from(place: Place) -> None:
    _, rita, project, assessment = place
    (row,) = api_rows(place, "search=quiet")
    words = rita.see("portal:result", project, assessment, row["machine"])
    assert "What it used is not known" in words
    assert "wait for the appliance, or import it where the machine is from a file" in words


def test_an_imported_machine_is_never_told_to_check_an_appliance_alone(background: None, catalog: None) -> None:
    cast = make.cast()
    project = make.project(cast.bob)
    imported(cast.bob, project, azure(server("file-01")), "azure_migrate_csv")
    done = assessed(cast.bob, project, group_of_all(cast.bob, project))["id"]
    (row,) = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{done}/machines/"))["results"]
    for issue in [*row["issues"], *row["data_issues"]]:
        assert "appliance" not in issue["remedy"] or "file" in issue["remedy"], issue
    words = sign_in(cast, "rita").see("portal:result", project, done, row["machine"])
    assert " 1 disks" not in words
    assert " 1 network adapters" not in words


def test_what_to_look_at_first_leads_to_the_table_that_lists_it(place: Place) -> None:
    cast, rita, project, assessment = place
    page = rita.get("portal:assessment", project, assessment)
    html = page.content.decode()
    looks = page.context["overview"].look_at
    told = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{assessment}/insights/"))
    assert [look.code for look in looks] == [each["code"] for each in told["look_at"]]
    for look, each in zip(looks, told["look_at"], strict=True):
        assert look.query.replace("&", "&amp;") in html
        listed = names(place, look.query)
        assert [top["name"] for top in look.top] == listed[: len(look.top)]
        if look.code != "savings":
            assert each["machines"] == len(listed)
    assert "cheapest" in html


def test_the_overview_tells_how_busy_the_sizes_will_be(place: Place) -> None:
    cast, rita, project, assessment = place
    told = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{assessment}/insights/"))["headroom"]
    words = plain(rita.see("portal:assessment", project, assessment))
    assert f"{told['cores']} cores become {told['recommended_cores']}" in words
    assert f"{told['classes'][0]} machine" in words


def test_pages_of_results_ask_as_many_queries_for_three_machines_as_for_sixty(background: None, catalog: None) -> None:
    counts = []
    for machines in (3, 60):
        cast = make.cast()
        project, _ = enrolled(cast.bob, [machine(f"m-{number:02}") for number in range(machines)])
        done = assessed(cast.bob, project, group_of_all(cast.bob, project))["id"]
        (row,) = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{done}/machines/?search=m-01"))["results"]
        rita = sign_in(cast, "rita")
        pages = [
            ("portal:results", (project, done), "?sort=-monthly_cost&fit=oversized"),
            ("portal:assessment", (project, done), ""),
            ("portal:result", (project, done, row["machine"]), "?sort=cores"),
        ]
        found = []
        for name, ids, query in pages:
            rita.get(name, *ids, query=query)
            with CaptureQueriesContext(connection) as queries:
                assert rita.get(name, *ids, query=query).status_code == 200
            found.append(len(queries))
        counts.append(found)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 40


def test_a_cancelled_run_says_so_beside_the_results_that_stay(place: Place) -> None:
    cast, _, project, assessment = place
    bob = sign_in(cast, "bob")
    bob.post("portal:recalculate", project, assessment)
    bob.post("portal:cancel", project, assessment)
    words = bob.see("portal:assessment", project, assessment)
    if "The newest run was cancelled" not in words:  # a worker was quicker than the cancelling
        assert "Machine by machine" in words
        return
    assert "Run again" in words
    assert "the last one that completed" in words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (45, "45 seconds"), (119, "119 seconds"), (150, "2 minutes"), (7500, "2 hours 5 minutes")],
)
def test_lengths_of_time_are_told_in_words(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words


def test_what_is_left_is_estimated_once_enough_is_done() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    now = start + timedelta(seconds=30)
    assert progress_times(start, now, done=250, total=1000).remaining == "90 seconds"
    assert progress_times(start, now, done=10, total=1000).remaining == ""
    assert progress_times(start, now, done=1000, total=1000).remaining == ""
    assert progress_times(None, now, done=0, total=1000).elapsed == ""
