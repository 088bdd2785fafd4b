"""GET /api/v1/assessment-presets/: the settings that answer a question people come with."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.presets import PRESETS
from migrate_hub.tenants.api import TenantAPIView


class PresetOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    sentence = serializers.CharField(help_text="What the settings do about it.")
    settings = serializers.DictField(
        help_text="Send these as `settings` of an assessment or a preview. All others keep their values or defaults."
    )


class PresetsOut(serializers.Serializer[Any]):
    results = PresetOut(many=True)


@extend_schema(tags=["assessments"])
class PresetsView(TenantAPIView):
    @extend_schema(responses=PresetsOut)
    def get(self, request: Request) -> Response:
        """The presets that the portal's wizard offers, all of them."""
        return Response(PresetsOut({"results": PRESETS}).data)
