"""Home, and a project: made, looked at, changed, deleted."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from ingest.models import ApplianceKind
from migrate_hub.portal import choices
from migrate_hub.portal.access import PortalView, ProjectPortalView
from migrate_hub.portal.appliances import ApplianceForm
from migrate_hub.portal.assessments import living
from migrate_hub.portal.attention import concerns_of
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.imports import ImportForm
from migrate_hub.portal.jobs import jobs_of_project
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.project_states import states_of_projects
from migrate_hub.portal.start import has_data, steps_of
from migrate_hub.tenants import people
from migrate_hub.tenants.models import Project, Role
from migrate_hub.tenants.serializers import ProjectIn

RECENT_ASSESSMENTS = 5


class ProjectForm(DomainForm):
    serializer = ProjectIn
    name = forms.CharField(max_length=200, help_text="The customer or the site: what reports will be called.")
    target_region = forms.CharField(
        max_length=64, help_text="Where the machines are to run. Each assessment may choose another."
    )
    currency = forms.CharField(max_length=3, help_text="In which costs are shown.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = choices.regions()
        if offered:
            self.fields["target_region"].widget = forms.Select(choices=[("", "Choose a region"), *offered])
        self.fields["currency"].widget = forms.Select(choices=choices.currencies())


class HomeView(PortalView):
    section = "projects"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = page_of(Project.objects.filter(deleted_at=None), request, order_by="name")
        states = states_of_projects([project.id for project in page.rows], timezone.now())
        return self.page("portal/home.html", {"page": page, "rows": [(row, states[row.id]) for row in page.rows]})


class NewProjectView(PortalView):
    section = "projects"
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page("portal/project_form.html", {"form": ProjectForm(initial={"currency": "USD"})})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProjectForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                project = people.create_project(**form.cleaned_data)
                return redirect("portal:project", project.id)
        return self.page("portal/project_form.html", {"form": form}, status=400)


class ProjectView(ProjectPortalView):
    section = "overview"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        state = states_of_projects([self.project.id], timezone.now())[self.project.id]
        if not has_data(self.project, state.counts):
            return self._start()
        context = {
            "state": state,
            "counts": state.counts,
            "recent": living(self.project).order_by("-created_at", "id")[:RECENT_ASSESSMENTS],
            "steps": steps_of(self.project, state.counts),
            "jobs": jobs_of_project(self.project),
        }
        return self.page("portal/project.html", context)

    def _start(self) -> HttpResponse:
        """The choice of a project that nothing brings machines to yet."""
        context = {"appliance_form": ApplianceForm(initial={"kind": ApplianceKind.VMWARE}), "form": ImportForm()}
        return self.page("portal/project_start.html", context)


class ProjectAttentionView(ProjectPortalView):
    """What to look at first: a part of the project's page that is loaded behind it, since it compares machines."""

    section = "overview"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        concerns, count = concerns_of(self.project, timezone.now())
        context = {"concerns": concerns, "more": count - len(concerns)}
        return self.page("portal/parts/attention.html", context)


class ProjectJobsView(ProjectPortalView):
    """What works for the project now: a part of its page that is asked for again while there is any."""

    section = "overview"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.page("portal/parts/project_jobs.html", {"jobs": jobs_of_project(self.project)})


class ProjectSettingsView(ProjectPortalView):
    section = "overview"
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        fields = {name: getattr(self.project, name) for name in ("name", "target_region", "currency")}
        return self.page("portal/project_form.html", {"form": ProjectForm(initial=fields)})

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form = ProjectForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                people.change_project(self.project, **form.cleaned_data)
                messages.success(request, "The project was saved.")
                return redirect("portal:project", self.project.id)
        self.project.refresh_from_db()
        return self.page("portal/project_form.html", {"form": form}, status=400)


class DeleteProjectView(ProjectPortalView):
    section = "overview"
    reads_need = writes_need = Role.OWNER

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.page("portal/project_delete.html")

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        people.delete_project(self.project, timezone.now())
        messages.success(request, f"The project {self.project.name} was deleted.")
        return redirect("portal:home")
