"""The first steps of a project: what is done and what comes next, and an appliance as it arrives."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from assessments.models import AssessmentRun, RunStatus
from ingest.imports.models import FileImport
from migrate_hub.portal.appliances import OneApplianceView
from migrate_hub.portal.counts import Counts
from migrate_hub.tenants.models import Project
from reports.models import Report


@dataclass(frozen=True)
class Step:
    """One step from an empty project to a report; `link` leads to where it is done, '' where it is not time yet."""

    title: str
    detail: str
    link: str
    is_done: bool


def has_data(project: Project, counts: Counts) -> bool:
    """Whether anything was set up that brings machines."""
    return bool(counts.appliances or counts.machines) or FileImport.objects.filter(project=project).exists()


def steps_of(project: Project, counts: Counts) -> list[Step]:
    """The checklist; empty once an assessment is completed and a report of it was made."""
    of_project = AssessmentRun.objects.filter(assessment__project=project, assessment__deleted_at=None)
    assessed = of_project.filter(status=RunStatus.COMPLETED).exists()
    reported = Report.objects.filter(project=project, status=RunStatus.COMPLETED).exists()
    if assessed and reported:
        return []

    def link(name: str) -> str:
        return reverse(f"portal:{name}", args=[project.id])

    return [
        Step("Sources", "An appliance beside the machines, or a file.", link("appliances"), has_data(project, counts)),
        Step("Machines", "They appear with the first inventory.", link("machines"), counts.machines > 0),
        Step(
            "A group",
            "Machines that move together: an application, a site, everything.",
            link("new-group") if counts.machines else "",
            counts.groups > 0,
        ),
        Step(
            "An assessment",
            "Readiness, sizes and monthly cost of each machine, under every offer at once.",
            link("new-assessment") if counts.groups else "",
            assessed,
        ),
        Step(
            "A report",
            "A workbook or a summary for people who do not sign in here.",
            link("assessments") if assessed else "",
            reported,
        ),
    ]


def arrival_of(appliance: Any) -> dict[str, Any]:
    """How far a new appliance is, for parts/arrival.html."""
    has_machines = bool(appliance.inventory_epoch)
    return {"is_registered": appliance.registered_at is not None, "has_machines": has_machines}


class ArrivalView(OneApplianceView):
    """The part of the page of a new key that waits for its appliance."""

    def get(self, request: HttpRequest, project: str, appliance: str) -> HttpResponse:
        return self.page("portal/parts/arrival.html", {"appliance": self.appliance, **arrival_of(self.appliance)})
