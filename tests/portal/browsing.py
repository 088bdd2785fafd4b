"""A browser without a screen: signs in by posting the form and reads pages as people see them."""

import html
import re
from typing import Any
from uuid import uuid4

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from migrate_hub.tenants.models import User
from migrate_hub.tenants.people import create_tenant
from tests import make
from tests.conftest import wait_until

BUSY = b'aria-busy="true"'


class Browser:
    """One person's browser."""

    def __init__(self, email: str | None = None, *, password: str = make.PASSWORD) -> None:
        self.client = Client(raise_request_exception=False)
        if email is not None:
            response = self.post("portal:sign-in", email=email, password=password)
            assert response.status_code == 302, text_of(response)

    def get(self, name: str, /, *ids: Any, query: str = "", follow: bool = False) -> Any:
        """The page of this name, or at this path, asked for again while it says that it is busy, as a browser does."""

        def settled() -> Any:
            page = self.get_once(name, *ids, query=query, follow=follow)
            return None if not page.streaming and BUSY in page.content else page

        return wait_until(settled, what=f"what {name} waits for")

    def get_once(self, name: str, /, *ids: Any, query: str = "", follow: bool = False) -> Any:
        """The page as it is at once."""
        return self.client.get(address(name, *ids) + query, follow=follow)

    def post(self, name: str, /, *ids: Any, follow: bool = False, **fields: Any) -> Any:
        return self.client.post(address(name, *ids), fields, follow=follow)

    def see(self, name: str, /, *ids: Any, query: str = "") -> str:
        """The words of a page that must be there."""
        response = self.get(name, *ids, query=query)
        assert response.status_code == 200, f"{response.status_code}: {text_of(response)[:500]}"
        return text_of(response)


def address(name: str, *ids: Any) -> str:
    return name if name.startswith("/") else reverse(name, args=[str(each) for each in ids])


def text_of(response: Any) -> str:
    """What a page says, without its tags, on one line."""
    body = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(html.unescape(body).split())


def sign_in(cast: make.Cast, name: str = "alice") -> Browser:
    """The browser of somebody of the cast."""
    email = cast.emails[name]
    give_password(email)
    return Browser(email)


def somebody() -> str:
    """The address of an owner of a new tenant who can sign in."""
    email = f"{uuid4().hex}@example.com"
    create_tenant(name=f"tenant of {email}", owner_email=email)
    give_password(email)
    return email


_hashed = ""


def give_password(email: str) -> None:
    """Everybody in a test has the same password; hashing it once saves most of the time."""
    global _hashed  # noqa: PLW0603
    _hashed = _hashed or make_password(make.PASSWORD)
    User.objects.filter(email=email).update(password=_hashed)
