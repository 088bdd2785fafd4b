"""The company sign-in of the current tenant: set up, changed, switched off. Its secret goes in and never comes out."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.oidc.issuer import Client, endpoints_of, forget
from migrate_hub.oidc.models import CompanySignIn, DomainRoute, Newcomers
from migrate_hub.oidc.outgoing import IssuerError, refuse_unsafe_url
from migrate_hub.tenants import audit
from migrate_hub.tenants.encryption import decrypt, encrypt, encrypt_anew
from migrate_hub.tenants.models import Tenant

PURPOSE = "oidc-client-secret"


@dataclass(frozen=True)
class Settings:
    """What an owner says. An empty secret keeps the one that is there."""

    issuer: str
    client_id: str
    client_secret: str
    email_domains: list[str]
    newcomers: Newcomers
    is_required: bool


def configured() -> CompanySignIn | None:
    """The company sign-in of the current tenant."""
    found: CompanySignIn | None = CompanySignIn.objects.first()
    return found


def configure(tenant: Tenant, said: Settings) -> CompanySignIn:
    """Stores what an owner said once the issuer was asked and is what it says. Needs the tenant's context.

    Raises DomainError `issuer_not_usable`, or `invalid` when there is no secret yet and none was given.
    """
    before = configured()
    if before is None and not said.client_secret:
        raise _invalid("client_secret", "Give the secret that the issuer made for this hub.")
    if before is not None and before.issuer != said.issuer and not said.client_secret:
        raise _invalid("client_secret", "Another issuer has another secret. Give it as well.")
    _refuse_unusable(said.issuer, tenant)
    if before is not None and (before.issuer, before.client_id) != (said.issuer, said.client_id):
        _end_sessions(tenant)
    row = before or CompanySignIn.new()
    row.issuer, row.client_id, row.email_domains = said.issuer, said.client_id, said.email_domains
    row.newcomers, row.changed_at = said.newcomers, timezone.now()
    if said.client_secret:
        row.client_secret_encrypted = encrypt(said.client_secret, purpose=PURPOSE)
    row.save(force_insert=before is None)
    _require(tenant, said.is_required)
    audit.record(
        "company_sign_in.set",
        row,
        issuer=said.issuer,
        client_id=said.client_id,
        email_domains=said.email_domains,
        newcomers=said.newcomers,
        is_required=said.is_required,
        secret_changed=bool(said.client_secret),
    )
    return row


def switch_off(tenant: Tenant) -> None:
    """Takes the company sign-in away with its secret and its sessions; people sign in with their passwords."""
    found = configured()
    _require(tenant, False)
    if found is not None:
        audit.record("company_sign_in.remove", found, issuer=found.issuer)
        _end_sessions(tenant)
        found.delete()


def _require(tenant: Tenant, is_required: bool) -> None:
    Tenant.objects.filter(id=tenant.id).update(company_sign_in_required=is_required)
    tenant.company_sign_in_required = is_required


def _end_sessions(tenant: Tenant) -> None:
    """Sessions that came through the company sign-in as it was open nothing any more: each names its generation."""
    Tenant.objects.filter(id=tenant.id).update(company_sign_in_generation=F("company_sign_in_generation") + 1)


def _invalid(field: str, message: str) -> DomainError:
    return DomainError(code="invalid", detail=f"{field}: {message}", errors=[FieldProblem(field, "invalid", message)])


def _refuse_unusable(issuer: str, tenant: Tenant) -> None:
    try:
        refuse_unsafe_url(issuer)
        forget(issuer)
        endpoints_of(issuer, tenant.id)
    except IssuerError as error:
        problem = FieldProblem("issuer", "issuer_not_usable", str(error))
        raise DomainError(code="issuer_not_usable", detail=str(error), errors=[problem]) from None


def client_of(row: CompanySignIn, tenant: Tenant) -> Client:
    """How the issuer knows this hub. Raises UnreadableSecretError when SECRET_KEY was changed without a fallback."""
    secret = decrypt(bytes(row.client_secret_encrypted), purpose=PURPOSE)
    return Client(row.client_id, secret, redirect_uri(tenant))


def encrypt_secret_anew() -> bool:
    """Writes the current tenant's secret under the newest SECRET_KEY; whether there is one.

    Raises UnreadableSecretError when none of the keys opens it.
    """
    row = CompanySignIn.objects.select_for_update().first()
    if row is None:
        return False
    row.client_secret_encrypted = encrypt_anew(bytes(row.client_secret_encrypted), purpose=PURPOSE)
    row.save(update_fields=["client_secret_encrypted"])
    return True


def redirect_uri(tenant: Tenant) -> str:
    """Where the issuer sends people back. One a tenant: an answer meant for one can never be taken for another's."""
    return f"{sign_in_address(tenant)}back/"


def sign_in_address(tenant: Tenant) -> str:
    """The address that people of the tenant keep: it leads straight to their company."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/sign-in/{tenant.public_id}/"


def domain_key(domain: str) -> bytes:
    return hashlib.sha256(domain.strip().lower().rstrip(".").encode()).digest()


def tenant_of_domain(email: str) -> Tenant | None:
    """The tenant to whose issuer this address is led; None where no operator confirmed its domain."""
    route = DomainRoute.objects.select_related("tenant").filter(
        domain_sha256=domain_key(email.rpartition("@")[2]), is_active=True, tenant__is_active=True
    )
    found = route.first()
    return found.tenant if found else None


def shown(row: CompanySignIn | None, tenant: Tenant) -> dict[str, Any]:
    """What owners see: everything but the secret."""
    domains = row.email_domains if row else []
    keys = {domain_key(domain): domain for domain in domains}
    routes = DomainRoute.objects.filter(tenant=tenant, is_active=True, domain_sha256__in=list(keys))
    confirmed = sorted(keys[bytes(key)] for key in routes.values_list("domain_sha256", flat=True))
    return {
        "is_configured": row is not None,
        "issuer": row.issuer if row else "",
        "client_id": row.client_id if row else "",
        "email_domains": domains,
        "confirmed_domains": confirmed,
        "newcomers": row.newcomers if row else Newcomers.REFUSED,
        "is_required": tenant.company_sign_in_required,
        "redirect_uri": redirect_uri(tenant),
        "sign_in_address": sign_in_address(tenant),
        "changed_at": row.changed_at if row else None,
    }
