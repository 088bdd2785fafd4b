"""The reports of a project in one list: made, watched, downloaded, given out by links, cancelled, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from assessments.models import UNFINISHED, Assessment, AssessmentRun, RunStatus
from migrate_hub.errors import DomainError, not_found
from migrate_hub.files.storage import file_response
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.api import StrictSerializer, as_uuid
from migrate_hub.tenants.models import Project
from reports.links import downloadable, shared_url
from reports.listing import emails_of, is_current, machines_of, pinned_runs, reports_of
from reports.models import Report, ReportFormat, ReportKind, ReportLink
from reports.queueing import KEEP, cancel_report, queue_project_report, queue_report, revoke_report
from reports.report_templates.using import template_asked_for, templates_offered
from reports.serializers import LinkIn, ProjectReportIn, ReportIn
from reports.sharing import revoke_link, revoke_links, share_report
from reports.workbook import LAYOUTS, MAX_REFUSED_SHOWN, NEWEST_LAYOUT, REFUSED_SHOWN

MAX_CHOICES = 200
MAX_LINKS_SHOWN = 50
KINDS = {
    ReportKind.ASSESSMENT: "Assessment",
    ReportKind.DIFFERENCE: "Difference",
    ReportKind.PROJECT: "Several assessments",
}
FORMATS = {
    ReportFormat.XLSX: "Excel workbook (.xlsx)",
    ReportFormat.PDF: "Summary for people (.pdf)",
    ReportFormat.CSV: "CSV files in a zip (.csv.zip)",
    ReportFormat.JSONL: "JSON lines (.jsonl)",
}
STATES = {
    RunStatus.CREATED: "Waiting",
    RunStatus.RUNNING: "Being made",
    RunStatus.COMPLETED: "Completed",
    RunStatus.FAILED: "Failed or cancelled",
}
LIFETIMES = {1: "1 hour", 24: "1 day", 24 * 7: "7 days", 24 * 30: "30 days"}


@dataclass(frozen=True)
class Row:
    """A report as a line of the list."""

    report: Report
    kind: str
    title: str
    email: str | None
    machines: int
    is_current: bool
    is_downloadable: bool
    is_unfinished: bool


def rows_of(project: Project, reports: Sequence[Report], now: datetime) -> list[Row]:
    """With the names of those who asked, in one query."""
    emails = emails_of(report.created_by for report in reports)
    return [
        Row(
            report=report,
            kind=KINDS[report.kind],
            title=report.assessment.name if report.assessment else project.name,
            email=emails.get(report.created_by),
            machines=machines_of(report),
            is_current=is_current(report),
            is_downloadable=report.file is not None and report.expires_at > now,
            is_unfinished=report.status in UNFINISHED,
        )
        for report in reports
    ]


def assessment_choices(project: Project, *, with_results: bool = False) -> list[tuple[str, str]]:
    """Assessments of a project by name, as many as a list can hold."""
    rows = Assessment.objects.filter(project=project, deleted_at=None)
    if with_results:
        rows = rows.filter(current_run__isnull=False)
    names = rows.order_by("name", "id").values_list("id", "name")[:MAX_CHOICES]
    return [(str(id), name) for id, name in names]


class FilterForm(forms.Form):
    assessment = forms.ChoiceField(required=False)
    kind = forms.ChoiceField(required=False, choices=[("", "Every kind"), *KINDS.items()])
    status = forms.ChoiceField(required=False, label="State", choices=[("", "Every state"), *STATES.items()])

    def __init__(self, data: Any, project: Project) -> None:
        super().__init__(data)
        self.fields["assessment"].choices = [("", "Every assessment"), *assessment_choices(project)]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """What narrows the list; a value that is none of the choices narrows nothing."""
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        return chosen | ({"assessment": as_uuid(chosen["assessment"])} if "assessment" in chosen else {})


class ReportCenterView(ProjectPortalView):
    section = "reports"
    template = "portal/report_center.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        form = FilterForm(request.GET, self.project)
        chosen = form.chosen()
        page = page_of(reports_of(self.project, **chosen), request, order_by="created_at", descending=True)
        rows = rows_of(self.project, page.rows, timezone.now())
        context = {
            "form": form,
            "is_filtered": bool(chosen),
            "rows": rows,
            "page": page,
            "query": request.META["QUERY_STRING"],
            "unfinished": sum(row.is_unfinished for row in rows),
            "keep_days": KEEP.days,
        }
        return self.page(self.template, context)


class ReportCenterPartView(ReportCenterView):
    """The list, which the page asks for again while a report is made."""

    template = "portal/parts/report_list.html"


class NewReportForm(DomainForm):
    """Of one assessment, of what changed since another run, or of all assessments of the project."""

    assessment = forms.ChoiceField(
        required=False, label="Of", help_text="Several assessments: one row each, side by side."
    )
    before_run = forms.ChoiceField(
        required=False,
        label="What changed since",
        help_text="For a report of one assessment: the difference from that run, split by cause.",
    )
    run = forms.CharField(required=False, widget=forms.HiddenInput)
    template = forms.ChoiceField(
        required=False,
        label="Template",
        help_text="Its sheets, columns, look and own workbook; of a difference or several assessments the look alone.",
    )
    format = forms.ChoiceField(choices=list(FORMATS.items()), label="Form")
    layout = forms.ChoiceField(
        choices=[(name, f"As Azure Migrate's exports of {name}") for name in sorted(LAYOUTS, reverse=True)],
        initial=NEWEST_LAYOUT,
        label="Columns of the standard sheets",
    )
    refused_shown = forms.IntegerField(
        min_value=1,
        max_value=MAX_REFUSED_SHOWN,
        initial=REFUSED_SHOWN,
        label="Refused sizes shown",
        help_text="How many of the cheaper sizes that were refused the decision trace tells of each machine.",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = ("", "All assessments that have results")
        self.fields["assessment"].choices = [every, *assessment_choices(project, with_results=True)]  # type: ignore[attr-defined]
        runs = AssessmentRun.objects.filter(
            assessment__project=project, assessment__deleted_at=None, status=RunStatus.COMPLETED
        ).select_related("assessment")
        newest = runs.only("number", "created_at", "assessment__name").order_by("-created_at", "id")[:MAX_CHOICES]
        names = [
            (str(run.id), f"{run.assessment.name}, run {run.number} of {run.created_at:%Y-%m-%d}") for run in newest
        ]
        offered = list(templates_offered())
        none = ("", "None: all sheets, our look")
        self.fields["template"].choices = [none, *((str(one.id), one.name) for one in offered)]  # type: ignore[attr-defined]
        self.fields["template"].initial = next((str(one.id) for one in offered if one.is_default), "")
        self.fields["before_run"].choices = [("", "Nothing: the results as they are"), *names]  # type: ignore[attr-defined]

    @property
    def of_project(self) -> bool:
        return not self.data.get("assessment")

    @property
    def serializer(self) -> type[StrictSerializer]:  # type: ignore[override]  # what was chosen decides which
        return ProjectReportIn if self.of_project else ReportIn

    def body(self) -> dict[str, Any]:
        body = super().body()
        body.pop("assessment", None)
        if self.of_project:
            return {"format": body["format"], "template": body.get("template")}
        body["template"] = body.get("template")
        if body["template"]:  # what was not changed here is as the template says
            kept = {name for name in ("layout", "refused_shown") if body.get(name) == self.fields[name].initial}
            body = {name: value for name, value in body.items() if name not in kept}
        return body

    def clean(self) -> dict[str, Any]:
        if self.of_project and self.cleaned_data.get("before_run"):
            self.add_error("assessment", "A difference is of one assessment: choose which.")
        return super().clean()


class NewReportView(ProjectPortalView):
    section = "reports"
    reads_need = ProjectPortalView.writes_need

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        asked = {
            name: request.GET[name] for name in ("assessment", "before_run", "run", "format") if name in request.GET
        }
        return self.page("portal/report_new.html", {"form": NewReportForm(self.project, initial=asked)})

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form = NewReportForm(self.project, request.POST)
        if form.is_valid():
            with refusals_in(form):
                return redirect("portal:project-report", self.project.id, self._queue(form).id)
        return self.page("portal/report_new.html", {"form": form}, status=400)

    def _queue(self, form: NewReportForm) -> Report:
        now = timezone.now()
        asked = {**form.cleaned_data, "template": template_asked_for(form.cleaned_data)}
        if form.of_project:
            return queue_project_report(self.project, now=now, **asked)
        assessments = Assessment.objects.filter(project=self.project, deleted_at=None).select_related("current_run")
        return queue_report(found(assessments, form.data["assessment"]), now=now, **asked)


class OneReportView(ProjectPortalView):
    """A report of the project, whatever it is of."""

    section = "reports"
    report: Report

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        self.report = found(reports_of(self.project), kwargs["report"])

    def back(self) -> HttpResponse:
        return redirect("portal:project-report", self.project.id, self.report.id)


class LinkForm(DomainForm):
    serializer = LinkIn
    lifetime_hours = forms.IntegerField(
        label="Works for", initial=24 * 7, widget=forms.Select(choices=list(LIFETIMES.items()))
    )


class ReportView(OneReportView):
    """What a report shows and how far it is, and the links to it that were given out."""

    template = "portal/report.html"

    def get(self, request: HttpRequest, project: str, report: str) -> HttpResponse:
        return self.page(self.template, self.shown())

    def shown(self) -> dict[str, Any]:
        now, report = timezone.now(), self.report
        links = list(ReportLink.objects.filter(report=report).order_by("-created_at", "id")[:MAX_LINKS_SHOWN])
        emails = emails_of(link.created_by for link in links)
        return {
            "row": rows_of(self.project, [report], now)[0],
            "report": report,
            "form_words": FORMATS[ReportFormat(report.format)],
            "runs": pinned_runs(report) if report.kind == ReportKind.PROJECT else [],
            "before": report.before_run
            and AssessmentRun.objects.select_related("assessment").get(id=report.before_run_id),
            "form": LinkForm(),
            "links": [(link, emails.get(link.created_by), _address(link, now)) for link in links],
            "is_unfinished": report.status in UNFINISHED,
        }

    def post(self, request: HttpRequest, project: str, report: str) -> HttpResponse:
        """A new link."""
        form = LinkForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                share_report(self.report, now=timezone.now(), **form.cleaned_data)
                messages.success(request, "The link is below. Whoever has it can download the file.")
                return self.back()
        return self.page(self.template, {**self.shown(), "form": form}, status=400)


def _address(link: ReportLink, now: datetime) -> str:
    """Empty for a link that works no longer."""
    return shared_url(link) if link.revoked_at is None and link.expires_at > now else ""


class ReportStateView(ReportView):
    """The part of the page that is asked for again while the report is made."""

    template = "portal/parts/report_state.html"


class DownloadView(OneReportView):
    """The file, for whoever may read the project; it streams after the view's transaction has ended."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, project: str, report: str) -> HttpResponseBase:
        ready = downloadable(self.report.id)
        if ready.file is None:
            raise not_found()
        return file_response(request, ready.file)


class CancelView(OneReportView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, report: str) -> HttpResponse:
        try:
            cancel_report(self.report, timezone.now())
        except DomainError as error:
            messages.warning(request, error.detail)
        else:
            messages.success(request, "The report is not made any further.")
        return self.back()


class DeleteView(OneReportView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, report: str) -> HttpResponse:
        revoke_report(self.report, timezone.now())
        messages.success(request, "The report was deleted; links to it do not work any more.")
        return redirect("portal:report-center", self.project.id)


class RevokeLinksView(OneReportView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, report: str) -> HttpResponse:
        revoke_links(self.report, timezone.now())
        messages.success(request, "No link to this report works any more. The report stays.")
        return self.back()


class RevokeLinkView(OneReportView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, report: str, link: str) -> HttpResponse:
        row = ReportLink.objects.filter(report=self.report, id=as_uuid(link)).select_related("report").first()
        if row is None:
            raise Http404
        revoke_link(row, timezone.now())
        messages.success(request, "The link does not work any more.")
        return self.back()
