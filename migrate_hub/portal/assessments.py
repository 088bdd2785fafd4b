"""Assessments: listed, watched while they run, read, computed again, cancelled, deleted. wizard.py makes them."""

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from assessments import queueing
from assessments.highlights import STALE_AFTER_DAYS, insights_of, price_age_days
from assessments.models import UNFINISHED, Assessment, AssessmentRun, RunStatus
from assessments.views import machines_done, shown_whole, with_progress
from migrate_hub.errors import DomainError
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.htmx import is_htmx
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.progress import progress_times
from migrate_hub.portal.reports import report_rows
from migrate_hub.portal.summary import overview_of
from migrate_hub.portal.wording import settings_in_words
from migrate_hub.tenants.models import Project


def living(project: Project) -> "QuerySet[Assessment]":
    rows: QuerySet[Assessment] = Assessment.objects.filter(project=project, deleted_at=None)
    return rows.select_related("latest_run", "current_run__catalog", "group", "project")


class AssessmentsView(ProjectPortalView):
    section = "assessments"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        page = page_of(with_progress(living(self.project)), request, order_by="created_at", descending=True)
        return self.page("portal/assessments.html", {"page": page})


class OneAssessmentView(ProjectPortalView):
    """A page of one assessment; one that is not yours or not there is 404."""

    section = "assessments"
    assessment: Assessment

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        self.assessment = found(living(self.project), kwargs["assessment"])

    @cached_property
    def published_run(self) -> AssessmentRun:
        """The run that readers see, or the completed one that `?run=` names. Raises 409 while there is none."""
        run: AssessmentRun | None = self.assessment.current_run
        if "run" in self.request.GET:
            runs = AssessmentRun.objects.filter(assessment=self.assessment).select_related("catalog")
            run = found(runs, self.request.GET["run"])
        if run is None or run.status != RunStatus.COMPLETED:
            raise DomainError(
                code="no_results_yet",
                status=409,
                detail="No run of this assessment has completed yet. Its page shows how far it is.",
            )
        return run

    @property
    def kept_run(self) -> AssessmentRun | None:
        """The run of `?run=` where it is another one than the published; links carry it on, pages say so."""
        named = "run" in self.request.GET and self.published_run.id != self.assessment.current_run_id
        return self.published_run if named else None

    def frame(self) -> dict[str, Any]:
        return {**super().frame(), "assessment": self.assessment, "state": self.state()}

    def state(self) -> dict[str, Any]:
        """How far the newest run is."""
        run: AssessmentRun | None = self.assessment.latest_run
        if run is None:
            return {"status": "failed", "is_unfinished": False, "done": 0, "total": 0, "share": 0.0, "run": None}
        unfinished = run.status in UNFINISHED
        done = min(machines_done(run.id), run.machine_count) if unfinished else run.machine_count
        return {
            "run": run,
            "status": run.status,
            "is_unfinished": unfinished,
            "done": done,
            "total": run.machine_count,
            "times": progress_times(run.started_at, timezone.now(), done=done, total=run.machine_count),
        }


class AssessmentView(OneAssessmentView):
    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        whole = shown_whole(self.assessment)
        context = {
            "freshness": whole.get("freshness"),
            "reasons": whole.get("freshness_reasons", []),
            "run": self.assessment.current_run,
            "settings": settings_in_words(self.assessment.settings),
            "reports": report_rows(self.assessment),
        }
        if "summary" in whole:
            run = self.published_run
            context["overview"] = overview_of(whole["summary"], run.settings, insights_of(run))
            context["price_age_days"] = price_age_days(run, timezone.now().date())
            context["stale_after_days"] = STALE_AFTER_DAYS
        return self.page("portal/assessment.html", context)


class AssessmentStateView(OneAssessmentView):
    """The part of the page that tells how far the newest run is, asked for again and again while it runs."""

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        response = self.page("portal/parts/run_state.html")
        if is_htmx(request) and not self.state()["is_unfinished"]:
            response["HX-Refresh"] = "true"  # the page around it shows the results now
        return response


class AssessmentActionView(OneAssessmentView):
    """A button of the assessment's page; what the domain refuses is told there."""

    http_method_names = ["post"]
    done: str = ""

    def post(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        try:
            self.act()
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, self.done)
        return redirect("portal:assessment", self.project.id, self.assessment.id)

    def act(self) -> None:
        raise NotImplementedError


class RecalculateView(AssessmentActionView):
    done = "A new run was queued: the group, its machines and their history as they are now."

    def act(self) -> None:
        queueing.recalculate(self.assessment, timezone.now())


class CancelView(AssessmentActionView):
    done = "The run was cancelled. Results of the last completed one stay."

    def act(self) -> None:
        queueing.cancel_run(self.assessment, timezone.now())


class DeleteAssessmentView(OneAssessmentView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        queueing.delete_assessment(self.assessment, timezone.now())
        messages.success(request, f"The assessment {self.assessment.name} was deleted.")
        return redirect("portal:assessments", self.project.id)
