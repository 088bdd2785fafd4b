"""The whole story in a real browser: an owner invites, somebody new joins and gets to a workbook, reading nothing."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest

from tests import make
from tests.browser import chromium
from tests.ingest.imports.files import azure, server
from tests.portal.browsing import give_password
from tests.portal.test_in_browser import DESKTOP

MACHINES = [server(f"app-{number:02}", cores=4, memory=8192, cpu=20) for number in range(12)]
PATIENCE_MILLISECONDS = 60_000


def complaints_of(page: Any) -> list[str]:
    """What the browser complains about while the page is used."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def invited(browser: Any, web: str, owner: str, guest: str) -> str:
    """The link that the owner hands over."""
    page = browser.new_context(viewport=DESKTOP).new_page()
    page.goto(f"{web}/members/")
    page.get_by_label("E-mail address").fill(owner)
    page.get_by_label("Password").fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Members").wait_for()
    page.get_by_label("E-mail address").fill(guest)
    page.get_by_label("Role", exact=True).select_option("contributor")
    page.get_by_role("button", name="Invite").click()
    link: str = page.locator("#secret").inner_text()
    page.context.close()
    return re.sub(r"^https?://[^/]+", web, link)


def join(page: Any, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Nora New")
    page.get_by_label("New password", exact=True).fill("a-long-new-password-7")
    page.get_by_label("New password confirmation").fill("a-long-new-password-7")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("heading", name="Projects").wait_for()


def make_project(page: Any) -> None:
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name", exact=True).fill("Rotterdam")
    page.get_by_label("Target region").select_option("westeurope")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="Rotterdam", level=1).wait_for()


def import_file(page: Any, estate: Path) -> None:
    """Checked first, then imported; both end without a reload."""
    page.set_input_files("input[type=file]", estate)
    page.get_by_label("What it is").select_option("azure_migrate_csv")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import it").click(timeout=PATIENCE_MILLISECONDS)
    page.get_by_role("link", name="See the machines").click(timeout=PATIENCE_MILLISECONDS)


def assess(page: Any) -> None:
    page.get_by_role("button", name="Group all 12").click()
    page.get_by_label("Name of the new group").fill("everything")
    page.get_by_role("button", name="Group them").click()
    page.get_by_role("link", name="Assess", exact=True).click()
    page.get_by_label("Name", exact=True).fill("first look")
    page.get_by_role("button", name="Assess", exact=True).click()
    page.get_by_role("heading", name="Monthly cost by part").wait_for(timeout=PATIENCE_MILLISECONDS)


def download_workbook(page: Any, to: Path) -> None:
    page.get_by_role("button", name="Make a workbook").click()
    link = page.get_by_role("link", name="Download .xlsx")
    link.wait_for(timeout=PATIENCE_MILLISECONDS)
    with page.expect_download() as download:
        link.click()
    download.value.save_as(to)


@pytest.mark.e2e
def test_from_an_invitation_to_a_workbook(web: str, catalog: None, background: None, tmp_path: Path) -> None:
    cast = make.cast()
    give_password(cast.emails["alice"])
    estate, workbook = tmp_path / "estate.csv", tmp_path / "workbook.xlsx"
    estate.write_bytes(azure(*MACHINES))
    with chromium() as browser:
        link = invited(browser, web, cast.emails["alice"], f"{uuid4().hex[:8]}@example.com")
        page = browser.new_context(viewport=DESKTOP).new_page()
        complaints = complaints_of(page)
        join(page, link)
        make_project(page)
        import_file(page, estate)
        assess(page)
        card = page.get_by_role("heading", name="Monthly cost by part").locator("xpath=ancestor::section")
        total = card.locator(".total dd").inner_text()
        download_workbook(page, workbook)
    assert complaints == []
    rows = list(openpyxl.load_workbook(workbook, data_only=True)["All_Assessed_Machines"].values)
    assert len(rows) == 1 + len(MACHINES)
    assert Decimal(re.sub(r"[^\d.]", "", total)) == total_of(rows)


def total_of(rows: list[tuple[Any, ...]]) -> Decimal:
    """Compute and storage of all machines of the sheet, to the cent."""
    costs = [rows[0].index(name) for name in rows[0] if re.match(r"(Compute|Storage) monthly cost estimate", str(name))]
    assert len(costs) == 2, rows[0]
    return sum((Decimal(str(row[place])) for row in rows[1:] for place in costs), Decimal(0)).quantize(Decimal("0.01"))
