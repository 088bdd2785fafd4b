"""Who may call a view: nobody unless it names a role. Apart from api.py because DRF loads it while loading itself."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from migrate_hub.tenants.authentication import Principal


class DenyByDefault(BasePermission):
    """A view that names no role is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class RolePermission(BasePermission):
    """Lets a person through whose role includes what the TenantAPIView asks for this method: 403 otherwise."""

    def has_permission(self, request: Request, view: Any) -> bool:
        principal = request.auth
        if not isinstance(principal, Principal) or principal.role is None:
            return False
        return principal.role.includes(view.needed_role(request.method or ""))
