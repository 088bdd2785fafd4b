"""The story of an import in a real browser: tried, read, confirmed, assessed and undone, by keyboard and on a phone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from ingest.imports.models import FileImport, ImportFormat, ImportStatus
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest.imports.files import disk, info, nic, rvtools
from tests.portal.browsing import sign_in
from tests.portal.test_in_browser import DESKTOP, PHONE, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("catalog", "background")]

WORK_SECONDS = 60
LONG_NAME = "db-" + "w" * 252


@pytest.fixture
def bob() -> make.Cast:
    """A tenant whose bob, a contributor, can sign in."""
    cast = make.cast()
    sign_in(cast, "bob")
    return cast


def export(folder: Path) -> Path:
    """A workbook of three machines: one with a name as long as they get, one whose cores nobody can read."""
    path = folder / f"RVTools_export_{'of_all_sites_' * 12}.xlsx"
    rows = [info(1), info(2, VM=LONG_NAME), info(3, CPUs="four")]
    disks = [disk(number, unit) for number in (1, 2, 3) for unit in range(2)]
    path.write_bytes(rvtools(vInfo=rows, vDisk=disks, vNetwork=[nic(number) for number in (1, 2, 3)]))
    return path


def send(page: Any, path: Path, *, dry_run: bool) -> None:
    """Fills the form in and sends it with the keyboard alone, except for the choice of the file itself."""
    page.get_by_label("File", exact=True).set_input_files(path)
    box = page.get_by_label("Only try it first")
    box.focus()
    if box.is_checked() != dry_run:
        page.keyboard.press("Space")
    page.get_by_role("button", name="Send the file").focus()
    page.keyboard.press("Enter")


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def loads_of(page: Any) -> list[str]:
    """The pages that the browser loads from now on: what changes without one was not reloaded."""
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    return loads


def fits(page: Any) -> bool:
    width, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return bool(width <= seen)


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_workbook_is_tried_imported_assessed_and_undone(
    web: str, bob: make.Cast, screen: dict[str, int], tmp_path: Path
) -> None:
    project = f"{web}/projects/{make.project(bob.bob)}"
    with signed_in(web, bob.emails["bob"], screen) as (page, complaints):
        page.goto(f"{project}/imports/")
        send(page, export(tmp_path), dry_run=True)
        loads = loads_of(page)
        page.get_by_text("Nothing has changed yet.").wait_for(timeout=WORK_SECONDS * 1000)
        assert len(loads) <= 1  # the page itself, should it still have been on its way
        problem = page.get_by_role("row").filter(has_text="vInfo row 4").first
        assert "is not a number" in problem.inner_text()
        assert problem.get_by_text("warning").is_visible()
        assert fits(page)
        press(page, "Import it")
        page.get_by_role("button", name="Undo this import").wait_for(timeout=WORK_SECONDS * 1000)
        assert fits(page)
        done = page.url
        page.get_by_role("link", name="See the machines").click()
        page.get_by_role("link", name=LONG_NAME).wait_for()
        assert fits(page)
        assess_as_is(page)
        assert fits(page)
        page.goto(done)
        loads = loads_of(page)
        press(page, "Undo this import")
        page.get_by_text("Removed by undoing").wait_for(timeout=WORK_SECONDS * 1000)
        assert loads == [done]  # after the form that was sent
        page.goto(f"{project}/machines/")
        page.get_by_role("heading", name="No machines yet").wait_for()
    assert complaints == []


def assess_as_is(page: Any) -> None:
    """From the ticked machines to the cost of their group."""
    page.get_by_role("button", name="Group all 3").click()
    page.get_by_label("Name of the new group").fill(f"imported {uuid4().hex[:6]}")
    page.get_by_role("button", name="Group them").click()
    page.get_by_role("link", name="Assess", exact=True).click()
    page.get_by_label("Name", exact=True).fill(f"as is {uuid4().hex[:6]}")
    page.get_by_label("Size machines").select_option("as_on_premises")
    page.get_by_role("button", name="Assess").click()
    page.get_by_role("heading", name="Monthly cost by part").wait_for(timeout=WORK_SECONDS * 1000)


def test_hostile_files_get_an_answer_and_the_page_stays_usable(web: str, bob: make.Cast, tmp_path: Path) -> None:
    program, cut_off = tmp_path / "<img src=x onerror=alert(1)>.xlsx", tmp_path / "cut off.xlsx"
    program.write_bytes(b"MZ\x90\0" + b"\0" * 1000)
    cut_off.write_bytes(rvtools(2)[:2000])
    project = make.project(bob.bob)
    with signed_in(web, bob.emails["bob"], PHONE, scheme="dark") as (page, complaints):
        page.on("dialog", lambda dialog: complaints.append(f"a script ran: {dialog.message}"))
        page.goto(f"{web}/projects/{project}/imports/")
        send(page, program, dry_run=False)
        field = page.locator(".field").filter(has=page.get_by_label("File", exact=True))
        field.get_by_text("The file is a program, not an Excel workbook").wait_for()
        assert fits(page)
        complaints[:] = [each for each in complaints if "400" not in each]  # the browser tells the status
        send(page, cut_off, dry_run=False)
        page.get_by_text("The workbook is damaged or was cut off").wait_for(timeout=WORK_SECONDS * 1000)
        assert fits(page)
        press(page, "Delete")
        page.get_by_text("cut off.xlsx was deleted. It had changed nothing.").wait_for()
    assert complaints == []


def progress_to(done: int, row: FileImport) -> None:
    with tenant_context(row.tenant_id):
        FileImport.objects.filter(id=row.id).update(progress_done=done)
    connection.close()


def test_the_keyboard_stays_on_cancel_while_the_progress_moves(web: str, bob: make.Cast) -> None:
    project = make.project(bob.bob)
    with tenant_context(bob.tenant.id):
        row = FileImport.objects.create(
            project_id=project, format=ImportFormat.RVTOOLS, status=ImportStatus.RUNNING, file_name="a.xlsx",
            sha256=bytes(32), sequence=1, progress_done=10, progress_total=100,
        )  # fmt: skip
    with signed_in(web, bob.emails["bob"], DESKTOP) as (page, complaints):
        page.goto(f"{web}/projects/{project}/imports/{row.id}/")
        loads = loads_of(page)
        page.get_by_role("button", name="Cancel").focus()
        with ThreadPoolExecutor(1) as elsewhere:  # the browser's thread runs a loop, in which Django refuses to work
            elsewhere.submit(progress_to, 60, row).result()
        page.get_by_text("60 % done.").wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Cancel"
        assert loads == []
    assert complaints == []
