"""A run, step by step: plan its shards, compute each, publish all at once. Every step may die and be repeated.

Effects and the end of a step's job are one transaction fenced by the job's token, so a worker that lost its lease
changes nothing, and a shard computed twice leaves the rows of one computation.
"""

from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from assessments.engine.assess import decide, groundwork
from assessments.engine.fixed_point import IntArray
from assessments.filters import compute_facets
from assessments.highlights import compute_insights
from assessments.inputs import LoadedMachines, load_machines
from assessments.left_out import left_out
from assessments.models import UNFINISHED, Assessment, AssessmentRun, RunShard, RunStatus
from assessments.packed_run import save_inputs
from assessments.queueing import end_run
from assessments.repeating import repeated_machines, repeated_parts
from assessments.results import delete_rows, save_rows, summarize
from assessments.sensitivity_jobs import start_percentiles
from assessments.targets import catalog_of, credit_terms_of, rankings_of
from groups.membership import member_ids
from groups.models import Group
from ingest.percentiles import MENU
from ingest.rollups import LONGEST_NAME, NOTHING_SEEN, Versions, menu_window, refresh
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
SHARD_TASK = "assessments.shard"
PUBLISH_TASK = "assessments.publish"
MACHINES_A_SHARD = 500


def plan_run(claim: Claim) -> None:
    """Divides the machines of the group into shards and enqueues them."""
    with tenant_context(claim.tenant_id):
        run = _unfinished_run(claim)
        group = run.assessment.group
        version = run.group_membership_version if run.repeats_id else group.membership_version
        parts = repeated_parts(run) if run.repeats_id else _new_parts(group)
        if not parts:
            end_run(
                run, code="empty_group", detail="The group had no machines when the run started.", now=timezone.now()
            )
            claim.finish()
            return
        RunShard.objects.filter(run=run).delete()
        RunShard.objects.bulk_create(
            RunShard(run=run, part=number, machine_ids=ids, machine_count=len(ids)) for number, ids in enumerate(parts)
        )
        run.status, run.started_at, run.machine_count = RunStatus.RUNNING, timezone.now(), sum(map(len, parts))
        run.group_membership_version = version
        run.save(update_fields=["status", "started_at", "machine_count", "group_membership_version"])
        enqueue(SHARD_TASK, run.id, parts=range(len(parts)))
        claim.finish()


def _new_parts(group: Group) -> list[list[str]]:
    machine_ids = [str(id) for id in member_ids(group)]
    return [machine_ids[i : i + MACHINES_A_SHARD] for i in range(0, len(machine_ids), MACHINES_A_SHARD)]


def run_shard(claim: Claim) -> None:
    """Computes one shard in every scenario and writes its rows into the unpublished run."""
    with tenant_context(claim.tenant_id):
        run = _unfinished_run(claim)
        shard = RunShard.objects.get(run=run, part=claim.part)
        catalog = catalog_of(run)
        credit_terms = credit_terms_of(run)
    seen = _roll_up(run, shard, credit_terms)
    with tenant_context(claim.tenant_id):
        rankings = rankings_of(run)
        machines = (
            repeated_machines(run, claim.part) if run.repeats_id else _read_machines(run, shard, credit_terms, seen)
        )
    decided = decide(machines.values, groundwork(machines.values, rankings.target), rankings)
    with tenant_context(claim.tenant_id):
        delete_rows(run, claim.part)
        save_rows(run, claim.part, machines, decided, catalog)
        save_inputs(run, claim.part, machines)
        _finish_shard(run, claim)


def _roll_up(run: AssessmentRun, shard: RunShard, credit_terms: IntArray | None) -> Versions:
    """Makes the rolled-up rows that the shard is about to read, where they are not valid, for the next run too."""
    window_name = menu_window(run.performance_start_at, run.performance_end_at)
    as_is = run.settings["sizing_criterion"] == "as_on_premises"
    if window_name is None or run.settings["percentile"] not in MENU or as_is or run.repeats_id:
        return NOTHING_SEEN
    machine_ids = [UUID(id) for id in shard.machine_ids]
    end_at, now = run.performance_end_at, timezone.now()
    # What the history asks of burstable sizes is kept with the month.
    month = [] if credit_terms is None else [LONGEST_NAME]
    return refresh(run.tenant_id, machine_ids, end_at, window_names=list({window_name, *month}), now=now, used=True)


def _read_machines(
    run: AssessmentRun, shard: RunShard, credit_terms: IntArray | None, seen: Versions
) -> LoadedMachines:
    return load_machines(
        [UUID(id) for id in shard.machine_ids],
        start_at=run.performance_start_at,
        end_at=run.performance_end_at,
        percentile=run.settings["percentile"],
        performance_based=run.settings["sizing_criterion"] == "performance_based",
        credit_terms=credit_terms,
        seen=seen,
    )


def _finish_shard(run: AssessmentRun, claim: Claim) -> None:
    """Marks the shard done, and enqueues the publishing when it was the last one.

    The lock on the run makes two shards that end at once follow each other, so exactly one of them is the last.
    """
    locked = AssessmentRun.objects.select_for_update().filter(id=run.id, status=RunStatus.RUNNING).first()
    if locked is None:
        raise LeaseLostError(f"run {run.id} is no longer running")
    RunShard.objects.filter(run=run, part=claim.part).update(done=True)
    if not RunShard.objects.filter(run=run, done=False).exists():
        enqueue(PUBLISH_TASK, run.id)
    claim.finish()


def publish_run(claim: Claim) -> None:
    """Sums up, completes the run and shows it to readers, in one transaction; a repeated run is kept beside them."""
    with tenant_context(claim.tenant_id):
        run = _unfinished_run(claim)
        run.summary = summarize(run, rankings_of(run))
        run.summary |= left_out(run)
        # What pages ask of every row each time they are opened.
        run.summary |= {"insights": compute_insights(run), "facets": compute_facets(run)}
        run.status, run.finished_at = RunStatus.COMPLETED, timezone.now()
        run.save(update_fields=["summary", "status", "finished_at"])
        if run.repeats_id is None:
            Assessment.objects.filter(id=run.assessment_id).update(current_run=run)
            start_percentiles(run)
        claim.finish()
    log.info("run_completed", run=str(run.id), machines=run.machine_count)


def _unfinished_run(claim: Claim) -> AssessmentRun:
    """The claim's run; LeaseLostError when it was cancelled or failed meanwhile."""
    run = (
        AssessmentRun.objects.select_related("assessment__group", "catalog")
        .filter(id=claim.object_id, status__in=UNFINISHED)
        .first()
    )
    if run is None:
        raise LeaseLostError(f"run {claim.object_id} is no longer unfinished")
    return run  # type: ignore[no-any-return]  # TenantManager's rows are Any


FAILURE_DETAIL = (
    "The computation failed repeatedly. It was not your doing; run it again, and if it fails again tell the operator "
    "the id of this run."
)


def fail_run(run_id: UUID, failure: str) -> None:
    """Ends a run whose job was tried too often. Runs inside the tenant."""
    with transaction.atomic():
        run = AssessmentRun.objects.select_for_update().filter(id=run_id, status__in=UNFINISHED).first()
        if run is not None:
            cancel_jobs(run.id)
            end_run(run, code="computation_failed", detail=FAILURE_DETAIL, now=timezone.now())
    log.error("run_failed", run=str(run_id), failure=failure)
