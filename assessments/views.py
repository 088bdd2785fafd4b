"""Assessments of a project: make, read, change, recalculate, cancel; their rows and traces."""

from dataclasses import asdict
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assessments import queueing
from assessments.filters import SORTS, filtered, order_of, totals_of
from assessments.freshness import freshness
from assessments.highlights import insights_of
from assessments.models import AssessedDisk, AssessedMachine, Assessment, AssessmentRun, RunShard, RunStatus
from assessments.presentation import decision_trace, disk_row, machine_row, nic_row
from assessments.result_serializers import FILTER_PARAMETERS, InsightsOut, TotalsOut
from assessments.results import amount_text
from assessments.serializers import (
    AssessmentChange,
    AssessmentDetail,
    AssessmentIn,
    AssessmentOut,
    MachineDetail,
    MachineRow,
)
from groups.models import Group
from migrate_hub.errors import DomainError, not_found
from migrate_hub.tenants.api import ProjectViewSet, as_uuid

RUN_PARAMETER = OpenApiParameter("run", OpenApiTypes.UUID, description="A completed run; default: the published one.")


def shown(assessment: Assessment, done: int) -> dict[str, Any]:
    """An assessment with the state of its newest run and what its published run pinned."""
    latest, current = assessment.latest_run, assessment.current_run
    assert latest is not None  # written with the assessment
    total = latest.machine_count
    answer = {
        "id": assessment.id,
        "name": assessment.name,
        "group_id": assessment.group_id,
        "settings": assessment.settings,
        "status": latest.status,
        "progress": {"done": total if latest.status == RunStatus.COMPLETED else min(done, total), "total": total},
        "created_at": assessment.created_at,
    }
    if latest.status == RunStatus.FAILED:
        answer["failure"] = {"code": latest.failure_code, "detail": latest.failure_detail}
    if current is not None:
        answer["run"] = current
    return answer


def shown_whole(assessment: Assessment) -> dict[str, Any]:
    """As `shown`, with freshness and summary of the published run."""
    answer = shown(assessment, machines_done(assessment.latest_run_id))
    run = assessment.current_run
    if run is not None:
        state = freshness(run, assessment.group)
        answer |= {"freshness": state["status"], "freshness_reasons": state["reasons"], "summary": run.summary}
    return answer


def machines_done(run_id: UUID | None) -> int:
    done = RunShard.objects.filter(run_id=run_id, done=True).aggregate(done=models.Sum("machine_count"))["done"]
    return int(done or 0)


def with_progress(assessments: models.QuerySet[Assessment]) -> models.QuerySet[Assessment]:
    """Adds `done`, the machines computed of the newest run, in the same query."""
    shards = RunShard.objects.filter(run=models.OuterRef("latest_run"), done=True).order_by().values("run")
    done = shards.annotate(done=models.Sum("machine_count")).values("done")
    return assessments.annotate(done=models.functions.Coalesce(models.Subquery(done), 0))


def disks_of(run: AssessmentRun, machine_ids: list[UUID]) -> dict[UUID, list[AssessedDisk]]:
    """The disks of some machines of a run, in order of position, in one query."""
    disks = AssessedDisk.objects.filter(run=run, machine_id__in=machine_ids).order_by("machine_id", "position")
    return {machine_id: list(found) for machine_id, found in groupby(disks, key=lambda disk: disk.machine_id)}


@extend_schema(tags=["assessments"])
class AssessmentsView(ProjectViewSet):
    model = Assessment
    serializer_class = AssessmentOut
    ordering = ("-created_at", "id")

    def get_queryset(self) -> models.QuerySet[Assessment]:
        rows = super().get_queryset().filter(deleted_at=None)
        return rows.select_related("latest_run", "current_run__catalog", "group", "project")

    def _found(self, assessment: str) -> Assessment:
        found: Assessment = self.find(self.get_queryset(), assessment)
        return found

    def _detail(self, assessment: Assessment, code: int = status.HTTP_200_OK) -> Response:
        fresh = self.get_queryset().get(id=assessment.id)
        return Response(AssessmentDetail(shown_whole(fresh)).data, status=code)

    @extend_schema(responses=AssessmentOut(many=True))
    def list(self, request: Request, project: str) -> Response:
        page = self.paginate_queryset(with_progress(self.get_queryset()))
        rows = AssessmentOut([shown(row, getattr(row, "done", 0)) for row in page or []], many=True)
        assert self.paginator is not None
        return self.paginator.get_paginated_response(rows.data)

    @extend_schema(request=AssessmentIn, responses={202: AssessmentDetail})
    def create(self, request: Request, project: str, group: str) -> Response:
        found = Group.objects.filter(id=as_uuid(group), project=self.project, deleted_at=None).first()
        if found is None:
            raise not_found()
        body = AssessmentIn(data=request.data)
        body.is_valid(raise_exception=True)
        assessment = queueing.queue_assessment(group=found, now=timezone.now(), **body.validated_data)
        return self._detail(assessment, status.HTTP_202_ACCEPTED)

    @extend_schema(responses=AssessmentDetail)
    def retrieve(self, request: Request, project: str, assessment: str) -> Response:
        return Response(AssessmentDetail(shown_whole(self._found(assessment))).data)

    @extend_schema(request=AssessmentChange, responses={200: AssessmentDetail, 202: AssessmentDetail})
    def partial_update(self, request: Request, project: str, assessment: str) -> Response:
        found = self._found(assessment)
        body = AssessmentChange(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        queueing.change_assessment(found, now=timezone.now(), **body.validated_data)
        queued = "settings" in body.validated_data
        return self._detail(found, status.HTTP_202_ACCEPTED if queued else status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str, assessment: str) -> Response:
        queueing.delete_assessment(self._found(assessment), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: AssessmentDetail})
    def recalculate(self, request: Request, project: str, assessment: str) -> Response:
        found = self._found(assessment)
        queueing.recalculate(found, timezone.now())
        return self._detail(found, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: AssessmentDetail})
    def cancel(self, request: Request, project: str, assessment: str) -> Response:
        found = self._found(assessment)
        queueing.cancel_run(found, timezone.now())
        return self._detail(found, status.HTTP_202_ACCEPTED)


class RunRowsView(ProjectViewSet):
    """Rows of the published run of the assessment in the URL, or of the completed run that `?run=` names."""

    run: AssessmentRun

    def enter(self, **kwargs: Any) -> None:
        super().enter(**kwargs)
        assessments = Assessment.objects.filter(project=self.project, deleted_at=None)
        assessment = assessments.select_related("current_run__catalog").filter(id=as_uuid(kwargs["assessment"])).first()
        if assessment is None:
            raise not_found()
        self.run = self._run(assessment, self.request.query_params.get("run"))

    def _run(self, assessment: Assessment, named: str | None) -> AssessmentRun:
        run: AssessmentRun | None = assessment.current_run
        if named is not None:
            runs = AssessmentRun.objects.filter(assessment=assessment).select_related("catalog")
            run = runs.filter(id=as_uuid(named)).first()
            if run is None:
                raise not_found()
        if run is None or run.status != RunStatus.COMPLETED:
            which = "This run" if named else "No run of this assessment"
            detail = f"{which} has {'not ' if named else ''}completed yet. Ask again later."
            raise DomainError(code="no_results_yet", status=409, detail=detail)
        return run

    def get_queryset(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model.objects.filter(run=self.run)
        return rows


@extend_schema(tags=["assessments"])
class AssessedMachinesView(RunRowsView):
    model = AssessedMachine
    serializer_class = MachineRow

    @extend_schema(
        parameters=[
            *FILTER_PARAMETERS,
            OpenApiParameter(
                "sort",
                enum=[name for each in SORTS for name in (each, f"-{each}")],
                description="`-`: the largest first. Default: name.",
            ),
            RUN_PARAMETER,
        ],
        responses=MachineRow(many=True),
    )
    def list(self, request: Request, project: str, assessment: str) -> Response:
        page = self.paginate_queryset(self._filtered(request)) or []
        disks, currency = disks_of(self.run, [row.machine_id for row in page]), self.run.settings["currency"]
        shown_rows = [machine_row(machine, disks.get(machine.machine_id, []), currency) for machine in page]
        rows = MachineRow(shown_rows, many=True)
        assert self.paginator is not None
        return self.paginator.get_paginated_response(rows.data)

    @property
    def ordering(self) -> tuple[str, ...]:  # type: ignore[override]  # of each request its own
        return order_of(self.request.query_params.get("sort", "name"))

    def _filtered(self, request: Request) -> models.QuerySet[AssessedMachine]:
        return filtered(self.get_queryset(), self.run, request.query_params)

    @extend_schema(parameters=[*FILTER_PARAMETERS, RUN_PARAMETER], responses=TotalsOut)
    def totals(self, request: Request, project: str, assessment: str) -> Response:
        """What the machines that the filters leave come to."""
        found = totals_of(self.run, request.query_params)
        told = {
            **asdict(found),
            "currency": self.run.settings["currency"],
            "monthly_cost": amount_text(Decimal(found.monthly_cost)),
            "monthly_saving": amount_text(Decimal(found.monthly_saving)),
        }
        return Response(TotalsOut(told).data)

    @extend_schema(parameters=[RUN_PARAMETER], responses=InsightsOut)
    def insights(self, request: Request, project: str, assessment: str) -> Response:
        """What to look at first, and how busy the recommended sizes will be."""
        told = {**insights_of(self.run), "prices_as_of": self.run.catalog.as_of}
        return Response(InsightsOut(told).data)

    @extend_schema(parameters=[RUN_PARAMETER], responses=MachineDetail)
    def retrieve(self, request: Request, project: str, assessment: str, machine: str) -> Response:
        found = self.get_queryset().filter(machine_id=as_uuid(machine)).first()
        if found is None:
            raise not_found()
        disks = disks_of(self.run, [found.machine_id]).get(found.machine_id, [])
        detail = {
            **machine_row(found, disks, self.run.settings["currency"]),
            "disks": [disk_row(disk) for disk in disks],
            "nics": [nic_row(nic) for nic in found.inputs["nics"]],
            "security_readiness": found.security_readiness,
            "trace": decision_trace(self.run, found, disks),
        }
        return Response(MachineDetail(detail).data)
