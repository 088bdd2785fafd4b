"""Who gets into the operators' admin, and what its tables share: bounded lists, no deleting, an audit trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from migrate_hub.errors import DomainError
from migrate_hub.portal.access import SESSION_ONLY_TENANT, go_and_return
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import User
from migrate_hub.tenants.row_level_security import tenant_context
from migrate_hub.tenants.second_factor import has_second_factor

# Beyond this a list asks for a filter: counting a million jobs takes longer than anybody wants to page.
ROWS_COUNTED = 10_000


def is_operator(request: HttpRequest) -> bool:
    """Staff who signed in with a password and a second factor. An issuer that a tenant chose makes nobody one."""
    return _is_staff(request) and isinstance(request.user, User) and has_second_factor(request.user)


def _is_staff(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and user.is_active and user.is_staff and SESSION_ONLY_TENANT not in request.session


def sign_in_at_the_portal(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """In place of the admin's own form, which has no delays; staff without a second factor are led to set one up."""
    if not request.user.is_authenticated:
        return go_and_return("portal:sign-in", request)
    if is_operator(request):
        return redirect("admin:index")
    if _is_staff(request):
        messages.warning(request, "The operators' admin opens with a second factor only. Set one up, then come back.")
        return go_and_return("portal:second-factor", request)
    raise PermissionDenied


def own_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """In place of the admin's own form, which has no delays and tells nobody."""
    return redirect("portal:account")


def may_operate(request: HttpRequest, opts: Any) -> bool:
    """Whether this operator has the permission to change rows of a table, also where its page is for reading only."""
    return isinstance(request.user, User) and request.user.has_perm(
        f"{opts.app_label}.{get_permission_codename('change', opts)}"
    )


def refuse_others(request: HttpRequest, opts: Any) -> None:
    """For pages beside those of Django, which only ask whether somebody is staff. Raises PermissionDenied."""
    if not may_operate(request, opts):
        raise PermissionDenied


def set_up(site: admin.AdminSite) -> None:
    site.site_header = site.site_title = "migrate_hub operators"
    site.index_title = "Tenants, people, jobs, catalogs"
    site.login = sign_in_at_the_portal  # type: ignore[method-assign]
    site.password_change = own_password  # type: ignore[method-assign,assignment]
    site.has_permission = is_operator  # type: ignore[method-assign]


@contextmanager
def operating_in(request: HttpRequest, tenant_id: int) -> Iterator[None]:
    """Inside a tenant as an operator: what is written to its audit trail says so."""
    assert isinstance(request.user, User)
    before = current_actor.get()
    token = current_actor.set(replace(before, user_id=request.user.id, is_operator=True))
    try:
        with tenant_context(tenant_id):
            yield
    finally:
        current_actor.reset(token)


@contextmanager
def refusals_told(request: HttpRequest) -> Iterator[None]:
    """Undoes what the block did when the domain refuses it, and says why above the page."""
    try:
        with transaction.atomic():
            yield
    except DomainError as error:
        messages.error(request, error.detail)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic only in the stubs
    """Counts no further than ROWS_COUNTED, so that a list costs the same however long its table is."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:ROWS_COUNTED].count())


class Bounded(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that never counts its whole table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    actions = None


class NothingIsAddedOrDeleted:
    """Tenants are made by `manage.py create_tenant`; deleting goes through functions that know what hangs below."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(NothingIsAddedOrDeleted):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
