"""The page that an invitation's link opens: joining as a new person, or as the one who is signed in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from migrate_hub.errors import DomainError
from migrate_hub.portal.access import SESSION_ONLY_TENANT, SESSION_TENANT
from migrate_hub.portal.sign_in import enter_session
from migrate_hub.tenants import invitations
from migrate_hub.tenants.invitations import OpenInvitation
from migrate_hub.tenants.models import User
from migrate_hub.tenants.serializers import PersonIn


class JoinForm(SetPasswordForm):  # type: ignore[type-arg]  # generic only in the stubs
    """Who the new person is, and their password."""

    name = forms.CharField(
        label="Your name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    field_order = ["name", "new_password1", "new_password2"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].widget.attrs.pop("autofocus", None)

    def clean_name(self) -> str:
        shape = PersonIn(data={"name": self.cleaned_data["name"]})
        if not shape.is_valid():
            raise ValidationError("Control and unassigned characters are not allowed here.")
        name: str = shape.validated_data["name"]
        return name


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class InvitationView(View):
    """One page for all: new, known and signed out, signed in as the invited person or as somebody else."""

    opened: OpenInvitation

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            wire, to_accept = kwargs["invitation"], request.method == "POST"
            self.opened = invitations.find_invitation(wire, timezone.now(), to_accept=to_accept)
        except DomainError:
            return render(request, "portal/link_over.html", {"what": "invitation"}, status=404)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, invitation: str) -> HttpResponse:
        return self._page(request, JoinForm(self._nobody()))

    def post(self, request: HttpRequest, invitation: str) -> HttpResponse:
        if isinstance(request.user, User):
            return self._join_as(request, request.user)
        if self._has_account():
            return self._page(request, JoinForm(self._nobody()), status=409)
        form = JoinForm(self._nobody(), request.POST)
        if not form.is_valid():
            return self._page(request, form, status=400)
        return self._join_as_new(request, form)

    def _join_as(self, request: HttpRequest, user: User) -> HttpResponse:
        if user.email != self.opened.email or SESSION_ONLY_TENANT in request.session:
            return self._page(request, JoinForm(self._nobody()), status=409)
        invitations.accept_as(self.opened, user, timezone.now())
        return self._welcome(request)

    def _join_as_new(self, request: HttpRequest, form: JoinForm) -> HttpResponse:
        data = form.cleaned_data
        try:
            user = invitations.accept_as_new(
                self.opened, name=data["name"], password=data["new_password1"], now=timezone.now()
            )
        except ValidationError as error:
            form.add_error("new_password1", error)
            return self._page(request, form, status=400)
        except DomainError:  # the account was made a moment ago, by another invitation
            return self._page(request, form, status=409)
        enter_session(request, user)
        return self._welcome(request)

    def _welcome(self, request: HttpRequest) -> HttpResponse:
        request.session[SESSION_TENANT] = str(self.opened.tenant.public_id)
        messages.success(request, f"Welcome to {self.opened.tenant.name}. You are {self.opened.role.value}.")
        return redirect("portal:home")

    def _nobody(self) -> User:
        """Whom the password validators compare the password with."""
        return User(email=self.opened.email)

    def _has_account(self) -> bool:
        return User.objects.filter(email=self.opened.email).exists()

    def _page(self, request: HttpRequest, form: JoinForm, *, status: int = 200) -> HttpResponse:
        user = request.user if isinstance(request.user, User) else None
        context = {
            "form": form,
            "tenant": self.opened.tenant,
            "email": self.opened.email,
            "role": self.opened.role,
            "inviter": self.opened.invitation.invited_by,
            "is_theirs": user is not None and user.email == self.opened.email,
            "is_company_session": user is not None and SESSION_ONLY_TENANT in request.session,
            "has_account": self._has_account(),
            "path": request.path,
        }
        return render(request, "portal/invitation.html", context, status=status)
