"""Access in a real browser: invited, joined, second factor, signed in by code and by recovery code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from django.utils import timezone

from tests import make
from tests.browser import chromium
from tests.portal.test_in_browser import DESKTOP, PHONE

PASSWORD = "tall-lantern-orchid-4"


@contextmanager
def person(browser: Any, complaints: list[str], **options: Any) -> Iterator[Any]:
    """A page in a browser context of its own."""
    context = browser.new_context(**{"viewport": DESKTOP, **options})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
    finally:
        context.close()


def sign_in(page: Any, web: str, email: str, password: str) -> None:
    page.goto(f"{web}/sign-in/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def code_of(secret: str, *, ahead: int) -> str:
    """The code of a step that was not used: a code works once."""
    return pyotp.TOTP(secret).at(timezone.now().timestamp() + 30 * ahead)


@pytest.mark.e2e
def test_from_an_invitation_to_signing_in_with_a_recovery_code(web: str) -> None:
    cast, email, complaints = make.cast(), f"{uuid4().hex}@example.com", list[str]()
    with chromium() as browser:
        with person(browser, complaints) as alice:
            sign_in(alice, web, cast.emails["alice"], make.PASSWORD)
            alice.get_by_role("link", name="Members").click()
            alice.get_by_label("E-mail address").fill(email)
            alice.get_by_label("Role", exact=True).select_option("contributor")
            alice.get_by_role("button", name="Invite").click()
            link = alice.locator("#secret").inner_text()
        with person(browser, complaints, viewport=PHONE) as nora:
            nora.goto(link.replace("http://testserver", web))
            nora.get_by_label("Your name").fill("Nora New")
            nora.get_by_label("New password", exact=True).fill(PASSWORD)
            nora.get_by_label("New password confirmation").fill(PASSWORD)
            nora.get_by_role("button", name="Join").click()
            nora.get_by_text(f"Welcome to {cast.tenant.name}").wait_for()
            nora.goto(f"{web}/account/second-factor/")
            assert nora.locator("svg.qr").bounding_box()["width"] > 150
            secret = nora.locator("#secret").inner_text().replace(" ", "")
            nora.get_by_label("Code").fill(code_of(secret, ahead=-1))
            nora.get_by_role("button", name="Turn it on").click()
            nora.locator("#codes code").first.wait_for()
            recovery = nora.locator("#codes code").all_inner_texts()
            assert len(recovery) == 10
            nora.get_by_role("link", name="I have kept them").click()
            nora.get_by_role("button", name="Menu").click()
            nora.get_by_role("button", name="Sign out").click()
            sign_in(nora, web, email, PASSWORD)
            nora.get_by_label("Code").fill(code_of(secret, ahead=0))
            nora.get_by_role("button", name="Sign in").click()
            nora.get_by_role("button", name="Menu").click()
            nora.get_by_role("button", name="Sign out").click()
            sign_in(nora, web, email, PASSWORD)
            nora.get_by_role("link", name="Use a recovery code").click()
            nora.get_by_label("Recovery code").fill(recovery[0])
            nora.get_by_role("button", name="Sign in").click()
            nora.get_by_text("Recovery codes that are left: 9").wait_for()
            assert nora.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert complaints == []


@pytest.mark.e2e
def test_joining_works_without_javascript(web: str) -> None:
    cast, email, complaints = make.cast(), f"{uuid4().hex}@example.com", list[str]()
    made = cast.alice.ok(cast.alice.post("invitations/", {"email": email, "role": "reader"}), 201)
    with chromium() as browser, person(browser, complaints, java_script_enabled=False) as nora:
        nora.goto(made["link"].replace("http://testserver", web))
        nora.get_by_label("Your name").fill("Nora New")
        nora.get_by_label("New password", exact=True).fill(PASSWORD)
        nora.get_by_label("New password confirmation").fill(PASSWORD)
        nora.get_by_role("button", name="Join").click()
        nora.goto(f"{web}/account/second-factor/")
        secret = nora.locator("#secret").inner_text().replace(" ", "")
        nora.get_by_label("Code").fill(code_of(secret, ahead=-1))
        nora.get_by_role("button", name="Turn it on").click()
        assert nora.locator("#codes code").count() == 10
        nora.goto(f"{web}/account/")
        nora.get_by_role("link", name="Turn off").click()
        nora.get_by_label("Your password").fill(PASSWORD)
        nora.get_by_label("Code or recovery code").fill(code_of(secret, ahead=0))
        nora.get_by_role("button", name="Turn it off").click()
        nora.get_by_text("The second factor is off").wait_for()
    assert complaints == []
