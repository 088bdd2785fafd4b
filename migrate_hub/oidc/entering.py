"""Who somebody is whom a tenant's issuer vouches for: an identity of that tenant, and through it a member or nobody.

What an issuer says is believed for its own tenant only. The session that begins here opens no other one, whatever
address the issuer names (docs/adr/0030): that is the portal's half of the rule.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from migrate_hub.errors import DomainError
from migrate_hub.oidc.models import CompanySignIn, Identity, Newcomers
from migrate_hub.tenants import audit
from migrate_hub.tenants.invitations import OpenInvitation, accept_as
from migrate_hub.tenants.models import Invitation, InvitationAddress, Membership, Role, Tenant, User
from migrate_hub.tenants.people import set_membership, was_removed

TRUE = (True, "true", "True", 1, "1")


def refused(code: str, detail: str) -> DomainError:
    return DomainError(code=code, status=403, detail=detail)


def admit(tenant: Tenant, row: CompanySignIn, claims: Mapping[str, Any], now: datetime) -> Membership:
    """The member whom these checked claims are about. Needs the tenant's context; raises DomainError 403."""
    subject, email = str(claims.get("sub", "")), _address_in(claims, row)
    if not 1 <= len(subject) <= 255:
        raise refused("identity_unusable", "Your company's sign-in names you in a way that cannot be stored.")
    identity = Identity.objects.select_related("user").filter(issuer=row.issuer, subject=subject).first()
    if identity is None:
        membership = _membership_of(tenant, row, email, now)
        identity = Identity.objects.create(issuer=row.issuer, subject=subject, user=membership.user, last_used_at=now)
        audit.record("identity.link", identity, user=str(membership.user_id))
    else:
        membership = _still_member(tenant, identity)
    if not membership.user.is_active:
        raise refused("account_inactive", "This account was switched off. Ask the operators of this installation.")
    Identity.objects.filter(id=identity.id).update(last_used_at=now)
    return membership


def _address_in(claims: Mapping[str, Any], row: CompanySignIn) -> str:
    """The address that the issuer vouches for, of a domain that the owner allowed."""
    said = str(claims.get("email", "")).strip()
    # Some letters outside of ASCII become others in lower case: the sign of kelvin, k.
    email = said.lower() if said.isascii() else ""
    try:
        validate_email(email)
    except ValidationError:
        raise refused(
            "address_missing",
            "Your company's sign-in did not say your e-mail address. Its administrator has to release the claim email.",
        ) from None
    if len(email) > 254 or not _is_vouched_for(claims):
        raise refused(
            "address_unverified",
            f"Your company's sign-in does not say that the address {email[:254]} was verified. Its administrator has "
            "to verify it, and to release the claim email_verified.",
        )
    if email.rpartition("@")[2] not in row.email_domains:
        raise refused("domain_not_allowed", f"Addresses like {email} may not enter this tenant. Ask one of its owners.")
    return email


def _is_vouched_for(claims: Mapping[str, Any]) -> bool:
    """`email_verified`, or what Entra ID has in its place: xms_edov, that the domain's owner was verified."""
    return claims.get("email_verified") in TRUE or claims.get("xms_edov") in TRUE


def _still_member(tenant: Tenant, identity: Identity) -> Membership:
    """Somebody whom an owner removed stays removed, also where newcomers become readers."""
    membership = Membership.objects.select_related("user").filter(tenant=tenant, user_id=identity.user_id).first()
    if membership is None:
        raise _removed()
    return membership


def _removed() -> DomainError:
    return refused("not_a_member", "You are not a member of this tenant any more. Ask one of its owners.")


def _membership_of(tenant: Tenant, row: CompanySignIn, email: str, now: datetime) -> Membership:
    membership = Membership.objects.select_related("user").filter(tenant=tenant, user__email=email).first()
    if membership is not None:
        return membership
    invited = _open_invitation(tenant, email, now)
    if invited is not None:
        return accept_as(OpenInvitation(invited, tenant, email, Role(invited.role)), _person(email), now)
    if row.newcomers != Newcomers.READERS:
        raise refused(
            "not_invited",
            f"Your company knows you, but {email} is not a member of this tenant. Ask one of its owners to add you.",
        )
    person = _person(email)
    if was_removed(person):
        raise _removed()
    return set_membership(tenant=tenant, user=person, role=Role.READER)


def _open_invitation(tenant: Tenant, email: str, now: datetime) -> Invitation | None:
    """The newest invitation of this address: the company shows whose it is as well as the link does."""
    ids = list(InvitationAddress.objects.filter(email=email).values_list("invitation_id", flat=True))
    waiting = Invitation.objects.select_for_update(of=("self",)).filter(id__in=ids, tenant=tenant, expires_at__gt=now)
    return waiting.filter(accepted_at=None, revoked_at=None).order_by("-created_at").first()


def _person(email: str) -> User:
    """The account of this address; a new one has no password until its owner sets one by a link."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email=email, address_unproven=True)
    if not user.is_active:
        raise refused("account_inactive", "This account was switched off. Ask the operators of this installation.")
    if user.address_unproven and user.has_usable_password():
        # Whoever made this account by a link may be somebody else, and would come in with its password.
        raise refused(
            "address_unproven",
            f"There is an account of {email} that may be somebody else's. Set a new password first, by "
            '"Forgot your password?" or a link of the operators, then come again.',
        )
    return user
