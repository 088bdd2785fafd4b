"""The account page: sessions, what happened to the account, the name, and guessing the password there."""

from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.urls import reverse

from migrate_hub.tenants.models import AccountEvent, User
from tests import make
from tests.portal.browsing import address, somebody
from tests.portal.second_steps import Visitor, is_signed_in, set_up, with_factor


def test_sessions_are_listed_and_the_others_ended() -> None:
    email = somebody()
    here = Visitor(email)
    there = Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"})
    there.post(reverse("portal:sign-in"), {"email": email, "password": make.PASSWORD})
    assert "Firefox on Windows" in here.see("portal:account")
    assert here.post("portal:end-sessions").status_code == 302
    assert there.get(address("portal:account")).status_code == 302
    assert "Firefox on Windows" not in here.see("portal:account")


def test_another_persons_sessions_and_events_are_not_shown_or_ended() -> None:
    ours, theirs = Visitor(somebody()), Visitor(somebody())
    ours.post("portal:end-sessions")
    assert is_signed_in(theirs)
    assert "Signed out everywhere else" not in theirs.see("portal:account")


def test_the_trail_of_an_account_cannot_be_changed() -> None:
    email, _, _ = with_factor()
    actions = set(
        AccountEvent.objects.filter(user_id=User.objects.get(email=email).pk).values_list("action", flat=True)
    )
    assert {"signed_in", "second_factor.on"} <= actions
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, 'tenants_accountevent', 'UPDATE, DELETE')")
        assert cursor.fetchone() == (False,)


def test_a_person_without_a_tenant_has_an_account_page() -> None:
    email = f"{uuid4().hex}@example.com"
    User.objects.create_user(email=email, password=make.PASSWORD)
    browser = Visitor(email)
    assert "Change your password" in browser.see("portal:account")
    set_up(browser)


def test_the_name_is_changed_and_shown() -> None:
    cast = make.cast()
    alice = Visitor(cast.emails["alice"])
    assert alice.post("portal:account-name", name="Alice Ó Súilleabháin").status_code == 302
    assert "Alice Ó Súilleabháin" in alice.see("portal:members")
    assert alice.post("portal:account-name", name="x" * 201).status_code == 400
    assert alice.post("portal:account-name", name="a\u200b\u0007b").status_code == 400


def test_guessing_the_password_on_the_account_page_is_delayed_like_signing_in() -> None:
    email = somebody()
    browser = Visitor(email)
    fields: dict[str, Any] = {"new_password1": "tall-lantern-orchid-4", "new_password2": "tall-lantern-orchid-4"}
    answers = [browser.post("portal:account", old_password="wrong", **fields).status_code for _ in range(6)]
    assert answers == [400, 400, 400, 400, 400, 429]
