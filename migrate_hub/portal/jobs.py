"""Jobs: what works in the background for a tenant, how far it is, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.jobs.work import MAX_UNFINISHED_SHOWN, Wanted, Work, cancel_work, work_of_tenant
from migrate_hub.portal.access import PortalView
from migrate_hub.portal.paging import Page
from migrate_hub.tenants.api import as_uuid
from migrate_hub.tenants.models import Project
from reports.listing import emails_of

KINDS = {
    "assessment": "Assessment",
    "percentiles": "Figures for What if",
    "sensitivity": "Curve for What if",
    "report": "Report",
    "import": "Import",
    "import_dry_run": "Dry run of an import",
    "import_undo": "Undoing an import",
}
ROWS_A_PAGE = 50


@dataclass(frozen=True)
class Row:
    """A piece of work as a line of a table."""

    work: Work
    kind: str
    link: str
    project: str
    email: str | None


def link_of(work: Work) -> str:
    """The page of what the work is about."""
    if work.kind == "report":
        return reverse("portal:project-report", args=[work.project_id, work.id])
    if work.subject_id is None:
        return reverse("portal:project", args=[work.project_id])
    if work.kind.startswith("import"):
        return reverse("portal:import", args=[work.project_id, work.subject_id])
    page = "sensitivity" if work.kind in ("percentiles", "sensitivity") else "assessment"
    return reverse(f"portal:{page}", args=[work.project_id, work.subject_id])


def rows_of(works: Sequence[Work]) -> list[Row]:
    """With the names of projects and people, one query each."""
    names = dict(Project.objects.filter(id__in={work.project_id for work in works}).values_list("id", "name"))
    emails = emails_of(work.created_by for work in works)
    return [
        Row(
            work=work,
            kind=KINDS.get(work.kind, work.kind),
            link=link_of(work),
            project=names.get(work.project_id, ""),
            email=emails.get(work.created_by),
        )
        for work in works
    ]


def finished_page(request: HttpRequest) -> Page[Work]:
    """The page of finished work that `?after=` or `?before=` names; what is no id shows the first page."""
    behind, backwards = _place(request)
    found = work_of_tenant(Wanted(unfinished=False, behind=behind, ascending=backwards), ROWS_A_PAGE + 1)
    more, found = len(found) > ROWS_A_PAGE, found[:ROWS_A_PAGE]
    if backwards:
        found.reverse()
    has_next = bool(found) and (more or backwards)
    has_previous = bool(found) and (more if backwards else behind is not None)
    return Page(
        rows=found,
        previous_link=f"?before={found[0].id}" if has_previous else "",
        next_link=f"?after={found[-1].id}" if has_next else "",
    )


def _place(request: HttpRequest) -> tuple[UUID | None, bool]:
    for name in ("after", "before"):
        try:
            if name in request.GET:
                return as_uuid(request.GET[name]), name == "before"
        except DomainError:
            return None, False
    return None, False


class JobsView(PortalView):
    section = "jobs"
    template = "portal/jobs.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        unfinished = work_of_tenant(Wanted(unfinished=True), MAX_UNFINISHED_SHOWN)
        page = finished_page(request)
        rows = rows_of([*unfinished, *page.rows])
        context = {
            "unfinished": rows[: len(unfinished)],
            "finished": rows[len(unfinished) :],
            "page": page,
            "query": request.META["QUERY_STRING"],
            "says": f"{len(unfinished)} unfinished",
        }
        return self.page(self.template, context)


class JobsPartView(JobsView):
    """The tables, which the page asks for again and again."""

    template = "portal/parts/jobs.html"


class CancelJobView(PortalView):
    http_method_names = ["post"]
    section = "jobs"

    def post(self, request: HttpRequest, job: str) -> HttpResponse:
        try:
            cancel_work(as_uuid(job), timezone.now())
        except DomainError as error:
            if error.status == 404:
                raise
            messages.error(request, error.detail)
        return redirect("portal:jobs")


def jobs_of_project(project: Any) -> list[Row]:
    """What is unfinished in one project."""
    return rows_of(work_of_tenant(Wanted(unfinished=True, project_id=project.id), MAX_UNFINISHED_SHOWN))
