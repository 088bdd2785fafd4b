"""People: their first passwords, links to set a new one, and who of them is an operator."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from migrate_hub.portal.operators.site import Bounded, ReadOnly, operating_in, refusals_told
from migrate_hub.tenants import audit
from migrate_hub.tenants.models import Membership, User
from migrate_hub.tenants.people import revoke_invitations_by
from migrate_hub.tenants.recovery import LINK_HOURS, issue_reset_link
from migrate_hub.tenants.sessions import end_sessions

# Of one person, whose tenants are told; a provider's employee may have very many.
TENANTS_TOLD = 1000


class _LowerCase:
    """An address as people sign in with it: however it was typed, there is one account of it."""

    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class NewUserForm(_LowerCase, AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email"]


class PersonForm(_LowerCase, UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email", "name", "is_active", "is_staff", "is_superuser"]


class MembershipInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic only in the stubs
    """Which tenants the person may open; owners change it in the portal."""

    model = Membership
    fields = ("tenant", "role", "created_at")
    readonly_fields = ("tenant", "role", "created_at")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Membership]:
        return super().get_queryset(request).select_related("tenant")


@admin.register(User)
class PersonAdmin(Bounded, UserAdmin):  # type: ignore[type-arg]
    """People and their first passwords. Who leaves is switched off, not deleted: the audit trail names them."""

    form = PersonForm
    add_form = NewUserForm
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]
    fieldsets = [(None, {"fields": ["email", "name", "is_active", "is_staff", "is_superuser", "last_login"]})]
    readonly_fields = ["last_login"]
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name"]
    filter_horizontal = []
    ordering = ["email"]
    inlines = [MembershipInline]
    change_form_template = "admin/operators/person.html"

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [MembershipInline] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Operators are made by superusers only."""
        own = ["last_login"]
        return own if getattr(request.user, "is_superuser", False) else [*own, "is_staff", "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever could change an operator's address could have a link to a new password sent to it."""
        if obj is not None and (obj.is_staff or obj.is_superuser) and not getattr(request.user, "is_superuser", False):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Nobody knows the password of somebody else: there are links that set a new one."""
        raise Http404

    def get_urls(self) -> list[URLPattern]:
        own = path("<uuid:person_id>/reset/", self.admin_site.admin_view(self.reset), name="person-reset")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            audit.record_account("account.made", obj, by_operator=True)
            return
        if form.changed_data:
            audit.record_account("account.change", obj, by_operator=True)
            self._tell_tenants(request, obj, sorted(form.changed_data))
        if not obj.is_active:
            end_sessions(obj)
            revoke_invitations_by(obj)

    def _tell_tenants(self, request: HttpRequest, person: User, fields: list[str]) -> None:
        """Owners see that an operator changed the account of one of their members."""
        ids = Membership.objects.filter(user=person).values_list("tenant_id", flat=True)[:TENANTS_TOLD]
        for tenant_id in list(ids):
            with operating_in(request, tenant_id):
                audit.record("person.change", person, fields=fields, is_active=person.is_active)

    def reset(self, request: HttpRequest, person_id: Any) -> HttpResponse:
        """A link that sets a new password once, shown once; to an operator's own account only for superusers."""
        person = get_object_or_404(User, pk=person_id)
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        link = ""
        if request.method == "POST":
            with refusals_told(request):
                link = issue_reset_link(person.email)
                self.log_change(request, person, "Made a link that sets a new password.")
        context = {
            **self.admin_site.each_context(request),
            "title": "A link that sets a new password",
            "person": person,
            "link": link,
            "hours": LINK_HOURS,
            "opts": self.opts,
        }
        response = TemplateResponse(request, "admin/operators/reset.html", context)
        response["Cache-Control"] = "private, no-store"
        return response
