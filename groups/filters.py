"""A description of machines: what a group by filter holds, and what "select all matching" means."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from ingest.models import Machine, PowerState
from migrate_hub.tenants.api import StrictSerializer

LAST_CHARACTER = "\U0010ffff"


class MachineFilter(StrictSerializer):
    """Every given condition must hold; an empty filter matches every machine of the project."""

    search = serializers.CharField(max_length=255, required=False, help_text="Beginning of the name, any case.")
    os = serializers.CharField(max_length=255, required=False, help_text="Part of the operating system's name.")
    power_state = serializers.ChoiceField(choices=PowerState.choices, required=False)
    cluster = serializers.CharField(max_length=255, required=False)
    host = serializers.CharField(max_length=255, required=False)


def matching_machines(machines: QuerySet[Machine], conditions: dict[str, Any]) -> QuerySet[Machine]:
    """The machines that a MachineFilter describes. Names are compared by range, which an index below RLS can answer."""
    prefix = conditions.get("search", "").lower()
    if prefix:
        machines = machines.filter(name_lower__gte=prefix, name_lower__lt=prefix + LAST_CHARACTER)
    if conditions.get("os"):
        machines = machines.filter(operating_system__icontains=conditions["os"])
    exact = {name: conditions[name] for name in ("power_state", "cluster", "host") if conditions.get(name)}
    return machines.filter(**exact)
