"""The people of a tenant and their roles."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from migrate_hub.portal.access import PortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants import invitations, people
from migrate_hub.tenants.invitations import Invited
from migrate_hub.tenants.models import Membership, Role, SecondFactor
from migrate_hub.tenants.serializers import InvitationIn, MemberIn

# What each role may do, as the portal explains it.
ROLES = (
    (Role.READER, "sees everything and downloads reports"),
    (Role.CONTRIBUTOR, "also changes projects, appliances, groups and assessments"),
    (Role.OWNER, "also invites and removes people, sees everybody's tokens and the audit trail, deletes projects"),
)
OPEN_SHOWN = 20


class InviteForm(DomainForm):
    serializer = InvitationIn
    email = forms.CharField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.CharField(widget=forms.Select(choices=[(role, role.label) for role, _ in ROLES]))


class MembersView(PortalView):
    """Who may open the tenant, and for owners: who is invited."""

    section = "members"
    writes_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(InviteForm(initial={"role": Role.READER}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = InviteForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                invited = invitations.invite(
                    tenant=self.membership.tenant,
                    email=form.cleaned_data["email"],
                    role=Role(form.cleaned_data["role"]),
                    invited_by=self.user,
                    now=timezone.now(),
                )
                return self._page(InviteForm(initial={"role": Role.READER}), invited=invited, status=201)
        return self._page(form, status=400)

    def _page(self, form: InviteForm, *, invited: Invited | None = None, status: int = 200) -> HttpResponse:
        page = page_of(self._members(), self.request, order_by="created_at")
        context = {"form": form, "page": page, "members": page.rows, "roles": ROLES, "invited": invited}
        return self.page("portal/members.html", {**context, **self._of_owners()}, status=status)

    def _of_owners(self) -> dict[str, Any]:
        """What owners alone see."""
        if self.role != Role.OWNER:
            return {}
        now = timezone.now()
        waiting = invitations.invitations_of(self.membership.tenant_id).filter(
            accepted_at=None, revoked_at=None, expires_at__gt=now
        )
        shown = waiting.order_by("-created_at", "-id")[: OPEN_SHOWN + 1]
        rows = [(each, each.state_at(now)) for each in shown]
        return {"open_invitations": rows[:OPEN_SHOWN], "more_invitations": len(rows) > OPEN_SHOWN}

    def _members(self) -> Any:
        """Memberships carry no row-level security, being read before a tenant is known: this filter is their lock."""
        of_tenant = Membership.objects.filter(tenant_id=self.membership.tenant_id)
        factors = SecondFactor.objects.filter(user_id=models.OuterRef("user_id"))
        return of_tenant.select_related("user").annotate(has_second_factor=models.Exists(factors))


class InvitationsView(PortalView):
    """Every invitation, newest first, whatever became of it."""

    section = "members"
    reads_need = Role.OWNER
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = invitations.invitations_of(self.membership.tenant_id)
        page = page_of(rows, request, order_by="created_at", descending=True)
        now = timezone.now()
        context = {"page": page, "rows": [(each, each.state_at(now)) for each in page.rows]}
        return self.page("portal/invitations.html", context)


class RevokeInvitationView(PortalView):
    section = "members"
    reads_need = writes_need = Role.OWNER
    http_method_names = ["post"]

    def post(self, request: HttpRequest, invitation: str) -> HttpResponse:
        row = found(invitations.invitations_of(self.membership.tenant_id), invitation)
        invitations.revoke(row, timezone.now())
        messages.success(request, f"The invitation of {row.email} was revoked: its link opens nothing any more.")
        return redirect("portal:members")


class RequireSecondFactorView(PortalView):
    """Whether the tenant opens for people with a second factor only."""

    section = "members"
    reads_need = writes_need = Role.OWNER
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        required = request.POST.get("required") == "yes"
        people.require_second_factor(self.membership.tenant, required=required)
        words = (
            "The second factor is asked of everybody now." if required else "The second factor is up to each member."
        )
        messages.success(request, words)
        return redirect("portal:members")


class RoleForm(DomainForm):
    serializer = MemberIn
    email = forms.CharField()
    role = forms.CharField()


class MemberView(PortalView):
    """One member: another role, or none."""

    section = "members"
    reads_need = writes_need = Role.OWNER
    http_method_names = ["post"]
    member: Membership

    def enter(self, **kwargs: str) -> None:
        of_tenant = Membership.objects.filter(tenant_id=self.membership.tenant_id).select_related("user", "tenant")
        self.member = found(of_tenant, kwargs["member"])

    def post(self, request: HttpRequest, member: str) -> HttpResponse:
        form = RoleForm({"email": self.member.user.email, "role": request.POST.get("role", "")})
        with refusals_in(form):
            if request.POST.get("do") == "remove":
                people.remove_member(self.member)
                messages.success(request, f"{self.member.user.email} has no access any more.")
            elif form.is_valid():
                people.add_member(
                    tenant=self.membership.tenant, email=self.member.user.email, role=Role(form.cleaned_data["role"])
                )
                messages.success(request, f"{self.member.user.email} is now {form.cleaned_data['role']}.")
        for problems in form.errors.values():
            messages.error(request, " ".join(map(str, problems)))
        return redirect("portal:members")
