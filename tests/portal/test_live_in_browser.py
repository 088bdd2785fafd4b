"""What a browser does by itself: progress, a lost connection, tabs that outlive their session, double clicks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from assessments.models import Assessment, AssessmentRun, RunShard, RunStatus
from groups.models import Group
from ingest.imports.models import FileImport, ImportFormat, ImportStatus
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.conftest import wait_until
from tests.estate import Appliance, enrolled, machine
from tests.ingest.imports.files import info, rvtools
from tests.jobs.test_work import queued_runs
from tests.portal.browsing import sign_in
from tests.portal.test_in_browser import DESKTOP, PHONE, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("catalog", "background")]


@pytest.fixture
def bob() -> make.Cast:
    """A tenant whose bob, a contributor, can sign in."""
    cast = make.cast()
    sign_in(cast, "bob")
    return cast


def elsewhere(work: Any, *arguments: Any) -> Any:
    """Runs what touches the database: the browser's thread runs a loop, in which Django refuses to work."""

    def then_close() -> Any:
        try:
            return work(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(then_close).result()


def running_import(cast: make.Cast) -> FileImport:
    """An import that no worker knows of: the test moves it."""
    project = make.project(cast.bob)
    with tenant_context(cast.tenant.id):
        row: FileImport = FileImport.objects.create(
            project_id=project, format=ImportFormat.RVTOOLS, status=ImportStatus.RUNNING, file_name="a.xlsx",
            sha256=bytes(32), sequence=1, progress_done=10, progress_total=100,
        )  # fmt: skip
    return row


def moved(row: FileImport, **fields: Any) -> None:
    with tenant_context(row.tenant_id):
        FileImport.objects.filter(id=row.id).update(**fields)


@pytest.fixture
def watched(web: str, bob: make.Cast) -> Iterator[tuple[Any, FileImport, list[str]]]:
    """A browser that watches an import, the import, and the pages that the browser loads."""
    row = running_import(bob)
    with signed_in(web, bob.emails["bob"], DESKTOP) as (page, _):
        page.goto(f"{web}/projects/{row.project_id}/imports/{row.id}/")
        page.get_by_text("10 % done.").wait_for()
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        yield page, row, loads


def test_a_lost_connection_is_told_and_goes_on_when_it_is_back(watched: tuple[Any, FileImport, list[str]]) -> None:
    page, row, loads = watched
    notice = page.get_by_role("status").filter(has_text="The connection to the hub is lost")
    page.context.set_offline(True)
    notice.wait_for()
    elsewhere(moved, row)
    page.get_by_role("button", name="Cancel").click()  # is not sent into nothing
    assert page.get_by_text("10 % done.").is_visible()
    page.context.set_offline(False)
    notice.wait_for(state="detached", timeout=20_000)
    elsewhere(lambda: moved(row, progress_done=60))
    page.get_by_text("60 % done.").wait_for()
    assert loads == []


def test_progress_survives_a_reload_and_its_end_needs_none(watched: tuple[Any, FileImport, list[str]]) -> None:
    page, row, loads = watched
    elsewhere(lambda: moved(row, progress_done=40))
    page.get_by_text("40 % done.").wait_for()
    page.reload()
    page.get_by_text("40 % done.").wait_for()
    loads.clear()
    elsewhere(lambda: moved(row, status=ImportStatus.COMPLETED, counts={"created": 3, "updated": 0, "unchanged": 0}))
    page.get_by_role("heading", name="Completed").wait_for()
    assert page.locator("#spoken").inner_text() == "Completed"
    assert loads == []


def test_an_assessment_shows_its_progress_and_its_end_by_itself(web: str, bob: make.Cast) -> None:
    project, _ = enrolled(bob.bob, [machine("sql-01")])
    (run,) = queued_runs(bob, project)
    assessment = changed_run(bob, run, status=RunStatus.RUNNING, done=3)
    with signed_in(web, bob.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{web}/projects/{project}/assessments/{assessment}/")
        page.get_by_text("3 of 7 machines.").wait_for()
        elsewhere(lambda: changed_run(bob, run, status=RunStatus.RUNNING, done=2))
        page.get_by_text("5 of 7 machines.").wait_for()
        page.reload()
        page.get_by_text("5 of 7 machines.").wait_for()
        elsewhere(lambda: changed_run(bob, run, status=RunStatus.FAILED))
        page.get_by_role("heading", name="The newest run failed").wait_for()
    assert complaints == []


def changed_run(cast: make.Cast, run_id: UUID, *, status: RunStatus, done: int = 0) -> UUID:
    """Moves a run on by so many machines; the id of its assessment."""
    with tenant_context(cast.tenant.id):
        run = AssessmentRun.objects.select_related("assessment").get(id=run_id)
        run.status = status
        run.save()
        Assessment.objects.filter(id=run.assessment_id).update(latest_run=run)
        part = RunShard.objects.filter(run=run).count()
        RunShard.objects.create(run=run, part=part, machine_ids=[], machine_count=done, done=True)
    assessment_id: UUID = run.assessment_id
    return assessment_id


def test_a_hidden_tab_asks_for_nothing(watched: tuple[Any, FileImport, list[str]]) -> None:
    page, row, _ = watched
    page.evaluate(HIDE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(5_000)  # two polls and a half
    assert asked == []
    elsewhere(lambda: moved(row, progress_done=70))
    page.evaluate(SHOW)
    page.get_by_text("70 % done.").wait_for()


# As another tab of the same browser does.
SIGN_OUT_ELSEWHERE = """
fetch('/sign-out/', {method: 'POST', body: new FormData(document.querySelector('form[action="/sign-out/"]'))})
"""
HIDE = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
SHOW = "delete document.hidden"


def test_a_stale_tab_leads_to_sign_in_and_back(watched: tuple[Any, FileImport, list[str]], bob: make.Cast) -> None:
    page, _row, _ = watched
    stale = page.url
    page.evaluate(SIGN_OUT_ELSEWHERE)
    page.get_by_role("heading", name="Sign in").wait_for(timeout=20_000)  # nobody touched this tab
    page.get_by_label("E-mail address").fill(bob.emails["bob"])
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("10 % done.").wait_for()
    assert page.url == stale


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_double_click_makes_one_group(web: str, bob: make.Cast, scripts: bool) -> None:
    project, _ = enrolled(bob.bob, [machine("sql-01")])
    with signed_in(web, bob.emails["bob"], DESKTOP) as (page, _):
        if not scripts:
            page.route("**/*.js", lambda route: route.abort())
        page.goto(f"{web}/projects/{project}/groups/new/")
        page.get_by_label("Name of the new group").fill(f"twice {uuid4().hex[:6]}")
        page.locator("main form button.primary").dblclick()
        page.get_by_role("heading", name="twice").wait_for()
    assert wait_until(lambda: groups_of(bob, project) == 1, what="one group")


def groups_of(cast: make.Cast, project: str) -> int:
    with tenant_context(cast.tenant.id):
        return Group.objects.filter(project_id=project).count()


# As the browser does for a file that is dragged in from a folder.
DROP = """([zone, name, bytes]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(bytes)], name));
  for (const type of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: carried}));
  }
}"""


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_new_tenant_is_led_from_nothing_to_its_machines_and_on(
    web: str, bob: make.Cast, screen: dict[str, int]
) -> None:
    with signed_in(web, bob.emails["bob"], screen) as (page, complaints):
        page.get_by_role("link", name="New project").click()
        page.get_by_label("Name", exact=True).fill("Harbor Works")
        page.get_by_label("Target region").select_option("westeurope")
        page.get_by_role("button", name="Create project").click()
        page.get_by_role("heading", name="A file").wait_for()
        page.get_by_label("What it is").select_option("azure_migrate_csv")  # dropped below, it is told from the name
        page.reload()
        zone = page.locator("[data-drop]").element_handle()
        page.evaluate(DROP, [zone, "estate.xlsx", list(rvtools(vInfo=[info(1), info(2)]))])
        assert page.get_by_label("What it is").input_value() == "rvtools"
        page.get_by_role("button", name="Check the file").click()
        page.get_by_text("Nothing has changed yet.").wait_for(timeout=60_000)
        page.get_by_role("button", name="Import it").click()
        page.get_by_role("link", name="See the machines").wait_for(timeout=60_000)
        if screen == PHONE:
            page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Overview").click()
        steps = page.locator(".steps > li.done")
        assert [each.split()[0] for each in steps.locator("h3").all_inner_texts()] == ["Sources", "Machines"]
        page.get_by_role("link", name="A group").click()
        page.get_by_role("heading", name="Group").first.wait_for()
        assert complaints == []


def test_an_appliance_is_watched_until_its_machines_are_there(web: str, bob: make.Cast) -> None:
    project = make.project(bob.bob)
    with signed_in(web, bob.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{web}/projects/{project}/")
        page.get_by_label("Name", exact=True).fill("Rotterdam")
        page.get_by_role("button", name="Make its registration key").click()
        page.get_by_text("Waiting for the appliance").wait_for()
        key = page.locator("#key").inner_text()
        appliance = elsewhere(arrived, key)
        page.get_by_text("Waiting for its first inventory").wait_for()
        elsewhere(appliance.inventory, [machine("sql-01"), machine("web-01")])
        page.get_by_text("First inventory: 2 machines").wait_for()
        page.get_by_role("link", name="See the machines").click()
        page.get_by_role("link", name="sql-01").wait_for()
    assert complaints == []


def arrived(key: str) -> Appliance:
    """An appliance that enrolled with a key of the portal."""
    appliance = Appliance.__new__(Appliance)
    appliance.sequence = 0
    appliance.register(key)
    return appliance
