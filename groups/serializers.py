"""Shapes of groups on the wire."""

from rest_framework import serializers

from groups.filters import MachineFilter
from groups.membership import MAX_MACHINES_A_CALL
from groups.models import Group
from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.serializers import NameField


def machine_ids() -> serializers.ListField:
    return serializers.ListField(child=serializers.UUIDField(), max_length=MAX_MACHINES_A_CALL, default=list)


class GroupIn(StrictSerializer):
    name = NameField()
    machines = machine_ids()
    filter = MachineFilter(required=False, help_text="Instead of machines: whoever matches is in the group.")


class GroupChange(StrictSerializer):
    name = NameField(required=False)
    filter = MachineFilter(required=False)


class MembersChange(StrictSerializer):
    add = machine_ids()
    remove = machine_ids()


class GroupOut(serializers.ModelSerializer[Group]):
    machine_count = serializers.IntegerField()
    filter = MachineFilter(allow_null=True)

    class Meta:
        model = Group
        fields = ["id", "name", "filter", "machine_count", "membership_version", "created_at"]
        read_only_fields = fields
