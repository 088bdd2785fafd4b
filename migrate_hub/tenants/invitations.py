"""Invitations by link: an owner names an address and a role, whoever opens the link as that person joins, once."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Coalesce
from django.urls import reverse

from migrate_hub.errors import DomainError, not_found
from migrate_hub.tenants import audit, mail
from migrate_hub.tenants.context import acting_as
from migrate_hub.tenants.models import Invitation, InvitationAddress, Membership, Role, Tenant, User, new_secret, uuid7
from migrate_hub.tenants.people import set_membership
from migrate_hub.tenants.quotas import count_alone
from migrate_hub.tenants.row_level_security import tenant_context
from migrate_hub.tenants.tokens import secret_hash

INVITATION_DAYS = 7
INVITATIONS_A_DAY = 200
KEPT = timedelta(days=90)
FORGOTTEN_AT_ONCE = 1000
PREFIX = "mhiv"
MAIL_BODY = """{inviter} invites you to {tenant} at {hub}, as {role}.

Open this link within {days} days to join. It works once, and only for {email}:

{link}

If you do not know {inviter}, do nothing.
"""


@dataclass(frozen=True)
class Invited:
    """An invitation that was just made; its link is shown this one time. `mailed` is None on a hub without mail."""

    invitation: Invitation
    email: str
    link: str
    mailed: bool | None


@dataclass(frozen=True)
class OpenInvitation:
    """What the person with the link is told."""

    invitation: Invitation
    tenant: Tenant
    email: str
    role: Role


def invite(*, tenant: Tenant, email: str, role: Role, invited_by: User | None, now: datetime) -> Invited:
    """A link for this person; one that was sent to them before is revoked. Needs the tenant's context."""
    email = email.strip().lower()
    if Membership.objects.filter(tenant=tenant, user__email=email).exists():
        raise DomainError(code="member_already", status=409, detail=f"{email} is a member already.")
    _refuse_too_many(tenant, now)
    _revoke_open(tenant.id, now, id__in=InvitationAddress.objects.filter(email=email).values("invitation_id"))
    secret, invitation_id = new_secret(), uuid7()
    invitation = Invitation.objects.create(
        id=invitation_id,
        tenant=tenant,
        secret_sha256=secret_hash(secret),
        role=role,
        invited_by=invited_by,
        created_at=now,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )
    InvitationAddress.objects.create(invitation_id=invitation.id, email=email)
    audit.record("invitation.create", invitation, role=role)
    path = reverse("portal:invitation", args=[f"{PREFIX}_{invitation_id.hex}.{secret}"])
    link = f"{settings.PUBLIC_URL.rstrip('/')}{path}"
    return Invited(invitation=invitation, email=email, link=link, mailed=_mailed(invitation, email, link))


def _refuse_too_many(tenant: Tenant, now: datetime) -> None:
    count_alone("invitations", tenant.id)
    today = Invitation.objects.filter(tenant=tenant, created_at__gt=now - timedelta(days=1)).count()
    if today >= INVITATIONS_A_DAY:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A tenant sends at most {INVITATIONS_A_DAY} invitations a day."
        )


def _mailed(invitation: Invitation, email: str, link: str) -> bool | None:
    if not mail.is_configured():
        return None
    inviter = "An owner" if invitation.invited_by is None else invitation.invited_by.email
    body = MAIL_BODY.format(
        inviter=inviter,
        tenant=invitation.tenant.name,
        hub=settings.PUBLIC_URL,
        role=invitation.role,
        days=INVITATION_DAYS,
        email=email,
        link=link,
    )
    return mail.sent(to=email, subject="You are invited to migrate_hub", body=body)


def invitations_of(tenant_id: int) -> models.QuerySet[Invitation]:
    """A tenant's invitations with their addresses as `email`. Needs the tenant's context.

    Invitations carry no row-level security, being read before a tenant is known: this filter is their lock.
    """
    addresses = InvitationAddress.objects.filter(invitation_id=models.OuterRef("id")).values("email")
    rows = Invitation.objects.filter(tenant_id=tenant_id).select_related("invited_by")
    return rows.annotate(email=models.Subquery(addresses))


def revoke(invitation: Invitation, now: datetime) -> None:
    """Makes the link worth nothing; one that was used or revoked stays as it is."""
    if _revoke_open(invitation.tenant_id, now, id=invitation.id):
        audit.record("invitation.revoke", invitation)


def _revoke_open(tenant_id: int, now: datetime, **which: object) -> int:
    waiting = Invitation.objects.filter(tenant_id=tenant_id, accepted_at=None, revoked_at=None)
    return waiting.filter(**which).update(revoked_at=now)


def tenants_with_old_invitations(now: datetime) -> models.QuerySet[Tenant]:
    return Tenant.objects.filter(id__in=_old(now).values("tenant"))


def forget_old_invitations(tenant_id: int, now: datetime) -> None:
    """Deletes the tenant's invitations, with their addresses, that ended long ago: used, revoked or expired."""
    with tenant_context(tenant_id):
        ids = list(_old(now).filter(tenant_id=tenant_id).values_list("id", flat=True)[:FORGOTTEN_AT_ONCE])
        InvitationAddress.objects.filter(invitation_id__in=ids).delete()
        Invitation.objects.filter(tenant_id=tenant_id, id__in=ids).delete()


def _old(now: datetime) -> models.QuerySet[Invitation]:
    ended_at = Coalesce("accepted_at", "revoked_at", "expires_at")
    return Invitation.objects.annotate(ended_at=ended_at).filter(created_at__lt=now - KEPT, ended_at__lt=now - KEPT)


def find_invitation(wire: str, now: datetime, *, to_accept: bool = False) -> OpenInvitation:
    """What the link opens; 404 alike for one that was used, revoked, has expired or never was.

    With `to_accept` the row is locked until the transaction ends, so that a link sent twice at once is used once.
    """
    prefix, _, rest = wire.partition("_")
    invitation_id, _, secret = rest.partition(".")
    rows = Invitation.objects.select_for_update(of=("self",)) if to_accept else Invitation.objects
    try:
        found = rows.select_related("tenant").filter(pk=UUID(hex=invitation_id)).first()
    except ValueError:
        raise not_found() from None
    if prefix != PREFIX or found is None or not hmac.compare_digest(bytes(found.secret_sha256), secret_hash(secret)):
        raise not_found()
    if found.state_at(now) != "open" or not found.tenant.is_active:
        raise not_found()
    with tenant_context(found.tenant_id):
        email = InvitationAddress.objects.get(invitation_id=found.id).email
    return OpenInvitation(invitation=found, tenant=found.tenant, email=email, role=Role(found.role))


def accept_as(opened: OpenInvitation, user: User, now: datetime) -> Membership:
    """The signed-in person joins. `opened` is locked (`to_accept`)."""
    if user.email != opened.email:
        raise DomainError(
            code="other_address", status=409, detail=f"This invitation is for {opened.email}, you are {user.email}."
        )
    with acting_as(user.id), tenant_context(opened.tenant.id):
        return _join(opened, user, now)


def accept_as_new(opened: OpenInvitation, *, name: str, password: str, now: datetime) -> User:
    """A new person joins with a password of their own. `opened` is locked (`to_accept`).

    The link was seen by whoever sent it, so it does not show that the mailbox is theirs: the account is marked so.
    Raises Django's ValidationError for a password that is too weak.
    """
    user = User(email=opened.email, name=name, address_unproven=True)
    validate_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise DomainError(
            code="account_exists", status=409, detail=f"{opened.email} has an account. Sign in to accept."
        ) from None
    with acting_as(user.id), tenant_context(opened.tenant.id):
        _join(opened, user, now)
    return user


def _join(opened: OpenInvitation, user: User, now: datetime) -> Membership:
    Invitation.objects.filter(pk=opened.invitation.pk).update(accepted_at=now, accepted_by=user)
    audit.record("invitation.accept", opened.invitation, role=opened.role)
    member = Membership.objects.filter(tenant=opened.tenant, user=user).first()
    return member or set_membership(tenant=opened.tenant, user=user, role=opened.role)
