"""Appliances: listed with their health, enrolled with a key that is shown once, shut out, and what they had refused."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from ingest import appliances
from ingest.health import clock_warning, with_health
from ingest.imports.models import FileImport
from ingest.models import Appliance, ApplianceKind, HeldSnapshot, RejectedRecord
from ingest.rejections import counted_codes, rejected_csv, with_code
from ingest.serializers import ApplianceIn
from ingest.snapshots import UUID_BYTES
from migrate_hub.errors import DomainError
from migrate_hub.portal import coverage, wording
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.models import Role
from migrate_hub.tenants.tokens import Issued

MAX_IMPORTS_SHOWN = 5
REGISTER_PATH = "/api/v1/appliances/register/"


class ApplianceForm(DomainForm):
    serializer = ApplianceIn
    name = forms.CharField(max_length=200, help_text="Where it stands, such as Rotterdam, building 2.")
    kind = forms.CharField(label="Collects from", widget=forms.Select(choices=list(wording.KINDS.items())))


def registration_command(key: str) -> str:
    """The exact call that enrols an appliance."""
    body = f'{{"registration_key": "{key}", "hostname": "\'"$(hostname)"\'", "version": "1.0"}}'
    url = str(settings.PUBLIC_URL).rstrip("/") + REGISTER_PATH
    return f"curl -X POST {url} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"


class AppliancesView(ProjectPortalView):
    section = "appliances"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        page = page_of(appliances_of(self.project), request, order_by="name")
        imports = FileImport.objects.filter(project=self.project).order_by("-created_at", "-id")[:MAX_IMPORTS_SHOWN]
        return self.page("portal/appliances.html", {"page": page, "imports": imports})


def appliances_of(project: Any) -> "QuerySet[Appliance]":
    """Appliances with `machine_count` and `health`."""
    return with_health(Appliance.objects.filter(project=project), timezone.now())


class NewApplianceView(ProjectPortalView):
    section = "appliances"
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        form = ApplianceForm(initial={"kind": ApplianceKind.VMWARE})
        return self.page("portal/appliance_form.html", {"form": form})

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form = ApplianceForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                appliance, key = appliances.create_appliance(
                    project=self.project, now=timezone.now(), **form.cleaned_data
                )
                return key_page(self, appliance, key)
        return self.page("portal/appliance_form.html", {"form": form}, status=400)


def key_page(view: ProjectPortalView, appliance: Appliance, key: Issued) -> HttpResponse:
    """The answer to the form itself: the key is in no URL, no session and no database."""
    context = {"appliance": appliance, "key": key, "command": registration_command(key.wire), "is_registered": False}
    response = view.page("portal/appliance_key.html", context, status=201)
    response["Location"] = reverse("portal:appliance", args=[appliance.project_id, appliance.id])
    return response


class OneApplianceView(ProjectPortalView):
    """A page of one appliance; one that is not yours or not there is 404."""

    section = "appliances"
    appliance: Appliance

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        self.appliance = found(appliances_of(self.project), kwargs["appliance"])


class ApplianceView(OneApplianceView):
    def get(self, request: HttpRequest, project: str, appliance: str) -> HttpResponse:
        rejected, code = RejectedRecord.objects.filter(appliance=self.appliance), request.GET.get("code", "")
        held = list(self.appliance.held_snapshots.all())
        context = {
            "appliance": self.appliance,
            "clock_warning": clock_warning(self.appliance),
            **coverage.of_appliance(self.appliance, timezone.now()),
            "held": held_snapshot(held[0]) if held else None,
            "codes": counted_codes(rejected),
            "code": code,
            "page": page_of(with_code(rejected, code), request, order_by="last_rejected_at", descending=True),
        }
        return self.page("portal/appliance.html", context)


class RejectedExportView(OneApplianceView):
    """The refused records as CSV."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, project: str, appliance: str) -> HttpResponseBase:
        rejected = RejectedRecord.objects.filter(appliance=self.appliance)
        return rejected_csv(request, rejected, code=request.GET.get("code", ""))


def held_snapshot(held: HeldSnapshot) -> dict[str, Any]:
    """A snapshot that waits for a person: how many machines it would remove, of how many."""
    return {"removes": len(held.removes) // UUID_BYTES, "row": held}


class NewKeyView(OneApplianceView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, appliance: str) -> HttpResponse:
        key = appliances.renew_registration_key(self.appliance, timezone.now())
        return key_page(self, self.appliance, key)


class RevokeView(OneApplianceView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, appliance: str) -> HttpResponse:
        appliances.revoke_tokens(self.appliance, timezone.now())
        messages.success(request, "The appliance is shut out. A new registration key enrols it again.")
        return redirect("portal:appliance", self.project.id, self.appliance.id)


class ConfirmSnapshotView(OneApplianceView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, appliance: str) -> HttpResponse:
        try:
            appliances.confirm_snapshot(self.appliance, timezone.now())
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, "Confirmed. The next inventory that agrees removes the machines.")
        return redirect("portal:appliance", self.project.id, self.appliance.id)
