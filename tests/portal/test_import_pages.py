"""The pages of file imports: sent as a dry run, confirmed, undone."""

import re
from typing import Any

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ingest.imports.models import FileImport
from ingest.retention import RETENTION
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import assessed, group_of_all, machine_ids
from tests.ingest.imports.files import azure, ended, rvtools, server
from tests.portal.browsing import Browser, sign_in, text_of

pytestmark = pytest.mark.usefixtures("catalog", "background")

# Session, person, tenant, project, role, the page of imports, and what opens the transaction.
MAX_QUERIES = 20


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


def sent(browser: Browser, project: str, content: bytes, **fields: Any) -> Any:
    file = SimpleUploadedFile("estate.xlsx", content)
    return browser.post("portal:imports", project, file=file, **{"format": "rvtools"} | fields)


def id_in(response: Any) -> str:
    assert response.status_code == 302, text_of(response)
    found = re.search(r"/imports/([0-9a-f-]{36})/", response.url)
    assert found
    return found[1]


def test_a_file_is_tried_confirmed_and_undone(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    tried = id_in(sent(bob, project, rvtools(2), dry_run="on"))
    ended(cast.bob, project, tried)
    page = bob.see("portal:import", project, tried)
    assert "Checked" in page
    assert "Completed" not in page
    assert "Would be new 2" in page
    assert "Import it" in page
    done = id_in(bob.post("portal:confirm-import", project, tried))
    ended(cast.bob, project, done)
    assert "New 2" in bob.see("portal:import", project, done)
    assert "vm-1" in bob.see("portal:machines", project)
    bob.post("portal:undo-import", project, done)
    ended(cast.bob, project, done, states={"undone"})
    assert "Removed by undoing 2 Back as they were before 0" in bob.see("portal:import", project, done)
    listed = bob.see("portal:imports", project)
    assert listed.count("estate.xlsx RVTools") == 1
    assert "dry run" in listed
    assert bob.post("portal:undo-import", project, tried).url.endswith("/imports/")
    assert "dry run" not in bob.see("portal:imports", project)


def test_what_is_wrong_stands_on_the_page_and_in_the_csv(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    done = id_in(sent(bob, project, azure(server("<b>x</b>"), server("bad", cores="two")), format="azure_migrate_csv"))
    ended(cast.bob, project, done)
    page = bob.see("portal:import", project, done)
    assert "1 error, 0 warnings" in page
    assert "row 3" in page
    csv = bob.get("portal:import-errors", project, done).content.decode()
    assert csv.splitlines()[1].startswith("error,unreadable_cell,,3,cores,")


def test_when_it_is_too_late_to_undo_the_page_says_so(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    done = id_in(sent(bob, project, azure(server("fs-01"), server("bad", cores="two")), format="azure_migrate_csv"))
    ended(cast.bob, project, done)
    assert "Can be undone until" in bob.see("portal:import", project, done)
    with tenant_context(cast.tenant.id):
        FileImport.objects.filter(id=done).update(created_at=timezone.now() - RETENTION)
    page = bob.see("portal:import", project, done)
    assert "Could be undone, and its problems read, until" in page
    assert "Undo this import" not in page
    assert bob.get("portal:import-errors", project, done).status_code == 410
    bob.post("portal:undo-import", project, done)
    assert "is no longer known" in bob.see("portal:import", project, done)
    assert "fs-01" in bob.see("portal:machines", project)


def test_a_wrong_form_is_shown_again_with_what_is_wrong(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    response = sent(bob, project, b"", format="rvtools")
    assert response.status_code == 400
    assert "empty" in text_of(response)
    response = sent(bob, project, rvtools(1), shift_to_now="on")
    assert response.status_code == 400
    assert "performance_csv only" in text_of(response)


@pytest.mark.parametrize(
    ("content", "file_format", "answer"),
    [
        (b"MZ\x90\0", "rvtools", "The file is a program, not an Excel workbook (.xlsx)."),
        (b"VM,CPUs\r\nvm-1,4\r\n", "rvtools", "The file is plain text (CSV?), not an Excel workbook (.xlsx)."),
        (b"%PDF-1.7", "azure_migrate_csv", "The file is a PDF document, not a CSV file."),
    ],
)
def test_a_file_of_another_kind_is_refused_beside_the_field(
    cast: make.Cast, bob: Browser, content: bytes, file_format: str, answer: str
) -> None:
    project = make.project(cast.bob)
    response = sent(bob, project, content, format=file_format)
    assert response.status_code == 400
    found = re.search(r'<input type="file"[^>]*>(.*?)<label', response.content.decode(), re.DOTALL)
    assert found
    assert answer in found[1]
    assert cast.bob.ok(cast.bob.get(f"projects/{project}/imports/"))["results"] == []


def test_what_the_file_calls_things_stays_text(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    name = "<img src=x onerror=alert(1)>" + "n" * 227
    content = azure(server(name), server("bad", cores="<b>\u202efour\u0007"))
    file = SimpleUploadedFile("x" * 240 + "<b>.csv", content)
    done = id_in(bob.post("portal:imports", project, file=file, format="azure_migrate_csv"))
    assert ended(cast.bob, project, done)["counts"]["errors"] == 1
    pages = [
        bob.get("portal:import", project, done),
        bob.get("portal:imports", project),
        bob.get("portal:machines", project),
        bob.get("portal:machine", project, machine_ids(cast.bob, project)[name]),
    ]
    for page in pages:
        html = page.content.decode()
        assert page.status_code == 200
        assert "<img" not in html
        assert "<b>" not in html
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", html)
    assert "&lt;b&gt;" in pages[0].content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;nnn" in pages[2].content.decode()


def test_values_that_a_file_states_are_told_as_such(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    file = SimpleUploadedFile("servers.csv", azure(server("fs-01")))
    done = id_in(bob.post("portal:imports", project, file=file, format="azure_migrate_csv"))
    ended(cast.bob, project, done)
    ids = machine_ids(cast.bob, project)
    page = bob.see("portal:machine", project, ids["fs-01"])
    assert "Single values, stated by the file servers.csv : CPU 50 % Memory 40 %" in page
    assert "No measurements" not in page
    assessment = assessed(cast.bob, project, group_of_all(cast.bob, project))
    result = bob.see("portal:result", project, assessment["id"], ids["fs-01"])
    assert "What the imported file states, taken as it is: CPU 50 % stated by the imported file" in result
    assert "imported machines have no performance history" in result
    assert "percentile from" not in result
    assert "0 of" not in result


def test_many_imports_are_listed_in_as_many_queries_as_one(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert bob.get("portal:imports", project).status_code == 200
        return len(captured)

    ended(cast.bob, project, id_in(sent(bob, project, rvtools(1), dry_run="on")))
    of_one = queries()
    for _ in range(5):
        ended(cast.bob, project, id_in(sent(bob, project, rvtools(1), dry_run="on")))
    assert bob.see("portal:imports", project).count("estate.xlsx") == 6
    assert queries() == of_one
    assert of_one <= MAX_QUERIES


def test_only_who_is_signed_in_may_send_more_than_a_form(web: str, cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    page = bob.get("portal:imports", project).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    parts = {"format": "rvtools", "csrfmiddlewaretoken": token[1]}
    files = {"file": ("estate.xlsx", b"PK\x03\x04" + b"x" * 3 * 1024 * 1024)}
    cookies = {name: morsel.value for name, morsel in bob.client.cookies.items()}
    url = f"{web}/projects/{project}/imports/"
    allowed = httpx.post(url, data=parts, files=files, cookies=cookies, headers={"Referer": url})
    assert allowed.status_code == 302, allowed.text[:500]
    assert httpx.post(url, data=parts, files=files).status_code == 413
    assert httpx.post(url, data=parts, files=files, cookies={"sessionid": "forged"}).status_code == 413
