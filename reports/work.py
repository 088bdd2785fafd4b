"""Reports as the work that they are until they can be downloaded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from assessments.models import UNFINISHED
from assessments.work import state_of
from migrate_hub.jobs.work import Work, WorkSource, register_work
from reports.listing import machines_of, with_machines
from reports.models import Report
from reports.queueing import REPORT_TASK, cancel_report


def _reports() -> "QuerySet[Report]":
    living = Report.objects.filter(Q(assessment=None) | Q(assessment__deleted_at=None), project__deleted_at=None)
    rows: QuerySet[Report] = living.filter(revoked_at=None).select_related("assessment", "project", "run")
    return with_machines(rows).defer("run__summary", "run__settings", "assessment__settings")


def _told(reports: Sequence[Any]) -> list[Work]:
    return [
        Work(
            id=report.id,
            kind="report",
            state=(state := state_of(report.status, report.failure_code)),
            project_id=report.project_id,
            subject=report.assessment.name if report.assessment else report.project.name,
            subject_id=report.assessment_id,
            object_id=report.id,
            done=machines_of(report) if state == "completed" else report.machines_done,
            total=machines_of(report),
            unit="machines",
            created_at=report.created_at,
            finished_at=report.finished_at,
            created_by=report.created_by,
            failure=report.failure_detail if state == "failed" else "",
            can_cancel=report.status in UNFINISHED,
        )
        for report in reports
    ]


def _cancel(report: Report, now: datetime) -> None:
    cancel_report(report, now)


def register_all() -> None:
    register_work(
        "reports",
        WorkSource(
            rows=_reports,
            unfinished=Q(status__in=UNFINISHED),
            project="project",
            tasks=(REPORT_TASK,),
            describe=_told,
            cancel=_cancel,
        ),
    )
