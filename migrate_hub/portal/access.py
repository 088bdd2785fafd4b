"""PortalView: the only way a page reaches a tenant's rows: sign-in, membership, tenant and role, then its body."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from migrate_hub.errors import DomainError
from migrate_hub.portal.directions import straight
from migrate_hub.portal.htmx import is_htmx, leading_the_page, page_led_to, refusal_text
from migrate_hub.portal.pages import refusal_page
from migrate_hub.portal.sent_forms import answered_once
from migrate_hub.tenants.api import SAFE_METHODS, as_uuid
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import Membership, Project, Role, Tenant, User
from migrate_hub.tenants.row_level_security import set_tenant, tenant_slot
from migrate_hub.tenants.second_factor import has_second_factor

SESSION_TENANT = "tenant"
# The public id of the one tenant that a session may open; not there: every tenant of the person.
SESSION_ONLY_TENANT = "only_tenant"
# The tenants whose company sign-in this session came through: its generation then, by the tenant's public id.
SESSION_COMPANIES = "company_generations"
NEVER = -1
TENANT_FIELD = "in_tenant"


def memberships_of(request: HttpRequest) -> "QuerySet[Membership]":
    """What the signed-in person may open in this session: their memberships of tenants that are switched on.

    Whoever came through the company sign-in of a tenant may open that one alone: its issuer, which the tenant's owner
    chose, must be able to open nothing of anybody else. Once that sign-in has changed or is gone they open nothing.
    """
    assert isinstance(request.user, User)
    rows: QuerySet[Membership] = Membership.objects.select_related("tenant")
    rows = rows.filter(user=request.user, tenant__is_active=True)
    only = request.session.get(SESSION_ONLY_TENANT)
    if only is None:
        return rows
    generation = request.session.get(SESSION_COMPANIES, {}).get(only, NEVER)
    return rows.filter(tenant__public_id=only, tenant__company_sign_in_generation=generation)


def chosen_membership(request: HttpRequest) -> Membership | None:
    """The membership of the tenant that the session names, read anew on each request; None when it is gone."""
    public_id = request.session.get(SESSION_TENANT)
    if public_id is None:
        return None
    membership = memberships_of(request).filter(tenant__public_id=public_id).first()
    if membership is None:
        del request.session[SESSION_TENANT]
        messages.warning(request, _why_it_is_closed(request))
    return membership


def _why_it_is_closed(request: HttpRequest) -> str:
    if SESSION_ONLY_TENANT not in request.session:
        return "You are not a member of that tenant any more. Nothing was changed."
    return (
        "Its company sign-in was changed or switched off, or you are not a member of that tenant any more. "
        "Nothing was changed. Sign out, then sign in again."
    )


def note_company_sign_in(request: HttpRequest, public_id: str, generation: int) -> None:
    """Remembers that this session came through the company sign-in, of this generation, of the tenant."""
    companies: dict[str, int] = request.session.get(SESSION_COMPANIES, {})
    request.session[SESSION_COMPANIES] = {**companies, public_id: generation}


def came_through_company(request: HttpRequest, tenant: Tenant) -> bool:
    """Whether this session came through the company sign-in of the tenant as it is now."""
    companies: dict[str, int] = request.session.get(SESSION_COMPANIES, {})
    return companies.get(str(tenant.public_id), NEVER) == tenant.company_sign_in_generation


def must_use_company_sign_in(request: HttpRequest, membership: Membership) -> bool:
    """Whether the tenant wants its people to come through their company, and this session has not.

    Owners may always use their password: somebody has to get in when the issuer is gone.
    """
    if not membership.tenant.company_sign_in_required or membership.role == Role.OWNER:
        return False
    return not came_through_company(request, membership.tenant)


def second_factor_is_due(request: HttpRequest, membership: Membership) -> bool:
    """Whether the tenant asks for a second factor that this person has not set up.

    Whoever came through the company sign-in of the tenant was asked for one there, if the company wants it.
    """
    return _asks_for_second_factor(request, membership) and not _has_second_factor(request)


def _asks_for_second_factor(request: HttpRequest, membership: Membership) -> bool:
    return membership.tenant.second_factor_required and not came_through_company(request, membership.tenant)


def _has_second_factor(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and has_second_factor(request.user)


def not_open_yet(request: HttpRequest, memberships: Sequence[Membership]) -> set[int]:
    """The tenants of which this session sees no page: they want the company's sign-in, or a second factor, first."""
    asking = {each.tenant_id for each in memberships if _asks_for_second_factor(request, each)}
    if asking and _has_second_factor(request):
        asking = set()
    return asking | {each.tenant_id for each in memberships if must_use_company_sign_in(request, each)}


def way_back(request: HttpRequest) -> str:
    """The page to return to after signing in: this one, or for a sent form or a part of a page the one it stood on."""
    if request.method in SAFE_METHODS and not is_htmx(request):
        return request.get_full_path()
    page = request.headers.get("HX-Current-URL" if is_htmx(request) else "Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}):
        return reverse("portal:home")
    parts = urlsplit(page)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def go_and_return(name: str, request: HttpRequest, *ids: UUID) -> HttpResponse:
    """To a page that leads back here afterwards; htmx leads the whole page there."""
    return page_led_to(request, f"{reverse(name, args=ids)}?{urlencode({'next': way_back(request)})}")


class PersonView(View):
    """A page of a signed-in person outside of any tenant."""

    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return go_and_return("portal:sign-in", request)
        self.user = request.user
        return super().dispatch(request, *args, **kwargs)


class PortalView(View):
    """A page inside one tenant. `reads_need` and `writes_need` name the roles, `section` the entry of the menu.

    "Not yours" and "not there" raise the same 404 and show the same page; a too low role is 403. Pages are rendered
    at once, never lazily: the tenant ends with the view's transaction.
    """

    reads_need: ClassVar[Role] = Role.READER
    writes_need: ClassVar[Role] = Role.CONTRIBUTOR
    section: ClassVar[str] = ""
    # A page of the person's account, which reaches beyond the tenant: closed to who came through one tenant's company.
    concerns_account: ClassVar[bool] = False

    user: User
    membership: Membership

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return go_and_return("portal:sign-in", request)
        membership = chosen_membership(request)
        if membership is None:
            return go_and_return("portal:tenants", request)
        if must_use_company_sign_in(request, membership):
            return go_and_return("portal:tenant-sign-in", request, membership.tenant.public_id)
        if second_factor_is_due(request, membership):
            return go_and_return("portal:second-factor", request)
        self.user, self.membership = request.user, membership
        with tenant_slot():
            response = leading_the_page(request, self._answer(request, *args, **kwargs))
        patch_cache_control(response, private=True, no_store=True)
        return response

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self._enter_tenant()
            self._check_role()
            self._check_session_may()
            self._check_form_is_of_this_tenant()
            self.enter(**kwargs)
            return answered_once(
                request,
                self.user.id,
                partial(super().dispatch, request, *args, **kwargs),
                otherwise=request.path if hasattr(self, "get") else way_back(request),
            )
        except DomainError as error:
            if error.status == 404:
                raise Http404 from None
            transaction.set_rollback(True)
            return refusal_text(error) if is_htmx(request) else refusal_page(error)

    def _enter_tenant(self) -> None:
        current_actor.set(replace(current_actor.get(), user_id=self.user.id))
        self.request.tenant_id = self.membership.tenant_id  # type: ignore[attr-defined]  # read by the request log
        set_tenant(self.membership.tenant_id)

    def _check_role(self) -> None:
        needed = self.reads_need if self.request.method in SAFE_METHODS else self.writes_need
        if not self.role.includes(needed):
            raise DomainError(
                code="permission_denied",
                status=403,
                detail=f"This needs the role {needed.value}. Ask an owner of {self.membership.tenant.name}.",
            )

    def _check_session_may(self) -> None:
        if self.concerns_account and SESSION_ONLY_TENANT in self.request.session:
            raise DomainError(
                code="password_needed",
                status=403,
                detail=f"You came in through the company sign-in of {self.membership.tenant.name}, which opens this "
                "tenant and nothing of your account. Sign out, then sign in with your password to change it.",
            )

    def _check_form_is_of_this_tenant(self) -> None:
        """A form that was opened before the tenant was switched in another window must not write into the new one."""
        sent_for = self.request.POST.get(TENANT_FIELD)
        if sent_for is not None and sent_for != str(self.membership.tenant.public_id):
            raise DomainError(
                code="tenant_switched",
                status=409,
                detail="This form belongs to another tenant: you have switched since it was opened. "
                f"You are now in {self.membership.tenant.name}. Nothing was changed.",
            )

    def enter(self, **kwargs: str) -> None:
        """Where a subclass looks up what its URL names, before the page's body runs."""

    @property
    def role(self) -> Role:
        return Role(self.membership.role)

    def page(self, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200) -> HttpResponse:
        """The rendered page, with what its frame needs."""
        response = render(self.request, template, {**self.frame(), **(context or {})}, status=status)
        response.content = straight(response.content)
        return response

    def frame(self) -> dict[str, Any]:
        """What every page knows: who looks, at which tenant, and what they may do there."""
        return {
            "tenant": self.membership.tenant,
            "role": self.role,
            "may_write": self.role.includes(Role.CONTRIBUTOR),
            "may_own": self.role == Role.OWNER,
            "section": self.section,
        }


class ProjectPortalView(PortalView):
    """A page below a project; a project that is not yours or not there is 404."""

    project: Project

    def enter(self, **kwargs: str) -> None:
        self.project = found(Project.objects.filter(deleted_at=None), kwargs["project"])

    def frame(self) -> dict[str, Any]:
        return {**super().frame(), "project": self.project}


def found(rows: Any, public_id: str) -> Any:
    """The row with this id among `rows`; Http404 otherwise."""
    row = rows.filter(pk=as_uuid(public_id)).first()
    if row is None:
        raise Http404
    return row
