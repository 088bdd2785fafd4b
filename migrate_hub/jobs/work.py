"""Background work as people asked for it: a run, an import, a report; however many jobs each of them takes.

The rows are those of the apps above, which register where they keep them and how one is described and cancelled; here
they are put in one order, newest first. Ids are UUIDv7, so the order of ids is that of time and every table has it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from migrate_hub.errors import DomainError, not_found
from migrate_hub.jobs.models import Job
from migrate_hub.tenants.context import current_tenant_id

STATES = ("queued", "running", "completed", "failed", "cancelled")
MAX_UNFINISHED_SHOWN = 200


@dataclass(frozen=True)
class Work:
    """One piece of work. `subject_id` is what it is about, as the API names it; `object_id` is that of its jobs.

    `done` of `total` in `unit`; 0 of 0 where that is not known. `attempt` is the highest of its jobs.
    """

    id: UUID
    kind: str
    state: str
    project_id: UUID
    subject: str
    subject_id: UUID | None
    object_id: UUID
    done: int
    total: int
    unit: str
    created_at: datetime
    finished_at: datetime | None
    created_by: UUID | None
    failure: str = ""
    can_cancel: bool = False
    attempt: int = 0

    @property
    def is_unfinished(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class WorkSource:
    """Where an app keeps work: its living rows, which of them are unfinished, and what they say.

    `project` is the lookup of the project's id; `tasks` are those of the jobs whose attempts count. `cancel` raises
    DomainError 409 for a row that cannot be cancelled.
    """

    rows: Callable[[], "QuerySet[Any]"]
    unfinished: Q
    project: str
    tasks: tuple[str, ...]
    describe: Callable[[Sequence[Any]], list[Work]]
    cancel: Callable[[Any, datetime], None]


@dataclass(frozen=True)
class Wanted:
    """Which work: all, unfinished (True) or finished (False); of one project; behind the place of an id."""

    unfinished: bool | None = None
    project_id: UUID | None = None
    behind: UUID | None = None
    ascending: bool = False


_sources: dict[str, WorkSource] = {}


def register_work(name: str, source: WorkSource) -> None:
    """Called once by each app that has work, when it is ready."""
    _sources[name] = source


def made_at(row_id: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def work_of_tenant(wanted: Wanted, size: int) -> list[Work]:
    """At most `size` pieces of work of the current tenant, newest first (oldest first where ascending)."""
    found = [work for source in _sources.values() for work in _page(source, wanted, size)]
    return sorted(found, key=lambda work: work.id.int, reverse=not wanted.ascending)[:size]


def _page(source: WorkSource, wanted: Wanted, size: int) -> list[Work]:
    rows = _matching(source, wanted)
    if wanted.behind is not None:
        rows = rows.filter(**{"id__gt" if wanted.ascending else "id__lt": wanted.behind})
    return _described(source, list(rows.order_by("id" if wanted.ascending else "-id")[:size]))


def _matching(source: WorkSource, wanted: Wanted) -> "QuerySet[Any]":
    rows = source.rows()
    if wanted.unfinished is not None:
        rows = rows.filter(source.unfinished if wanted.unfinished else ~source.unfinished)
    return rows if wanted.project_id is None else rows.filter(**{source.project: wanted.project_id})


def _described(source: WorkSource, rows: list[Any]) -> list[Work]:
    works = source.describe(rows)
    if not works:
        return []
    # Jobs carry no row-level security, being read before a tenant is known: this filter is their lock.
    jobs = Job.objects.filter(tenant_id=current_tenant_id(), object_id__in={work.object_id for work in works})
    tried = jobs.filter(task__in=source.tasks).order_by().values("object_id").annotate(attempt=Max("attempt"))
    attempts = {row["object_id"]: row["attempt"] for row in tried}
    return [replace(work, attempt=attempts.get(work.object_id, 0)) for work in works]


def unfinished_by_project() -> dict[UUID, int]:
    """How many pieces of work are queued or running, by project."""
    counts: dict[UUID, int] = {}
    for source in _sources.values():
        rows = source.rows().filter(source.unfinished).order_by().values_list(source.project)
        for project_id, count in rows.annotate(count=Count("*")):
            counts[project_id] = counts.get(project_id, 0) + count
    return counts


def find_work(work_id: UUID) -> Work:
    """One piece of work; DomainError 404 where there is none."""
    source, row = _found(work_id)
    return _described(source, [row])[0]


def cancel_work(work_id: UUID, now: datetime) -> None:
    """Ends unfinished work. DomainError: 404 where there is none, 409 nothing_to_cancel where it cannot be ended."""
    source, row = _found(work_id)
    if not source.describe([row])[0].can_cancel:
        raise DomainError(
            code="nothing_to_cancel", status=409, detail="This work has ended, or is of a kind that runs to its end."
        )
    source.cancel(row, now)


def _found(work_id: UUID) -> tuple[WorkSource, Any]:
    for source in _sources.values():
        row = source.rows().filter(id=work_id).first()
        if row is not None:
            return source, row
    raise not_found()
