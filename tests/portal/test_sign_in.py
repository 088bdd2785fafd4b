"""Signing in and out, the growing delays, and the tenant that a person works in."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from migrate_hub.portal.throttle import Subject, delay
from migrate_hub.tenants.models import Membership, PersonSession, Role, SignInThrottle, Tenant, User
from migrate_hub.tenants.people import add_member, remove_member
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.portal.browsing import Browser, sign_in, somebody, text_of

WRONG = "do not match an account"


def from_address(number: int) -> Client:
    """A client with an address of its own, so that one test's failures do not delay another."""
    return Client(REMOTE_ADDR=f"2001:db8:{uuid4().hex[:4]}:{number:x}::1")


def attempt(client: Client, email: str, password: str) -> tuple[int, str]:
    response = client.post(reverse("portal:sign-in"), {"email": email, "password": password})
    return response.status_code, text_of(response)


def elapse(seconds: int, *subjects: Subject) -> None:
    """Moves the counters back in time, instead of sleeping."""
    ago = timedelta(seconds=seconds)
    SignInThrottle.objects.filter(key_sha256__in=[subject.key for subject in subjects]).update(
        blocked_until=F("blocked_until") - ago, last_failure_at=F("last_failure_at") - ago
    )


def test_a_stranger_is_led_to_sign_in_and_back() -> None:
    email = somebody()
    browser = Browser()
    asked = browser.get("portal:tokens", query="?x=1")
    assert asked.status_code == 302
    assert asked.url == "/sign-in/?next=%2Ftokens%2F%3Fx%3D1"
    response = browser.post("portal:sign-in", email=email, password=make.PASSWORD, next="/tokens/?x=1")
    assert response.url == "/tokens/?x=1"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(target: str) -> None:
    response = Browser().post("portal:sign-in", email=somebody(), password=make.PASSWORD, next=target)
    assert response.url == reverse("portal:home")


def test_the_address_is_matched_whatever_its_case() -> None:
    assert Browser(somebody().upper()).get("portal:home").status_code == 200


def test_the_session_gets_a_new_key_at_sign_in() -> None:
    browser = Browser()
    session = browser.client.session
    session["planted"] = True
    session.save()
    browser.client.cookies["sessionid"] = session.session_key or ""
    browser.post("portal:sign-in", email=somebody(), password=make.PASSWORD)
    assert browser.client.cookies["sessionid"].value != session.session_key
    assert not PersonSession.objects.filter(session_key=session.session_key).exists()


def test_a_wrong_password_and_an_unknown_address_answer_alike() -> None:
    wrong = attempt(from_address(1), somebody(), "wrong password")
    unknown = attempt(from_address(2), f"{uuid4().hex}@example.com", "wrong password")
    assert wrong == unknown
    assert wrong[0] == 400
    assert WRONG in wrong[1]


def test_what_was_typed_stays_but_the_password_does_not() -> None:
    response = from_address(1).post(
        reverse("portal:sign-in"), {"email": "nobody@example.com", "password": "secret-words-9"}
    )
    assert b"nobody@example.com" in response.content
    assert b"secret-words-9" not in response.content


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_the_fifth_failure_of_an_account_starts_a_delay_from_any_address(known: bool) -> None:
    email = somebody() if known else f"{uuid4().hex}@example.com"
    answers = [attempt(from_address(number), email, "wrong password")[0] for number in range(6)]
    assert answers == [400, 400, 400, 400, 400, 429]


def test_even_the_right_password_waits_while_the_delay_lasts_and_then_clears_it() -> None:
    email = somebody()
    for number in range(5):
        attempt(from_address(number), email, "wrong password")
    status, words = attempt(from_address(9), email, make.PASSWORD)
    assert status == 429
    assert re.search(r"Wait [12] seconds?, then try again", words)  # part of the two may have passed
    elapse(2, Subject("account", email))
    assert attempt(from_address(9), email, make.PASSWORD)[0] == 302
    assert not SignInThrottle.objects.filter(key_sha256=Subject("account", email).key).exists()


def test_one_address_that_tries_many_accounts_is_delayed() -> None:
    client = from_address(1)
    answers = [attempt(client, f"{uuid4().hex}@example.com", "wrong password")[0] for _ in range(6)]
    assert answers[-1] == 429


def test_failures_are_forgotten_after_an_hour() -> None:
    email = f"{uuid4().hex}@example.com"
    for number in range(5):
        attempt(from_address(number), email, "wrong password")
    elapse(3601, Subject("account", email))
    assert [attempt(from_address(number), email, "wrong password")[0] for number in range(5)] == [400] * 5


def test_delays_double_up_to_a_quarter_of_an_hour() -> None:
    assert [delay(failures, 1).total_seconds() for failures in (4, 5, 6, 7, 14, 1000)] == [0, 2, 4, 8, 900, 900]
    assert [delay(failures, 5).total_seconds() for failures in (4, 5, 9, 10)] == [0, 2, 2, 4]


def test_signing_out_takes_a_form_and_ends_the_session() -> None:
    alice = Browser(somebody())
    assert alice.get("portal:sign-out").status_code == 405
    assert alice.post("portal:sign-out").status_code == 302
    assert alice.get("portal:home").url.startswith(reverse("portal:sign-in"))


def test_a_form_without_the_csrf_token_is_refused_in_words() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("portal:sign-in"), {"email": somebody(), "password": make.PASSWORD})
    assert response.status_code == 403
    assert "The form is out of date" in text_of(response)


def test_a_person_with_two_tenants_chooses_and_switches() -> None:
    ours, theirs = make.cast(), make.cast()
    with tenant_context(theirs.tenant.id):
        add_member(tenant=theirs.tenant, email=ours.emails["alice"], role=Role.READER)
    make.project(ours.alice, name="Ours alone")
    make.project(theirs.alice, name="Theirs alone")
    alice = sign_in(ours)
    asked = alice.get("portal:members").url
    assert asked == "/tenants/?next=%2Fmembers%2F"
    assert alice.post(asked, tenant=theirs.tenant.public_id, next="/members/").url == "/members/"
    for cast, sees in ((theirs, "Theirs alone"), (ours, "Ours alone")):
        alice.post("portal:tenants", tenant=cast.tenant.public_id)
        words = alice.see("portal:home")
        assert sees in words
        assert ("Ours alone" in words) != ("Theirs alone" in words)


def test_a_tenant_that_is_not_ours_cannot_be_chosen() -> None:
    ours, theirs = make.cast(), make.cast()
    alice = sign_in(ours)
    assert alice.post("portal:tenants", tenant=theirs.tenant.public_id).status_code == 404
    assert theirs.tenant.name not in alice.see("portal:home")


def test_a_former_member_is_refused_on_the_next_request() -> None:
    cast = make.cast()
    bob = sign_in(cast, "bob")
    assert bob.get("portal:home").status_code == 200
    with tenant_context(cast.tenant.id):
        remove_member(Membership.objects.get(tenant=cast.tenant, user__email=cast.emails["bob"]))
    assert bob.get("portal:home").url.startswith(reverse("portal:tenants"))
    assert "not a member of that tenant any more" in bob.see("portal:tenants")


def test_a_tenant_that_is_switched_off_cannot_be_opened() -> None:
    cast = make.cast()
    alice = sign_in(cast)
    Tenant.objects.filter(id=cast.tenant.id).update(is_active=False)
    assert alice.get("portal:home").url.startswith(reverse("portal:tenants"))


def test_a_form_opened_in_another_tenant_writes_nothing() -> None:
    ours, theirs = make.cast(), make.cast()
    alice = sign_in(ours)
    response = alice.post(
        "portal:new-project",
        name="In the wrong place",
        target_region="westeurope",
        currency="USD",
        in_tenant=theirs.tenant.public_id,
    )
    assert response.status_code == 409
    assert "In the wrong place" not in alice.see("portal:home")


def test_a_new_password_ends_the_other_sessions() -> None:
    email = somebody()
    here, there = Browser(email), Browser(email)
    changed = here.post(
        "portal:account",
        old_password=make.PASSWORD,
        new_password1="tall-lantern-orchid-4",
        new_password2="tall-lantern-orchid-4",
    )
    assert changed.status_code == 302
    assert here.get("portal:home").status_code == 200
    assert there.get("portal:home").url.startswith(reverse("portal:sign-in"))
    assert User.objects.get(email=email).password.startswith("argon2")
