"""Making groups and changing who is in them; who is in them now."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, models, transaction
from django.db.models import F

from groups.filters import machines_of
from groups.models import Group, GroupMember
from ingest.filters import Machines, counted_machines
from ingest.models import Machine
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.tenants import audit
from migrate_hub.tenants.bulk import bulk_insert
from migrate_hub.tenants.models import Project, uuid7
from migrate_hub.tenants.people import name_taken

MAX_MACHINES_A_CALL = 35_000
MAX_GROUPS = 5_000
MAX_NAMED = 100
# Both counts in the statement that writes: what matches and what was new of it belong to one instant.
ADD_MATCHING = """
WITH matching AS MATERIALIZED ({machines}),
written AS (
    INSERT INTO groups_groupmember (tenant_id, id, group_id, machine_id)
    SELECT %s, gen_random_uuid(), %s, id FROM matching ON CONFLICT DO NOTHING RETURNING 1)
SELECT (SELECT count(*) FROM matching), (SELECT count(*) FROM written)
"""
REMOVE_MATCHING = """
DELETE FROM groups_groupmember WHERE tenant_id = %s AND group_id = %s AND machine_id = ANY(ARRAY({machines}))
"""


@dataclass(frozen=True)
class Changed:
    """What became of a group: how many it counts now, how many came, were in it before, and went."""

    count: int
    added: int = 0
    already_members: int = 0
    removed: int = 0


def create_group(
    *, project: Project, name: str, machines: Iterable[UUID] = (), filter: dict[str, Any] | None = None
) -> Group:
    """A group of listed machines, or of those that match a filter; a name is taken once a project."""
    if Group.objects.filter(project=project, deleted_at=None).count() >= MAX_GROUPS:
        raise DomainError(code="limit_reached", status=409, detail=f"A project has at most {MAX_GROUPS} groups.")
    machines = list(machines)
    if machines and filter is not None:
        raise DomainError(code="invalid", detail="Give either machines or a filter, not both.")
    try:
        with transaction.atomic():
            group: Group = Group.objects.create(project=project, name=name, filter=filter)
    except IntegrityError:
        raise name_taken("group", name) from None
    if machines:
        change_members(group, add=machines)
    audit.record("group.create", group, machines=len(machines))
    return group


def change_members(group: Group, *, add: Iterable[UUID] = (), remove: Iterable[UUID] = ()) -> Changed:
    """Adds and removes machines, all or nothing.

    Raises DomainError 400 `unknown_machines` that names the first 100 ids that are not machines of the project.
    """
    _hold(group)
    to_add, to_remove = set(add), set(remove)
    _refuse_too_many(len(to_add) + len(to_remove))
    _refuse_unknown(group, to_add | to_remove)
    removed = GroupMember.objects.filter(group=group, machine_id__in=to_remove)._raw_delete("default") or 0
    added = _insert_members(group, sorted(to_add))
    return _changed(group, added=added, already=len(to_add) - added, removed=removed)


def change_matching(group: Group, *, add: Machines | None = None, remove: Machines | None = None) -> Changed:
    """Adds the first machines and removes the second, however many: one statement each, all or nothing."""
    _hold(group)
    removed = _write(REMOVE_MATCHING, group, remove)[1] if remove is not None else 0
    found, added = _write(ADD_MATCHING, group, add) if add is not None else (0, 0)
    return _changed(group, added=added, already=found - added, removed=removed)


def _write(statement: str, group: Group, machines: Machines) -> tuple[int, int]:
    """Runs a statement over machines of the group's project: how many they were, where it tells, and how many rows."""
    inner, parameters = machines.filter(project_id=group.project_id).order_by().values("id").query.sql_with_params()
    mine: list[Any] = [group.tenant_id, group.id]
    first = statement.index("{machines}") < statement.index("%s")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(machines=inner), [*parameters, *mine] if first else [*mine, *parameters])
        return cursor.fetchone() if cursor.description else (0, cursor.rowcount)


def _hold(group: Group) -> None:
    """The row lock makes two changes of one group follow each other. Raises 409 for a group by filter."""
    if group.filter is not None:
        raise DomainError(
            code="group_by_filter", status=409, detail="The members of this group follow its filter; change the filter."
        )
    Group.objects.select_for_update().filter(id=group.id).first()


def _changed(group: Group, *, added: int, already: int, removed: int) -> Changed:
    if added or removed:
        Group.objects.filter(id=group.id).update(membership_version=F("membership_version") + 1)
        group.refresh_from_db(fields=["membership_version"])
        audit.record("group.members", group, added=added, removed=removed)
    return Changed(member_count(group), added=added, already_members=already, removed=removed)


def _refuse_too_many(count: int) -> None:
    if count > MAX_MACHINES_A_CALL:
        raise DomainError(
            code="too_many_machines", detail=f"At most {MAX_MACHINES_A_CALL} machines a call; this one names {count}."
        )


def _refuse_unknown(group: Group, machine_ids: set[UUID]) -> None:
    known = Machine.objects.filter(project_id=group.project_id, id__in=machine_ids).values_list("id", flat=True)
    unknown = sorted(machine_ids.difference(known)) if machine_ids else []
    if unknown:
        raise DomainError(
            code="unknown_machines",
            detail=f"{len(unknown)} of the machines are not in this project; nothing was changed.",
            errors=[FieldProblem(str(id), "unknown_machine", "No such machine here.") for id in unknown[:MAX_NAMED]],
        )


def _insert_members(group: Group, machine_ids: list[UUID]) -> int:
    columns = {
        "id": ("uuid", [uuid7() for _ in machine_ids]),
        "group_id": ("uuid", [group.id] * len(machine_ids)),
        "machine_id": ("uuid", machine_ids),
    }
    return bulk_insert(GroupMember._meta.db_table, columns, on_conflict="ON CONFLICT DO NOTHING")


def copy_group(group: Group, name: str) -> Group:
    """Another group with the same members, or the same filter."""
    if group.filter is not None:
        return create_group(project=group.project, name=name, filter=group.filter)
    copied = create_group(project=group.project, name=name)
    change_matching(copied, add=machines_of(group, Machine.objects.filter(project_id=group.project_id)))
    return copied


def list_members(group: Group) -> Group:
    """Turns a group by filter into one that lists who matches now."""
    if group.filter is None:
        raise DomainError(code="group_is_static", status=409, detail="This group lists its machines already.")
    members = members_of(group)
    group.filter = None
    group.save(update_fields=["filter"])
    found, _ = _write(ADD_MATCHING, group, members)
    _converted(group, machines=found)
    return group


def follow_filter(group: Group, filter: dict[str, Any]) -> Group:
    """Turns a group that lists its machines into one of whoever matches; the list is forgotten."""
    if group.filter is not None:
        return change_filter(group, filter)
    GroupMember.objects.filter(group=group)._raw_delete("default")
    group.filter = filter
    group.save(update_fields=["filter"])
    _converted(group)
    return group


def _converted(group: Group, **detail: Any) -> None:
    Group.objects.filter(id=group.id).update(membership_version=F("membership_version") + 1)
    group.refresh_from_db(fields=["membership_version"])
    audit.record("group.convert", group, by_filter=group.filter is not None, **detail)


def change_filter(group: Group, filter: dict[str, Any]) -> Group:
    """Another filter for a group by filter."""
    if group.filter is None:
        raise DomainError(code="group_is_static", status=409, detail="This group lists its machines; make a new one.")
    Group.objects.filter(id=group.id).update(filter=filter, membership_version=F("membership_version") + 1)
    group.refresh_from_db(fields=["filter", "membership_version"])
    audit.record("group.filter", group)
    return group


def rename_group(group: Group, name: str) -> Group:
    group.name = name
    try:
        with transaction.atomic():
            group.save(update_fields=["name"])
    except IntegrityError:
        raise name_taken("group", name) from None
    audit.record("group.rename", group)
    return group


def delete_group(group: Group, now: datetime) -> None:
    """Hides a group; its assessments stay readable."""
    group.deleted_at = now
    group.save(update_fields=["deleted_at"])
    audit.record("group.delete", group)


def members_of(group: Group) -> models.QuerySet[Machine]:
    """The machines in a group now; vanished ones are left out, and those that are another machine seen twice."""
    return machines_of(group, counted_machines(group.project_id))


def left_out_of(group: Group) -> models.QuerySet[Machine]:
    """The machines that would be in a group now if they were not another machine seen twice."""
    machines: models.QuerySet[Machine] = Machine.objects.filter(project_id=group.project_id, removed_at=None)
    return machines_of(group, machines.filter(duplicate_of__isnull=False))


def member_count(group: Group) -> int:
    return members_of(group).count()


def member_ids(group: Group) -> list[UUID]:
    """Ids of the machines in a group now, in order."""
    return list(members_of(group).order_by("id").values_list("id", flat=True))


def count_by_filter(groups: Iterable[Group]) -> None:
    """Sets `machine_count` of the groups by filter among these (at most a page of them), each filter counted once."""
    counts: dict[str, int] = {}
    for group in groups:
        if group.filter is not None:
            key = json.dumps([str(group.project_id), group.filter], sort_keys=True)
            if key not in counts:
                counts[key] = member_count(group)
            group.machine_count = counts[key]  # type: ignore[attr-defined]  # what the annotated query gives the others
