"""/api/v1/price-sheets/: a tenant's own prices. Every member reads them, owners send and delete them."""

import io
from collections.abc import Mapping
from typing import IO, Any, cast

from django.core.exceptions import SuspiciousOperation
from django.db import models
from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.catalog.models import PriceSheet, PriceSheetRow
from assessments.catalog.price_sheet import MAX_BYTES
from assessments.catalog.price_sheet_store import delete_price_sheet, store_price_sheet
from assessments.catalog.serializers import PriceSheetFileIn, PriceSheetIn, PriceSheetOut, PriceSheetRowOut
from migrate_hub.bodies import inflate
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.tenants.api import TenantViewSet
from migrate_hub.tenants.models import Role
from migrate_hub.tenants.parsers import StrictJSONParser

OVERHEAD_BYTES = 64 * 1024


class FormParser(MultiPartParser):
    """multipart/form-data, optionally gzip, as large as a price sheet may be."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {})["request"]
        encoding = request.headers.get("Content-Encoding", "")
        body = inflate(stream.read(), encoding, max_inflated_bytes=MAX_BYTES + OVERHEAD_BYTES)
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except SuspiciousOperation as error:
            raise DomainError(code="invalid_form", detail="The form has too many fields or files.") from error


@extend_schema(tags=["price sheets"])
class PriceSheetsView(TenantViewSet):
    """Sheets are never changed: send a new one and delete the old one."""

    model = PriceSheet
    serializer_class = PriceSheetOut
    parser_classes = (StrictJSONParser, FormParser)
    ordering = ("name", "id")
    action_roles = {"create": Role.OWNER, "destroy": Role.OWNER}

    def get_queryset(self) -> models.QuerySet[PriceSheet]:
        return super().get_queryset().filter(deleted_at=None)

    @extend_schema(responses=PriceSheetOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(
        request={"application/json": PriceSheetIn, "multipart/form-data": PriceSheetFileIn},
        responses={201: PriceSheetOut},
    )
    def create(self, request: Request) -> Response:
        """Stores a sheet whole, or nothing: 400 `invalid_price_sheet` names up to 100 bad rows, each with its reason.

        Columns: `size` or `disk_tier`, `region`, `scenario` (`pay_as_you_go`, `reservation_1y`, `reservation_3y`,
        `savings_plan_1y`, `savings_plan_3y`, `dev_test`), `unit_price`, `currency` (one for the whole sheet),
        `valid_from`; optional `os` (`linux`, `windows`; of `pay_as_you_go`) and `unit` (`hour`, `month`, `term`).
        """
        sheet = store_price_sheet(**(_of_json(request) if _is_json(request) else _of_form(request)))
        return Response(PriceSheetOut(sheet).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=PriceSheetOut)
    def retrieve(self, request: Request, price_sheet: str) -> Response:
        return Response(PriceSheetOut(self.find(self.get_queryset(), price_sheet)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, price_sheet: str) -> Response:
        """No new assessment takes the sheet then; runs that used it can still be repeated."""
        delete_price_sheet(self.find(self.get_queryset(), price_sheet), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["price sheets"])
class PriceSheetRowsView(TenantViewSet):
    """The rows of a sheet as they were read, in the order of the file."""

    model = PriceSheetRow
    serializer_class = PriceSheetRowOut
    ordering = ("row", "id")
    sheet: PriceSheet

    def enter(self, **kwargs: Any) -> None:
        self.sheet = self.find(PriceSheet.objects.filter(deleted_at=None), kwargs["price_sheet"])

    def get_queryset(self) -> models.QuerySet[PriceSheetRow]:
        return super().get_queryset().filter(sheet=self.sheet)

    @extend_schema(responses=PriceSheetRowOut(many=True))
    def list(self, request: Request, price_sheet: str) -> Response:
        return self.paged(self.get_queryset())


def _is_json(request: Request) -> bool:
    return not request.content_type.startswith("multipart/")


def _of_json(request: Request) -> dict[str, Any]:
    body = PriceSheetIn(data=request.data)
    body.is_valid(raise_exception=True)
    return {"name": body.validated_data["name"], "content": body.validated_data["csv"].encode()}


def _of_form(request: Request) -> dict[str, Any]:
    """The part `file`; the name is that of the file when no part `name` gives another."""
    files = request.FILES.getlist("file")
    if len(files) != 1 or len(request.FILES) != 1:
        problem = FieldProblem("file", "required", "Send one file, in the part `file`.")
        raise DomainError(code="invalid", detail=problem.message, errors=[problem])
    fields = cast("QueryDict", request.data).dict()
    body = PriceSheetFileIn(data={**fields, "name": fields.get("name") or files[0].name})
    body.is_valid(raise_exception=True)
    return {"name": body.validated_data["name"], "content": files[0].read()}
