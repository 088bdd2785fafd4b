"""The runs of an assessment, and the difference between two runs of a project."""

import base64
import binascii
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from assessments.comparison import compare
from assessments.comparison_serializers import CompareQuery, ComparisonOut, RepeatIn, RunRow
from assessments.comparison_shown import compared_machines, comparison_summary
from assessments.models import Assessment, AssessmentRun, RunShard, RunStatus
from assessments.queueing import repeat_run
from migrate_hub.errors import DomainError, not_found
from migrate_hub.tenants.api import CursorPages, ProjectViewSet, as_uuid
from migrate_hub.tenants.keyset import invalid_cursor

MAX_PLACE_DIGITS = 9


class OfAssessmentView(ProjectViewSet):
    """Something of the assessment in the URL, whether a run of it has completed or not."""

    assessment: Assessment

    def enter(self, **kwargs: Any) -> None:
        super().enter(**kwargs)
        self.assessment = self.find_assessment(as_uuid(kwargs["assessment"]))

    def find_assessment(self, assessment_id: UUID) -> Assessment:
        found: Assessment | None = Assessment.objects.filter(
            project=self.project, deleted_at=None, id=assessment_id
        ).first()
        if found is None:
            raise not_found()
        return found


@extend_schema(tags=["assessments"])
class RunsView(OfAssessmentView):
    model = AssessmentRun
    serializer_class = RunRow
    ordering = ("-number",)

    def get_queryset(self) -> models.QuerySet[AssessmentRun]:
        shards = RunShard.objects.filter(run=models.OuterRef("id"), done=True).order_by().values("run")
        done = shards.annotate(done=models.Sum("machine_count")).values("done")
        rows: models.QuerySet[AssessmentRun] = AssessmentRun.objects.filter(assessment=self.assessment)
        return rows.select_related("catalog").annotate(done=models.Subquery(done))

    @extend_schema(responses=RunRow(many=True))
    def list(self, request: Request, project: str, assessment: str) -> Response:
        """Every run of the assessment, the newest first, with what it pinned and what it came to."""
        page = self.paginate_queryset(self.get_queryset()) or []
        rows = RunRow([run_row(run, self.assessment) for run in page], many=True)
        assert self.paginator is not None
        return self.paginator.get_paginated_response(rows.data)

    @extend_schema(responses=RunRow)
    def retrieve(self, request: Request, project: str, assessment: str, run: str) -> Response:
        return Response(RunRow(run_row(self.find(self.get_queryset(), run), self.assessment)).data)

    @extend_schema(request=RepeatIn, responses={202: RunRow})
    def repeat(self, request: Request, project: str, assessment: str, run: str) -> Response:
        """Computes a completed run once more on exactly the inputs that it stored, at other prices if asked.

        Without `settings` it comes to the same cent. With another `catalog` or a `price_sheet` (or any setting that
        reads nothing else of the history) it tells what the same machines would cost then. The new run is kept beside
        the published one and read with `?run=`; `compare/?with_run=` splits the difference by cause.
        """
        body = RepeatIn(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        found = self.find(self.get_queryset().select_related("assessment__project"), run)
        settings = body.validated_data.get("settings", {})
        repeated = repeat_run(found, settings=settings, now=timezone.now())
        return Response(RunRow(run_row(repeated, self.assessment)).data, status=status.HTTP_202_ACCEPTED)


def run_row(run: AssessmentRun, assessment: Assessment) -> dict[str, Any]:
    total = run.machine_count
    done = total if run.status == RunStatus.COMPLETED else min(getattr(run, "done", None) or 0, total)
    row = {
        "id": run.id,
        "number": run.number,
        "status": run.status,
        "published": run.id == assessment.current_run_id,
        "progress": {
            "done": run.machine_count if run.status == RunStatus.COMPLETED else done,
            "total": run.machine_count,
        },
        "settings": run.settings,
        "catalog": run.catalog_id,
        "prices_as_of": run.catalog.as_of,
        "region": run.region,
        "performance_start_at": run.performance_start_at,
        "performance_end_at": run.performance_end_at,
        "machine_count": run.machine_count,
        "created_at": run.created_at,
        "created_by": run.created_by,
        "currency": run.settings["currency"],
    }
    if run.repeats_id is not None:
        row["repeats"] = run.repeats_id
    if run.finished_at is not None:
        row["finished_at"] = run.finished_at
    if run.status == RunStatus.FAILED:
        row["failure"] = {"code": run.failure_code, "detail": run.failure_detail}
    if run.summary is not None:
        row |= {"readiness": run.summary["readiness"], "monthly_cost": run.summary["monthly_cost"]}
    return row


@extend_schema(tags=["assessments"])
class ComparisonView(OfAssessmentView):
    model = AssessmentRun
    serializer_class = ComparisonOut

    @extend_schema(parameters=[CompareQuery], responses=ComparisonOut)
    def compare(self, request: Request, project: str, assessment: str) -> Response:
        """The difference from one run to another one by machine and by cause, the largest first.

        The parts of a difference add up to it exactly. One group of inputs is exchanged after the other: who is in the
        group, inventory, performance, settings, prices. Where a step has no cost although both runs have one, its
        effect counts in the next step. A machine that lacks a cost in one of the runs counts there as costing nothing;
        such machines are also reported apart. With `cause` only machines that it moved are listed, by that amount.
        """
        size, start = CursorPages().get_page_size(request), _start(request.query_params.get("cursor"))
        query = CompareQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        before, after = self._runs(query.validated_data)
        comparison = compare(before, after)
        places = comparison.places(query.validated_data["order"], query.validated_data.get("cause"))
        following = start + size if start + size < len(places) else None
        answer = {
            **comparison_summary(comparison, before, after),
            "results": compared_machines(comparison, before, after, places[start : start + size]),
            "next": following and replace_query_param(request.build_absolute_uri(), "cursor", _cursor(following)),
        }
        return Response(ComparisonOut(answer).data)

    def _runs(self, asked: dict[str, Any]) -> tuple[AssessmentRun, AssessmentRun]:
        other = self.find_assessment(asked["with"]) if "with" in asked else self.assessment
        return _completed(self.assessment, asked.get("run")), _completed(other, asked.get("with_run"))


def _completed(assessment: Assessment, run_id: UUID | None) -> AssessmentRun:
    """A run of an assessment, the published one if none is named."""
    wanted = run_id or assessment.current_run_id
    runs = AssessmentRun.objects.select_related("assessment", "catalog").filter(assessment=assessment)
    run: AssessmentRun | None = runs.filter(id=wanted).first()
    if run is None and run_id is not None:
        raise not_found()
    if run is None or run.status != RunStatus.COMPLETED:
        raise DomainError(
            code="no_results_yet", status=409, detail=f"{assessment.name} has no results of that run. Ask again later."
        )
    return run


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        place = base64.urlsafe_b64decode(cursor).decode("ascii")
    except (binascii.Error, ValueError):
        raise invalid_cursor() from None
    if not place.isdecimal() or len(place) > MAX_PLACE_DIGITS:
        raise invalid_cursor()
    return int(place)


def _cursor(start: int) -> str:
    """Runs do not change, so a place in their order stays what it is."""
    return base64.urlsafe_b64encode(str(start).encode("ascii")).decode("ascii")
