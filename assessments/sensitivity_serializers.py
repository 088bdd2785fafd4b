"""Shapes of sensitivity on the wire."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from assessments.models import RunStatus
from assessments.percentile_grid import WINDOW_NAMES
from assessments.sensitivity import PERCENTILE_NAMES
from assessments.serializers import ProgressOut, ReadinessCounts
from assessments.settings import choices

NOT_STARTED = "not_started"


class PositionQuery(serializers.Serializer[Any]):
    """Where the sliders are; what is not named is as in the run."""

    percentile = serializers.ChoiceField(choices=choices(*PERCENTILE_NAMES), required=False)
    comfort_factor = serializers.DecimalField(
        max_digits=6, decimal_places=4, min_value=Decimal(1), max_value=Decimal(2), required=False
    )
    window = serializers.ChoiceField(choices=choices(*WINDOW_NAMES), required=False)


class TotalCost(serializers.Serializer[Any]):
    compute = serializers.CharField()
    storage = serializers.CharField()
    total = serializers.CharField()
    priced_machines = serializers.IntegerField()
    storage_priced_machines = serializers.IntegerField()


class ScenarioAt(serializers.Serializer[Any]):
    priced_machines = serializers.IntegerField()
    machines = serializers.IntegerField()
    without_price = serializers.IntegerField()
    monthly_compute_cost = serializers.CharField(required=False)


class PositionOut(serializers.Serializer[Any]):
    percentile = serializers.ChoiceField(choices=choices(*PERCENTILE_NAMES))
    comfort_factor = serializers.FloatField()
    window = serializers.ChoiceField(choices=choices(*WINDOW_NAMES))
    machines = serializers.IntegerField()
    monthly_cost = TotalCost(help_text="In the headline scenario.")
    difference = serializers.CharField(help_text="Total monthly cost here minus that of the run.")
    changed_sizes = serializers.IntegerField(help_text="Machines whose recommended size is another than in the run.")
    readiness = ReadinessCounts()
    scenarios = serializers.DictField(child=ScenarioAt())


class SensitivityOut(PositionOut):
    run = serializers.UUIDField()
    currency = serializers.CharField()


class PercentilesOut(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=choices(NOT_STARTED, *RunStatus.values))
    progress = ProgressOut(help_text="In machines.")


class GridOut(serializers.Serializer[Any]):
    run = serializers.UUIDField()
    currency = serializers.CharField()
    status = serializers.ChoiceField(choices=choices(NOT_STARTED, *RunStatus.values))
    progress = ProgressOut(help_text="In positions.")
    percentiles = PercentilesOut(help_text="What the positions are computed from.")
    positions = PositionOut(many=True, required=False, help_text="Every position; absent until all are there.")
