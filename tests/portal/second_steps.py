"""People with a second factor, and their browsers between the two steps of signing in."""

import re
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyotp
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.portal.browsing import Browser, somebody, text_of

RECOVERY_CODE = re.compile(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>")


class Visitor(Browser):
    """A browser with an address of its own, so that one test's failures do not delay another."""

    def __init__(self, email: str | None = None) -> None:
        super().__init__()
        self.client = Client(raise_request_exception=False, REMOTE_ADDR=f"2001:db8:{uuid4().hex[:4]}::1")
        if email is not None:
            response = self.post("portal:sign-in", email=email, password=make.PASSWORD)
            assert response.status_code == 302, text_of(response)


class App:
    """An authenticator app, whose clock the test moves instead of waiting."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.steps = 0

    def code(self, *, ahead: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(timezone.now().timestamp() + 30 * ahead)

    def wrong_code(self) -> str:
        """Six digits that are right at none of the steps around now."""
        near = {self.code(ahead=ahead) for ahead in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(100)) if code not in near)


def set_up(browser: Browser) -> tuple[App, list[str]]:
    """The app and the recovery codes after setting up the second factor on the account page."""
    page = browser.get("portal:second-factor").content.decode()
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert secret is not None
    app = App(secret[1].replace(" ", ""))
    # The code of the step before: so the one of now is there for signing in.
    shown = browser.post("portal:second-factor", code=app.code(ahead=-1))
    assert shown.status_code == 201, text_of(shown)
    return app, RECOVERY_CODE.findall(shown.content.decode())


def with_factor() -> tuple[str, App, list[str]]:
    email = somebody()
    return email, *set_up(Visitor(email))


def after_password(email: str, **fields: Any) -> Browser:
    """A browser that has passed the first step, from an address of its own."""
    browser = Visitor()
    response = browser.post("portal:sign-in", email=email, password=make.PASSWORD, **fields)
    assert response.url == reverse("portal:second-step")
    return browser


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.get("portal:account").status_code == 200)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """The answers of `work` run by so many threads, each with a connection of its own."""
    start, answers = threading.Barrier(count), []

    def one(number: int) -> None:
        start.wait()
        try:
            answers.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
