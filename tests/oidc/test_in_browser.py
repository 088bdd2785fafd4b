"""Signing in at one's company in a real browser, under the real policy: to another host, through its page, and back."""

from collections.abc import Iterator

import httpx
import pytest

from migrate_hub.oidc.configuring import domain_key
from migrate_hub.oidc.models import DomainRoute
from tests.browser import chromium
from tests.conftest import PROJECT_DIR, free_port, running, wait_until
from tests.oidc.conftest import Company


@pytest.fixture
def hub(database: None) -> Iterator[str]:
    """A web server that knows its own address, to which the provider sends people back."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["uvicorn", "migrate_hub.asgi:application", "--port", str(port), "--no-access-log", "--lifespan", "off"]
    with running([*command, "--app-dir", str(PROJECT_DIR)], f"oidc-{port}", PUBLIC_URL=url):
        wait_until(lambda: answers(url), what="the web server")
        yield url


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.e2e
def test_from_the_sign_in_page_through_the_company_into_its_tenant(hub: str, company: Company) -> None:
    DomainRoute.objects.create(domain_sha256=domain_key(company.domain), tenant=company.cast.tenant)
    company.provider.asks_first = True
    email = company.somebody()
    with chromium() as browser:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.goto(f"{hub}/account/")
        page.get_by_role("link", name="Sign in with your company").click()
        page.get_by_label("E-mail address at your company").fill(email)
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("heading", name="Your company").wait_for()
        page.get_by_role("link", name="Sign in as").click()
        page.get_by_text("opens this tenant and nothing of your account").wait_for()
        page.goto(hub)
        page.get_by_role("heading", name="Projects").wait_for()
        assert company.cast.tenant.name in page.locator("body").inner_text()
    assert [complaint for complaint in complaints if "403" not in complaint] == []


@pytest.mark.e2e
def test_the_tenants_own_address_leads_straight_to_the_company(hub: str, company: Company) -> None:
    company.provider.asks_first = True
    with chromium() as browser:
        page = browser.new_page()
        page.goto(hub + company.address)
        page.get_by_role("link", name="Sign in as").click()
        page.get_by_role("heading", name="Projects").wait_for()
