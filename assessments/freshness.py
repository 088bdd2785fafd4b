"""Freshness of a published run, derived: one comparison of what the run pinned with what is there now."""

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError

from assessments.models import AssessedMachine, AssessmentRun
from groups.membership import members_of
from groups.models import Group
from ingest.inventory_version import inventory_version
from ingest.models import Machine

MAX_REASONS = 100
KEPT_SECONDS = 60

CHANGED_MEMBERS = """
SELECT a.name, a.machine_id, a.configuration_version, m.configuration_version
FROM assessments_assessedmachine a
JOIN ingest_machine m ON m.tenant_id = a.tenant_id AND m.id = a.machine_id
WHERE a.tenant_id = %s AND a.run_id = %s AND m.configuration_version <> a.configuration_version
ORDER BY a.name, a.machine_id LIMIT %s
"""
CHANGES = """
SELECT c.machine_id, c.property, c.old_value, c.new_value, c.at FROM ingest_machinechange c
JOIN unnest(%s::uuid[], %s::bigint[]) AS pinned (machine_id, version) ON pinned.machine_id = c.machine_id
WHERE c.tenant_id = %s AND c.configuration_version > pinned.version
ORDER BY c.at DESC, c.id LIMIT %s
"""


def freshness(run: AssessmentRun, group: Group) -> dict[str, Any]:
    """`status` current, out_of_sync (the group changed) or outdated (a member machine changed), with the reasons.

    Both may hold; out_of_sync is named then, since the members come first. At most 100 reasons. Kept for a minute, or
    until an upload, an import or the group changes something: it compares every machine of the run.
    """
    version = inventory_version(group.project_id)
    key = f"freshness:{run.tenant_id}:{run.id}:{group.id}:{group.membership_version}:{version}"
    with suppress(RedisError, OSError):
        kept: dict[str, Any] | None = cache.get(key)
        if kept is not None:
            return kept
    found = _compared(run, group)
    with suppress(RedisError, OSError):
        cache.set(key, found, KEPT_SECONDS)
    return found


def _compared(run: AssessmentRun, group: Group) -> dict[str, Any]:
    reasons: list[dict[str, Any]] = []
    if group.membership_version != run.group_membership_version or _members_differ(run, group):
        reasons.append({"code": "group_changed", "message": "Machines were added to the group or removed from it."})
        reasons += _recognised(run) + _joined_and_left(run, group)
    changed = _machine_reasons(run)
    status = "out_of_sync" if reasons else ("outdated" if changed else "current")
    return {"status": status, "reasons": (reasons + changed)[:MAX_REASONS]}


def _members_differ(run: AssessmentRun, group: Group) -> bool:
    """Whether a machine is in one of the run and the group: vanished, come back, or come to match the filter."""
    assessed = AssessedMachine.objects.filter(run=run).values("machine_id")
    now = members_of(group)
    return (
        now.count() != run.machine_count or now.filter(id__any_of=ArraySubquery(assessed)).count() != run.machine_count
    )


def _joined_and_left(run: AssessmentRun, group: Group) -> list[dict[str, Any]]:
    """Machines of the group that the run does not know, then machines of the run that are not in the group.

    EXCEPT, because it is planned well whatever the statistics of fresh rows say.
    """
    assessed, members = AssessedMachine.objects.filter(run=run), members_of(group)
    known, now = assessed.values_list("machine_id", flat=True), members.values_list("id", flat=True)
    joined, left = list(now.difference(known)[:MAX_REASONS]), list(known.difference(now)[:MAX_REASONS])
    joined_names = members.filter(id__in=joined).order_by("name", "id").values_list("id", "name")
    left_names = assessed.filter(machine_id__in=left).order_by("name", "machine_id").values_list("machine_id", "name")
    return [
        *(_membership("machine_joined", "was not in the group when it was assessed", *row) for row in joined_names),
        *(_membership("machine_left", "is no longer in the group", *row) for row in left_names),
    ]


def _recognised(run: AssessmentRun) -> list[dict[str, Any]]:
    """Machines of the run that turned out to be another one, seen by a second appliance or a file."""
    assessed = AssessedMachine.objects.filter(run=run).values("machine_id")
    twice = Machine.objects.filter(duplicate_of__isnull=False, id__any_of=ArraySubquery(assessed))
    found = twice.select_related("duplicate_of").order_by("name", "id")[:MAX_REASONS]
    return [
        {
            "code": "machine_recognised",
            "machine": str(machine.id),
            "name": machine.name,
            "duplicate_of": str(machine.duplicate_of_id),
            "message": f"{machine.name} is the same machine as {machine.duplicate_of.name}; it counts once.",
        }
        for machine in found
    ]


def _membership(code: str, what: str, machine_id: UUID, name: str) -> dict[str, Any]:
    return {"code": code, "machine": str(machine_id), "name": name, "message": f"{name} {what}."}


def _machine_reasons(run: AssessmentRun) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_MEMBERS, [run.tenant_id, run.id, MAX_REASONS])
        machines = cursor.fetchall()
        if not machines:
            return []
        ids, pinned = [row[1] for row in machines], [row[2] for row in machines]
        cursor.execute(CHANGES, [ids, pinned, run.tenant_id, MAX_REASONS])
        changes = cursor.fetchall()
    names = {row[1]: row[0] for row in machines}
    return [
        {
            "code": "machine_changed",
            "machine": str(machine_id),
            "name": names[machine_id],
            "property": property_name,
            "old": json.loads(old) if old is not None else None,
            "new": json.loads(new) if new is not None else None,
            "at": at,
            "message": f"{property_name} of {names[machine_id]} changed.",
        }
        for machine_id, property_name, old, new, at in changes
    ]
