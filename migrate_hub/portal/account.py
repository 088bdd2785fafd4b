"""The signed-in person's own account: a new password ends every other session of theirs."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from migrate_hub.portal.access import PortalView
from migrate_hub.tenants.models import Role


@method_decorator(sensitive_post_parameters(), name="dispatch")
class AccountView(PortalView):
    section = "account"
    writes_need = Role.READER

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page("portal/account.html", {"form": PasswordChangeForm(self.user)})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordChangeForm(self.user, request.POST)
        if not form.is_valid():
            return self.page("portal/account.html", {"form": form}, status=400)
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password was changed. You are signed out everywhere else.")
        return redirect("portal:account")
