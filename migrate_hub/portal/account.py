"""The signed-in person's own account: name, password, second factor, sessions, and what happened to it.

These pages belong to the person, not to a tenant: they open without one, and while one waits for the second factor.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters

from migrate_hub.errors import DomainError
from migrate_hub.portal.access import (
    SESSION_ONLY_TENANT,
    PortalView,
    chosen_membership,
    go_and_return,
    second_factor_is_due,
)
from migrate_hub.portal.forms import DomainForm
from migrate_hub.portal.pages import refusal_page
from migrate_hub.portal.throttle import Attempt, subjects_of, too_many
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import AccountEvent, Membership, Role, SecondFactor, User
from migrate_hub.tenants.second_factor import unused_recovery_codes
from migrate_hub.tenants.serializers import PersonIn
from migrate_hub.tenants.sessions import end_sessions, sessions_of

EVENTS_SHOWN = 10
# What a User-Agent header names, most telling first: Edge and Chrome both say Chrome, all say Mozilla.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class AccountPage(PortalView):
    """A page of the person. Inside the open tenant's frame where there is one, else alone."""

    section = "account"
    concerns_account = True
    writes_need = Role.READER
    in_tenant = True
    # The tenant that opens no page before the second factor is set up.
    waiting: Membership | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return go_and_return("portal:sign-in", request)
        membership = chosen_membership(request)
        if membership is not None and not second_factor_is_due(request, membership):
            return super().dispatch(request, *args, **kwargs)
        self.user, self.in_tenant, self.waiting = request.user, False, membership
        current_actor.set(replace(current_actor.get(), user_id=self.user.id))
        response = self._answer_alone(partial(View.dispatch, self, request, *args, **kwargs))
        patch_cache_control(response, private=True, no_store=True)
        return response

    def _answer_alone(self, answer: "partial[HttpResponseBase]") -> HttpResponseBase:
        try:
            self.enter()
            return answer()
        except DomainError as error:
            transaction.set_rollback(True)
            return refusal_page(error)

    def enter(self, **kwargs: str) -> None:
        """A company's sign-in, which an owner of one tenant chose, opens nothing of the person's account."""
        if SESSION_ONLY_TENANT in self.request.session:
            raise DomainError(
                code="password_needed",
                status=403,
                detail="You came through the sign-in of your company. Sign in with your password to see your account.",
            )

    def frame(self) -> dict[str, Any]:
        layout = "portal/page.html" if self.in_tenant else "portal/outside.html"
        return {**(super().frame() if self.in_tenant else {}), "layout": layout}


class NameForm(DomainForm):
    serializer = PersonIn
    name = forms.CharField(
        label="Your name", max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class OwnPasswordForm(PasswordChangeForm):
    """Stands among others on the page, so it does not take the focus."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus", None)


class AccountView(AccountPage):
    """Everything about the account; the form on it changes the password."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.overview()

    @method_decorator(sensitive_post_parameters())
    def post(self, request: HttpRequest) -> HttpResponse:
        attempt = Attempt(subjects_of(self.user.email, current_actor.get().ip_address), timezone.now())
        form = OwnPasswordForm(self.user, request.POST)
        if attempt.wait_seconds:
            form.errors.clear()
            form.add_error(None, too_many(attempt.wait_seconds))
            return self.overview(password_form=form, status=429)
        if not form.is_valid():
            if "old_password" in form.errors:
                attempt.failed()
            return self.overview(password_form=form, status=400)
        attempt.succeeded()
        update_session_auth_hash(request, form.save())
        end_sessions(self.user, but=request.session.session_key)
        audit.record_account("password.change", self.user)
        messages.success(request, "Your password was changed. You are signed out everywhere else.")
        return redirect("portal:account")

    def overview(
        self,
        *,
        password_form: OwnPasswordForm | None = None,
        name_form: NameForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        signed_in = sessions_of(self.user, self.request.session.session_key)
        context = {
            "form": password_form or OwnPasswordForm(self.user),
            "name_form": name_form or NameForm(initial={"name": self.user.name}),
            "factor": SecondFactor.objects.filter(user=self.user).first(),
            "recovery_codes": unused_recovery_codes(self.user),
            "signed_in": [(each, browser_name(each.browser)) for each in signed_in],
            "events": AccountEvent.objects.filter(user_id=self.user.id).order_by("-at", "id")[:EVENTS_SHOWN],
        }
        return self.page("portal/account.html", context, status=status)


def browser_name(header: str) -> str:
    """A User-Agent header in two words: Firefox on Windows."""
    browser = next((name for mark, name in BROWSERS if mark in header), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in header), "")
    return f"{browser} on {system}" if system else browser


class NameView(AccountView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NameForm(request.POST)
        if not form.is_valid():
            return self.overview(name_form=form, status=400)
        self.user.name = form.cleaned_data.get("name", "")
        self.user.save(update_fields=["name"])
        audit.record_account("name.change", self.user)
        messages.success(request, "Your name was changed.")
        return redirect("portal:account")


class EndSessionsView(AccountPage):
    """Ends the person's other sessions."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        ended = end_sessions(self.user, but=request.session.session_key)
        audit.record_account("sessions.end", self.user)
        messages.success(request, "You are signed out everywhere else." if ended else "There was no other session.")
        return redirect("portal:account")
