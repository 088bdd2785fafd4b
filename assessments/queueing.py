"""Making assessments and their runs: the row first, the work enqueued in the same transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from assessments.engine.rule_sets import RULE_SETS
from assessments.models import UNFINISHED, Assessment, AssessmentRun, RunStatus
from assessments.settings import complete_settings, find_catalog, pinned_window
from groups.membership import member_count
from groups.models import Group
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants import audit
from migrate_hub.tenants.people import name_taken

PLAN_TASK = "assessments.plan"
MAX_ASSESSMENTS = 10_000
MAX_MACHINES = 100_000
MAX_UNFINISHED = 50
CANCELLED = "cancelled"
# What decided which values were read of the history; the stored inputs hold those and no others.
DECIDED_BY_READING = ("sizing_criterion", "performance_window", "percentile")


def queue_assessment(*, group: Group, name: str, settings: dict[str, Any], now: datetime) -> Assessment:
    """A new assessment of a group with its first run queued.

    Raises DomainError: name_taken, empty_group, limit_reached, and everything `complete_settings` refuses.
    """
    if Assessment.objects.filter(project_id=group.project_id, deleted_at=None).count() >= MAX_ASSESSMENTS:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A project has at most {MAX_ASSESSMENTS} assessments."
        )
    complete = complete_settings(group.project, settings)
    try:
        with transaction.atomic():
            assessment: Assessment = Assessment.objects.create(
                project_id=group.project_id, group=group, name=name, settings=complete
            )
    except IntegrityError:
        raise name_taken("assessment", name) from None
    queue_run(assessment, now)
    audit.record("assessment.create", assessment, settings=complete)
    return assessment


def queue_run(assessment: Assessment, now: datetime) -> AssessmentRun:
    """A new run of an assessment with its settings as they are now, everything that decides pinned."""
    _refuse_if_unfinished(assessment)
    group = assessment.group
    count = member_count(group)
    if count == 0:
        raise empty_group()
    if count > MAX_MACHINES:
        raise DomainError(code="too_many_machines", detail=f"An assessment covers at most {MAX_MACHINES} machines.")
    run: AssessmentRun = AssessmentRun.objects.create(
        assessment=assessment,
        number=_next_number(assessment),
        group_membership_version=group.membership_version,
        machine_count=count,
        **pinned(assessment.settings, now),
    )
    assessment.latest_run = run
    assessment.save(update_fields=["latest_run"])
    enqueue(PLAN_TASK, run.id)
    return run


def empty_group() -> DomainError:
    """Why a group without machines is not assessed."""
    return DomainError(code="empty_group", detail="The group has no machines. Add some, then assess it.")


def pinned(settings: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The fields of a run of complete settings, made now, that decide its outcome: all but the machines."""
    start_at, end_at = pinned_window(settings, now)
    return {
        "settings": settings,
        "catalog": find_catalog(settings["catalog"]),
        "region": settings["target_region"],
        "prices_on": now.date(),
        "performance_start_at": start_at,
        "performance_end_at": end_at,
        "created_at": now,
    }


def _next_number(assessment: Assessment) -> int:
    """Numbers of runs; the lock that `_refuse_if_unfinished` took keeps two from being equal."""
    last = AssessmentRun.objects.filter(assessment=assessment).aggregate(last=Max("number"))["last"] or 0
    return int(last) + 1


def _refuse_if_unfinished(assessment: Assessment) -> None:
    Assessment.objects.select_for_update().filter(id=assessment.id).first()
    if AssessmentRun.objects.filter(assessment=assessment, status__in=UNFINISHED).exists():
        raise DomainError(
            code="run_unfinished", status=409, detail="A run of this assessment is not finished. Wait, or cancel it."
        )
    if AssessmentRun.objects.filter(status__in=UNFINISHED).count() >= MAX_UNFINISHED:
        raise DomainError(
            code="limit_reached",
            status=409,
            detail=f"{MAX_UNFINISHED} runs of this tenant are unfinished. Wait for some.",
        )


def change_assessment(
    assessment: Assessment, *, now: datetime, name: str | None = None, settings: dict[str, Any] | None = None
) -> Assessment:
    """Renames an assessment, or changes settings, which queues a new run; settings not named keep their values."""
    if name is not None:
        assessment.name = name
        try:
            with transaction.atomic():
                assessment.save(update_fields=["name"])
        except IntegrityError:
            raise name_taken("assessment", name) from None
    if settings is not None:
        assessment.settings = complete_settings(assessment.project, assessment.settings, changes=settings)
        assessment.save(update_fields=["settings"])
        queue_run(assessment, now)
    audit.record("assessment.change", assessment, changed=sorted(settings or {}), settings=assessment.settings)
    return assessment


def recalculate(assessment: Assessment, now: datetime) -> AssessmentRun:
    """A new run with the same settings: the group, the machines and their history as they are now."""
    run = queue_run(assessment, now)
    audit.record("assessment.recalculate", assessment, run=run.number)
    return run


def run_again(run_id: UUID, now: datetime) -> None:
    """A new run of the assessment whose run failed, for an operator. 409 run_unfinished where one is under way."""
    recalculate(AssessmentRun.objects.select_related("assessment__group").get(id=run_id).assessment, now)


def repeat_run(run: AssessmentRun, *, settings: dict[str, Any], now: datetime) -> AssessmentRun:
    """Queues a new run on the inputs of a completed one, with its settings but for those given.

    Raises DomainError: run_unfinished, needs_history (settings that would read other values), and everything that
    `complete_settings` refuses.
    """
    if run.status != RunStatus.COMPLETED:
        raise DomainError(code="run_not_completed", status=409, detail=f"Run {run.number} has no results to repeat.")
    _refuse_other_readings(run, settings)
    _refuse_if_unfinished(run.assessment)
    complete = complete_settings(run.assessment.project, run.settings, changes=settings) if settings else run.settings
    repeated: AssessmentRun = AssessmentRun.objects.create(
        assessment=run.assessment,
        repeats=run,
        number=_next_number(run.assessment),
        settings=complete,
        catalog=find_catalog(complete["catalog"]),
        region=complete["target_region"],
        prices_on=now.date() if "price_sheet" in settings else run.prices_on or run.created_at.date(),
        performance_start_at=run.performance_start_at,
        performance_end_at=run.performance_end_at,
        group_membership_version=run.group_membership_version,
        machine_count=run.machine_count,
        created_at=now,
    )
    enqueue(PLAN_TASK, repeated.id)
    audit.record("assessment.repeat", run.assessment, run=run.number, as_run=repeated.number, changed=sorted(settings))
    return repeated


def _refuse_other_readings(run: AssessmentRun, settings: dict[str, Any]) -> None:
    refused = [name for name in DECIDED_BY_READING if name in settings]
    if "rule_set" in settings and _reads_credits(settings) != _reads_credits(run.settings):
        refused.append("rule_set")
    if refused:
        message = "A repeated run keeps the values that were read of the history."
        raise DomainError(
            code="needs_history",
            detail=f"{message} To change {' and '.join(refused)}, change the assessment's settings instead.",
            errors=[FieldProblem(f"settings.{name}", "needs_history", message) for name in refused],
        )


def _reads_credits(settings: dict[str, Any]) -> bool:
    """Whether the rules look at the CPU history for burstable sizes."""
    return RULE_SETS[settings["rule_set"]].burstable_by_credits


def cancel_run(assessment: Assessment, now: datetime) -> None:
    """Ends the unfinished run; results of the last completed one stay. 409 when nothing is running."""
    run = AssessmentRun.objects.select_for_update().filter(assessment=assessment, status__in=UNFINISHED).first()
    if run is None:
        raise DomainError(code="nothing_to_cancel", status=409, detail="No run of this assessment is unfinished.")
    cancel_jobs(run.id)
    end_run(run, code=CANCELLED, detail="Cancelled by a member of the tenant.", now=now)
    audit.record("assessment.cancel", assessment, run=run.number)


def end_run(run: AssessmentRun, *, code: str, detail: str, now: datetime) -> None:
    """Marks a run as failed, with a reason for people."""
    run.status = RunStatus.FAILED
    run.failure_code, run.failure_detail, run.finished_at = code, detail, now
    run.save(update_fields=["status", "failure_code", "failure_detail", "finished_at"])


def delete_assessment(assessment: Assessment, now: datetime) -> None:
    """Hides an assessment and stops its work."""
    run = AssessmentRun.objects.select_for_update().filter(assessment=assessment, status__in=UNFINISHED).first()
    if run is not None:
        cancel_jobs(run.id)
        end_run(run, code=CANCELLED, detail="The assessment was deleted.", now=now)
    assessment.deleted_at = now
    assessment.save(update_fields=["deleted_at"])
    audit.record("assessment.delete", assessment)
