"""The inventory: a table of machines that stays quick at any size, and one machine with its parts and history."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from groups.filters import MachineFilter, matching_machines
from ingest.imports.models import ImportedUtilization
from ingest.models import Disk, Machine, MachineChange, Nic, PowerState
from migrate_hub.portal import charts, coverage
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import DomainForm
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.wording import STATED, change_in_words, measured
from migrate_hub.tenants.models import Project

MAX_CHANGES_SHOWN = 100
MAX_DUPLICATES_SHOWN = 20
POWER_STATES = (
    ("", "Any"),
    (PowerState.ON, "On"),
    (PowerState.OFF, "Off"),
    (PowerState.SUSPENDED, "Suspended"),
    (PowerState.UNKNOWN, "Unknown"),
)


class FilterForm(DomainForm):
    """The conditions of a machine filter; what is left empty is no condition."""

    serializer = MachineFilter
    search = forms.CharField(
        label="Name begins with", required=False, max_length=255, widget=forms.TextInput(attrs={"type": "search"})
    )
    os = forms.CharField(
        label="Operating system contains",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    power_state = forms.CharField(label="Power", required=False, widget=forms.Select(choices=POWER_STATES))
    cluster = forms.CharField(required=False, max_length=255, widget=forms.TextInput(attrs={"type": "search"}))
    host = forms.CharField(required=False, max_length=255, widget=forms.TextInput(attrs={"type": "search"}))

    @property
    def conditions(self) -> dict[str, Any]:
        """The checked conditions; none where the form has errors."""
        return self.cleaned_data if self.is_valid() else {}


def filter_form(parameters: Any) -> FilterForm:
    """The filter that a query string or a form names. Ids of controls are kept apart from those of other forms."""
    return FilterForm({name: parameters.get(name, "") for name in FilterForm.base_fields}, auto_id="filter_%s")


def machines_of(project: Project) -> "QuerySet[Machine]":
    """The machines that are there now."""
    rows: QuerySet[Machine] = Machine.objects.filter(project=project, removed_at=None)
    return rows


@dataclass(frozen=True)
class DiskTotal:
    """The disks of one machine: how many, and how much."""

    count: int
    size_gb: float | None


def disk_totals(machine_ids: Iterable[UUID]) -> dict[UUID, DiskTotal]:
    """The disks of each of some machines, in one query; machines without disks are left out."""
    rows = Disk.objects.filter(machine_id__in=list(machine_ids)).order_by().values("machine_id")
    return {
        row["machine_id"]: DiskTotal(row["count"], row["size_gb"])
        for row in rows.annotate(count=Count("id"), size_gb=Sum("size_gb"))
    }


def with_disks(machines: Iterable[Machine]) -> list[tuple[Machine, DiskTotal | None]]:
    machines = list(machines)
    totals = disk_totals(machine.id for machine in machines)
    return [(machine, totals.get(machine.id)) for machine in machines]


def stated_of(machine: Machine) -> dict[str, Any]:
    """The single values of the machine's load that a file stated, with their units; nothing where none did."""
    row = ImportedUtilization.objects.filter(machine=machine).select_related("file_import").first()
    values = [(shown, getattr(row, name, None)) for name, shown in STATED.items()]
    known = [measured(shown, value) for shown, value in values if value is not None]
    return {"stated": row if known else None, "stated_values": known}


class MachinesView(ProjectPortalView):
    section = "machines"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        form = filter_form(request.GET)
        machines = matching_machines(machines_of(self.project), form.conditions)
        only_twice = request.GET.get("duplicates") == "only"
        listed = machines.filter(duplicate_of__isnull=False) if only_twice else machines
        page = page_of(listed, request, order_by="name_lower")
        context = {
            "form": form,
            "filtered": bool(form.conditions),
            "page": page,
            "rows": with_disks(page.rows),
            **machines.aggregate(
                count=Count("id", filter=Q(duplicate_of=None)),
                seen_twice=Count("id", filter=Q(duplicate_of__isnull=False)),
            ),
            "only_twice": only_twice,
        }
        return self.page("portal/machines.html", context, status=200 if form.is_valid() else 400)


class MachineView(ProjectPortalView):
    section = "machines"

    def get(self, request: HttpRequest, project: str, machine: str) -> HttpResponse:
        row: Machine = found(
            Machine.objects.filter(project=self.project).select_related("appliance", "duplicate_of"), machine
        )
        changes = MachineChange.objects.filter(machine=row).order_by("-at", "id")[:MAX_CHANGES_SHOWN]
        context = {
            "machine": row,
            "disks": Disk.objects.filter(machine=row).order_by("position"),
            "nics": Nic.objects.filter(machine=row).order_by("position"),
            "utilization": charts.utilization_of(row.id, request.GET.get("days", ""), timezone.now()),
            "windows": charts.WINDOWS,
            **stated_of(row),
            **coverage.of_machine(row, timezone.now()),
            "duplicates": Machine.objects.filter(duplicate_of=row, removed_at=None)
            .select_related("appliance")
            .order_by("name_lower", "id")[:MAX_DUPLICATES_SHOWN],
            "changes": [(change, *change_in_words(change)) for change in changes],
        }
        return self.page("portal/machine.html", context)
