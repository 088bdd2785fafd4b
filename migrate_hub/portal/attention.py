"""What to look at first in a project: appliances that are not well, records they had refused, work that failed,
assessments that no longer fit what is there, machines that are not ready, prices that have grown old."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import F
from django.urls import reverse
from redis.exceptions import RedisError

from assessments.highlights import STALE_AFTER_DAYS
from assessments.models import Assessment, RunStatus
from ingest.health import health_of, with_health
from ingest.imports.models import FileImport, ImportStatus
from ingest.models import Appliance
from migrate_hub.portal.project_states import MAX_APPLIANCES, freshness_of, with_costs
from migrate_hub.portal.wording import counted
from migrate_hub.tenants.models import Project

SHOWN = 12
MAX_ASSESSMENTS = 100
# Machines of runs that are compared with what is there now; asked for behind the page, so that it waits for nothing.
MAX_COMPARED = 100_000
FRESH_SECONDS = 60
FAILED_WITHIN = timedelta(days=7)
WORST_FIRST = {"bad": 0, "warn": 1, "": 2}
OUT_OF_STEP = {
    "out_of_sync": "Machines joined or left its group since its newest run.",
    "outdated": "Machines of its group have changed since its newest run.",
}

NEWER_PRICES = "A newer catalog may be there: choose it in the settings, or ask the operator to load one."


@dataclass(frozen=True)
class Concern:
    """One thing to look at: how bad, what, why and where."""

    look: str
    title: str
    detail: str
    link: str

    @property
    def icon(self) -> str:
        return self.look or "info"


def concerns_of(project: Project, now: datetime) -> tuple[list[Concern], int]:
    """The worst SHOWN, and how many there are in all."""
    found = [*_of_appliances(project, now), *_of_imports(project, now), *_of_assessments(project, now)]
    found.sort(key=lambda concern: WORST_FIRST[concern.look])
    return found[:SHOWN], len(found)


def _of_appliances(project: Project, now: datetime) -> Iterator[Concern]:
    for appliance in with_health(Appliance.objects.filter(project=project), now)[:MAX_APPLIANCES]:
        state = health_of(appliance, now)
        link = reverse("portal:appliance", args=[project.id, appliance.id])
        if state.state != "ok":
            look = {"late": "warn", "never_registered": ""}.get(state.state, "bad")
            yield Concern(look, appliance.name, f"{state.reason} {state.remedy}", link)
        rejected = getattr(appliance, "rejected_last_day", 0)
        if rejected:
            detail = f"{counted(rejected, 'record')} it sent within a day {'was' if rejected == 1 else 'were'} refused."
            yield Concern("warn", appliance.name, detail, link)


def _of_imports(project: Project, now: datetime) -> Iterator[Concern]:
    failed = FileImport.objects.filter(
        project=project, status=ImportStatus.FAILED, dry_run=False, created_at__gte=now - FAILED_WITHIN
    )
    for row in failed.order_by("-created_at", "id")[:SHOWN]:
        link = reverse("portal:import", args=[project.id, row.id])
        yield Concern("bad", row.file_name, f"Its import failed. {row.failure_detail}".strip(), link)


def _of_assessments(project: Project, now: datetime) -> Iterator[Concern]:
    rows: Any = with_costs(Assessment.objects.filter(project=project, deleted_at=None)).annotate(
        not_ready=F("current_run__summary__readiness__not_ready"), prices_as_of=F("current_run__catalog__as_of")
    )
    newest = list(rows.order_by("-created_at", "id")[:MAX_ASSESSMENTS])
    for assessment, state in zip(newest, _states(newest), strict=True):
        yield from _of_runs(assessment, state)
    yield from _of_prices(project, newest, now.date())


def _of_runs(assessment: Any, state: str) -> Iterator[Concern]:
    """`assessment` with the `not_ready` machines of its published run."""
    link = reverse("portal:assessment", args=[assessment.project_id, assessment.id])
    run = assessment.latest_run
    if run is not None and run.status == RunStatus.FAILED and run.failure_code != "cancelled":
        yield Concern("bad", assessment.name, f"Its newest run failed. {run.failure_detail}".strip(), link)
    elif state in OUT_OF_STEP:
        yield Concern("warn", assessment.name, OUT_OF_STEP[state], link)
    if assessment.not_ready:
        results = reverse("portal:results", args=[assessment.project_id, assessment.id])
        detail = f"{counted(assessment.not_ready, 'machine')} of it {'is' if assessment.not_ready == 1 else 'are'}"
        yield Concern("warn", assessment.name, f"{detail} not ready.", f"{results}?readiness=not_ready")


def _of_prices(project: Project, assessments: list[Any], today: date) -> Iterator[Concern]:
    """One for each day of old prices, however many assessments rest on them."""
    by_day: dict[date, list[Any]] = {}
    for assessment in assessments:
        if assessment.prices_as_of and (today - assessment.prices_as_of).days > STALE_AFTER_DAYS:
            by_day.setdefault(assessment.prices_as_of, []).append(assessment)
    for day, resting in sorted(by_day.items()):
        used = resting[0].name if len(resting) == 1 else counted(len(resting), "assessment")
        detail = f"{used} rest{'s' if len(resting) == 1 else ''} on those of {day}. {NEWER_PRICES}"
        link = reverse("portal:assessments", args=[project.id])
        if len(resting) == 1:
            link = reverse("portal:assessment", args=[project.id, resting[0].id])
        yield Concern("warn", f"Prices are {(today - day).days:,} days old", detail, link)


def _states(assessments: list[Assessment]) -> list[str]:
    """One word an assessment, kept for a minute: comparing tens of thousands of machines takes a moment."""
    pinned = [(row.id, row.latest_run_id, row.current_run_id, row.group.membership_version) for row in assessments]
    key = f"freshness:{hashlib.sha256(repr(pinned).encode()).hexdigest()}"
    with suppress(RedisError, OSError):
        known: list[str] | None = cache.get(key)
        if known is not None:
            return known
    states = freshness_of(assessments, max_compared=MAX_COMPARED)
    with suppress(RedisError, OSError):
        cache.set(key, states, FRESH_SECONDS)
    return states
