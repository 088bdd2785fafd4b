"""The page of a tenant's background work."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.imports.models import ImportStatus
from tests import make
from tests.estate import enrolled, machine
from tests.jobs.test_work import queued_runs, running_import
from tests.portal.browsing import Browser, sign_in, somebody, text_of
from tests.portal.conftest import Site


@pytest.fixture
def cast(catalog: None) -> make.Cast:
    """A tenant for which nothing is done: no worker knows of its work."""
    return make.cast()


def test_a_tenant_without_work_is_told_what_will_be_here() -> None:
    assert "No job yet" in Browser(somebody()).see("portal:jobs")


def test_finished_work_is_told_in_words_with_its_project_and_who_asked(site: Site) -> None:
    text = site.rita.see("portal:jobs")
    assert "Nothing is running and nothing waits." in text
    assert "Report" in text
    assert site.estate.cast.emails["alice"] in text
    link = f'href="/projects/{site.estate.ids["project"]}/assessments/{site.estate.ids["assessment"]}/"'
    assert link in site.rita.get("portal:jobs").content.decode()


def test_running_work_shows_how_far_it_is_and_asks_for_more(cast: make.Cast) -> None:
    running_import(cast, make.project(cast.bob, name="Rotterdam"), progress_done=42, progress_total=100)
    bob = sign_in(cast, "bob")
    html = bob.get("portal:jobs").content.decode()
    assert 'hx-trigger="every 2s"' in html
    text = bob.see("portal:jobs-part")
    assert "estate.xlsx Import Rotterdam Running" in text
    assert "42 %" in text


def test_work_is_cancelled_on_the_page_by_whoever_may(cast: make.Cast) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    (run,) = queued_runs(cast, project)
    assert "Cancel" not in sign_in(cast, "rita").see("portal:jobs")
    answer = sign_in(cast, "bob").post("portal:cancel-job", run, follow=True)
    assert "Cancelled" in text_of(answer)
    answer = sign_in(cast, "bob").post("portal:cancel-job", run, follow=True)
    assert "This work has ended" in text_of(answer)


def test_a_failure_stands_beside_what_failed(cast: make.Cast) -> None:
    running_import(cast, make.project(cast.bob), status=ImportStatus.FAILED, failure_detail="The workbook is damaged.")
    assert "Failed The workbook is damaged." in sign_in(cast, "rita").see("portal:jobs")


def test_pages_of_finished_work_hold_each_once_and_lead_back(cast: make.Cast) -> None:
    project = make.project(cast.bob)
    for number in range(120):
        running_import(cast, project, status=ImportStatus.COMPLETED, file_name=f"file-{number:03}.csv")
    rita = sign_in(cast, "rita")
    seen: list[str] = []
    query, first = "", ""
    for _ in range(3):
        html = rita.get("portal:jobs", query=query).content.decode()
        seen += re.findall(r"file-\d{3}", html)
        first = first or html
        found = re.search(r'href="(\?after=[^"]+)"', html)
        previous = re.search(r'href="(\?before=[^"]+)"', html)
        query = found[1] if found else query
    assert seen == [f"file-{number:03}" for number in reversed(range(120))]
    assert previous
    back = rita.get("portal:jobs", query=previous[1]).content.decode()
    assert re.findall(r"file-\d{3}", back) == seen[50:100]
    assert re.findall(r"file-\d{3}", rita.get("portal:jobs", query="?after=nothing").content.decode()) == seen[:50]


def test_the_page_costs_the_same_however_much_there_is(cast: make.Cast) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    rita, counts = sign_in(cast, "rita"), []
    for more in (1, 40):
        queued_runs(cast, project, count=more)
        for status in (ImportStatus.RUNNING, ImportStatus.COMPLETED):
            for _ in range(more):
                running_import(cast, project, status=status)
        counts.append(queries_of(rita))
    assert counts[0] == counts[1] <= 30


def queries_of(browser: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        browser.see("portal:jobs")
    return len(queries)
