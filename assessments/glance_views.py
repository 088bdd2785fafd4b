"""The caller's tenant at one glance: what a provider's own dashboard asks of each of its customers."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.glance import glance
from migrate_hub.tenants.api import TenantAPIView


class AppliancesByHealth(serializers.Serializer[Any]):
    ok = serializers.IntegerField(default=0)
    late = serializers.IntegerField(default=0)
    silent = serializers.IntegerField(default=0)
    failing = serializers.IntegerField(default=0)
    never_registered = serializers.IntegerField(default=0)


class AssessmentsByState(serializers.Serializer[Any]):
    current = serializers.IntegerField(default=0)
    out_of_sync = serializers.IntegerField(default=0)
    outdated = serializers.IntegerField(default=0)
    failed = serializers.IntegerField(default=0, help_text="Their newest run failed.")
    unfinished = serializers.IntegerField(default=0, help_text="Their first run has not ended.")
    not_compared = serializers.IntegerField(default=0, help_text="Older ones of a tenant with very many machines.")


class GlanceOut(serializers.Serializer[Any]):
    machines = serializers.IntegerField()
    appliances = AppliancesByHealth()
    assessments = AssessmentsByState()
    running = serializers.IntegerField(help_text="Assessments, imports and reports that are worked on or wait.")
    last_data_at = serializers.DateTimeField(allow_null=True, help_text="When an upload or an import last came.")
    attention = serializers.ChoiceField(choices=["broken", "aging", "none"])


@extend_schema(tags=["overview"])
class OverviewView(TenantAPIView):
    @extend_schema(responses=GlanceOut)
    def get(self, request: Request) -> Response:
        return Response(GlanceOut(glance(timezone.now())).data)
