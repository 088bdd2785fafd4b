"""The background work of sensitivity: the percentiles of a published run, then the grid of positions once asked for.

Each step is one job that may die and be repeated: it reads, computes, and writes its result together with its end in
one transaction, fenced by the job's token.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from assessments.engine.fixed_point import IntArray
from assessments.models import UNFINISHED, AssessmentRun, GridPart, RunStatus, Sensitivity, ShardArrays
from assessments.packed_run import refuse_without_inputs, unpacked
from assessments.percentile_grid import WINDOW_NAMES, Reading, read_percentiles
from assessments.sensitivity import COMFORT_FACTORS, Position, workbench
from assessments.targets import credit_terms_of
from ingest.percentiles import MENU, WINDOWS
from ingest.retention import RETENTION
from ingest.rollups import refresh
from migrate_hub.errors import DomainError
from migrate_hub.jobs.claiming import Claim
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants import audit
from migrate_hub.tenants.row_level_security import tenant_context

# Shards of a run that are those of the run it repeats.
COPY_PERCENTILES = """
UPDATE assessments_shardarrays own SET percentiles = original.percentiles
FROM assessments_shardarrays original
WHERE own.tenant_id = %s AND own.run_id = %s AND own.percentiles IS NULL
AND original.tenant_id = own.tenant_id AND original.run_id = %s AND original.part = own.part
"""

log = structlog.get_logger(__name__)
PERCENTILES_TASK = "assessments.percentiles"
GRID_TASK = "assessments.grid"
BACKGROUND = "bulk"
LONGEST = max(WINDOWS.values())
GRID = tuple(Reading(percentile, window) for window in range(len(WINDOW_NAMES)) for percentile in range(len(MENU)))
GRID_POSITIONS = len(GRID) * len(COMFORT_FACTORS)


@dataclass(frozen=True)
class Progress:
    """How far the percentiles (in machines) and the grid (in positions) of a run are; a status of None = not begun."""

    percentiles_status: str | None
    machines_done: int
    machines: int
    grid_status: str | None
    positions_done: int


def progress_of(run: AssessmentRun) -> Progress:
    """How far a run is."""
    found = Sensitivity.objects.filter(run=run).first()
    machines = ShardArrays.objects.filter(run=run).aggregate(
        done=Sum("machine_count", filter=Q(percentiles__isnull=False)), all=Sum("machine_count")
    )
    return Progress(
        percentiles_status=found.percentiles_status if found else None,
        machines_done=machines["done"] or 0,
        machines=machines["all"] or 0,
        grid_status=found.grid_status if found else None,
        positions_done=GridPart.objects.filter(run=run).count() * len(COMFORT_FACTORS),
    )


def refuse_as_on_premises(run: AssessmentRun) -> None:
    if run.settings["sizing_criterion"] != "performance_based":
        raise DomainError(
            code="not_performance_based",
            status=409,
            detail="The run sizes as on-premises: no percentile, window or history changes its result.",
        )


def refuse_unless_ready(run: AssessmentRun) -> None:
    """Raises DomainError 409 unless every position of the run can be computed."""
    refuse_as_on_premises(run)
    refuse_without_inputs(run)
    found = progress_of(run)
    if found.percentiles_status == RunStatus.COMPLETED:
        return
    if found.percentiles_status == RunStatus.RUNNING:
        detail = f"Percentiles of {found.machines_done} of {found.machines} machines are there. Ask again later."
    else:
        detail = "The percentiles of this run are not there. POST to this address computes them."
    raise DomainError(code="sensitivity_not_ready", status=409, detail=detail)


# --- starting ---------------------------------------------------------------------------------------------------------


def start_percentiles(run: AssessmentRun) -> None:
    """Enqueues the percentiles of a run that is being published, in the same transaction.

    Not those of a window of its own that ended so long ago that the month before its end is not kept any more.
    """
    if run.settings["sizing_criterion"] == "performance_based" and not _history_gone(run):
        _enqueue_percentiles(Sensitivity.objects.create(run=run))


def _history_gone(run: AssessmentRun) -> bool:
    return bool(run.performance_end_at - LONGEST < timezone.now() - RETENTION)


def _same_terms(first: IntArray | None, second: IntArray | None) -> bool:
    return first is second if first is None or second is None else np.array_equal(first, second)


def _copy_percentiles(run: AssessmentRun) -> None:
    """Gives a repeated run the percentiles of the run that it repeats: the machines and their history are the same.

    Not where other credit terms are for sale: what was kept of the histories answers for those of then.
    """
    original = AssessmentRun.objects.select_related("catalog").filter(id=run.repeats_id).first()
    if original is None or not _same_terms(credit_terms_of(original, LONGEST), credit_terms_of(run, LONGEST)):
        return
    _copy_percentiles(original)
    with connection.cursor() as cursor:
        cursor.execute(COPY_PERCENTILES, [run.tenant_id, run.id, original.id])


def _enqueue_percentiles(sensitivity: Sensitivity) -> None:
    missing = ShardArrays.objects.filter(run=sensitivity.run_id, percentiles=None).order_by("part")
    enqueue(PERCENTILES_TASK, sensitivity.run_id, queue=BACKGROUND, parts=list(missing.values_list("part", flat=True)))


def request_grid(run: AssessmentRun) -> None:
    """Sees to it that the whole grid of a published run is or will be there; asking twice changes nothing.

    What failed before is begun again where it stopped. Raises DomainError 409 for a run as on-premises.
    """
    refuse_as_on_premises(run)
    refuse_without_inputs(run)
    sensitivity = _made(run)
    if sensitivity.percentiles_status == RunStatus.FAILED:
        _begin_percentiles(run, sensitivity)
    if sensitivity.grid_status in (None, RunStatus.FAILED):
        sensitivity.grid_status = RunStatus.CREATED
        _begin_grid(sensitivity)
        audit.record("sensitivity.request", run.assessment, run=run.number)
    sensitivity.save(update_fields=["percentiles_status", "grid_status"])


def cancel_grid(run: AssessmentRun) -> None:
    """Stops the grid of a run; parts that are there stay. Raises DomainError 409 when it is not being computed."""
    sensitivity: Sensitivity | None = Sensitivity.objects.select_for_update().filter(run=run).first()
    if sensitivity is None or sensitivity.grid_status not in UNFINISHED:
        raise DomainError(code="nothing_to_cancel", status=409, detail="The grid of this run is not being computed.")
    cancel_jobs(run.id, task=GRID_TASK)
    sensitivity.grid_status = None
    sensitivity.save(update_fields=["grid_status"])
    audit.record("sensitivity.cancel", run.assessment, run=run.number)


def _begin_percentiles(run: AssessmentRun, sensitivity: Sensitivity) -> None:
    _copy_percentiles(run)
    if not ShardArrays.objects.filter(run=run, percentiles=None).exists():
        sensitivity.percentiles_status = RunStatus.COMPLETED
        return
    if _history_gone(run):
        raise DomainError(
            code="history_gone",
            status=409,
            detail=f"Sensitivity reads the month before {run.performance_end_at:%Y-%m-%d}, and points are kept for "
            f"{RETENTION.days} days. Recalculate, then ask the new run.",
        )
    sensitivity.percentiles_status = RunStatus.RUNNING
    _enqueue_percentiles(sensitivity)


def _made(run: AssessmentRun) -> Sensitivity:
    """The locked row of a run; made, with everything to do, for a run that was published without."""
    if not Sensitivity.objects.filter(run=run).exists():
        new = Sensitivity(run=run, percentiles_status=RunStatus.FAILED)
        Sensitivity.objects.bulk_create([new], ignore_conflicts=True)
    return _locked(run.id)


def _locked(run_id: UUID) -> Sensitivity:
    locked: Sensitivity = Sensitivity.objects.select_for_update().get(run=run_id)
    return locked


def _begin_grid(sensitivity: Sensitivity) -> None:
    """Enqueues what is missing of the grid when somebody asked for it and the percentiles are there."""
    if sensitivity.grid_status != RunStatus.CREATED or sensitivity.percentiles_status != RunStatus.COMPLETED:
        return
    sensitivity.grid_status = RunStatus.RUNNING
    done = set(GridPart.objects.filter(run=sensitivity.run_id).values_list("part", flat=True))
    enqueue(
        GRID_TASK, sensitivity.run_id, queue=BACKGROUND, parts=[part for part in range(len(GRID)) if part not in done]
    )


# --- the jobs ---------------------------------------------------------------------------------------------------------


def _published_run(claim: Claim) -> AssessmentRun | None:
    """The claim's run; None, and the job ended, when its assessment was deleted meanwhile."""
    runs = AssessmentRun.objects.select_related("catalog").filter(assessment__deleted_at=None)
    run: AssessmentRun | None = runs.filter(id=claim.object_id).first()
    if run is None:
        claim.finish()
    return run


def compute_percentiles(claim: Claim) -> None:
    """Reads and stores the menu percentiles of one shard; the last one completes them and lets the grid begin."""
    with tenant_context(claim.tenant_id):
        run = _published_run(claim)
        if run is None:
            return
        inputs = unpacked([ShardArrays.objects.get(run=run, part=claim.part).inputs])
    seen = refresh(claim.tenant_id, inputs.machine_ids, run.performance_end_at, now=timezone.now(), used=True)
    with tenant_context(claim.tenant_id):
        packed = read_percentiles(inputs, run.performance_end_at, credit_terms_of(run, LONGEST), seen)
    with tenant_context(claim.tenant_id):
        sensitivity = _locked(run.id)
        ShardArrays.objects.filter(run=run, part=claim.part).update(percentiles=packed)
        if not ShardArrays.objects.filter(run=run, percentiles=None).exists():
            sensitivity.percentiles_status = RunStatus.COMPLETED
            _begin_grid(sensitivity)
            sensitivity.save(update_fields=["percentiles_status", "grid_status"])
        claim.finish()


def compute_grid_part(claim: Claim) -> None:
    """Computes and stores all comfort factors of one percentile and window; the last part completes the grid."""
    reading = GRID[claim.part]
    with tenant_context(claim.tenant_id):
        run = _published_run(claim)
        if run is None:
            return
        bench = workbench(run)
    machines = bench.machines(reading)
    positions = [{**Position(reading, factor).shown(), **bench.at(factor, machines)} for factor in COMFORT_FACTORS]
    with tenant_context(claim.tenant_id):
        sensitivity = _locked(run.id)
        GridPart.objects.filter(run=run, part=claim.part).delete()
        GridPart.objects.create(run=run, part=claim.part, positions=positions)
        if GridPart.objects.filter(run=run).count() == len(GRID):
            sensitivity.grid_status = RunStatus.COMPLETED
            sensitivity.save(update_fields=["grid_status"])
        claim.finish()


def fail(run_id: UUID, failure: str) -> None:
    """Ends the background work on a run of which a job was tried too often. Runs inside the tenant."""
    with transaction.atomic():
        sensitivity = _locked(run_id)
        cancel_jobs(run_id)
        if sensitivity.percentiles_status != RunStatus.COMPLETED:
            sensitivity.percentiles_status = RunStatus.FAILED
        if sensitivity.grid_status in UNFINISHED:
            sensitivity.grid_status = RunStatus.FAILED
        sensitivity.save(update_fields=["percentiles_status", "grid_status"])
    log.error("sensitivity_failed", run=str(run_id), failure=failure)


def grid_of(run: AssessmentRun) -> list[dict[str, Any]]:
    """Every position of the grid that is there, in order of window, percentile, comfort factor."""
    parts = GridPart.objects.filter(run=run).order_by("part").values_list("positions", flat=True)
    return [position for positions in parts for position in positions]
