"""A forgotten password: links by mail where there is mail, by the operator everywhere, each used once."""

import io
import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from migrate_hub.portal.tasks import mail_reset_links
from migrate_hub.tenants.models import PersonSession, ResetRequest, User
from tests.portal.browsing import somebody, text_of
from tests.portal.second_steps import Visitor, after_password, at_once, is_signed_in, set_up

NEW = "tall-lantern-orchid-4"
FIELDS: dict[str, Any] = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def outbox(settings: Any) -> list[Any]:
    """The mails of a hub that is set up to send some."""
    settings.MAIL_IS_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    ResetRequest.objects.all().delete()
    return mail.outbox


def issued(email: str) -> str:
    """The path of a link that the operator issues."""
    out = io.StringIO()
    call_command("issue_reset_link", "--email", email, "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["hours"] == 24
    return str(answer["link"]).removeprefix("http://testserver")


def test_without_mail_the_page_says_whom_to_ask(settings: Any) -> None:
    settings.OPERATOR_CONTACT = "it-desk@example.com"
    words = Visitor().see("portal:forgotten-password")
    assert "it-desk@example.com" in words
    assert "sends no mail" in words
    assert Visitor().post("portal:forgotten-password", email=somebody()).status_code == 400
    assert not ResetRequest.objects.exists()


def test_the_sign_in_page_leads_to_recovery() -> None:
    assert reverse("portal:forgotten-password") in Visitor().get("portal:sign-in").content.decode()


def test_a_link_is_mailed_and_sets_a_new_password_once(outbox: list[Any]) -> None:
    email = somebody()
    asked = Visitor().post("portal:forgotten-password", email=email.upper())
    assert "Look into your mail" in text_of(asked)
    mail_reset_links()
    assert [message.to for message in outbox] == [[email]]
    link = re.search(r"http://testserver(/reset-password/\S+)", outbox[0].body)
    assert link is not None
    here = Visitor()
    assert here.get(link[1]).status_code == 200
    assert here.post(link[1], **FIELDS).url == reverse("portal:sign-in")
    assert Visitor().post(link[1], **FIELDS).status_code == 404
    assert here.post("portal:sign-in", email=email, password=NEW).status_code == 302
    assert not ResetRequest.objects.exists()


def test_unknown_addresses_get_the_same_answer_by_the_same_queries_and_no_mail(outbox: list[Any]) -> None:
    answers = []
    for email in (somebody(), f"{uuid4().hex}@example.com"):
        browser = Visitor()
        with CaptureQueriesContext(connection) as queries:
            answer = browser.post("portal:forgotten-password", email=email)
        shape = [re.sub(r"'[^']*'", "?", query["sql"]) for query in queries]
        answers.append((answer.status_code, text_of(answer).replace(email, ""), shape))
    assert answers[0] == answers[1]
    mail_reset_links()
    assert len(outbox) == 1
    assert not ResetRequest.objects.exists()


def test_people_who_are_switched_off_get_no_mail(outbox: list[Any]) -> None:
    email = somebody()
    User.objects.filter(email=email).update(is_active=False)
    Visitor().post("portal:forgotten-password", email=email)
    mail_reset_links()
    assert outbox == []


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_asking_too_often_is_delayed_for_known_and_unknown_alike(known: bool, outbox: list[Any]) -> None:
    email = somebody() if known else f"{uuid4().hex}@example.com"
    answers = [Visitor().post("portal:forgotten-password", email=email).status_code for _ in range(6)]
    assert answers == [200, 200, 200, 200, 200, 429]


def test_a_mail_server_that_is_away_is_tried_again_for_an_hour(outbox: list[Any], settings: Any) -> None:
    email, backend = somebody(), settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    Visitor().post("portal:forgotten-password", email=email)
    mail_reset_links()
    assert ResetRequest.objects.filter(email=email).exists()
    settings.EMAIL_BACKEND = backend
    mail_reset_links()
    assert [message.to for message in outbox] == [[email]]


def test_a_request_that_nobody_could_mail_is_given_up(outbox: list[Any]) -> None:
    Visitor().post("portal:forgotten-password", email=somebody())
    ResetRequest.objects.update(created_at=timezone.now() - timedelta(hours=2))
    mail_reset_links()
    assert outbox == []
    assert not ResetRequest.objects.exists()


def test_a_link_of_the_operator_ends_every_session() -> None:
    email = somebody()
    here, there = Visitor(email), Visitor(email)
    assert Visitor().post(issued(email), **FIELDS).status_code == 302
    for browser in (here, there):
        assert not is_signed_in(browser)
    assert not PersonSession.objects.filter(user_id=User.objects.get(email=email).pk).exists()


def test_a_reset_does_not_go_round_the_second_factor() -> None:
    email = somebody()
    set_up(Visitor(email))
    browser = Visitor()
    assert browser.post(issued(email), **FIELDS).status_code == 302
    assert not is_signed_in(browser)
    assert browser.post("portal:sign-in", email=email, password=NEW).url == reverse("portal:second-step")
    assert not is_signed_in(browser)


def test_one_link_sent_twice_at_once_sets_one_password() -> None:
    path = issued(somebody())
    answers = at_once(3, lambda number: Visitor().post(path, **FIELDS).status_code)
    assert sorted(answers) == [302, 404, 404]


def test_a_link_ends_after_a_day_and_with_the_next_sign_in(settings: Any) -> None:
    email = somebody()
    old, other = issued(email), issued(somebody())
    Visitor(email)
    assert Visitor().get(old).status_code == 404
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert Visitor().get(other).status_code == 404


def test_wrong_links_are_one_page() -> None:
    good, theirs = issued(somebody()), issued(somebody())
    person, token = good.strip("/").split("/")[1:]
    paths = [
        f"/reset-password/{person}/{token[:-1]}x/",
        f"/reset-password/{theirs.strip('/').split('/')[1]}/{token}/",
        f"/reset-password/{uuid4().hex}/{token}/",
        "/reset-password/x/y/",
        f"/reset-password/%00/{token}/",
    ]
    pages = {Visitor().get(path).content for path in paths}
    assert len(pages) == 1
    assert "This link opens nothing" in pages.pop().decode()
    assert {Visitor().post(path, **FIELDS).status_code for path in paths} == {404}


def test_a_weak_password_uses_the_link_not_up() -> None:
    email = somebody()
    path = issued(email)
    weak = Visitor().post(path, new_password1="short", new_password2="short")
    assert weak.status_code == 400
    assert Visitor().post(path, new_password1=NEW, new_password2="another one").status_code == 400
    assert Visitor().post(path, **FIELDS).status_code == 302


def test_a_link_for_nobody_is_refused_at_the_terminal() -> None:
    for command in ("issue_reset_link", "reset_second_factor"):
        with pytest.raises(CommandError, match="no active account"):
            call_command(command, "--email", f"{uuid4().hex}@example.com")


def test_what_happened_stands_in_the_persons_own_trail() -> None:
    email = somebody()
    Visitor().post(issued(email), **FIELDS)
    browser = Visitor()
    browser.post("portal:sign-in", email=email, password=NEW)
    words = browser.see("portal:account")
    assert "New password set by a link" in words
    assert "Link for a new password made by the operator" in words


def test_the_hint_reaches_the_worker(outbox: list[Any], background: None) -> None:
    """Beat would do the same within a minute; the worker has no mail server, so the request is only looked at."""
    email = f"{uuid4().hex}@example.com"
    Visitor().post("portal:forgotten-password", email=email)
    from tests.conftest import wait_until

    wait_until(lambda: not ResetRequest.objects.filter(email=email).exists(), seconds=20, what="the worker's look")


def test_forms_before_signing_in_name_what_browsers_should_fill_in() -> None:
    email = somebody()
    browser = after_password_of(email)
    wanted = {
        "portal:sign-in": ["username", "current-password"],
        "portal:forgotten-password": [],
        issued(somebody()): ["username", "new-password"],
    }
    for page, names in wanted.items():
        html = Visitor().get(page).content.decode()
        assert [name for name in names if f'autocomplete="{name}"' not in html] == []
    assert 'autocomplete="one-time-code"' in browser.get("portal:second-step").content.decode()


def after_password_of(email: str) -> Visitor:
    set_up(Visitor(email))
    browser = after_password(email)
    assert isinstance(browser, Visitor)
    return browser


def test_a_stale_form_says_how_to_go_on() -> None:
    client = Client(enforce_csrf_checks=True)
    for path in (reverse("portal:sign-in"), reverse("portal:forgotten-password"), issued(somebody())):
        response = client.post(path, FIELDS)
        assert response.status_code == 403
        assert "The form is out of date" in text_of(response)
        assert f'href="{path}"' in response.content.decode()
