"""A forgotten password: asking for a link where the hub sends mail, and the page that the link opens."""

from functools import partial
from typing import Any

import structlog
from celery import current_app
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from kombu.exceptions import OperationalError

from migrate_hub.portal.forms import address_field
from migrate_hub.portal.throttle import Attempt, reset_subjects_of, wait_in_words
from migrate_hub.tenants import mail, recovery
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import User

log = structlog.get_logger(__name__)
MAIL_TASK = "portal.mail_reset_links"


class ForgottenForm(forms.Form):
    email = address_field("E-mail address")


@method_decorator(never_cache, name="dispatch")
class ForgottenView(View):
    """Where the hub sends mail: asks for the address. Elsewhere: says whom to ask."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, ForgottenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ForgottenForm(request.POST)
        if not mail.is_configured() or not form.is_valid():
            return self._page(request, form, status=400)
        email = form.cleaned_data["email"]
        attempt = Attempt(reset_subjects_of(email, current_actor.get().ip_address), timezone.now())
        if attempt.wait_seconds:
            form.add_error(None, f"Asked for too often. Wait {wait_in_words(attempt.wait_seconds)}, then try again.")
            response = self._page(request, form, status=429)
            response["Retry-After"] = str(attempt.wait_seconds)
            return response
        attempt.failed()  # each asking counts, whoever has the address
        recovery.ask_for_reset(email)
        transaction.on_commit(partial(hint, MAIL_TASK), robust=True)
        return render(request, "portal/forgotten_sent.html", {"email": email, "hours": recovery.LINK_HOURS})

    def _page(self, request: HttpRequest, form: ForgottenForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "has_mail": mail.is_configured(), "operator": settings.OPERATOR_CONTACT}
        return render(request, "portal/forgotten.html", context, status=status)


def hint(task: str) -> None:
    """Tells a worker now what beat would tell it within a minute; without the broker that has to do."""
    try:
        current_app.send_task(task, queue="maintenance", retry=False)
    except (OperationalError, OSError) as error:
        log.warning("hint_not_sent", task=task, error=type(error).__name__)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class ResetPasswordView(View):
    """What a link opens: a new password, once."""

    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = recovery.person_of_link(kwargs["person"], kwargs["token"])
        if user is None:
            return render(request, "portal/link_over.html", {"what": "reset"}, status=404)
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, person: str, token: str) -> HttpResponse:
        return self._page(request, SetPasswordForm(self.user))

    def post(self, request: HttpRequest, person: str, token: str) -> HttpResponse:
        form = SetPasswordForm(self.user, request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        try:
            recovery.set_password(self.user, form.cleaned_data["new_password1"])
        except ValidationError as error:
            form.add_error("new_password1", error)
            return self._page(request, form, status=400)
        request.session.flush()
        messages.success(request, "Your password was changed and every session ended. Sign in with the new one.")
        return redirect("portal:sign-in")

    def _page(self, request: HttpRequest, form: "SetPasswordForm[User]", *, status: int = 200) -> HttpResponse:
        context = {"form": form, "email": self.user.email}
        return render(request, "portal/reset_password.html", context, status=status)
