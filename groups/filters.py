"""A description of machines: what a group by filter holds, and what "select all matching" means."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup, QuerySet, UUIDField
from django.db.models.sql.compiler import SQLCompiler
from rest_framework import serializers

from groups.models import Group, GroupMember
from ingest.filters import MACHINE_FILTERS
from ingest.models import DiscoveredBy, Machine, PowerState
from migrate_hub.errors import not_found
from migrate_hub.tenants.api import StrictSerializer, as_uuid


class IdText(serializers.UUIDField):
    """An id as a text, as a filter is stored."""

    def to_internal_value(self, data: Any) -> Any:
        return str(super().to_internal_value(data))


class MachineFilter(StrictSerializer):
    """Every given condition must hold; an empty filter matches every machine of the project."""

    search = serializers.CharField(max_length=255, required=False, help_text="Beginning of the name, any case.")
    os = serializers.CharField(max_length=255, required=False, help_text="Part of the operating system's name.")
    power_state = serializers.ChoiceField(choices=PowerState.choices, required=False)
    cluster = serializers.CharField(max_length=255, required=False)
    host = serializers.CharField(max_length=255, required=False)
    appliance = IdText(required=False, help_text="The appliance that lists the machine.")
    discovered_by = serializers.ChoiceField(choices=DiscoveredBy.choices, required=False)


class MachineSelection(MachineFilter):
    """Machines of the list as they are now: what may be asked of a list, but not of a group that follows its filter."""

    history = serializers.ChoiceField(choices=["none", "some"], required=False)
    duplicates = serializers.ChoiceField(choices=["only", "exclude", "include"], required=False)
    removed = serializers.ChoiceField(choices=["true", "false", "all"], required=False)


def matching_machines(machines: QuerySet[Machine], conditions: dict[str, Any]) -> QuerySet[Machine]:
    """The machines that a MachineFilter describes, by the filters of the machine list where it has them."""
    for name, text in conditions.items():
        machines = MACHINE_FILTERS[name](machines, text) if name in MACHINE_FILTERS else machines.filter(**{name: text})
    return machines


@UUIDField.register_lookup
class AnyOf(Lookup):
    """`id = ANY(array)`."""

    lookup_name = "any_of"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", (*left_parameters, *right_parameters)


def machines_of(group: Group, machines: QuerySet[Machine]) -> QuerySet[Machine]:
    """Those of the machines that are in the group.

    The members of a static group are read into an array first. A join would be planned by statistics that know nothing
    of machines that came a moment ago: one of them is expected, and 35,000 are then compared each with each.
    """
    if group.filter is not None:
        return matching_machines(machines.filter(project_id=group.project_id), group.filter)
    listed = GroupMember.objects.filter(group=group).values("machine_id")
    return machines.filter(id__any_of=ArraySubquery(listed))


def by_group(machines: QuerySet[Machine], group_id: str) -> QuerySet[Machine]:
    """The members of a group of the same project, each once; a group that is not there is 404."""
    group = Group.objects.filter(id=as_uuid(group_id), deleted_at=None).first()
    if group is None:
        raise not_found()
    return machines_of(group, machines.filter(duplicate_of=None))
