"""Signing in and out, and choosing the tenant to work in: the only pages that need no tenant."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from migrate_hub.portal.access import SESSION_COMPANIES, SESSION_ONLY_TENANT, SESSION_TENANT, memberships_of
from migrate_hub.portal.throttle import Attempt, subjects_of
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import User

WRONG = "E-mail address and password do not match an account."


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignInView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect(next_page(request.GET))
        return self._page(request, SignInForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        attempt = Attempt(subjects_of(form.cleaned_data["email"], current_actor.get().ip_address), timezone.now())
        if attempt.wait_seconds:
            return self._blocked(request, form, attempt.wait_seconds)
        user = auth.authenticate(request, username=form.cleaned_data["email"], password=form.cleaned_data["password"])
        if not isinstance(user, User):
            attempt.failed()
            form.add_error(None, WRONG)
            return self._page(request, form, status=400)
        attempt.succeeded()
        enter_session(request, user)
        return redirect(next_page(request.POST))

    def _blocked(self, request: HttpRequest, form: SignInForm, wait_seconds: int) -> HttpResponse:
        form.add_error(None, f"Too many failed attempts. Wait {wait_seconds} seconds, then try again.")
        response = self._page(request, form, status=429)
        response["Retry-After"] = str(wait_seconds)
        return response

    def _page(self, request: HttpRequest, form: SignInForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": asked_next(request)}
        return render(request, "portal/sign_in.html", context, status=status)


def enter_session(request: HttpRequest, user: User) -> None:
    """Starts a session under a new key, so that one planted before is worth nothing; opens an only tenant at once."""
    auth.login(request, user)
    for name in (SESSION_TENANT, SESSION_ONLY_TENANT, SESSION_COMPANIES):
        request.session.pop(name, None)
    memberships = list(memberships_of(request)[:2])
    if len(memberships) == 1:
        request.session[SESSION_TENANT] = str(memberships[0].tenant.public_id)


def asked_next(request: HttpRequest) -> str:
    """Where the person was going, to be sent along with the form; checked when it is used."""
    return request.POST.get("next") or request.GET.get("next", "")


def next_page(parameters: Mapping[str, Any]) -> str:
    """Where to go after signing in: a path of this site, never another host."""
    asked = str(parameters.get("next", ""))
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return reverse("portal:home")


class SignOutView(View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        auth.logout(request)
        return redirect("portal:sign-in")
