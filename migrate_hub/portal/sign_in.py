"""Signing in and out, and choosing the tenant to work in: the only pages that need no tenant."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from migrate_hub.errors import DomainError
from migrate_hub.portal.access import SESSION_COMPANIES, SESSION_ONLY_TENANT, SESSION_TENANT, memberships_of
from migrate_hub.portal.forms import address_field
from migrate_hub.portal.throttle import Attempt, second_step_subjects_of, subjects_of, too_many
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import User
from migrate_hub.tenants.second_factor import (
    has_second_factor,
    pass_code,
    pass_recovery_code,
    unused_recovery_codes,
    wrong_code,
)
from migrate_hub.tenants.sessions import note_start

SECOND_STEP = "second_step"
SECOND_STEP_WITHIN = timedelta(minutes=10)
WRONG = "E-mail address and password do not match an account."


class SignInForm(forms.Form):
    email = address_field("E-mail address")
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
        if has_second_factor(user):
            return ask_second_step(request, user, going_to=next_page(request.POST))
        enter_session(request, user)
        return redirect(next_page(request.POST))

    def _blocked(self, request: HttpRequest, form: SignInForm, wait_seconds: int) -> HttpResponse:
        form.add_error(None, too_many(wait_seconds))
        response = self._page(request, form, status=429)
        response["Retry-After"] = str(wait_seconds)
        return response

    def _page(self, request: HttpRequest, form: SignInForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": asked_next(request)}
        return render(request, "portal/sign_in.html", context, status=status)


def ask_second_step(request: HttpRequest, user: User, *, going_to: str) -> HttpResponse:
    """Notes, in a new session that belongs to nobody yet, whose password was right."""
    request.session.flush()
    request.session[SECOND_STEP] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "until": (timezone.now() + SECOND_STEP_WITHIN).isoformat(),
        "next": going_to,
    }
    return redirect("portal:second-step")


def person_at_second_step(request: HttpRequest) -> User | None:
    """Whose password was right a short while ago and is the same still."""
    step = request.session.get(SECOND_STEP)
    if step is None or timezone.now() > datetime.fromisoformat(step["until"]):
        return None
    user = User.objects.filter(pk=step["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), step["hash"]):
        return None
    return user


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="The six digits that your authenticator app shows now.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "class": "code"}
        ),
    )


class RecoveryCodeForm(forms.Form):
    code = forms.CharField(
        label="Recovery code",
        max_length=60,
        help_text="One of the ten that you kept when you set up the second factor. Each works once.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class SecondStepView(View):
    """After the password: a code of the authenticator app. Nobody is signed in before it is passed."""

    form_class: type[forms.Form] = CodeForm
    template = "portal/second_step.html"
    wrong = wrong_code().detail
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect("portal:home")
        user = person_at_second_step(request)
        if user is None:
            return redirect("portal:sign-in")
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self.form_class())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        attempt = Attempt(second_step_subjects_of(self.user, current_actor.get().ip_address), timezone.now())
        if attempt.wait_seconds:
            form.add_error(None, too_many(attempt.wait_seconds))
            response = self._page(request, form, status=429)
            response["Retry-After"] = str(attempt.wait_seconds)
            return response
        try:
            passed = self.passes(form.cleaned_data["code"])
        except DomainError as error:  # no code can be checked, which is no failure of the person
            form.add_error(None, error.detail)
            return self._page(request, form, status=error.status)
        if not passed:
            attempt.failed()
            form.add_error("code", self.wrong)
            return self._page(request, form, status=400)
        attempt.succeeded()
        going_to = next_page(request.session[SECOND_STEP])
        enter_session(request, self.user)
        return self.entered(request, going_to)

    def passes(self, code: str) -> bool:
        return pass_code(self.user, code, timezone.now())

    def entered(self, request: HttpRequest, going_to: str) -> HttpResponse:
        return redirect(going_to)

    def _page(self, request: HttpRequest, form: forms.Form, *, status: int = 200) -> HttpResponse:
        return render(request, self.template, {"form": form, "email": self.user.email}, status=status)


class RecoveryCodeView(SecondStepView):
    """A recovery code in place of the app that was lost."""

    form_class = RecoveryCodeForm
    template = "portal/recovery_code.html"
    wrong = "This recovery code is not right, or it was used already. Take another one."

    def passes(self, code: str) -> bool:
        return pass_recovery_code(self.user, code, timezone.now())

    def entered(self, request: HttpRequest, going_to: str) -> HttpResponse:
        left = unused_recovery_codes(self.user)
        words = f"Recovery codes that are left: {left}." if left else "That was the last of your recovery codes."
        messages.warning(request, f"You signed in with a recovery code. {words} Renew them on your account page.")
        return redirect(going_to)


def enter_session(request: HttpRequest, user: User) -> None:
    """Starts a session under a new key, so that one planted before is worth nothing; opens an only tenant at once."""
    request.session.pop(SECOND_STEP, None)
    auth.login(request, user)
    note_start(request)
    audit.record_account("signed_in", user)
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
        going_to = next_page(request.POST) if request.POST.get("next") else reverse("portal:sign-in")
        auth.logout(request)
        return redirect(going_to)
