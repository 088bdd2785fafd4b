"""The runs of an assessment: listed, read as they were kept, repeated at other prices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from assessments.catalog.models import Catalog, PriceSheet
from assessments.comparison_serializers import RepeatIn
from assessments.models import UNFINISHED, AssessmentRun, RunShard, RunStatus
from assessments.queueing import repeat_run
from migrate_hub.portal.access import found
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.figures import figure
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.summary import Overview, overview_of
from migrate_hub.portal.wording import CRITERIA, TERMS, settings_in_words, window_in_words
from migrate_hub.tenants.models import Role
from reports.listing import emails_of

MAX_CATALOGS_OFFERED = 100
OWN = ("", "As in the run")
NO_SHEET = "none"


@dataclass(frozen=True)
class RunRow:
    """One run of the list."""

    run: AssessmentRun
    email: str | None
    settings: str
    price_sheet: str
    is_published: bool

    @property
    def is_completed(self) -> bool:
        return bool(self.run.status == RunStatus.COMPLETED)


def run_rows(runs: Iterable[AssessmentRun], published_id: UUID | None) -> list[RunRow]:
    """The runs with who asked for them and the names of their price sheets, in two queries."""
    listed = list(runs)
    emails = emails_of(run.created_by for run in listed)
    sheets = sheet_names(listed)
    return [
        RunRow(
            run=run,
            email=emails.get(run.created_by),
            settings=settings_in_short(run.settings),
            price_sheet=sheets.get(run.settings.get("price_sheet") or "", ""),
            is_published=run.id == published_id,
        )
        for run in listed
    ]


def sheet_names(runs: Iterable[AssessmentRun]) -> dict[str, str]:
    """Names of the price sheets that some runs used, by id; those deleted since as well."""
    ids = {run.settings["price_sheet"] for run in runs if run.settings.get("price_sheet")}
    rows = PriceSheet.objects.filter(id__in=ids).values_list("id", "name") if ids else []
    return {str(sheet_id): name for sheet_id, name in rows}


def settings_in_short(settings: Mapping[str, Any]) -> str:
    """What tells runs apart at a glance."""
    parts = [CRITERIA[settings["sizing_criterion"]]]
    if settings["sizing_criterion"] == "performance_based":
        parts = [f"{settings['percentile']}th percentile of {window_in_words(settings['performance_window'])}"]
    parts.append(f"× {figure(settings['comfort_factor'])}")  # noqa: RUF001
    term = settings["commitment"] if settings["commitment"] != "none" else settings["offer"]
    return ", ".join([*parts, TERMS[term].lower()])


class RunsView(OneAssessmentView):
    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        runs = AssessmentRun.objects.filter(assessment=self.assessment).select_related("catalog", "repeats")
        page = page_of(runs, request, order_by="number", descending=True)
        published = self.assessment.current_run_id
        context = {
            "page": page,
            "rows": run_rows(page.rows, published),
            "published_id": published,
            "is_comparable": runs.filter(status=RunStatus.COMPLETED).count() > 1,
        }
        return self.page("portal/runs.html", context)


class OneRunView(OneAssessmentView):
    """A page of one run; one of another assessment is 404."""

    run: AssessmentRun

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        runs = AssessmentRun.objects.filter(assessment=self.assessment).select_related("catalog", "repeats")
        self.run = found(runs, kwargs["run"])

    def run_context(self) -> dict[str, Any]:
        """What each page of a run shows of it."""
        unfinished = self.run.status in UNFINISHED
        return {
            "run": self.run,
            "row": run_rows([self.run], self.assessment.current_run_id)[0],
            "is_unfinished": unfinished,
            "done": min(self._machines_done(), self.run.machine_count) if unfinished else self.run.machine_count,
        }

    def _machines_done(self) -> int:
        shards = RunShard.objects.filter(run=self.run, done=True)
        return int(shards.aggregate(done=models.Sum("machine_count"))["done"] or 0)


class RunView(OneRunView):
    def get(self, request: HttpRequest, project: str, assessment: str, run: str) -> HttpResponse:
        context = {**self.run_context(), "settings": settings_in_words(self.run.settings)}
        if self.run.summary is not None:
            overview: Overview = overview_of(self.run.summary, self.run.settings)
            context["overview"] = overview
        return self.page("portal/run.html", context)


class RunStateView(OneRunView):
    """How far a run is, asked for again and again while it runs; the page is loaded anew at its end."""

    def get(self, request: HttpRequest, project: str, assessment: str, run: str) -> HttpResponse:
        context = self.run_context()
        response = self.page("portal/parts/kept_run_state.html", context)
        if is_htmx(request) and not context["is_unfinished"]:
            response["HX-Refresh"] = "true"
        return response


class RepeatForm(DomainForm):
    """At which prices to repeat a run."""

    serializer = RepeatIn
    catalog = forms.CharField(
        required=False, help_text="The published prices of that day. Sizes that it does not have are not offered."
    )
    price_sheet = forms.CharField(
        label="Price sheet", required=False, help_text="Your own prices, in the place of the published ones."
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        catalogs = Catalog.objects.order_by("-as_of", "-id")[:MAX_CATALOGS_OFFERED]
        named = [(str(each.id), f"{each.name}, of {each.as_of}") for each in catalogs]
        self.fields["catalog"].widget = forms.Select(choices=[OWN, *named])
        sheets = PriceSheet.objects.filter(deleted_at=None).order_by("name", "id").values_list("id", "name")
        offered = [OWN, (NO_SHEET, "None: published prices"), *((str(id), name) for id, name in sheets)]
        self.fields["price_sheet"].widget = forms.Select(choices=offered)

    def body(self) -> dict[str, Any]:
        settings: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        if settings.get("price_sheet") == NO_SHEET:
            settings["price_sheet"] = None
        return {"settings": settings} if settings else {}

    def field_of(self, path: str) -> str | None:
        return super().field_of(path.removeprefix("settings."))

    def clean(self) -> dict[str, Any]:
        """Only what was chosen: the serializer must not fill in the defaults of a new assessment."""
        if self.errors:
            return self.cleaned_data
        serializer = RepeatIn(data=self.body(), partial=True)
        if not serializer.is_valid():
            return super().clean()
        return dict(serializer.validated_data)


class RepeatView(OneRunView):
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str, assessment: str, run: str) -> HttpResponse:
        offered = {name: request.GET.get(name, "") for name in ("catalog", "price_sheet")}
        return self._page(RepeatForm(initial=offered))

    def post(self, request: HttpRequest, project: str, assessment: str, run: str) -> HttpResponse:
        form = RepeatForm(request.POST)
        if form.is_valid():
            with refusals_in(form):
                repeated = self._repeat(form.cleaned_data.get("settings", {}))
                return redirect("portal:run", self.project.id, self.assessment.id, repeated.id)
        return self._page(form, status=400)

    def _repeat(self, settings: dict[str, Any]) -> AssessmentRun:
        self.run.assessment = self.assessment  # with its project, which complete_settings reads
        return repeat_run(self.run, settings=settings, now=timezone.now())

    def _page(self, form: RepeatForm, *, status: int = 200) -> HttpResponse:
        return self.page("portal/run_repeat.html", {**self.run_context(), "form": form}, status=status)
