"""Shapes of a preview on the wire."""

from typing import Any

from rest_framework import serializers

from assessments.engine.issues import READINESS
from assessments.preview import MAX_SAMPLE, SAMPLE
from assessments.serializers import ReadinessCounts, with_defaults
from assessments.settings import SettingsIn, choices
from migrate_hub.tenants.api import StrictSerializer


class PreviewIn(StrictSerializer):
    settings = SettingsIn(default=dict)
    sample = serializers.IntegerField(
        min_value=1, max_value=MAX_SAMPLE, default=SAMPLE, help_text="At most so many machines are looked at."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["settings"]:
            attrs["settings"] = with_defaults({})
        return attrs


class PreviewCost(serializers.Serializer[Any]):
    compute = serializers.CharField()
    storage = serializers.CharField()
    total = serializers.CharField()
    priced_machines = serializers.IntegerField()


class PreviewScenario(serializers.Serializer[Any]):
    priced_machines = serializers.IntegerField()
    monthly_compute_cost = serializers.CharField(required=False)


class PreviewExample(serializers.Serializer[Any]):
    machine = serializers.UUIDField()
    name = serializers.CharField()
    cores = serializers.IntegerField()
    memory_mb = serializers.IntegerField()
    cpu_percent = serializers.FloatField(required=False)
    memory_percent = serializers.FloatField(required=False)
    readiness = serializers.ChoiceField(choices=choices(*READINESS))
    recommended_sku = serializers.CharField(required=False)
    recommended_cores = serializers.IntegerField(required=False)
    recommended_memory_mb = serializers.IntegerField(required=False)
    expected_cpu_percent = serializers.FloatField(
        required=False, help_text="How busy the recommended size is at the chosen percentile."
    )
    expected_memory_percent = serializers.FloatField(required=False)
    monthly_cost = serializers.CharField(required=False)


class PreviewOut(serializers.Serializer[Any]):
    """Of the sample alone; totals of the group are what a run is for."""

    settings = SettingsIn()
    currency = serializers.CharField()
    prices_as_of = serializers.DateField()
    performance_start_at = serializers.DateTimeField()
    performance_end_at = serializers.DateTimeField()
    machines = serializers.IntegerField(help_text="Of the group.")
    sample = serializers.IntegerField(
        help_text="How many of them were looked at: the group lined up by cores and memory, one out of each of as many "
        "equal stretches; the same ones until the group changes."
    )
    readiness = ReadinessCounts()
    monthly_cost = PreviewCost()
    scenarios = serializers.DictField(child=PreviewScenario())
    comparable = serializers.ListField(
        child=serializers.CharField(), help_text="Scenarios that price the same machines as the chosen one."
    )
    examples = PreviewExample(many=True, help_text="A small, a middling and a large machine of the sample.")
