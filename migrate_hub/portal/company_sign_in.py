"""Signing in at one's company: the way there, the way back, and what the session that begins may open.

No transaction is open while an issuer is asked. The way there is a link or a page that goes on by itself, never an
answer to a form: `form-action` of the Content-Security-Policy lets no form lead to another host.
"""

import hmac
import re
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django import forms
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from migrate_hub.errors import DomainError
from migrate_hub.oidc.configuring import client_of, configured, tenant_of_domain
from migrate_hub.oidc.entering import admit
from migrate_hub.oidc.issuer import Attempt, Client, Endpoints, authorization_url, claims_of, endpoints_of
from migrate_hub.oidc.models import CompanySignIn
from migrate_hub.oidc.outgoing import IssuerError
from migrate_hub.portal.access import SESSION_ONLY_TENANT, SESSION_TENANT, note_company_sign_in
from migrate_hub.portal.forms import address_field
from migrate_hub.portal.sign_in import asked_next, next_page
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.encryption import PUT_THE_KEY_BACK, UnreadableSecretError
from migrate_hub.tenants.models import Membership, Tenant, User
from migrate_hub.tenants.row_level_security import tenant_context
from migrate_hub.tenants.sessions import note_start

log = structlog.get_logger(__name__)
SESSION_ATTEMPTS = "company_attempts"
# Several tabs may be on their way; the newest few are remembered, each for as long as a person may take.
MAX_ATTEMPTS = 5
ATTEMPT_SECONDS = 900
NO_SIGN_IN_HERE = (
    "There is no company sign-in at this address, or it was switched off. Ask whoever gave you the address."
)
START_AGAIN = "This attempt to sign in is too old, was used already, or began in another browser. Start again."
MAX_CODE_CHARACTERS = 4096


class AddressForm(forms.Form):
    email = address_field("E-mail address at your company")


@method_decorator(never_cache, name="dispatch")
class CompanySignInView(View):
    """Asks for the address and leads to the issuer of its domain."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, AddressForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        email = form.cleaned_data["email"]
        tenant = tenant_of_domain(email)
        if tenant is None:
            form.add_error(
                "email",
                "No company sign-in is known for this address. If your company has one, use the sign-in address that "
                "it gave you, or sign in with your password.",
            )
            return self._page(request, form, status=400)
        query = urlencode({"next": asked_next(request), "address": email})
        onward = f"{reverse('portal:tenant-sign-in', args=[tenant.public_id])}?{query}"
        return render(request, "portal/company_onward.html", {"onward": onward})

    def _page(self, request: HttpRequest, form: AddressForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": asked_next(request)}
        return render(request, "portal/company_sign_in.html", context, status=status)


@method_decorator([never_cache, transaction.non_atomic_requests], name="dispatch")
class TenantSignInView(View):
    """The sign-in address of one tenant: straight to its issuer."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, tenant: UUID) -> HttpResponse:
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            # Led here by another site: a person decides, so that no page signs somebody in unasked.
            return render(request, "portal/company_onward.html", {"onward": request.get_full_path(), "waits": True})
        try:
            found, _, client = _company_of(tenant)
            endpoints = endpoints_of(client[0], found.id)
        except (IssuerError, DomainError) as error:
            return _failed(request, error)
        attempt = Attempt.fresh()
        _remember(request, found, attempt)
        hint = request.GET.get("address", "")[:254]
        return HttpResponseRedirect(authorization_url(endpoints, client[1], attempt, login_hint=hint))


@method_decorator([never_cache, transaction.non_atomic_requests], name="dispatch")
class TenantReturnView(View):
    """Where the issuer sends people back, with a code or an error."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, tenant: UUID) -> HttpResponse:
        try:
            pending = _recall(request, tenant)
            found, row, (issuer, client) = _company_of(tenant)
            claims = _claims(request, endpoints_of(issuer, found.id), client, pending)
            with tenant_context(found.id):
                membership = admit(found, row, claims, timezone.now())
                # The generation of before the issuer was asked: what changed since then ends this session too.
                enter_company_session(request, membership, found.company_sign_in_generation)
        except (IssuerError, DomainError) as error:
            return _failed(request, error)
        return redirect(next_page(pending))


def _company_of(public_id: UUID) -> tuple[Tenant, CompanySignIn, tuple[str, Client]]:
    """The tenant with its issuer and how the issuer knows this hub; 404 alike for each thing that is not there."""
    tenant = Tenant.objects.filter(public_id=public_id, is_active=True).first()
    if tenant is not None:
        with tenant_context(tenant.id):
            row = configured()
        if row is not None:
            return tenant, row, (row.issuer, _client(row, tenant))
    raise DomainError(code="not_found", status=404, detail=NO_SIGN_IN_HERE)


def _client(row: CompanySignIn, tenant: Tenant) -> Client:
    try:
        return client_of(row, tenant)
    except UnreadableSecretError:
        log.error("company_secret_unreadable", tenant=tenant.id, remedy=PUT_THE_KEY_BACK)
        raise DomainError(
            code="company_secret_unreadable",
            status=409,
            detail="The secret of this company sign-in cannot be read any more: the key that it was stored with is "
            f"gone. Ask an owner of {tenant.name} to enter it again, or this hub's operator to put the key back.",
        ) from None


def _remember(request: HttpRequest, tenant: Tenant, attempt: Attempt) -> None:
    attempts: dict[str, Any] = request.session.get(SESSION_ATTEMPTS, {})
    kept = dict(sorted(attempts.items(), key=lambda each: float(each[1]["at"]))[-(MAX_ATTEMPTS - 1) :])
    kept[attempt.state] = {
        "nonce": attempt.nonce,
        "verifier": attempt.verifier,
        "tenant": str(tenant.public_id),
        "next": asked_next(request),
        "at": time.time(),
    }
    request.session[SESSION_ATTEMPTS] = kept


def _recall(request: HttpRequest, tenant: UUID) -> dict[str, Any]:
    """The attempt that the answer's `state` names, which is used up by this; an answer of another tenant is none."""
    state = request.GET.get("state", "")
    attempts: dict[str, Any] = request.session.get(SESSION_ATTEMPTS, {})
    pending: dict[str, Any] | None = attempts.pop(state, None)
    if pending is not None:
        request.session[SESSION_ATTEMPTS] = attempts
        request.session.save()  # used up, whatever comes after
    fresh = pending is not None and time.time() - float(pending["at"]) <= ATTEMPT_SECONDS
    if pending is None or not fresh or not hmac.compare_digest(pending["tenant"], str(tenant)):
        raise DomainError(code="attempt_unknown", status=400, detail=START_AGAIN)
    return {**pending, "state": state}


def _claims(request: HttpRequest, endpoints: Endpoints, client: Client, pending: dict[str, Any]) -> dict[str, Any]:
    """What the issuer says of the person; raises IssuerError for a refusal or an answer that is not believed."""
    named = request.GET.get("iss")
    if named is not None and named != endpoints.issuer:
        raise IssuerError("The answer came from another issuer than the one that was asked.")
    code, refusal = request.GET.get("code", ""), request.GET.get("error", "")
    if refusal or not code or len(code) > MAX_CODE_CHARACTERS:
        said = f" It said {refusal}." if re.fullmatch(r"[a-z_]{1,64}", refusal) else ""
        raise IssuerError(f"Your company's sign-in let nobody in.{said}")
    attempt = Attempt(state=pending["state"], nonce=pending["nonce"], verifier=pending["verifier"])
    return claims_of(endpoints, client, attempt, code)


def enter_company_session(request: HttpRequest, membership: Membership, generation: int) -> None:
    """Opens the member's tenant. A session that began with a password stays one for all of the person's tenants."""
    user, public_id = membership.user, str(membership.tenant.public_id)
    if request.user.is_authenticated and request.user != user:
        raise DomainError(
            code="signed_in_as_another",
            status=409,
            detail=f"You are signed in as {request.user}, and your company says that you are {user}. Sign out first.",
        )
    had_password = request.user == user and SESSION_ONLY_TENANT not in request.session
    last_login = user.last_login
    auth.login(request, user)
    note_start(request)
    audit.record_account("signed_in", user)
    request.session[SESSION_TENANT] = public_id
    if not had_password:
        # Links for a new password end with a sign-in: an issuer that some owner chose must not end them.
        User.objects.filter(pk=user.pk).update(last_login=last_login)
        request.session[SESSION_ONLY_TENANT] = public_id
    note_company_sign_in(request, public_id, generation)
    current_actor.set(replace(current_actor.get(), user_id=user.id))
    audit.record("company_sign_in.enter", membership)


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    status = error.status if isinstance(error, DomainError) else 502
    detail = error.detail if isinstance(error, DomainError) else str(error)
    log.warning("company_sign_in_failed", status=status, code=getattr(error, "code", "issuer"))
    return render(request, "portal/company_failed.html", {"detail": detail}, status=status)
