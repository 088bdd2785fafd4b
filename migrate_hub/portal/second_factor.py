"""Setting up the second factor, its recovery codes, and turning it off."""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters

from migrate_hub.errors import DomainError
from migrate_hub.portal.account import AccountPage
from migrate_hub.portal.sign_in import CodeForm, asked_next, next_page
from migrate_hub.portal.throttle import Attempt, second_step_subjects_of, too_many
from migrate_hub.tenants import second_factor
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.encryption import UnreadableSecretError, decrypt, encrypt
from migrate_hub.tenants.sessions import end_sessions

OFFER = "second_factor_offer"
OFFER_PURPOSE = "second-factor-offer"


def qr_code(text: str) -> SafeString:
    """A QR code as inline SVG: dark on light in both color schemes, since that is what cameras read."""
    svg = segno.make(text, error="m").svg_inline(
        border=4, omitsize=True, dark="#14202e", light="#ffffff", svgclass="qr", lineclass=None
    )
    return mark_safe(svg)  # noqa: S308  drawn by us, the text is in it as squares


class PasswordForm(forms.Form):
    password = forms.CharField(
        label="Your password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordAndCodeForm(CodeForm):
    code = forms.CharField(
        label="Code or recovery code",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label="Your password",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["password", "code"]


class ProvingPage(AccountPage):
    """A page whose form proves again who sits there: attempts are counted like those of the second step."""

    form_class: type[forms.Form]
    template: str

    def proves(self, form: Any) -> bool:
        """Whether what was typed is right; adds the error to the form where not."""
        raise NotImplementedError

    def done(self) -> HttpResponse:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(self.template, self.context(self.form_class()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self.page(self.template, self.context(form), status=400)
        attempt = Attempt(second_step_subjects_of(self.user, current_actor.get().ip_address), timezone.now())
        if attempt.wait_seconds:
            form.add_error(None, too_many(attempt.wait_seconds))
            response = self.page(self.template, self.context(form), status=429)
            response["Retry-After"] = str(attempt.wait_seconds)
            return response
        if not self.proves(form):
            attempt.failed()
            return self.page(self.template, self.context(form), status=400)
        attempt.succeeded()
        return self.done()

    def context(self, form: forms.Form) -> dict[str, Any]:
        return {"form": form, "next": asked_next(self.request)}

    def end_other_sessions(self) -> None:
        """Those that were begun before know nothing of what is asked for now."""
        update_session_auth_hash(self.request, self.user)  # a new key for this one
        end_sessions(self.user, but=self.request.session.session_key)

    def password_is_right(self, form: forms.Form) -> bool:
        if self.user.check_password(form.cleaned_data["password"]):
            return True
        form.add_error("password", "This is not your password.")
        return False

    def codes_page(self, codes: list[str], *, renewed: bool) -> HttpResponse:
        """The recovery codes, this one time."""
        going_to = next_page(self.request.POST) if self.request.POST.get("next") else reverse("portal:account")
        context = {"codes": codes, "renewed": renewed, "next": going_to}
        return self.page("portal/recovery_codes_shown.html", context, status=201)


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class SecondFactorView(ProvingPage):
    """Setting it up: the secret waits in the session, encrypted, until a code shows that an app has it."""

    form_class = CodeForm
    template = "portal/second_factor.html"
    secret: str
    codes: list[str]

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        self.secret = self._offered_secret()

    def _offered_secret(self) -> str:
        offer = self.request.session.get(OFFER)
        try:
            return decrypt(offer.encode(), purpose=OFFER_PURPOSE) if offer else self._new_offer()
        except UnreadableSecretError:
            return self._new_offer()

    def _new_offer(self) -> str:
        secret = second_factor.new_secret()
        self.request.session[OFFER] = encrypt(secret, purpose=OFFER_PURPOSE).decode()
        return secret

    def proves(self, form: Any) -> bool:
        try:
            code = form.cleaned_data["code"]
            self.codes = second_factor.turn_on(self.user, secret=self.secret, code=code, now=timezone.now())
        except DomainError as error:
            if error.status != 400:
                raise
            form.add_error("code", error.detail)
            return False
        return True

    def done(self) -> HttpResponse:
        self.request.session.pop(OFFER, None)
        self.end_other_sessions()
        return self.codes_page(self.codes, renewed=False)

    def context(self, form: forms.Form) -> dict[str, Any]:
        return {
            **super().context(form),
            "is_on": second_factor.has_second_factor(self.user),
            "qr": qr_code(second_factor.app_address(self.secret, self.user)),
            "secret": " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4)),
            "app_address": second_factor.app_address(self.secret, self.user),
            "waiting": self.waiting,
        }


@method_decorator(sensitive_post_parameters("password", "code"), name="dispatch")
class TurnOffView(ProvingPage):
    form_class = PasswordAndCodeForm
    template = "portal/second_factor_off.html"

    def proves(self, form: Any) -> bool:
        if not self.password_is_right(form):
            return False
        code, now = form.cleaned_data["code"], timezone.now()
        # Recovery codes first: they are good also where no code of the app can be checked.
        if second_factor.pass_recovery_code(self.user, code, now) or second_factor.pass_code(self.user, code, now):
            return True
        form.add_error("code", second_factor.wrong_code().detail)
        return False

    def done(self) -> HttpResponse:
        second_factor.turn_off(self.user)
        messages.success(self.request, "The second factor is off. Your password alone opens your account.")
        return redirect("portal:account")


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class RecoveryCodesView(ProvingPage):
    """New recovery codes in place of the old ones."""

    form_class = PasswordForm
    template = "portal/recovery_codes.html"

    def proves(self, form: Any) -> bool:
        return self.password_is_right(form)

    def done(self) -> HttpResponse:
        return self.codes_page(second_factor.renew_recovery_codes(self.user), renewed=True)

    def context(self, form: forms.Form) -> dict[str, Any]:
        return {**super().context(form), "left": second_factor.unused_recovery_codes(self.user)}
