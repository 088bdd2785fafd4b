"""One machine: what it is, its utilization as a chart, its parts and history, and what assessments say of it."""

from decimal import Decimal
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from assessments.models import AssessedMachine, Assessment
from ingest.charts import MAX_POINTS
from ingest.imports.models import ImportedUtilization
from ingest.models import Disk, Machine, MachineChange, Nic
from migrate_hub.errors import DomainError
from migrate_hub.portal import charts, coverage
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.wording import STATED, change_in_words, measured

MAX_CHANGES_SHOWN = 100
MAX_DUPLICATES_SHOWN = 20
MAX_ASSESSMENTS_SHOWN = 50
MAX_DIGITS = 4


def stated_of(machine: Machine) -> dict[str, Any]:
    """The single values of the machine's load that a file stated, with their units; nothing where none did."""
    row = ImportedUtilization.objects.filter(machine=machine).select_related("file_import").first()
    values = [(shown, getattr(row, name, None)) for name, shown in STATED.items()]
    known = [measured(shown, value) for shown, value in values if value is not None]
    return {"stated": row if known else None, "stated_values": known}


def assessed_in(machine: Machine) -> list[dict[str, Any]]:
    """What the published runs of the project's newest assessments say of the machine."""
    assessments = (
        Assessment.objects.filter(project_id=machine.project_id, deleted_at=None, current_run__isnull=False)
        .select_related("current_run")
        .order_by("-created_at", "id")[:MAX_ASSESSMENTS_SHOWN]
    )
    by_run = {assessment.current_run_id: assessment for assessment in assessments}
    rows = AssessedMachine.objects.filter(run_id__in=list(by_run), machine_id=machine.id)
    told = {row.run_id: row for row in rows.only("id", "tenant", "run", "readiness", "recommended_sku", *COSTS)}
    return [
        {
            "assessment": assessment,
            "result": told[run_id],
            "monthly_cost": _cost(told[run_id]),
            "currency": assessment.current_run.settings["currency"],
        }
        for run_id, assessment in by_run.items()
        if run_id in told
    ]


COSTS = ("monthly_compute_cost", "monthly_storage_cost")


def _cost(row: AssessedMachine) -> Decimal | None:
    known = [cost for cost in (getattr(row, name) for name in COSTS) if cost is not None]
    return sum(known, Decimal(0)) if known else None


class OneMachineView(ProjectPortalView):
    """A page of one machine; one that is not yours or not there is 404."""

    section = "machines"
    machine: Machine

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        rows = Machine.objects.filter(project=self.project).select_related("appliance", "duplicate_of")
        self.machine = found(rows, kwargs["machine"])

    @cached_property
    def disks(self) -> list[Disk]:
        return list(Disk.objects.filter(machine=self.machine).order_by("position"))

    @cached_property
    def nics(self) -> list[Nic]:
        return list(Nic.objects.filter(machine=self.machine).order_by("position"))


class MachineView(OneMachineView):
    def get(self, request: HttpRequest, project: str, machine: str) -> HttpResponse:
        row = self.machine
        changes = MachineChange.objects.filter(machine=row).order_by("-at", "id")[:MAX_CHANGES_SHOWN]
        drawn, status = self._chart()
        context = {
            "machine": row,
            "disks": self.disks,
            "nics": self.nics,
            **drawn,
            **stated_of(row),
            **coverage.of_machine(row, timezone.now()),
            "assessed": assessed_in(row),
            "duplicates": Machine.objects.filter(duplicate_of=row, removed_at=None)
            .select_related("appliance")
            .order_by("name_lower", "id")[:MAX_DUPLICATES_SHOWN],
            "changes": [(change, *change_in_words(change)) for change in changes],
        }
        return self.page("portal/machine.html", context, status=status)

    def _chart(self) -> tuple[dict[str, Any], int]:
        """What is drawn and the form that asked for it; a window that cannot be is told beside it."""
        now, offers, problem = timezone.now(), charts.offers_of(self.disks, self.nics), ""
        try:
            asked = charts.asked_of(self.request.GET, offers, now)
        except DomainError as error:
            problem = error.detail
            asked = charts.asked_of({}, offers, now)
        rows = charts.figures_of(self.machine, asked, now, points=charts.TABLE_ROWS)
        context = {
            "asked": asked,
            "offers": offers,
            "windows": charts.WINDOWS,
            "percentiles": charts.PERCENTILES,
            "window_problem": problem,
            "drawing": charts.drawing_of(charts.figures_of(self.machine, asked, now, points=int(charts.WIDTH))),
            "chart_names": [series["name"] for series in rows["series"]],
            "chart_rows": charts.table_of(rows),
        }
        return context, 400 if problem else 200


class MachineChartView(OneMachineView):
    """The figures of the chart, for the script that draws it; also at every zoom."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, project: str, machine: str) -> HttpResponse:
        now, points = timezone.now(), request.GET.get("points", "")
        number = int(points) if points.isascii() and points.isdigit() and len(points) <= MAX_DIGITS else 0
        try:
            asked = charts.asked_of(request.GET, charts.offers_of(self.disks, self.nics), now)
        except DomainError as error:
            return JsonResponse({"detail": error.detail}, status=400)
        return JsonResponse(charts.figures_of(self.machine, asked, now, points=number or MAX_POINTS))
