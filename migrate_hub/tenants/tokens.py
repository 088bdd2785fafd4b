"""Issuing, checking, listing and revoking the three kinds of token."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from migrate_hub.tenants.models import (
    TOKEN_PREFIXES,
    Membership,
    Role,
    Tenant,
    Token,
    TokenKind,
    User,
    new_secret,
    uuid7,
)

ACCESS_TOKEN_DAYS = 90
MAX_ACCESS_TOKEN_DAYS = 366
APPLIANCE_TOKEN_DAYS = 365
REGISTRATION_KEY_HOURS = 24
LAST_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """A token that was just made, and its wire form, which is shown this one time."""

    token: Token
    wire: str


def secret_hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _issue(kind: TokenKind, **fields: object) -> Issued:
    secret, token_id = new_secret(), uuid7()
    token = Token.objects.create(id=token_id, kind=kind, secret_sha256=secret_hash(secret), **fields)
    return Issued(token=token, wire=f"{TOKEN_PREFIXES[kind]}_{token_id.hex}.{secret}")


def issue_access_token(
    *, tenant: Tenant, user: User, role: Role, now: datetime, days: int = ACCESS_TOKEN_DAYS
) -> Issued:
    """A person's token, bound to one tenant, with the given role (the caller has checked that it is theirs or less)."""
    return _issue(TokenKind.ACCESS, tenant=tenant, user=user, role=role, expires_at=now + timedelta(days=days))


def issue_appliance_token(*, tenant_id: int, appliance_id: UUID, epoch: int, now: datetime) -> Issued:
    return _issue(
        TokenKind.APPLIANCE,
        tenant_id=tenant_id,
        appliance_id=appliance_id,
        epoch=epoch,
        expires_at=now + timedelta(days=APPLIANCE_TOKEN_DAYS),
    )


def issue_registration_key(*, tenant_id: int, appliance_id: UUID, now: datetime) -> Issued:
    """A one-time key; earlier unused keys of the appliance die."""
    Token.objects.filter(
        tenant_id=tenant_id, appliance_id=appliance_id, kind=TokenKind.REGISTRATION, revoked_at=None
    ).update(revoked_at=now)
    return _issue(
        TokenKind.REGISTRATION,
        tenant_id=tenant_id,
        appliance_id=appliance_id,
        expires_at=now + timedelta(hours=REGISTRATION_KEY_HOURS),
    )


def find_token(wire: str, kind: TokenKind) -> Token | None:
    """The token behind its wire form, whatever its state; None when the form, the id or the secret is wrong."""
    prefix, _, rest = wire.partition("_")
    token_id, _, secret = rest.partition(".")
    if prefix != TOKEN_PREFIXES[kind] or not secret:
        return None
    try:
        token = Token.objects.select_related("tenant", "user").filter(id=UUID(hex=token_id), kind=kind).first()
    except ValueError:
        return None
    if token is None or not hmac.compare_digest(bytes(token.secret_sha256), secret_hash(secret)):
        return None
    return token


def current_role(token: Token) -> Role | None:
    """The role a person's token carries now: its own, but never more than the membership still grants."""
    if token.user_id is None or token.role is None:
        return None
    membership = Membership.objects.filter(tenant_id=token.tenant_id, user_id=token.user_id).first()
    if membership is None:
        return None
    granted, asked = Role(membership.role), Role(token.role)
    return asked if granted.includes(asked) else granted


def note_use(token: Token, now: datetime) -> None:
    """Keeps `last_used_at` to the minute. The first use of an appliance's token revokes the older ones."""
    if token.first_used_at is None:
        Token.objects.filter(id=token.id, first_used_at=None).update(first_used_at=now, last_used_at=now)
        if token.kind == TokenKind.APPLIANCE:
            Token.objects.filter(
                tenant_id=token.tenant_id,
                appliance_id=token.appliance_id,
                kind=TokenKind.APPLIANCE,
                revoked_at=None,
                created_at__lt=token.created_at,
            ).update(revoked_at=now)
    elif token.last_used_at is None or now - token.last_used_at > LAST_USED_EVERY:
        Token.objects.filter(id=token.id).filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
        ).update(last_used_at=now)
