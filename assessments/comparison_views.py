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

from assessments.comparison import CAUSES, NOTES, Comparison, compare
from assessments.comparison_serializers import CompareQuery, ComparisonOut, RepeatIn, RunRow
from assessments.engine.fixed_point import MONEY_SCALE, to_decimal
from assessments.models import AssessedMachine, Assessment, AssessmentRun, RunShard, RunStatus
from assessments.queueing import repeat_run
from assessments.results import amount_text
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
        such machines are also reported apart.
        """
        size, start = CursorPages().get_page_size(request), _start(request.query_params.get("cursor"))
        query = CompareQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        before, after = self._runs(query.validated_data)
        comparison = compare(before, after)
        following = start + size if start + size < len(comparison.machine_ids) else None
        answer = {
            **_summary(comparison, before, after),
            "results": _rows(comparison, before, after, slice(start, start + size)),
            "next": following and replace_query_param(request.build_absolute_uri(), "cursor", _cursor(following)),
        }
        return Response(ComparisonOut(answer).data)

    def _runs(self, asked: dict[str, Any]) -> tuple[AssessmentRun, AssessmentRun]:
        other = self.find_assessment(asked["with"]) if "with" in asked else self.assessment
        before, after = _completed(self.assessment, asked.get("run")), _completed(other, asked.get("with_run"))
        if before.id == after.id:
            raise DomainError(
                code="same_run",
                detail="Both are the same run. Name another assessment in `with`, or an older run in `run`.",
            )
        return before, after


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


def _money(billionths: int) -> str:
    return amount_text(to_decimal(billionths, MONEY_SCALE)) or ""


def _causes(parts: dict[str, int]) -> dict[str, str]:
    return {cause: _money(parts[cause]) for cause in CAUSES}


def _summary(comparison: Comparison, before: AssessmentRun, after: AssessmentRun) -> dict[str, Any]:
    found, in_both = comparison, comparison.in_before & comparison.in_after
    apart = found.by_cause(found.without_cost)
    return {
        "before": _side_of(before, found.before_total),
        "after": _side_of(after, found.after_total),
        "currency": before.settings["currency"],
        "difference": _money(found.after_total - found.before_total),
        "causes": _causes(found.by_cause()),
        "machines": {
            "in_both": int(in_both.sum()),
            "added": int((~found.in_before).sum()),
            "removed": int((~found.in_after).sum()),
            "changed_cost": int((in_both & (found.difference != 0)).sum()),
            "changed_size": found.changed_sizes,
            "changed_readiness": found.changed_readiness,
        },
        "without_cost_in_one": {
            "machines": int(found.without_cost.sum()),
            "difference": _money(sum(apart.values())),
            "causes": _causes(apart),
        },
        "notes": [{"code": code, "message": NOTES[code]} for code in found.notes],
    }


def _side_of(run: AssessmentRun, total: int) -> dict[str, Any]:
    return {
        "assessment": run.assessment_id,
        "name": run.assessment.name,
        "run": run.id,
        "number": run.number,
        "machines": run.machine_count,
        "monthly_cost": _money(total),
        "readiness": (run.summary or {})["readiness"],
    }


def _rows(comparison: Comparison, before: AssessmentRun, after: AssessmentRun, page: slice) -> list[dict[str, Any]]:
    ids = comparison.machine_ids[page]
    sides = {"before": _machines(before, ids), "after": _machines(after, ids)}
    rows = []
    for place, machine_id in enumerate(ids, page.start):
        found = {side: machines[machine_id] for side, machines in sides.items() if machine_id in machines}
        rows.append(
            {
                "machine": machine_id,
                "name": next(reversed(found.values())).name,
                **{side: _machine_side(machine) for side, machine in found.items()},
                "difference": _money(int(comparison.difference[place])),
                "causes": {
                    cause: _money(int(part)) for cause, part in zip(CAUSES, comparison.parts[:, place], strict=True)
                },
                "without_cost_in_one": bool(comparison.without_cost[place]),
            }
        )
    return rows


def _machines(run: AssessmentRun, ids: list[UUID]) -> dict[UUID, AssessedMachine]:
    columns = ("machine_id", "name", "readiness", "recommended_sku", "monthly_compute_cost", "monthly_storage_cost")
    rows = AssessedMachine.objects.filter(run=run, machine_id__in=ids).only(*columns)
    return {machine.machine_id: machine for machine in rows}


def _machine_side(machine: AssessedMachine) -> dict[str, Any]:
    side = {
        "readiness": machine.readiness,
        "recommended_sku": machine.recommended_sku,
        "monthly_compute_cost": amount_text(machine.monthly_compute_cost),
        "monthly_storage_cost": amount_text(machine.monthly_storage_cost),
    }
    return {name: value for name, value in side.items() if value is not None}
