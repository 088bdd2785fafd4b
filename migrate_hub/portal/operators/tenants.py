"""Tenants and their quotas, the people who may open them, and the domains that lead to their company sign-in."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from migrate_hub.oidc.configuring import domain_key
from migrate_hub.oidc.models import DomainRoute
from migrate_hub.portal.operators.site import Bounded, NothingIsAddedOrDeleted, operating_in, refuse_others
from migrate_hub.tenants import audit
from migrate_hub.tenants.models import Membership, Tenant
from migrate_hub.tenants.quotas import COLUMNS, default_quotas

MEMBERS_SHOWN = 100


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Quotas with what holds where they are left empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        defaults = default_quotas()
        for column in COLUMNS:
            if column in self.fields:
                default = getattr(defaults, column.removeprefix("max_"))
                self.fields[column].help_text = f"Empty: {default:,}, as for every tenant."
        if "max_stored_bytes" in self.fields:
            self.fields["max_stored_bytes"].label = "Bytes of stored files"


@admin.register(Tenant)
class TenantAdmin(NothingIsAddedOrDeleted, Bounded):
    """A tenant's row is edited, its data cannot be reached. Switching it off is a step of its own."""

    form = TenantForm
    list_display = ["name", "public_id", "is_active", "company_sign_in_required", "created_at"]
    list_filter = ["is_active", "company_sign_in_required"]
    search_fields = ["name", "public_id"]
    fieldsets = [
        (None, {"fields": ["name", "public_id", "is_active", "created_at"]}),
        ("Sign-in", {"fields": ["company_sign_in_required", "second_factor_required"]}),
        ("Quotas", {"fields": list(COLUMNS), "description": "An empty one is the installation's default."}),
        ("Members", {"fields": ["first_members"]}),
    ]
    readonly_fields = ["public_id", "is_active", "created_at", "first_members"]
    ordering = ["name"]
    change_form_template = "admin/operators/tenant.html"

    @admin.display(description="Members")
    def first_members(self, tenant: Tenant) -> str:
        """Who may open the tenant; owners change it in the portal."""
        rows = Membership.objects.filter(tenant=tenant).select_related("user").order_by("-role", "user__email")
        shown = [f"{row.user.email} ({row.role})" for row in rows[: MEMBERS_SHOWN + 1]]
        more = ", and more" if len(shown) > MEMBERS_SHOWN else ""
        return ", ".join(shown[:MEMBERS_SHOWN]) + more or "nobody"

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:tenant_id>/switch/", self.admin_site.admin_view(self.switch), name="tenant-switch")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = Tenant.objects.get(pk=obj.pk)
        super().save_model(request, obj, form, change)
        changes = {name: [getattr(before, name), getattr(obj, name)] for name in form.changed_data}
        if changes:
            with operating_in(request, obj.pk):
                audit.record("tenant.change", changes=changes)

    def switch(self, request: HttpRequest, tenant_id: int) -> HttpResponse:
        """Asks before a tenant is switched off or on; the sent form says which, so that a repeat changes nothing."""
        refuse_others(request, self.opts)
        tenant = get_object_or_404(Tenant, pk=tenant_id)
        if request.method == "POST" and request.POST.get("to") in ("on", "off"):
            self._switch(request, tenant, is_active=request.POST["to"] == "on")
            return redirect("admin:tenants_tenant_change", tenant.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "Switch the tenant off" if tenant.is_active else "Switch the tenant on",
            "tenant": tenant,
            "members": Membership.objects.filter(tenant=tenant).count(),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/operators/switch.html", context)

    def _switch(self, request: HttpRequest, tenant: Tenant, *, is_active: bool) -> None:
        if not Tenant.objects.filter(pk=tenant.pk, is_active=not is_active).update(is_active=is_active):
            return
        self.log_change(request, tenant, [{"changed": {"fields": ["is_active"]}}])
        with operating_in(request, tenant.pk):
            audit.record("tenant.switch_on" if is_active else "tenant.switch_off")
        messages.success(request, f"{tenant.name} is switched {'on' if is_active else 'off'}.")


class DomainForm(forms.ModelForm):  # type: ignore[type-arg]
    """The domain is typed once and kept as its hash."""

    domain = forms.CharField(
        max_length=253, help_text="Of e-mail addresses, e.g. example.com. Be sure that it is the tenant's."
    )

    class Meta:
        model = DomainRoute
        fields: ClassVar[list[str]] = ["tenant"]

    def clean_domain(self) -> str:
        domain = str(self.cleaned_data["domain"]).strip().lower()
        if "." not in domain or "@" in domain or " " in domain:
            raise forms.ValidationError("Write a domain like example.com.")
        if DomainRoute.objects.filter(domain_sha256=domain_key(domain)).exists():
            raise forms.ValidationError("This domain leads to a tenant already. Search for it in the list.")
        return domain


@admin.register(DomainRoute)
class DomainRouteAdmin(Bounded):
    """Confirmed domains: their addresses are led to the tenant's issuer from the common sign-in page."""

    list_display = ["__str__", "tenant", "is_active", "created_at"]
    list_select_related = ["tenant"]
    list_filter = ["is_active"]
    search_fields = ["tenant__name"]
    search_help_text = "A tenant's name, or a whole domain."
    autocomplete_fields = ["tenant"]
    ordering = ["-created_at"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": DomainForm}), **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["tenant", "is_active"] if obj else ["tenant", "domain"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["tenant"] if obj else []

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if "." in search_term:
            return queryset.filter(domain_sha256=domain_key(search_term)), False
        return super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.domain_sha256 = domain_key(form.cleaned_data["domain"])
        super().save_model(request, obj, form, change)
        with operating_in(request, obj.tenant_id):
            domain = {} if change else {"domain": form.cleaned_data["domain"]}
            audit.record("domain.change" if change else "domain.confirm", is_active=obj.is_active, **domain)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
