"""The pages of file imports: sent as a dry run, confirmed, undone."""

import re
from typing import Any

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from ingest.imports.models import FileImport
from ingest.retention import RETENTION
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest.imports.files import azure, ended, rvtools, server
from tests.portal.browsing import Browser, sign_in, text_of

pytestmark = pytest.mark.usefixtures("background")


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
