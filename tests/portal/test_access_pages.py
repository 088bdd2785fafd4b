"""Members, access tokens and the account: who sees and changes what."""

import re

from migrate_hub.tenants.models import Membership
from tests import make
from tests.portal.browsing import sign_in, text_of


def test_an_owner_adds_changes_and_removes_a_member() -> None:
    cast = make.cast()
    alice = sign_in(cast)
    alice.post("portal:members", email="new.person@example.com", role="reader")
    member = Membership.objects.get(tenant=cast.tenant, user__email="new.person@example.com")
    alice.post("portal:member", member.id, role="contributor", do="set")
    member.refresh_from_db()
    assert member.role == "contributor"
    alice.post("portal:member", member.id, do="remove")
    assert "new.person@example.com" not in [row.user.email for row in alice.get("portal:members").context["members"]]


def test_the_last_owner_cannot_leave() -> None:
    cast = make.cast()
    member = Membership.objects.get(tenant=cast.tenant, role="owner")
    response = sign_in(cast).post("portal:member", member.id, do="remove", follow=True)
    assert "A tenant needs an owner" in text_of(response)
    assert Membership.objects.filter(id=member.id).exists()


def test_only_owners_manage_members() -> None:
    cast = make.cast()
    member = Membership.objects.get(tenant=cast.tenant, role="reader")
    bob = sign_in(cast, "bob")
    assert "Add somebody" not in bob.see("portal:members")
    assert bob.post("portal:members", email="x@example.com", role="owner").status_code == 403
    assert bob.post("portal:member", member.id, do="remove").status_code == 403


def test_a_member_of_another_tenant_is_not_there() -> None:
    theirs = Membership.objects.get(tenant=make.cast().tenant, role="reader")
    assert sign_in(make.cast()).post("portal:member", theirs.id, do="remove").status_code == 404
    assert Membership.objects.filter(id=theirs.id).exists()


def test_a_token_is_shown_once_works_and_can_be_revoked() -> None:
    cast = make.cast()
    alice = sign_in(cast)
    response = alice.post("portal:tokens", name="nightly script", role="reader", expires_in_days=30)
    assert response.status_code == 201
    shown = re.search(r"mhat_[0-9a-f]{32}\.[\w-]+", response.content.decode())
    assert shown is not None
    api = make.Api(shown.group())
    assert api.get("projects/").status_code == 200
    assert "nightly script" in alice.see("portal:tokens")
    assert shown.group() not in alice.see("portal:tokens")
    token = next(row for row in alice.get("portal:tokens").context["page"].rows if row.name == "nightly script")
    alice.post("portal:revoke-token", token.id)
    assert api.get("projects/").status_code == 401


def test_a_token_never_has_more_than_its_owners_role() -> None:
    rita = sign_in(make.cast(), "rita")
    assert rita.post("portal:tokens", name="more", role="owner", expires_in_days=30).status_code == 403
    assert rita.post("portal:tokens", name="mine", role="reader", expires_in_days=30).status_code == 201


def test_people_see_their_own_tokens_and_an_owner_sees_all() -> None:
    cast = make.cast()
    sign_in(cast, "bob").post("portal:tokens", name="the script of bob", role="reader", expires_in_days=30)
    assert "the script of bob" in sign_in(cast).see("portal:tokens")
    assert "the script of bob" not in sign_in(cast, "rita").see("portal:tokens")


def test_anothers_token_cannot_be_revoked() -> None:
    cast = make.cast()
    alice = sign_in(cast)
    rows = alice.get("portal:tokens").context["page"].rows
    token = next(row for row in rows if row.user.email == cast.emails["alice"])
    assert sign_in(cast, "rita").post("portal:revoke-token", token.id).status_code == 404
    assert sign_in(make.cast()).post("portal:revoke-token", token.id).status_code == 404


def test_a_wrong_number_of_days_is_told_beside_its_field() -> None:
    response = sign_in(make.cast()).post("portal:tokens", name="x", role="reader", expires_in_days=9999)
    assert response.status_code == 400
    assert set(response.context["form"].errors) == {"expires_in_days"}
