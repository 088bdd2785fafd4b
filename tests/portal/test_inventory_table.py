"""The inventory table: sorted, filtered by chips, with each person's columns, given out as CSV, in a few queries."""

import csv
import gzip
import io
import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.estate import Appliance, enrolled, machine
from tests.ingest.imports.files import azure, imported, server
from tests.portal.browsing import Browser, sign_in, text_of

TURNED = "report\u202efdp.exe"


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


@pytest.fixture(scope="module")
def project(cast: make.Cast, background: None) -> str:
    """Sixty machines of an appliance and one of a file; one has no cores, one is a trap for readers."""
    listed = [machine(f"vm-{number:02}", cores=number + 1, host=f"esx-{number % 3}") for number in range(58)]
    made, _ = enrolled(cast.bob, [*listed, machine("unknown", cores=None, disks=[]), machine("trap", name=TURNED)])
    imported(cast.bob, made, azure(server("file-01")), "azure_migrate_csv")
    return made


def names_on(response: Any) -> list[str]:
    return [row.name for row in response.context["page"].rows]


def test_a_click_on_a_heading_sorts_and_the_next_turns_the_order(project: str, bob: Browser) -> None:
    first = bob.get("portal:machines", project)
    (cores,) = [heading for heading in first.context["headings"] if heading.label == "Cores"]
    largest = bob.get("portal:machines", project, query=cores.link)
    assert names_on(largest)[:2] == ["vm-57", "vm-56"]
    (sorted_by,) = [heading for heading in largest.context["headings"] if heading.direction]
    assert (sorted_by.label, sorted_by.direction) == ("Cores", "descending")
    smallest = bob.get("portal:machines", project, query=sorted_by.link)
    assert names_on(smallest)[:2] == ["unknown", "vm-00"]
    assert b'aria-sort="ascending"' in smallest.content


@pytest.mark.parametrize("sort", ["cores", "-cores", "host", "-storage_gb", "last_seen_at", "power_state"])
def test_pages_of_any_order_hold_every_machine_once(project: str, bob: Browser, sort: str) -> None:
    found, query = [], f"?sort={sort}"
    while query:
        page = bob.get("portal:machines", project, query=query)
        found += names_on(page)
        query = page.context["page"].next_link
    assert len(found) == len(set(found)) == 61


def test_a_chip_says_a_condition_and_takes_it_away(project: str, bob: Browser) -> None:
    both = bob.get("portal:machines", project, query="?search=vm-0&host=esx-1&sort=-cores")
    assert names_on(both) == ["vm-07", "vm-04", "vm-01"]
    words, link = both.context["chips"][1]
    assert words == "host is “esx-1”"
    without = bob.get("portal:machines", project, query=link)
    assert names_on(without)[:2] == ["vm-09", "vm-08"]
    assert [words for words, _ in without.context["chips"]] == ["name begins with “vm-0”"]


@pytest.mark.parametrize(
    ("query", "count"),
    [("discovered_by=import", 1), ("history=none", 61), ("history=some", 0), ("removed=true", 0), ("os=debian", 0)],
)
def test_filters_by_source_history_and_presence(project: str, bob: Browser, query: str, count: int) -> None:
    response = bob.get("portal:machines", project, query=f"?{query}")
    assert (response.status_code, response.context["count"]) == (200, count)


def test_each_person_has_columns_and_rows_of_their_own(project: str, cast: make.Cast, bob: Browser) -> None:
    rita = sign_in(cast, "rita")
    kept = rita.post("portal:inventory-table", project, columns=["cpu_model", "cores"], page_size=25, query="?os=win")
    assert kept.url.endswith(f"/projects/{project}/machines/?os=win")
    hers, his = (browser.get("portal:machines", project) for browser in (rita, bob))
    assert [heading.label for heading in hers.context["headings"]] == ["Machine", "Processor", "Cores"]
    assert len(hers.context["page"].rows) == 25
    assert "Processor" not in [heading.label for heading in his.context["headings"]]
    exported = rows_of(rita.get("portal:machines-export", project))
    assert exported[0] == ["name", "cpu_model", "cores"]


@pytest.mark.parametrize("fields", [{"columns": ["secret"], "page_size": 25}, {"columns": [], "page_size": 7}, {}])
def test_columns_that_are_none_are_not_kept(project: str, bob: Browser, fields: dict[str, Any]) -> None:
    before = bob.get("portal:machines", project).context["table"]
    assert bob.post("portal:inventory-table", project, **fields).status_code == 400
    assert bob.get("portal:machines", project).context["table"] == before


def test_nobody_is_led_elsewhere_by_what_a_form_says(project: str, bob: Browser) -> None:
    led = bob.post("portal:inventory-table", project, columns=["cores"], page_size=50, query="//evil.example/")
    assert led.url == f"/projects/{project}/machines/"


def rows_of(response: Any) -> list[list[str]]:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def test_the_export_holds_what_the_filter_leaves_in_its_order(project: str, bob: Browser) -> None:
    rows = rows_of(bob.get("portal:machines-export", project, query="?search=vm-0&host=esx-1&sort=-cores"))
    assert [row[0] for row in rows] == ["name", "vm-07", "vm-04", "vm-01"]
    wrong = bob.get("portal:machines-export", project, query="?power_state=asleep")
    assert wrong.status_code == 302


def test_as_many_queries_for_three_rows_as_for_sixty(cast: make.Cast, project: str, bob: Browser) -> None:
    few, _ = enrolled(cast.bob, [machine(f"few-{number}") for number in range(3)])
    counts = []
    for each in (few, project):
        bob.get("portal:machines", each)
        with CaptureQueriesContext(connection) as queries:
            response = bob.get("portal:machines", each, query="?sort=-cores&os=win")
        counts.append(len(queries))
        assert len(gzip.compress(response.content)) < 20_000
    assert counts[0] == counts[1]


def test_what_would_turn_a_name_around_is_marked(project: str, bob: Browser) -> None:
    for response in (
        bob.get("portal:machines", project, query="?search=report"),
        bob.get(
            "portal:machine",
            project,
            bob.get("portal:machines", project, query="?search=report").context["page"].rows[0].id,
        ),
    ):
        assert "\u202e" not in response.content.decode()
        assert "report\ufffdfdp.exe" in text_of(response)


def test_35_000_machines_are_exported_in_seconds(cast: make.Cast, bob: Browser) -> None:
    many = make.project(cast.bob)
    Appliance(cast.bob, many).inventory([machine(f"m-{number}", disks=[], nics=[]) for number in range(35_000)])
    started = time.monotonic()
    rows = rows_of(bob.get("portal:machines-export", many))
    assert len(rows) == 35_001
    assert time.monotonic() - started < 10
