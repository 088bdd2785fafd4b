"""Invitations by link: made by owners, accepted once by the person they are for, invisible to everybody else."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrate_hub.portal.tasks import forget_invitations
from migrate_hub.tenants.models import Invitation, InvitationAddress, Membership, Role, User
from migrate_hub.tenants.people import add_member
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.portal.browsing import Browser, give_password, somebody, text_of
from tests.portal.second_steps import Visitor, at_once

NEW: dict[str, Any] = {"new_password1": "tall-lantern-orchid-4", "new_password2": "tall-lantern-orchid-4"}
OVER = "This link opens nothing"


def new_address() -> str:
    return f"{uuid4().hex}@example.com"


def invited(cast: make.Cast, email: str, role: str = "contributor") -> str:
    """The path of the link by which `email` is invited by alice."""
    made = cast.alice.ok(cast.alice.post("invitations/", {"email": email, "role": role}), 201)
    return str(urlsplit(made["link"]).path)


def role_of(cast: make.Cast, email: str) -> str | None:
    return Membership.objects.filter(tenant=cast.tenant, user__email=email).values_list("role", flat=True).first()


def join(browser: Browser, path: str, name: str = "Nora New") -> Any:
    return browser.post(path, name=name, **NEW)


def test_an_owner_gets_a_link_once_and_a_new_person_joins_by_it() -> None:
    cast, email = make.cast(), new_address()
    alice = Visitor(cast.emails["alice"])
    shown = alice.post("portal:members", email=email.upper(), role="contributor")
    assert shown.status_code == 201
    link = re.search(r"http://testserver(/invitations/mhiv_[0-9a-f]{32}\.[\w-]{43}/)", shown.content.decode())
    assert link is not None
    assert link[1] not in alice.get("portal:members").content.decode()
    assert email in alice.see("portal:members")
    person = Visitor()
    assert cast.tenant.name in person.see(link[1])
    assert join(person, link[1]).url == reverse("portal:home")
    assert "You are contributor" in person.see("portal:home")
    assert role_of(cast, email) == "contributor"
    assert "Nora New" in alice.see("portal:members")


def test_a_known_person_signs_in_first_and_keeps_their_password() -> None:
    cast, email = make.cast(), somebody()
    path = invited(cast, email, "reader")
    person = Visitor()
    page = person.get(path)
    assert "Sign in" in text_of(page)
    assert "new_password1" not in page.content.decode()
    assert join(person, path).status_code == 409
    response = person.post("portal:sign-in", email=email, password=make.PASSWORD, next=path)
    assert response.url == path
    assert person.post(path).url == reverse("portal:home")
    assert role_of(cast, email) == "reader"
    assert cast.tenant.name in person.see("portal:home")


def test_a_link_for_somebody_else_says_so_and_offers_to_sign_out() -> None:
    cast, email = make.cast(), new_address()
    path = invited(cast, email)
    other = Visitor(somebody())
    words = other.see(path)
    assert email in words
    assert "Sign out" in words
    assert other.post(path).status_code == 409
    assert role_of(cast, email) is None
    assert other.post("portal:sign-out", next=path).url == path
    assert join(other, path).status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/"])
def test_signing_out_never_leads_to_another_site(target: str) -> None:
    assert Visitor(somebody()).post("portal:sign-out", next=target).url == reverse("portal:home")


def test_used_expired_revoked_and_guessed_links_are_one_page() -> None:
    cast = make.cast()
    used, expired, revoked = (invited(cast, new_address()) for _ in range(3))
    assert join(Visitor(), used).status_code == 302
    Invitation.objects.filter(pk=id_of(expired)).update(expires_at=F("created_at") - timedelta(seconds=1))
    assert cast.alice.delete(f"invitations/{id_of(revoked)}/").status_code == 204
    open_one = invited(cast, new_address())
    guessed = open_one[:-4] + ("abc/" if not open_one.endswith("abc/") else "xyz/")
    shapes = ["/invitations/x/", "/invitations/mhiv_x.y/", f"/invitations/mhiv_{uuid4().hex}.{'A' * 43}/"]
    pages = {Visitor().get(path).content for path in (used, expired, revoked, guessed, *shapes)}
    assert len(pages) == 1
    assert OVER in pages.pop().decode()
    for path in (used, expired, revoked, guessed, *shapes):
        assert Visitor().get(path).status_code == 404
        assert join(Visitor(), path).status_code == 404


def id_of(path: str) -> str:
    return path.split("_", 1)[1].split(".", 1)[0]


def test_a_link_of_a_tenant_that_is_switched_off_is_over() -> None:
    cast = make.cast()
    path = invited(cast, new_address())
    cast.tenant.is_active = False
    cast.tenant.save()
    assert Visitor().get(path).status_code == 404


def test_a_link_lasts_a_week() -> None:
    cast = make.cast()
    made = Invitation.objects.get(pk=id_of(invited(cast, new_address())))
    assert made.expires_at - made.created_at == timedelta(days=7)


def test_one_link_sent_twice_at_once_by_new_people_makes_one_member() -> None:
    cast, email = make.cast(), new_address()
    path = invited(cast, email)
    answers = at_once(4, lambda number: join(Visitor(), path, f"Nora {number}").status_code)
    assert sorted(answers) == [302, 404, 404, 404]
    assert Membership.objects.filter(tenant=cast.tenant, user__email=email).count() == 1


def test_one_link_sent_twice_at_once_by_a_known_person_makes_one_member() -> None:
    cast, email = make.cast(), somebody()
    path = invited(cast, email)
    browsers = [Visitor(email) for _ in range(3)]
    assert sorted(at_once(3, lambda number: browsers[number].post(path).status_code)) == [302, 404, 404]


def test_one_new_person_who_opens_links_of_two_tenants_at_once_gets_one_account() -> None:
    ours, theirs, email = make.cast(), make.cast(), new_address()
    paths = [invited(ours, email), invited(theirs, email)]
    answers = at_once(2, lambda number: join(Visitor(), paths[number]).status_code)
    assert sorted(answers) == [302, 409]
    assert User.objects.filter(email=email).count() == 1


@pytest.mark.parametrize("password", ["short", "123456789012", "password1234"])
def test_a_weak_password_is_told_beside_its_field_and_uses_nothing_up(password: str) -> None:
    path = invited(make.cast(), new_address())
    response = Visitor().post(path, name="Nora", new_password1=password, new_password2=password)
    assert response.status_code == 400
    assert set(response.context["form"].errors) <= {"new_password1", "new_password2"}
    assert b"Nora" in response.content
    assert f'value="{password}"' not in response.content.decode()
    assert join(Visitor(), path).status_code == 302


def test_a_newer_invitation_of_the_same_person_ends_the_older() -> None:
    cast, email = make.cast(), new_address()
    first, second = invited(cast, email), invited(cast, email, "reader")
    assert Visitor().get(first).status_code == 404
    assert join(Visitor(), second).status_code == 302
    assert role_of(cast, email) == "reader"


def test_a_member_is_not_invited_again() -> None:
    cast = make.cast()
    refused = cast.alice.post("invitations/", {"email": cast.emails["bob"], "role": "owner"})
    assert (refused.status_code, refused.json()["code"]) == (409, "member_already")


def test_whoever_is_no_owner_any_more_lets_nobody_in() -> None:
    cast, boss, email = make.cast(), somebody(), new_address()
    with tenant_context(cast.tenant.id):
        add_member(tenant=cast.tenant, email=boss, role=Role.OWNER)
    link = Visitor(boss)
    link.post("portal:tenants", tenant=cast.tenant.public_id)
    shown = link.post("portal:members", email=email, role="owner").content.decode()
    path = re.search(r"http://testserver(/invitations/[\w.-]+/)", shown)
    assert path is not None
    member = Membership.objects.get(tenant=cast.tenant, user__email=boss)
    assert cast.alice.delete(f"members/{member.id}/").status_code == 204
    assert Visitor().get(path[1]).status_code == 404


def test_invitations_of_one_tenant_are_not_there_for_another() -> None:
    ours, theirs, email = make.cast(), make.cast(), new_address()
    path = invited(theirs, email)
    assert email not in Visitor(ours.emails["alice"]).see("portal:invitations")
    assert email not in str(ours.alice.ok(ours.alice.get("invitations/")))
    assert ours.alice.delete(f"invitations/{id_of(path)}/").status_code == 404
    assert Visitor(ours.emails["alice"]).post("portal:revoke-invitation", id_of(path)).status_code == 404
    with tenant_context(ours.tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_invitationaddress WHERE email = %s", [email])
        assert cursor.fetchone() == (0,)


def test_the_table_that_is_read_before_a_tenant_is_known_holds_no_address_and_no_secret() -> None:
    email = new_address()
    path = invited(make.cast(), email)
    secret = path.split(".", 1)[1].rstrip("/")
    with connection.cursor() as cursor:
        cursor.execute("SELECT i::text FROM tenants_invitation i WHERE id = %s", [id_of(path)])
        stored = cursor.fetchone()[0]
    assert email not in stored
    assert secret not in stored
    assert secret.encode().hex() not in stored


def test_only_owners_see_make_and_revoke_invitations() -> None:
    cast = make.cast()
    made = id_of(invited(cast, new_address()))
    for api in (cast.bob, cast.rita):
        assert api.get("invitations/").status_code == 403
        assert api.post("invitations/", {"email": new_address(), "role": "reader"}).status_code == 403
        assert api.delete(f"invitations/{made}/").status_code == 403
    bob = Visitor(cast.emails["bob"])
    assert bob.get("portal:invitations").status_code == 403
    assert bob.post("portal:revoke-invitation", made).status_code == 403
    assert "Open invitations" not in bob.see("portal:members")


def test_the_list_tells_who_invited_and_what_became_of_each() -> None:
    cast, email = make.cast(), new_address()
    path = invited(cast, email)
    revoked = invited(cast, new_address())
    join(Visitor(), path)
    alice = Visitor(cast.emails["alice"])
    alice.post("portal:revoke-invitation", id_of(revoked))
    rows = cast.alice.ok(cast.alice.get("invitations/"))["results"]
    assert [(row["state"], row["invited_by"]) for row in rows] == [
        ("revoked", cast.emails["alice"]),
        ("accepted", cast.emails["alice"]),
    ]
    assert "link" not in rows[0]
    words = alice.see("portal:invitations")
    assert "accepted" in words
    assert "revoked" in words


def test_joining_and_inviting_stand_in_the_audit_trail() -> None:
    cast, email = make.cast(), new_address()
    join(Visitor(), invited(cast, email))
    events = cast.alice.ok(cast.alice.get("audit/"))["results"]
    user = str(User.objects.get(email=email).pk)
    assert [event["action"] for event in events][:3] == ["member.set", "invitation.accept", "invitation.create"]
    assert {event["user_id"] for event in events[:2]} == {user}


def test_an_account_made_by_a_link_is_not_put_into_other_tenants_unasked() -> None:
    """Whoever invited an address saw the link too, and may have opened it: others must not trust that account."""
    ours, theirs, email = make.cast(), make.cast(), new_address()
    join(Visitor(), invited(theirs, email))
    refused = ours.alice.post("members/", {"email": email, "role": "owner"})
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_needed")
    assert theirs.alice.post("members/", {"email": email, "role": "reader"}).status_code == 201


def test_the_link_is_mailed_where_mail_is_configured(settings: Any) -> None:
    settings.MAIL_IS_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    cast, email = make.cast(), new_address()
    made = cast.alice.ok(cast.alice.post("invitations/", {"email": email, "role": "reader"}), 201)
    assert made["mailed"] is True
    assert mail.outbox[0].to == [email]
    assert made["link"] in mail.outbox[0].body
    assert cast.emails["alice"] in mail.outbox[0].body


def test_a_mail_server_that_is_away_leaves_the_link(settings: Any) -> None:
    settings.MAIL_IS_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    cast, email = make.cast(), new_address()
    give_password(cast.emails["alice"])
    shown = Visitor(cast.emails["alice"]).post("portal:members", email=email, role="reader")
    assert shown.status_code == 201
    assert "did not take the mail" in text_of(shown)


@pytest.mark.parametrize("name", ["\N{RIGHT-TO-LEFT OVERRIDE}abc", "a" * 201, "\x07bell", "   "])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    path = invited(make.cast(), new_address())
    response = join(Visitor(), path, name)
    if name.startswith("\N{RIGHT-TO-LEFT OVERRIDE}"):  # a format character: some scripts need them
        assert response.status_code == 302
    else:
        assert response.status_code == 400


@pytest.mark.parametrize("status", [400, 403, 404])
def test_no_link_that_lets_somebody_in_is_in_the_log(status: int, caplog: pytest.LogCaptureFixture) -> None:
    path, browser = invited(make.cast(), new_address()), Visitor()
    secret = path.rpartition(".")[2].strip("/")
    if status == 403:
        browser.client = Client(enforce_csrf_checks=True)
    asked = path.replace(secret, f"{secret}x") if status == 404 else path
    assert browser.post(asked, name="Nora", new_password1="x", new_password2="x").status_code == status
    assert secret not in caplog.text
    assert "invitations/<str:invitation>/" in caplog.text


def ended_days_ago(path: str, days: int, **ended: Any) -> UUID:
    """The id of the invitation behind a link, which ended so many days ago: in the ways named, or by its time."""
    invitation = UUID(hex=path.split("_")[1].partition(".")[0])
    then = timezone.now() - timedelta(days=days)
    Invitation.objects.filter(id=invitation).update(
        created_at=then - timedelta(days=7), expires_at=then, **dict.fromkeys(ended, then)
    )
    return invitation


def test_invitations_that_ended_long_ago_are_forgotten_with_their_addresses() -> None:
    cast = make.cast()
    ways: list[dict[str, Any]] = [{}, {"accepted_at": True}, {"revoked_at": True}]
    old = [ended_days_ago(invited(cast, new_address()), 91, **way) for way in ways]
    kept = [ended_days_ago(invited(cast, new_address()), 89, **way) for way in ways]
    kept.append(UUID(hex=invited(cast, new_address()).split("_")[1].partition(".")[0]))
    forget_invitations()
    assert set(Invitation.objects.filter(tenant=cast.tenant).values_list("id", flat=True)) == set(kept)
    with tenant_context(cast.tenant.id):
        assert not InvitationAddress.objects.filter(invitation_id__in=old).exists()
        assert InvitationAddress.objects.filter(invitation_id__in=kept).count() == len(kept)
