"""The operators' admin: tenants, people, memberships, job hints and catalogs. No tenant's data is reachable here.

Nobody signs in here: the portal's form does it, which counts failures and delays them.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group as PermissionGroup
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from assessments.catalog.models import Catalog
from migrate_hub.jobs.models import Job
from migrate_hub.portal.access import SESSION_ONLY_TENANT, go_and_return
from migrate_hub.tenants.models import Membership, Tenant, User


def sign_in_at_the_portal(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """In place of the admin's own form, which has no delays."""
    if request.user.is_authenticated:
        if not admin.site.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")
    return go_and_return("portal:sign-in", request)


def is_operator(request: HttpRequest) -> bool:
    """Staff who signed in with their password: an issuer that a tenant chose makes nobody an operator."""
    user = request.user
    return isinstance(user, User) and user.is_active and user.is_staff and SESSION_ONLY_TENANT not in request.session


admin.site.site_header = admin.site.site_title = "migrate_hub operators"
admin.site.index_title = "Tenants, people, jobs, catalogs"
admin.site.login = sign_in_at_the_portal  # type: ignore[method-assign]
admin.site.has_permission = is_operator  # type: ignore[method-assign]
admin.site.unregister(PermissionGroup)


class NothingIsAddedOrDeleted:
    """Tenants are made by `manage.py create_tenant`; deleting goes through functions that know what hangs below."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(NothingIsAddedOrDeleted):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic only in the stubs
    """Who may open the tenant; owners change it in the portal."""

    model = Membership
    fields = ("user", "role", "created_at")
    readonly_fields = ("user", "role", "created_at")
    extra = 0


@admin.register(Tenant)
class TenantAdmin(NothingIsAddedOrDeleted, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "public_id", "is_active", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    fields = ["name", "public_id", "is_active", "created_at"]
    readonly_fields = ["public_id", "created_at"]
    inlines = [MembershipInline]
    ordering = ["name"]


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email"]


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """People and their first passwords. Who leaves is switched off, not deleted: the audit trail names them."""

    add_form = NewUserForm
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]
    fieldsets = [
        (None, {"fields": ["email", "name", "password", "is_active", "is_staff", "is_superuser", "last_login"]})
    ]
    readonly_fields = ["last_login"]
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name"]
    filter_horizontal = []
    ordering = ["email"]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Job hints: ids, states and leases, nothing of what the work is about."""

    list_display = ["id", "tenant", "task", "part", "state", "attempt", "failure", "created_at", "finished_at"]
    list_filter = ["state", "task", "queue"]
    list_select_related = ["tenant"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    search_fields = ["=id", "=object_id"]


@admin.register(Catalog)
class CatalogAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "as_of", "is_current", "created_at"]
    ordering = ["-as_of"]
