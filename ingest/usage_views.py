"""/api/v1/usage/: what the caller's tenant uses of what it may have."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ingest.usage import requests_a_minute, usage
from migrate_hub.tenants.api import TenantAPIView
from migrate_hub.tenants.models import Role
from migrate_hub.tenants.quotas import NAMES


class UseOut(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=list(NAMES), help_text="`machines_a_project`: of the largest project.")
    used = serializers.IntegerField()
    limit = serializers.IntegerField()
    is_own = serializers.BooleanField(help_text="Set for this tenant; false: the installation's default.")


class RequestsOut(serializers.Serializer[Any]):
    token = serializers.IntegerField()
    tenant = serializers.IntegerField()


class UsageOut(serializers.Serializer[Any]):
    limits = UseOut(many=True)
    requests_a_minute = RequestsOut(help_text="Above it requests are answered 429, with Retry-After.")


@extend_schema(tags=["access"])
class UsageView(TenantAPIView):
    reads_need = Role.OWNER

    @extend_schema(responses=UsageOut)
    def get(self, request: Request) -> Response:
        return Response(UsageOut({"limits": usage(), "requests_a_minute": requests_a_minute()}).data)
