"""/api/v1/company-sign-in/: the OpenID Connect of the caller's tenant, for its owners."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from migrate_hub.oidc.configuring import Settings, configure, configured, shown, switch_off
from migrate_hub.oidc.models import Newcomers
from migrate_hub.oidc.serializers import CompanySignInIn, CompanySignInOut
from migrate_hub.tenants.api import TenantAPIView
from migrate_hub.tenants.models import Role, Tenant


def settings_from(values: dict[str, Any]) -> Settings:
    """What a checked body or form says."""
    return Settings(**{**values, "newcomers": Newcomers(values["newcomers"])})


@extend_schema(tags=["access"])
class CompanySignInView(TenantAPIView):
    reads_need = writes_need = Role.OWNER

    @property
    def tenant(self) -> Tenant:
        return Tenant.objects.get(id=self.principal.tenant_id)

    @extend_schema(responses=CompanySignInOut)
    def get(self, request: Request) -> Response:
        return Response(CompanySignInOut(shown(configured(), self.tenant)).data)

    @extend_schema(request=CompanySignInIn, responses=CompanySignInOut)
    def put(self, request: Request) -> Response:
        body = CompanySignInIn(data=request.data)
        body.is_valid(raise_exception=True)
        tenant = self.tenant
        row = configure(tenant, settings_from(body.validated_data))
        return Response(CompanySignInOut(shown(row, tenant)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        switch_off(self.tenant)
        return Response(status=status.HTTP_204_NO_CONTENT)
