"""Who is calling the API: a person with an access token, or an appliance with its own. Devices are not people."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from migrate_hub.errors import DomainError
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import Role, Token, TokenKind, User
from migrate_hub.tenants.tokens import current_role, find_token, note_use


@dataclass(frozen=True)
class Principal:
    """The caller, bound to one tenant. `role` is None for an appliance, `appliance_id` for a person."""

    tenant_id: int
    token: Token
    role: Role | None = None
    appliance_id: UUID | None = None

    @property
    def is_authenticated(self) -> bool:
        return True


def unauthenticated(detail: str, code: str = "not_authenticated") -> DomainError:
    return DomainError(code=code, status=401, detail=detail)


def role_needed(role: Role) -> DomainError:
    return DomainError(
        code="permission_denied", status=403, detail=f"This needs the role {role.value}. Ask an owner of the tenant."
    )


def bearer(header: str) -> str:
    """The token of an Authorization header; '' when there is none."""
    scheme, _, wire = header.partition(" ")
    return wire.strip() if scheme.lower() == "bearer" else ""


def check_token(wire: str, kind: TokenKind, now: datetime) -> Token:
    """The valid token behind a wire form; raises 401 with the reason."""
    token = find_token(wire, kind)
    if token is None:
        raise unauthenticated("This token is not known. Check that it was copied whole.", "token_unknown")
    if token.revoked_at is not None:
        raise unauthenticated("This token was revoked. Make a new one.", "token_revoked")
    if now >= token.expires_at:
        raise unauthenticated("This token has expired. Make a new one.", "token_expired")
    if not token.tenant.is_active:
        raise unauthenticated("This tenant is switched off. Ask the operator.", "tenant_inactive")
    return token


class TokenAuthentication(BaseAuthentication):
    """Bearer tokens of one kind."""

    kind: TokenKind

    def authenticate(self, request: Request) -> tuple[User | None, Principal] | None:
        wire = bearer(request.headers.get("Authorization", ""))
        if not wire:
            return None
        token = check_token(wire, self.kind, timezone.now())
        note_use(token, timezone.now())
        principal = self.principal(token)
        current_actor.set(
            replace(current_actor.get(), user_id=token.user_id, token_id=token.id, appliance_id=token.appliance_id)
        )
        return token.user, principal

    def principal(self, token: Token) -> Principal:
        raise NotImplementedError

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class AccessTokenAuthentication(TokenAuthentication):
    kind = TokenKind.ACCESS

    def principal(self, token: Token) -> Principal:
        role = current_role(token)
        if role is None or token.user is None or not token.user.is_active:
            raise unauthenticated("The owner of this token is no longer a member of the tenant.", "token_revoked")
        return Principal(tenant_id=token.tenant_id, token=token, role=role)


class ApplianceAuthentication(TokenAuthentication):
    kind = TokenKind.APPLIANCE

    def principal(self, token: Token) -> Principal:
        return Principal(tenant_id=token.tenant_id, token=token, appliance_id=token.appliance_id)
