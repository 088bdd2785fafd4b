"""The API's pages in a real browser: Swagger UI works under the strict Content-Security-Policy of production."""

from pathlib import Path

import pytest

from tests.browser import chromium
from tests.deployment.conftest import Installation
from tests.deployment.proxy import nginx


@pytest.mark.e2e
def test_the_pages_work_in_a_browser_under_the_strict_policy(production: Installation, tmp_path: Path) -> None:
    with nginx(production, tmp_path) as proxy, chromium("hub.example.com") as browser:
        page = browser.new_page(ignore_https_errors=True)
        complaints: list[str] = []
        loaded: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: loaded.append(request.url))
        page.goto(f"https://hub.example.com:{proxy.https_port}/api/docs/")
        page.locator("#operations-tag-groups").click()
        page.locator("#operations-groups-projects_groups_create .opblock-summary").click()
        page.locator("#operations-groups-projects_groups_create .model-example").first.wait_for()
        shown = page.locator(".opblock-tag").all_inner_texts()
    assert complaints == []
    assert {tag.split()[0] for tag in shown} >= {"projects", "groups", "assessments"}
    assert all(url.startswith((f"https://hub.example.com:{proxy.https_port}/", "data:image/")) for url in loaded)
