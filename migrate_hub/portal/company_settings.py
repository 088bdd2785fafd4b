"""The tenant's company sign-in, for its owners: what the issuer needs to know of us and we of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from migrate_hub.oidc.configuring import configure, configured, shown, switch_off
from migrate_hub.oidc.models import Newcomers
from migrate_hub.oidc.serializers import CompanySignInIn
from migrate_hub.oidc.views import settings_from
from migrate_hub.portal.access import PortalView
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.tenants.models import Role

NEWCOMERS = (
    (Newcomers.REFUSED, "Do not enter: an owner adds each member first"),
    (Newcomers.READERS, "Become readers when they first come"),
)


class CompanyForm(DomainForm):
    serializer = CompanySignInIn
    issuer = forms.CharField(
        label="Address of the issuer",
        max_length=500,
        help_text="As the issuer calls itself, e.g. https://id.example.com/realms/staff",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_id = forms.CharField(
        label="Client id", max_length=255, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    client_secret = forms.CharField(
        label="Client secret",
        max_length=1000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="It is stored encrypted and never shown again. Empty: the one that is there stays.",
    )
    email_domains = forms.CharField(
        label="Domains of e-mail addresses",
        max_length=10_000,
        help_text="Who may enter, e.g. example.com, example.org. Addresses of other domains are refused.",
    )
    newcomers = forms.CharField(
        label="People who are no members yet", widget=forms.Select(choices=NEWCOMERS), initial=Newcomers.REFUSED
    )
    is_required = forms.BooleanField(
        label="Members must use it",
        required=False,
        help_text="Owners may still use their password, so that somebody gets in when the issuer is gone.",
    )

    def body(self) -> dict[str, Any]:
        domains = self.cleaned_data["email_domains"].replace(",", " ").split()
        return {**super().body(), "email_domains": domains, "is_required": self.cleaned_data["is_required"]}


class CompanySettingsView(PortalView):
    section = "company"
    reads_need = writes_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        state = self._state()
        initial = {**state, "email_domains": ", ".join(state["email_domains"])}
        return self._page(CompanyForm(initial=initial), state)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CompanyForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                configure(self.membership.tenant, settings_from(form.cleaned_data))
                messages.success(request, "The issuer answered, and the company sign-in was saved.")
                return redirect("portal:company-settings")
        return self._page(form, self._state(), status=400)

    def _state(self) -> dict[str, Any]:
        return shown(configured(), self.membership.tenant)

    def _page(self, form: CompanyForm, state: dict[str, Any], *, status: int = 200) -> HttpResponse:
        return self.page("portal/company_settings.html", {"form": form, "state": state}, status=status)


class RemoveView(PortalView):
    section = "company"
    reads_need = writes_need = Role.OWNER
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        switch_off(self.membership.tenant)
        messages.success(request, "The company sign-in was removed. People sign in with their passwords.")
        return redirect("portal:company-settings")
