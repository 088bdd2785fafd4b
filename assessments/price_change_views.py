"""GET /api/v1/catalogs/{catalog}/price-changes/: what the sizes in use cost in an earlier catalog and in this one."""

from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.catalog.checks import MONEY_DIGITS, MONEY_PLACES
from assessments.catalog.models import Catalog
from assessments.price_changes import price_changes
from assessments.settings import choices
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.tenants.api import TenantViewSet

MAX_CHANGES = 1000


class SinceQuery(serializers.Serializer[Any]):
    since = serializers.UUIDField(required=False, help_text="The other catalog; default: the one before this one.")


class PriceChangeOut(serializers.Serializer[Any]):
    region = serializers.CharField()
    size = serializers.CharField()
    operating_system = serializers.ChoiceField(choices=choices("linux", "windows"))
    machines = serializers.IntegerField(help_text="Machines of the runs that are recommended this size.")
    before = serializers.DecimalField(
        max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, normalize_output=True, allow_null=True
    )
    after = serializers.DecimalField(
        max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, normalize_output=True, allow_null=True
    )


class PriceChangesOut(serializers.Serializer[Any]):
    before = serializers.UUIDField()
    after = serializers.UUIDField()
    runs = serializers.IntegerField(help_text="Published runs that were looked at, the newest first.")
    sizes = serializers.IntegerField(help_text="Sizes that they recommend, by region.")
    changes = PriceChangeOut(many=True, help_text="An hour of pay as you go; what weighs most first, at most 1,000.")


def earlier_catalog(catalog: Catalog) -> Catalog | None:
    """The catalog that came before this one."""
    rows = Catalog.objects.filter(as_of__lte=catalog.as_of).exclude(id=catalog.pk)
    return rows.order_by("-as_of", "-id").first()


@extend_schema(tags=["catalogs"])
class PriceChangesView(TenantViewSet):
    """Catalogs are global; which sizes matter is the tenant's own."""

    serializer_class = PriceChangesOut
    catalog: Catalog

    def enter(self, **kwargs: Any) -> None:
        self.catalog = self.find(self.get_queryset(), kwargs["catalog"])

    def get_queryset(self) -> models.QuerySet[Any]:
        return Catalog.objects.all()

    @extend_schema(parameters=[SinceQuery], responses=PriceChangesOut)
    def retrieve(self, request: Request, catalog: str) -> Response:
        """Prices of the sizes of the tenant's published runs that are others than in an earlier catalog."""
        query = SinceQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        before = self._before(query.validated_data.get("since"))
        found = price_changes(before, self.catalog)
        answer = {"before": before.id, "after": self.catalog.id, "runs": found.runs, "sizes": found.sizes}
        return Response(PriceChangesOut({**answer, "changes": found.changes[:MAX_CHANGES]}).data)

    def _before(self, since: Any) -> Catalog:
        named = self.get_queryset().filter(id=since).first() if since else earlier_catalog(self.catalog)
        if named is None and since:
            problem = FieldProblem("since", "unknown_catalog", "There is no such catalog.")
            raise DomainError(code="unknown_catalog", detail=problem.message, errors=[problem])
        if named is None:
            raise DomainError(
                code="no_earlier_catalog", status=409, detail="There is no earlier catalog to compare with."
            )
        found: Catalog = named
        return found
