"""What of the background is told as work: runs, and the computation of sensitivity."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from assessments import queueing, sensitivity_jobs
from assessments.models import UNFINISHED, AssessmentRun, GridPart, RunShard, RunStatus, Sensitivity, ShardArrays
from assessments.running import PUBLISH_TASK, SHARD_TASK
from assessments.sensitivity import COMFORT_FACTORS
from migrate_hub.jobs.work import Work, WorkSource, made_at, register_work

STATES = {
    RunStatus.CREATED: "queued",
    RunStatus.RUNNING: "running",
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
}


def state_of(status: str, failure_code: str = "") -> str:
    """A status of runs and reports in the words of work."""
    return "cancelled" if failure_code == queueing.CANCELLED else STATES[RunStatus(status)]


# --- runs ------------------------------------------------------------------------------------------------------------


def _runs() -> "QuerySet[AssessmentRun]":
    living = AssessmentRun.objects.filter(assessment__deleted_at=None, assessment__project__deleted_at=None)
    shards = RunShard.objects.filter(run=OuterRef("id"), done=True).order_by().values("run")
    done = shards.annotate(done=Sum("machine_count")).values("done")
    rows: QuerySet[AssessmentRun] = living.select_related("assessment").defer("summary", "settings")
    return rows.annotate(done=Coalesce(Subquery(done), 0))


def _told_runs(runs: Sequence[Any]) -> list[Work]:
    return [
        Work(
            id=run.id,
            kind="assessment",
            state=(state := state_of(run.status, run.failure_code)),
            project_id=run.assessment.project_id,
            subject=run.assessment.name,
            subject_id=run.assessment_id,
            object_id=run.id,
            done=run.machine_count if state == "completed" else min(run.done, run.machine_count),
            total=run.machine_count,
            unit="machines",
            created_at=run.created_at,
            finished_at=run.finished_at,
            created_by=run.created_by,
            failure=run.failure_detail if state == "failed" else "",
            can_cancel=run.status in UNFINISHED,
        )
        for run in runs
    ]


def _cancel_run(run: AssessmentRun, now: datetime) -> None:
    queueing.cancel_run(run.assessment, now)


# --- sensitivity ------------------------------------------------------------------------------------------------------


def _sensitivities() -> "QuerySet[Sensitivity]":
    living = Sensitivity.objects.filter(run__assessment__deleted_at=None, run__assessment__project__deleted_at=None)
    read = ShardArrays.objects.filter(run=OuterRef("run_id"), percentiles__isnull=False).order_by().values("run")
    parts = GridPart.objects.filter(run=OuterRef("run_id")).order_by().values("run")
    rows: QuerySet[Sensitivity] = living.select_related("run__assessment").defer("run__summary", "run__settings")
    return rows.annotate(
        read=Coalesce(Subquery(read.annotate(sum=Sum("machine_count")).values("sum")), 0),
        positions=Coalesce(Subquery(parts.annotate(count=Count("*")).values("count")), 0) * len(COMFORT_FACTORS),
        machines=F("run__machine_count"),
    )


def _told_sensitivities(rows: Sequence[Any]) -> list[Work]:
    return [_told_sensitivity(row) for row in rows]


def _told_sensitivity(row: Any) -> Work:
    reads = row.percentiles_status == RunStatus.RUNNING
    status = RunStatus.RUNNING if reads else row.grid_status or row.percentiles_status
    done, total = (row.read, row.machines) if reads else (row.positions, sensitivity_jobs.GRID_POSITIONS)
    asked_for_grid = row.grid_status is not None
    return Work(
        id=row.id,
        kind="sensitivity" if asked_for_grid else "percentiles",
        state=state_of(status),
        project_id=row.run.assessment.project_id,
        subject=row.run.assessment.name,
        subject_id=row.run.assessment_id,
        object_id=row.run_id,
        done=done if reads or asked_for_grid else row.read,
        total=total if reads or asked_for_grid else row.machines,
        unit="machines" if reads or not asked_for_grid else "positions",
        created_at=made_at(row.id),
        finished_at=None,
        created_by=None,
        failure="It was tried several times. Open What if of the assessment to have it computed again."
        if status == RunStatus.FAILED
        else "",
        can_cancel=row.grid_status in UNFINISHED,
    )


def _cancel_sensitivity(row: Sensitivity, now: datetime) -> None:
    sensitivity_jobs.cancel_grid(row.run)


def register_all() -> None:
    register_work(
        "runs",
        WorkSource(
            rows=_runs,
            unfinished=Q(status__in=UNFINISHED),
            project="assessment__project",
            tasks=(queueing.PLAN_TASK, SHARD_TASK, PUBLISH_TASK),
            describe=_told_runs,
            cancel=_cancel_run,
        ),
    )
    register_work(
        "sensitivity",
        WorkSource(
            rows=_sensitivities,
            unfinished=Q(percentiles_status__in=UNFINISHED) | Q(grid_status__isnull=False, grid_status__in=UNFINISHED),
            project="run__assessment__project",
            tasks=(sensitivity_jobs.PERCENTILES_TASK, sensitivity_jobs.GRID_TASK),
            describe=_told_sensitivities,
            cancel=_cancel_sensitivity,
        ),
    )
