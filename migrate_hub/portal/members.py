"""The people of a tenant and their roles."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from migrate_hub.portal.access import PortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.tenants import people
from migrate_hub.tenants.models import Membership, Role
from migrate_hub.tenants.serializers import MemberIn

ROLES = (
    (Role.READER, "Reader: sees everything, downloads reports"),
    (Role.CONTRIBUTOR, "Contributor: also appliances, groups, assessments"),
    (Role.OWNER, "Owner: also members, everybody's tokens, deletion"),
)


class MemberForm(DomainForm):
    serializer = MemberIn
    email = forms.CharField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.CharField(widget=forms.Select(choices=ROLES))


class MembersView(PortalView):
    section = "members"
    writes_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(MemberForm(initial={"role": Role.READER}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = MemberForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                member = people.add_member(
                    tenant=self.membership.tenant,
                    email=form.cleaned_data["email"],
                    role=Role(form.cleaned_data["role"]),
                )
                messages.success(request, f"{member.user.email} is now {member.role}.")
                return redirect("portal:members")
        return self._page(form, status=400)

    def _page(self, form: MemberForm, *, status: int = 200) -> HttpResponse:
        return self.page("portal/members.html", {"form": form, "members": self._members()}, status=status)

    def _members(self) -> Any:
        """Memberships carry no row-level security, being read before a tenant is known: this filter is their lock."""
        of_tenant = Membership.objects.filter(tenant_id=self.membership.tenant_id)
        return of_tenant.select_related("user").order_by("user__email")


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
        form = MemberForm({"email": self.member.user.email, "role": request.POST.get("role", "")})
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
