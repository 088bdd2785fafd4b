"""Shapes of groups on the wire."""

from typing import Any

from rest_framework import serializers

from groups.filters import MachineFilter, MachineSelection
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
    """By ids, or by what the machine list would show of the project's machines: then in any number."""

    add = machine_ids()
    remove = machine_ids()
    add_matching = MachineSelection(required=False)
    remove_matching = MachineSelection(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        by_id = attrs["add"] or attrs["remove"]
        if by_id and ("add_matching" in attrs or "remove_matching" in attrs):
            raise serializers.ValidationError("Name machines by their ids or by what matches, not both.")
        return attrs


class GroupCopy(StrictSerializer):
    name = NameField()


class GroupConversion(StrictSerializer):
    filter = MachineFilter(
        required=False, help_text="The group holds whoever matches; without it, it lists who is in it now."
    )


class GroupOut(serializers.ModelSerializer[Group]):
    machine_count = serializers.IntegerField()
    filter = MachineFilter(allow_null=True)

    class Meta:
        model = Group
        fields = ["id", "name", "filter", "machine_count", "membership_version", "created_at"]
        read_only_fields = fields


class MembersChanged(GroupOut):
    """The group, and what was done: how many came, were in it before, and went."""

    added = serializers.IntegerField()
    already_members = serializers.IntegerField()
    removed = serializers.IntegerField()

    class Meta(GroupOut.Meta):
        fields = [*GroupOut.Meta.fields, "added", "already_members", "removed"]
        read_only_fields = fields
