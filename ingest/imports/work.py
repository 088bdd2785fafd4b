"""Imports, and the undoing of them, as work of the background."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from ingest.imports.models import FileImport, ImportStatus
from ingest.imports.queueing import IMPORT_TASK, UNDO_TASK, UNFINISHED, cancel_import
from migrate_hub.jobs.work import Work, WorkSource, register_work

STATES = {
    ImportStatus.CREATED: "queued",
    ImportStatus.RUNNING: "running",
    ImportStatus.UNDOING: "running",
    ImportStatus.COMPLETED: "completed",
    ImportStatus.UNDONE: "completed",
    ImportStatus.FAILED: "failed",
    ImportStatus.CANCELLED: "cancelled",
}
UNDONE = (ImportStatus.UNDOING, ImportStatus.UNDONE)


def _imports() -> "QuerySet[FileImport]":
    rows: QuerySet[FileImport] = FileImport.objects.filter(project__deleted_at=None)
    return rows


def _told(rows: Sequence[Any]) -> list[Work]:
    return [_told_one(row) for row in rows]


def _told_one(row: FileImport) -> Work:
    undone = row.status in UNDONE
    kind = "import_undo" if undone else "import_dry_run" if row.dry_run else "import"
    percent = 100 * row.progress_done // row.progress_total if row.progress_total else 0
    completed = row.status == ImportStatus.COMPLETED
    return Work(
        id=row.id,
        kind=kind,
        state=STATES[ImportStatus(row.status)],
        project_id=row.project_id,
        subject=row.file_name,
        subject_id=row.id,
        object_id=row.id,
        done=0 if undone else 100 if completed else percent,
        total=0 if undone else 100,
        unit="percent",
        created_at=row.created_at,
        finished_at=row.undone_at if undone else row.finished_at,
        created_by=row.created_by,
        failure=row.failure_detail,
        can_cancel=row.status in UNFINISHED,
    )


def register_all() -> None:
    register_work(
        "imports",
        WorkSource(
            rows=_imports,
            unfinished=Q(status__in=[*UNFINISHED, ImportStatus.UNDOING]),
            project="project",
            tasks=(IMPORT_TASK, UNDO_TASK),
            describe=_told,
            cancel=cancel_import,
        ),
    )
