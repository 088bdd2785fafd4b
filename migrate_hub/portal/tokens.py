"""Access tokens of people: one's own; an owner sees and revokes everybody's."""

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
from migrate_hub.tenants import people
from migrate_hub.tenants.models import Role, Token, TokenKind, TokenLabel
from migrate_hub.tenants.serializers import TokenIn
from migrate_hub.tenants.tokens import ACCESS_TOKEN_DAYS, MAX_ACCESS_TOKEN_DAYS, Issued


class TokenForm(DomainForm):
    serializer = TokenIn
    name = forms.CharField(max_length=200, help_text="What it is for, so that you know what you revoke later.")
    role = forms.CharField(help_text="Not more than it needs; never more than yours.")
    expires_in_days = forms.IntegerField(
        label="Valid for (days)",
        widget=forms.NumberInput(attrs={"min": 1, "max": MAX_ACCESS_TOKEN_DAYS, "class": "short"}),
    )

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = [(each, each.label) for each in Role if role.includes(each)]
        self.fields["role"].widget = forms.Select(choices=mine)


class TokenPage(PortalView):
    section = "tokens"
    writes_need = Role.READER

    def tokens(self) -> models.QuerySet[Token]:
        """Tokens carry no row-level security, being read before a tenant is known: this filter is their lock."""
        tokens = Token.objects.filter(tenant_id=self.membership.tenant_id, kind=TokenKind.ACCESS)
        if self.role != Role.OWNER:
            tokens = tokens.filter(user=self.user)
        names = TokenLabel.objects.filter(token_id=models.OuterRef("id")).values("name")
        return tokens.select_related("user").annotate(name=models.Subquery(names))


class TokensView(TokenPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(self._empty_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST, role=self.role)
        if form.is_valid():
            with refusals_in(form):
                issued = people.make_access_token(
                    membership=self.membership,
                    role=Role(form.cleaned_data["role"]),
                    name=form.cleaned_data["name"],
                    now=timezone.now(),
                    days=form.cleaned_data["expires_in_days"],
                )
                return self._page(self._empty_form(), issued=issued, status=201)
        return self._page(form, status=400)

    def _empty_form(self) -> TokenForm:
        return TokenForm(role=self.role, initial={"role": Role.READER, "expires_in_days": ACCESS_TOKEN_DAYS})

    def _page(self, form: TokenForm, *, issued: Issued | None = None, status: int = 200) -> HttpResponse:
        page = page_of(self.tokens(), self.request, order_by="created_at", descending=True)
        context = {"form": form, "page": page, "issued": issued, "now": timezone.now()}
        return self.page("portal/tokens.html", context, status=status)


class RevokeTokenView(TokenPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        people.revoke_token(found(self.tokens(), token), timezone.now())
        messages.success(request, "The token was revoked: it opens nothing any more.")
        return redirect("portal:tokens")
