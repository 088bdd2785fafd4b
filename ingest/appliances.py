"""Appliances: enrolment with a one-time key, rotation and revocation of their tokens, heartbeat; the view they call."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ingest.limits import MAX_APPLIANCES
from ingest.models import Appliance, HeldSnapshot
from ingest.snapshots import UUID_BYTES
from ingest.text import is_clean, shown
from ingest.uploads import Heartbeat
from migrate_hub.errors import DomainError
from migrate_hub.tenants import audit
from migrate_hub.tenants.api import TenantAPIView
from migrate_hub.tenants.authentication import ApplianceAuthentication, Principal, unauthenticated
from migrate_hub.tenants.context import acting_as
from migrate_hub.tenants.models import Project, Token, TokenKind
from migrate_hub.tenants.people import name_taken
from migrate_hub.tenants.row_level_security import set_tenant
from migrate_hub.tenants.tokens import Issued, find_token, issue_appliance_token, issue_registration_key

ERROR_LENGTH = 1000


class AppliancePermission(BasePermission):
    """Lets appliances through and nobody else."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Principal) and request.auth.appliance_id is not None


class ApplianceView(TenantAPIView):
    """A view that an appliance calls with its own token; `appliance` is the row of the caller."""

    authentication_classes = [ApplianceAuthentication]
    permission_classes: Any = [AppliancePermission]
    appliance: Appliance

    def enter(self, **kwargs: Any) -> None:
        rows = Appliance.objects.filter(id=self.principal.appliance_id, project__deleted_at=None)
        appliance = rows.select_related("project").first()
        if appliance is None:
            raise unauthenticated("The project of this appliance was deleted.", "appliance_gone")
        self.appliance = appliance

    @property
    def epoch(self) -> int:
        """The registration that the caller's token comes from."""
        return self.principal.token.epoch or 0


@dataclass(frozen=True)
class Registered:
    """An appliance that has just enrolled, and its token."""

    appliance: Appliance
    issued: Issued


def create_appliance(*, project: Project, name: str, kind: str, now: datetime) -> tuple[Appliance, Issued]:
    """A new appliance of the project and the key it enrols with."""
    if Appliance.objects.filter(project=project).count() >= MAX_APPLIANCES:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A project has at most {MAX_APPLIANCES} appliances."
        )
    try:
        with transaction.atomic():
            appliance: Appliance = Appliance.objects.create(project=project, name=name, kind=kind)
    except IntegrityError:
        raise name_taken("appliance", name) from None
    audit.record("appliance.create", appliance, kind=kind)
    return appliance, issue_registration_key(tenant_id=appliance.tenant_id, appliance_id=appliance.id, now=now)


def renew_registration_key(appliance: Appliance, now: datetime) -> Issued:
    """A new key for an appliance that lost its token; the tokens it has die when the new one is first used."""
    audit.record("appliance.registration_key", appliance)
    return issue_registration_key(tenant_id=appliance.tenant_id, appliance_id=appliance.id, now=now)


def revoke_tokens(appliance: Appliance, now: datetime) -> int:
    """Shuts an appliance out at once: its tokens and unused keys are revoked. Returns how many."""
    revoked: int = _living_tokens(appliance).update(revoked_at=now)
    audit.record("appliance.revoke_tokens", appliance, tokens=revoked)
    return revoked


def _living_tokens(appliance: Appliance) -> Any:
    kinds = [TokenKind.APPLIANCE, TokenKind.REGISTRATION]
    return Token.objects.filter(
        tenant_id=appliance.tenant_id, appliance_id=appliance.id, kind__in=kinds, revoked_at=None
    )


def register(*, registration_key: str, hostname: str, version: str, now: datetime) -> Registered:
    """Exchanges a registration key for a token, enters the key's tenant, and starts a higher epoch.

    The same key and hostname again gives a fresh token as long as the one before was never used: a lost answer burns
    nothing. Raises 403 for a key that is unknown, used, revoked or expired.
    """
    if not is_clean(hostname):
        raise DomainError(code="invalid_text", detail="hostname holds control or unassigned characters.")
    key = _checked_key(registration_key, now)
    set_tenant(key.tenant_id)
    appliance = Appliance.objects.select_for_update().filter(id=key.appliance_id, project__deleted_at=None).first()
    if appliance is None:
        raise _refused_key("unknown", "The project or appliance of this registration key was deleted.")
    if key.first_used_at is not None:
        _give_up_unused_token(appliance, hostname, now)
    else:
        Token.objects.filter(id=key.id).update(first_used_at=now, last_used_at=now)
    appliance.hostname, appliance.version = hostname, shown(version)
    appliance.epoch += 1
    appliance.registered_at = appliance.last_seen_at = now
    appliance.save(update_fields=["hostname", "version", "epoch", "registered_at", "last_seen_at"])
    issued = issue_appliance_token(
        tenant_id=key.tenant_id, appliance_id=appliance.id, epoch=appliance.epoch, now=timezone.now()
    )
    with acting_as(appliance_id=appliance.id):
        audit.record("appliance.register", appliance, epoch=appliance.epoch)
    return Registered(appliance=appliance, issued=issued)


def _checked_key(wire: str, now: datetime) -> Token:
    found = find_token(wire, TokenKind.REGISTRATION)
    key = Token.objects.select_for_update(of=("self",)).filter(id=found.id).first() if found else None
    if found is None or key is None or not found.tenant.is_active:
        raise _refused_key("unknown", "This registration key is not known. Check that it was copied whole.")
    if key.revoked_at is not None:
        raise _refused_key("revoked", "This registration key was replaced or revoked. Ask for a new one.")
    if now >= key.expires_at:
        raise _refused_key("expired", "This registration key has expired. Ask for a new one.")
    return key


def _refused_key(why: str, detail: str) -> DomainError:
    return DomainError(code=f"registration_key_{why}", status=403, detail=detail)


def _give_up_unused_token(appliance: Appliance, hostname: str, now: datetime) -> None:
    """A used key counts once more when the token it gave was never used: that token is revoked."""
    unused = _unused_tokens(appliance).filter(epoch=appliance.epoch)
    if appliance.hostname != hostname or not unused.update(revoked_at=now):
        raise _refused_key("used", "This registration key was used already. Ask for a new one.")


def _unused_tokens(appliance: Appliance) -> Any:
    return _living_tokens(appliance).filter(kind=TokenKind.APPLIANCE, first_used_at=None)


def rotate_token(*, appliance: Appliance, token: Token, now: datetime) -> Issued:
    """A new token of the same registration; the caller's own lives until the new one is first used."""
    _unused_tokens(appliance).exclude(id=token.id).update(revoked_at=now)
    audit.record("appliance.rotate_token", appliance)
    return issue_appliance_token(
        tenant_id=appliance.tenant_id, appliance_id=appliance.id, epoch=token.epoch or 0, now=timezone.now()
    )


def note_heartbeat(*, appliance: Appliance, heartbeat: Heartbeat, now: datetime) -> None:
    """Keeps what the appliance says of itself."""
    appliance.version = shown(heartbeat.version)
    appliance.reported_health = shown(heartbeat.health)
    appliance.errors = [_shown_error(error) for error in heartbeat.errors]
    appliance.last_seen_at = now
    appliance.clock_skew_seconds = clock_skew(appliance, heartbeat.sent_at, now)
    appliance.save(update_fields=["version", "reported_health", "errors", "last_seen_at", "clock_skew_seconds"])


def clock_skew(appliance: Appliance, sent_at: datetime | None, now: datetime) -> float | None:
    """Seconds that the appliance's clock is behind ours, negative when it is ahead; as it was when nothing is said."""
    return appliance.clock_skew_seconds if sent_at is None else (now - sent_at).total_seconds()


def _shown_error(error: Any) -> Any:
    if isinstance(error, str):
        return shown(error, ERROR_LENGTH)
    return {shown(name): shown(item, ERROR_LENGTH) if isinstance(item, str) else item for name, item in error.items()}


def confirm_snapshot(appliance: Appliance, now: datetime) -> HeldSnapshot:
    """A person says that the machines of the held snapshot are really gone; the next one that agrees is stored."""
    held: HeldSnapshot | None = HeldSnapshot.objects.filter(appliance=appliance).first()
    if held is None:
        raise DomainError(
            code="no_held_snapshot", status=409, detail="No snapshot of this appliance waits for a confirmation."
        )
    held.confirmed_at = now
    held.save(update_fields=["confirmed_at"])
    audit.record("appliance.confirm_snapshot", appliance, machines=len(held.removes) // UUID_BYTES)
    return held
