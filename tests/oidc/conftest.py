"""A tenant whose owner set up a company sign-in, and the provider that it leads to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests import make
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET, Person, Provider, provider_running
from tests.portal.browsing import Browser, text_of


@dataclass
class Company:
    """A tenant, its provider, and the domain of its people."""

    cast: make.Cast
    provider: Provider
    domain: str

    def settings(self, **changes: Any) -> dict[str, Any]:
        body = {"issuer": self.provider.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {**body, "email_domains": [self.domain], "newcomers": "readers", **changes}

    def configure(self, **changes: Any) -> Any:
        api = self.cast.alice
        return api.ok(api.call("PUT", "company-sign-in/", self.settings(**changes)))

    def somebody(self, name: str = "ada") -> str:
        """The next person to sign in; their address."""
        email = f"{name}-{uuid4().hex[:6]}@{self.domain}"
        self.provider.person = Person(uuid4().hex, email)
        return email

    @property
    def address(self) -> str:
        return f"/sign-in/{self.cast.tenant.public_id}/"

    def way_back(self, browser: Browser, *, query: str = "") -> str:
        """Goes to the provider as a browser does; where that sends it afterwards, without the host."""
        started = browser.client.get(self.address + query)
        assert started.status_code == 302, text_of(started)
        answer = httpx.get(started["Location"], follow_redirects=False)
        back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def sign_in(self, browser: Browser | None = None, *, query: str = "") -> Any:
        """The hub's answer at the end of the way."""
        browser = browser or Browser()
        return browser.client.get(self.way_back(browser, query=query))

    def enter(self) -> Browser:
        """The browser of the next person, signed in."""
        browser = Browser()
        response = self.sign_in(browser)
        assert response.status_code == 302, text_of(response)
        return browser


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_running() as running:
        yield running


@pytest.fixture
def company(provider: Provider) -> Company:
    made = Company(make.cast(), provider, f"{uuid4().hex[:8]}.example")
    made.configure()
    made.somebody()
    return made
