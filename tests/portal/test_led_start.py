"""The way from an empty project to its first report, and how projects are told at home and on their own page."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.catalog.models import Catalog
from assessments.models import AssessmentRun, RunStatus
from groups.models import Group
from ingest.imports.models import ImportStatus
from ingest.models import Appliance, Machine
from migrate_hub.tenants.row_level_security import tenant_context
from tests import estate as estates
from tests import make
from tests.estate import enrolled, group_of_all, machine
from tests.jobs.test_work import queued_runs, running_import
from tests.portal.browsing import Browser, sign_in, text_of
from tests.portal.conftest import Site


@pytest.fixture
def cast(catalog: None) -> make.Cast:
    return make.cast()


@pytest.fixture
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


def test_a_project_without_data_offers_an_appliance_or_a_file(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    text = bob.see("portal:project", project)
    assert "How do its machines get here?" in text
    assert "Make its registration key" in text
    assert "Check the file" in text
    words = sign_in(cast, "rita").see("portal:project", project)
    assert "Somebody with the role contributor can." in words
    assert "Make its registration key" not in words


def test_an_appliance_is_seen_to_arrive(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    made = bob.post("portal:new-appliance", project, name="Rotterdam", kind="vmware")
    assert "Waiting for the appliance" in text_of(made)
    assert 'hx-trigger="every 3s"' in made.content.decode()
    key = made.context["key"].wire
    with tenant_context(cast.tenant.id):
        appliance_id = Appliance.objects.get(project_id=project).id

    def arrival() -> str:
        return bob.see("portal:arrival", project, appliance_id)

    assert "Waiting for the appliance" in arrival()
    appliance = estates.Appliance.__new__(estates.Appliance)
    appliance.sequence = 0
    appliance.register(key)
    assert "from collector-1 Waiting for its first inventory" in arrival()
    appliance.inventory([machine("sql-01"), machine("web-01")])
    assert "First inventory: 2 machines" in arrival()
    html = bob.get("portal:arrival", project, appliance_id).content.decode()
    assert "hx-trigger" not in html


def test_the_checklist_ticks_what_is_done_and_leads_to_what_is_next(cast: make.Cast, bob: Browser) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    html = bob.get("portal:project", project).content.decode()
    assert done_steps(html) == ["Sources", "Machines"]
    assert f'href="/projects/{project}/groups/new/"' in html
    group_of_all(cast.bob, project)
    assert done_steps(bob.get("portal:project", project).content.decode()) == ["Sources", "Machines", "A group"]


def done_steps(html: str) -> list[str]:
    parts = html.split('<li class="done"><h3><a href="')[1:]
    return [part.split('">', 1)[1].split("<")[0] for part in parts]


def test_the_checklist_goes_when_a_report_was_made(site: Site) -> None:
    text = site.alice.see("portal:project", site.estate.ids["project"])
    assert "From here to a report" not in text
    assert "Latest assessments" in text


def test_home_tells_of_each_project_what_matters(site: Site) -> None:
    text = site.rita.see("portal:home")
    assert "1 ok" in text
    assert "assessment" in text
    assert "USD" in text


def test_home_tells_of_silent_appliances_and_running_work(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine("sql-01")])
    with tenant_context(cast.tenant.id):
        long_ago = datetime.now(UTC) - timedelta(hours=4)
        Appliance.objects.filter(id=appliance.id).update(last_seen_at=long_ago)
    queued_runs(cast, project, count=2)
    text = bob.see("portal:home")
    assert "1 silent" in text
    assert "2 jobs" in text


def test_what_to_look_at_first_names_all_that_is_wrong(cast: make.Cast, bob: Browser) -> None:
    project, appliance = enrolled(cast.bob, [machine("sql-01")])
    (failed,) = queued_runs(cast, project)
    (old,) = queued_runs(cast, project)
    running_import(cast, project, status=ImportStatus.FAILED, failure_detail="It is damaged.", file_name="broken.xlsx")
    with tenant_context(cast.tenant.id):
        Appliance.objects.filter(id=appliance.id).update(last_seen_at=datetime.now(UTC) - timedelta(hours=4))
        for run, status in ((failed, RunStatus.FAILED), (old, RunStatus.COMPLETED)):
            row = AssessmentRun.objects.select_related("assessment").get(id=run)
            row.status, row.failure_detail = status, "It was tried five times." if status == "failed" else ""
            row.save()
            row.assessment.latest_run = row
            row.assessment.current_run = row if status == RunStatus.COMPLETED else None
            row.assessment.save()
        Group.objects.update(membership_version=5)
    text = bob.see("portal:project-attention", project)
    assert "Nothing was heard of it for 4 hours." in text
    assert "broken.xlsx Its import failed. It is damaged." in text
    assert "Its newest run failed. It was tried five times." in text
    assert "Machines joined or left its group" in text


@pytest.fixture
def dated(cast: make.Cast) -> Iterator[Callable[[date], Catalog]]:
    """Makes a catalog of that day; it is gone after the test, for others count catalogs."""
    made: list[Catalog] = []

    def make_one(day: date) -> Catalog:
        made.append(Catalog.objects.using("owner").create(name="c", as_of=day, sha256=uuid4().hex, manifest={}))
        return made[-1]

    yield make_one
    with tenant_context(cast.tenant.id):
        AssessmentRun.objects.filter(catalog__in=[each.id for each in made]).update(catalog=Catalog.objects.current())
    Catalog.objects.using("owner").filter(id__in=[each.id for each in made]).delete()


def test_machines_that_are_not_ready_and_old_prices_are_named(
    cast: make.Cast, bob: Browser, dated: Callable[[date], Catalog]
) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    (fresh, *others) = queued_runs(cast, project, count=3)
    today = datetime.now(UTC).date()
    day = today - timedelta(days=40)
    new, old = dated(today), dated(day)
    publish(cast, [fresh], new, not_ready=0)
    assert "Nothing needs you" in bob.see("portal:project-attention", project)
    publish(cast, others[:1], old, not_ready=2)
    text = bob.see("portal:project-attention", project)
    assert "2 machines of it are not ready." in text
    assert f"Prices are 40 days old any rests on those of {day}." in text.replace(name_of(cast, others[0]), "any")
    publish(cast, others[1:], old, not_ready=1)
    response = bob.get("portal:project-attention", project)
    assert "1 machine of it is not ready." in text_of(response)
    assert f"2 assessments rest on those of {day}." in text_of(response)
    assert "?readiness=not_ready" in response.content.decode()


def publish(cast: make.Cast, runs: list[UUID], catalog: Catalog, *, not_ready: int) -> None:
    """Makes runs that no worker has begun those that readers see."""
    with tenant_context(cast.tenant.id):
        for row in AssessmentRun.objects.select_related("assessment").filter(id__in=runs):
            row.status, row.catalog_id = RunStatus.COMPLETED, catalog.id
            row.summary = {"readiness": {"not_ready": not_ready}, "monthly_cost": {"total": "0.00"}, "currency": "USD"}
            row.save()
            row.assessment.current_run = row.assessment.latest_run = row
            row.assessment.save()
        Group.objects.update(membership_version=1)


def name_of(cast: make.Cast, run: UUID) -> str:
    with tenant_context(cast.tenant.id):
        return str(AssessmentRun.objects.select_related("assessment").get(id=run).assessment.name)


def test_where_all_is_well_nothing_needs_anybody(cast: make.Cast, bob: Browser) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    assert "Nothing needs you" in bob.see("portal:project-attention", project)


def test_running_work_of_a_project_is_a_fragment_that_asks_for_more(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    running_import(cast, project, progress_done=3, progress_total=4)
    html = bob.get("portal:project-jobs", project).content.decode()
    assert html.startswith("<section")
    assert 'hx-trigger="every 2s"' in html
    assert "estate.xlsx" in html


@pytest.mark.parametrize("name", ["home", "project", "project-attention", "project-jobs"])
def test_pages_cost_the_same_with_few_rows_and_with_many(
    name: str, cast: make.Cast, bob: Browser, dated: Callable[[date], Catalog]
) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    ids = [] if name == "home" else [project]
    counts = []
    for more in (3, 57):
        runs = fill(cast, project, more)
        if name == "project-attention":
            publish(cast, runs, dated(date(2020, 1, more % 28 + 1)), not_ready=1)
        with CaptureQueriesContext(connection) as queries:
            bob.see(f"portal:{name}", *ids)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 45


def fill(cast: make.Cast, project: str, more: int) -> list[UUID]:
    """So many appliances, runs and imports more; at home a project for each as well. The runs."""
    others = [make.project(cast.bob) for _ in range(more)]
    runs = queued_runs(cast, project, count=more)
    with tenant_context(cast.tenant.id):
        for number, other in enumerate(others):
            for place in (project, other):
                Appliance.objects.create(project_id=place, name=f"{other} {number}", kind="vmware")
        assert Machine.objects.exists()
    for other in others:
        running_import(cast, other)
        running_import(cast, project, status=ImportStatus.FAILED)
    return runs


def test_a_file_from_the_start_is_tried_first(cast: make.Cast, bob: Browser, background: Any) -> None:
    project = make.project(cast.bob)
    html = bob.get("portal:project", project).content.decode()
    assert 'name="dry_run" value="on"' in html
    assert "data-drop" in html
