"""Members, access tokens and the account: who sees and changes what."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from migrate_hub.tenants import invitations, people
from migrate_hub.tenants.models import Membership, Role
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.portal.browsing import sign_in, text_of


def test_an_owner_changes_and_removes_a_member() -> None:
    cast = make.cast()
    alice = sign_in(cast)
    member = Membership.objects.get(tenant=cast.tenant, user__email=cast.emails["rita"])
    alice.post("portal:member", member.id, role="contributor", do="set")
    member.refresh_from_db()
    assert member.role == "contributor"
    alice.post("portal:member", member.id, do="remove")
    assert cast.emails["rita"] not in [row.user.email for row in alice.get("portal:members").context["members"]]


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
    assert "Invite somebody" not in bob.see("portal:members")
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


def test_owners_alone_see_who_has_a_second_factor() -> None:
    cast = make.cast()
    assert "Second factor" in sign_in(cast).see("portal:members")
    assert "Second factor" not in sign_in(cast, "rita").see("portal:members")


def test_every_role_is_explained_to_everybody() -> None:
    words = sign_in(make.cast(), "rita").see("portal:members")
    for role in ("Reader", "Contributor", "Owner"):
        assert f"{role} " in words
    assert "sees everything and downloads reports" in words


@pytest.mark.parametrize("name", ["portal:members", "portal:tokens", "portal:invitations"])
def test_more_rows_take_no_more_queries(name: str) -> None:
    cast = make.cast()
    alice = sign_in(cast)
    counts = []
    for number in (3, 45):
        fill(cast, number)
        with CaptureQueriesContext(connection) as queries:
            assert alice.get(name).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def fill(cast: make.Cast, number: int) -> None:
    """So many members, tokens and invitations more."""
    with tenant_context(cast.tenant.id):
        for _ in range(number):
            email = f"{uuid4().hex}@example.com"
            member = people.add_member(tenant=cast.tenant, email=email, role=Role.READER)
            people.make_access_token(membership=member, role=Role.READER, name="x", now=timezone.now())
            invitations.invite(
                tenant=cast.tenant,
                email=f"{uuid4().hex}@example.com",
                role=Role.READER,
                invited_by=None,
                now=timezone.now(),
            )
