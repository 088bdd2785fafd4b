"""Shapes of filters, totals and insights of a run's machines on the wire."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from assessments.engine.issues import READINESS
from assessments.filters import OVERSIZED
from assessments.highlights import BOUNDS, NO_DATA, UNKNOWN_LIMITS
from assessments.settings import AUTOMATIC, DISK_TYPES, choices

FILTER_PARAMETERS = [
    OpenApiParameter("readiness", enum=list(READINESS)),
    OpenApiParameter("issue", OpenApiTypes.STR, description="The code of an issue of the machine or of its data."),
    OpenApiParameter("series", OpenApiTypes.STR, description="Of the recommended size, such as dsv5."),
    OpenApiParameter("max_stars", OpenApiTypes.INT, enum=[1, 2, 3, 4, 5], description="Confidence of at most so many."),
    OpenApiParameter(
        "disk_type",
        enum=[each for each in DISK_TYPES if each != AUTOMATIC],
        description="Has a recommended disk of this type.",
    ),
    OpenApiParameter(
        "fit", enum=[OVERSIZED], description="`oversized`: asks for at most half of the cores that the machine has."
    ),
    OpenApiParameter("search", OpenApiTypes.STR, description="The start of the name, in the case it has."),
]


class TotalsOut(serializers.Serializer[Any]):
    machines = serializers.IntegerField()
    priced_machines = serializers.IntegerField()
    cores = serializers.IntegerField(help_text="That the machines have on premises.")
    currency = serializers.CharField()
    monthly_cost = serializers.CharField(help_text="Compute and storage.")
    monthly_saving = serializers.CharField(help_text="Of all to the cheapest offer that the settings allow, each.")


class TopMachine(serializers.Serializer[Any]):
    machine = serializers.UUIDField()
    name = serializers.CharField()
    cores = serializers.IntegerField()
    recommended_sku = serializers.CharField(required=False)
    monthly_cost = serializers.CharField()
    monthly_saving = serializers.CharField()


class HighlightOut(serializers.Serializer[Any]):
    code = serializers.ChoiceField(
        choices=choices(
            "not_ready", "readiness_unknown", "savings", "oversized", "no_data", "low_confidence", *UNKNOWN_LIMITS
        ),
        help_text=f"`no_data`: the issue {NO_DATA}.",
    )
    machines = serializers.IntegerField()
    cores = serializers.IntegerField()
    monthly_cost = serializers.CharField()
    monthly_saving = serializers.CharField()
    query = serializers.DictField(
        child=serializers.CharField(), help_text="Filters and order of the machine list that shows them all."
    )
    top = TopMachine(many=True, help_text="The first of that list.")


class HeadroomOut(serializers.Serializer[Any]):
    machines = serializers.IntegerField(help_text="With a recommended size and a known utilization.")
    cores = serializers.IntegerField()
    recommended_cores = serializers.IntegerField()
    observed_percent = serializers.FloatField(help_text="Of all their cores, at the chosen percentile.")
    expected_percent = serializers.FloatField(help_text="Of all cores of the recommended sizes.")
    classes = serializers.ListField(
        child=serializers.IntegerField(),
        help_text=f"Machines by expected percent: below {', '.join(map(str, BOUNDS))}, and from there on.",
    )


class InsightsOut(serializers.Serializer[Any]):
    look_at = HighlightOut(many=True, help_text="What matters most comes first; what holds for no machine is absent.")
    headroom = HeadroomOut(required=False)
    prices_as_of = serializers.DateField()
