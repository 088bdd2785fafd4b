"""Shapes of catalogs, their sizes and price sheets on the wire."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from assessments.catalog.checks import MONEY_DIGITS, MONEY_PLACES, RATE_DIGITS, RATE_PLACES
from assessments.catalog.models import Catalog, PriceSheet, PriceSheetRow
from assessments.catalog.price_sheet import MAX_BYTES, SCENARIOS
from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.serializers import NameField

ARCHITECTURES = ["x64", "arm64"]


class CatalogOut(serializers.ModelSerializer[Catalog]):
    currency = serializers.CharField(default="USD", help_text="Of the prices as published.")

    class Meta:
        model = Catalog
        fields = ["id", "name", "as_of", "currency", "is_current", "created_at"]
        read_only_fields = fields


class SourceOut(serializers.Serializer[Any]):
    title = serializers.CharField()
    dated = serializers.CharField(help_text="When the figure was published, as precisely as the source says.")
    grade = serializers.CharField(allow_null=True, help_text="Of commitments: A is of June 2026 or later, B older.")
    license = serializers.CharField()


class RegionOut(serializers.Serializer[Any]):
    region = serializers.CharField()
    display_name = serializers.CharField()
    geography = serializers.CharField(allow_null=True)
    lists_sizes = serializers.BooleanField(help_text="Whether it is known which sizes are offered there.")
    prices_disks = serializers.BooleanField(help_text="Whether disks have a price there.")


class RateOut(serializers.Serializer[Any]):
    currency = serializers.CharField()
    units_per_usd = serializers.DecimalField(max_digits=RATE_DIGITS, decimal_places=RATE_PLACES)
    rate_date = serializers.DateField()


class LeftOutOut(serializers.Serializer[Any]):
    what = serializers.CharField()
    rows = serializers.IntegerField()
    reason = serializers.CharField()


class CatalogDetail(CatalogOut):
    regions = RegionOut(many=True, source="catalogregions", help_text="Where machines have a price.")
    rates = RateOut(many=True, source="currencyrates", help_text="Prices in these currencies are conversions.")
    sources = SourceOut(many=True, source="catalogsources")
    left_out = LeftOutOut(many=True, source="manifest.left_out")
    taken_over = LeftOutOut(many=True, help_text="What a synchronized catalog says as an earlier one said it.")

    class Meta(CatalogOut.Meta):
        fields = [*CatalogOut.Meta.fields, "regions", "rates", "sources", "left_out", "taken_over"]
        read_only_fields = fields


class SkuQuery(serializers.Serializer[Any]):
    """Which sizes of a region are listed; all where nothing is asked."""

    search = serializers.CharField(required=False, max_length=64, help_text="A part of the name, in any case.")
    series = serializers.CharField(required=False, max_length=64, help_text='Such as "dsv5".')
    max_hourly = serializers.DecimalField(
        required=False, max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, min_value=Decimal(0),
        help_text="The most that an hour of Linux may cost, in US dollars.",
    )  # fmt: skip


class PriceOut(serializers.Serializer[Any]):
    amount = serializers.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, normalize_output=True)
    per = serializers.ChoiceField(choices=["hour", "term"])
    source = SourceOut()  # type: ignore[assignment]  # DRF takes declared fields off the class


class SkuPricesOut(serializers.Serializer[Any]):
    """A price that is null is not known; nothing is extrapolated. Commitments are compute alone, without Windows."""

    linux_pay_as_you_go = PriceOut(allow_null=True)
    windows_pay_as_you_go = PriceOut(allow_null=True)
    dev_test = PriceOut(allow_null=True)
    reservation_1y = PriceOut(allow_null=True)
    reservation_3y = PriceOut(allow_null=True)
    savings_plan_1y = PriceOut(allow_null=True)
    savings_plan_3y = PriceOut(allow_null=True)


class SkuOut(serializers.Serializer[Any]):
    """A size in one region. A limit that is null is unknown, not infinite."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    series = serializers.CharField(help_text='What the setting `sku_families` names, e.g. "dsv5".')
    vcpus = serializers.IntegerField(help_text="The active ones of a constrained size.")
    memory_mb = serializers.IntegerField()
    max_data_disks = serializers.IntegerField(allow_null=True)
    max_nics = serializers.IntegerField(allow_null=True)
    architecture = serializers.ChoiceField(choices=ARCHITECTURES)
    hyperv_generations = serializers.CharField()
    premium_storage = serializers.BooleanField()
    ultra_ssd = serializers.ChoiceField(choices=["supported", "documented", "unsupported"], allow_null=True)
    gpu = serializers.CharField(allow_null=True)
    uncached_iops = serializers.IntegerField(allow_null=True)
    uncached_mbps = serializers.DecimalField(max_digits=12, decimal_places=3, normalize_output=True, allow_null=True)
    network_mbps = serializers.IntegerField(allow_null=True, help_text="Megabits a second.")
    retires = serializers.CharField(allow_null=True, help_text="Year and month.")
    region = serializers.CharField()
    listed = serializers.BooleanField(allow_null=True, help_text="Null where the sizes of the region are not known.")
    zones = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    prices = SkuPricesOut()
    note = serializers.CharField(allow_null=True, help_text="A warning of those who collected the figures.")


class PriceSheetIn(StrictSerializer):
    name = NameField()
    csv = serializers.CharField(max_length=MAX_BYTES, trim_whitespace=False, help_text="The text of the CSV.")


class PriceSheetFileIn(StrictSerializer):
    name = NameField(required=False, help_text="Default: the name of the file.")
    file = serializers.FileField(help_text="A CSV, UTF-8.")


class PriceSheetOut(serializers.ModelSerializer[PriceSheet]):
    class Meta:
        model = PriceSheet
        fields = ["id", "name", "currency", "row_count", "sha256", "created_at"]
        read_only_fields = fields


class PriceSheetRowOut(serializers.ModelSerializer[PriceSheetRow]):
    kind = serializers.ChoiceField(choices=["size", "disk_tier"])
    scenario = serializers.ChoiceField(choices=list(SCENARIOS))
    operating_system = serializers.ChoiceField(choices=["linux", "windows", ""])
    unit = serializers.ChoiceField(choices=["hour", "month", "term"])
    unit_price = serializers.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, normalize_output=True)

    class Meta:
        model = PriceSheetRow
        fields = ["row", "kind", "sku", "region", "scenario", "operating_system", "unit", "unit_price", "valid_from"]
        read_only_fields = fields
