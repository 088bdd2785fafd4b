"""TenantAPIView, TenantViewSet and TenantRelatedField: the ONLY way an API view reaches rows."""

from typing import Any, ClassVar, NoReturn
from uuid import UUID

from django.db import models
from django.http import HttpRequest, HttpResponseBase
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from migrate_hub.errors import DomainError, not_found
from migrate_hub.tenants.authentication import Principal, role_needed, unauthenticated
from migrate_hub.tenants.keyset import beyond, read_cursor, write_cursor
from migrate_hub.tenants.models import Project, Role, TenantModel
from migrate_hub.tenants.permissions import RolePermission
from migrate_hub.tenants.rate_limits import count_request
from migrate_hub.tenants.row_level_security import set_tenant, tenant_slot

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000


class CursorPages(BasePagination):
    """Pages in the total order that the view's `ordering` names; `{results, next}` with an absolute URL or null."""

    following: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        order, size, cursor = view.ordering, self.get_page_size(request), request.query_params.get("cursor")
        if cursor is not None:
            queryset = queryset.filter(beyond(order, read_cursor(cursor, queryset, order)))
        found = list(queryset.order_by(*order)[: size + 1])
        page = found[:size]
        if len(found) > size:
            self.following = replace_query_param(request.build_absolute_uri(), "cursor", write_cursor(page[-1], order))
        return page

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get("page_size", str(PAGE_SIZE))
        if not asked.isdecimal() or len(asked) > len(str(MAX_PAGE_SIZE)) or not 1 <= int(asked) <= MAX_PAGE_SIZE:
            raise DomainError(code="invalid", detail=f"page_size must be a number from 1 to {MAX_PAGE_SIZE}.")
        return int(asked)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.following})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": ["string", "null"], "format": "uri", "description": "The next page, or null."},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE}
        return [
            _query_parameter("cursor", "A place in the list, as `next` of a page has it.", {"type": "string"}),
            _query_parameter("page_size", "Rows a page.", size),
        ]


def _query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "required": False, "in": "query", "description": description, "schema": schema}


class TenantAPIView(APIView):
    """A view inside one tenant: authenticates, sets the tenant for the transaction, then checks the role.

    `reads_need` and `writes_need` name the roles; an `action_roles` entry per viewset action overrides both.
    """

    permission_classes: Any = [RolePermission]
    reads_need: ClassVar[Role] = Role.READER
    writes_need: ClassVar[Role] = Role.CONTRIBUTOR
    action_roles: ClassVar[dict[str, Role]] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with tenant_slot():
            return super().dispatch(request, *args, **kwargs)

    def needed_role(self, method: str) -> Role:
        action = getattr(self, "action", None)
        if action in self.action_roles:
            return self.action_roles[action]
        return self.reads_need if method in SAFE_METHODS else self.writes_need

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        principal = request.auth
        if not isinstance(principal, Principal):
            raise unauthenticated("Send the header `Authorization: Bearer <token>`.")
        request._request.tenant_id = principal.tenant_id  # type: ignore[attr-defined]  # read by the request log
        set_tenant(principal.tenant_id)
        count_request(principal)
        super().initial(request, *args, **kwargs)
        self.enter(**kwargs)

    def enter(self, **kwargs: Any) -> None:
        """Where a subclass looks up what its URL names, before the view's body runs."""

    @property
    def principal(self) -> Principal:
        principal = self.request.auth
        assert isinstance(principal, Principal)
        return principal

    def permission_denied(self, request: Any, message: str | None = None, code: str | None = None) -> NoReturn:
        raise role_needed(self.needed_role(request.method or ""))


class TenantViewSet(TenantAPIView, GenericViewSet[Any]):
    """Rows of one model of the tenant, paged by cursor. `model` is the only thing a subclass must name."""

    model: ClassVar[type[TenantModel]]
    pagination_class = CursorPages
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.model.objects.all()

    def find(self, queryset: models.QuerySet[Any], public_id: str) -> Any:
        """The row with this id, or 404: not yours and not there answer alike."""
        row = queryset.filter(pk=as_uuid(public_id)).first()
        if row is None:
            raise not_found()
        return row

    def paged(self, queryset: models.QuerySet[Any], serializer_class: Any = None) -> Response:
        page = self.paginate_queryset(queryset)
        serializer = (serializer_class or self.get_serializer_class())(
            page, many=True, context=self.get_serializer_context()
        )
        assert self.paginator is not None
        return self.paginator.get_paginated_response(serializer.data)


class ProjectViewSet(TenantViewSet):
    """Rows below a project of the URL; a project that is not yours or not there is 404."""

    project: Project

    def enter(self, **kwargs: Any) -> None:
        project = Project.objects.filter(pk=as_uuid(kwargs["project"]), deleted_at=None).first()
        if project is None:
            raise not_found()
        self.project = project

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(project=self.project)


def as_uuid(public_id: str) -> UUID:
    """An id of the URL; what is no UUID is simply not there."""
    try:
        return UUID(public_id)
    except ValueError:
        raise not_found() from None


class StrictSerializer(serializers.Serializer[Any]):
    """Shape and ranges of a body; an unknown field is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: [serializers.ErrorDetail("This field is not known here.", "unknown_field")]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


class TenantRelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """A relation to a row of the same tenant, and of the view's project when the model has one."""

    def __init__(self, *, model: type[TenantModel], **kwargs: Any) -> None:
        self.model = model
        if not kwargs.get("read_only"):
            kwargs["queryset"] = _NoTenantYet()
        kwargs.setdefault("pk_field", serializers.UUIDField())
        super().__init__(**kwargs)

    def get_queryset(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model.objects.all()
        project = getattr(self.context.get("view"), "project", None)
        return rows.filter(project=project) if project is not None and hasattr(self.model, "project") else rows


class _NoTenantYet:
    """DRF wants some queryset at class definition, when there is no tenant yet; get_queryset() gives the real one."""
