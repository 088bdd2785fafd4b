"""Catalogs: what can be bought where, at which price, and who says so. Global, and read-only for the runtime role.

Field names are those of the catalog file (`catalog_file`), which explains them. A tenant's own price sheets stand
beside them and are the tenant's alone.
"""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from assessments.catalog.checks import MONEY_DIGITS, MONEY_PLACES, PRICE_COLUMNS, RATE_DIGITS, RATE_PLACES
from migrate_hub.tenants.models import TenantModel, uuid7
from migrate_hub.tenants.row_level_security import TenantForeignKey


def _price() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, null=True)


def _limit() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=12, decimal_places=3, null=True)


class CatalogQuerySet(models.QuerySet["Catalog"]):
    def current(self) -> "Catalog | None":
        """The catalog that new assessments take."""
        return self.filter(is_current=True).first()


class Catalog(models.Model):
    """An immutable, dated set of sizes and prices in US dollars; at most one is current."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.TextField()
    as_of = models.DateField()
    sha256 = models.CharField(max_length=64, unique=True, help_text="Of the catalog file, which is loaded once.")
    manifest = models.JSONField(help_text="What the file says of itself: rows, inputs, what was left out and why.")
    is_current = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[CatalogQuerySet] = CatalogQuerySet.as_manager()  # type: ignore[assignment]  # the stubs want a Manager

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="one_current_catalog"),
        ]

    def __str__(self) -> str:
        return self.name

    def age_days(self, today: date) -> int:
        """How many days old the prices are."""
        return (today - self.as_of).days

    @property
    def taken_over(self) -> list[dict[str, Any]]:
        """What the manifest says was taken over from an earlier catalog: nothing, unless it was synchronized."""
        entries: list[dict[str, Any]] = self.manifest.get("taken_over", [])
        return entries


class CatalogPart(models.Model):
    """A row of one catalog, written once with it."""

    catalog = models.ForeignKey(Catalog, on_delete=models.CASCADE, related_name="%(class)ss", db_index=False)

    class Meta:
        abstract = True


class CatalogSource(CatalogPart):
    """Where figures come from; other rows cite it by its number."""

    number = models.SmallIntegerField()
    mark = models.TextField()
    title = models.TextField()
    dated = models.TextField()
    grade = models.TextField(null=True)
    license = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "number"], name="catalog_source_once")]

    def __str__(self) -> str:
        return f"{self.title}, {self.dated}"


class CatalogRegionQuerySet(models.QuerySet["CatalogRegion"]):
    def priced(self) -> "CatalogRegionQuerySet":
        """Regions where machines have a price: only there can anything be assessed."""
        prices = SkuPrice.objects.filter(
            catalog=OuterRef("catalog"), region=OuterRef("region"), linux_payg_hourly__isnull=False
        )
        return self.filter(Exists(prices))

    def with_disks(self) -> "CatalogRegionQuerySet":
        """Adds `prices_disks`: where it is false, the storage of a machine cannot be priced."""
        prices = DiskPrice.objects.filter(catalog=OuterRef("catalog"), region=OuterRef("region"))
        return self.annotate(prices_disks=Exists(prices))


class CatalogRegion(CatalogPart):
    """A region that sells something, with the other names people use for it."""

    region = models.TextField()
    display_name = models.TextField()
    geography = models.TextField(null=True)
    lists_sizes = models.BooleanField()
    aliases = ArrayField(models.TextField())

    objects: ClassVar[CatalogRegionQuerySet] = CatalogRegionQuerySet.as_manager()  # type: ignore[assignment]  # the stubs want a Manager

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "region"], name="catalog_region_once")]

    def __str__(self) -> str:
        return self.display_name


class CurrencyRate(CatalogPart):
    """How many units one US dollar was on a day. Prices in other currencies are conversions at this rate."""

    currency = models.TextField()
    units_per_usd = models.DecimalField(max_digits=RATE_DIGITS, decimal_places=RATE_PLACES)
    rate_date = models.DateField()
    source = models.SmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "currency"], name="catalog_currency_once")]

    def __str__(self) -> str:
        return f"{self.currency} {self.units_per_usd} on {self.rate_date}"


class Sku(CatalogPart):
    """A virtual machine size. A limit that is null is unknown, not infinite."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.TextField()
    series = models.TextField()
    quota_family = models.TextField()
    category = models.TextField(null=True)
    vcpus = models.IntegerField()
    host_vcpus = models.IntegerField()
    memory_mb = models.IntegerField()
    max_data_disks = models.IntegerField(null=True)
    max_nics = models.IntegerField(null=True)
    architecture = models.TextField()
    hyperv_generations = models.TextField()
    accelerated_networking = models.BooleanField()
    premium_storage = models.BooleanField()
    ultra_ssd = models.TextField(null=True)
    gpu = models.TextField(null=True)
    acu = models.IntegerField(null=True)
    vcpus_per_core = models.IntegerField(null=True)
    temp_disk_gib = _limit()
    uncached_iops = models.IntegerField(null=True)
    uncached_mbps = _limit()
    uncached_burst_iops = models.IntegerField(null=True)
    uncached_burst_mbps = _limit()
    premium_v2_ultra_iops = models.IntegerField(null=True)
    premium_v2_ultra_mbps = _limit()
    network_mbps = models.IntegerField(null=True)
    retires = models.TextField(null=True)
    base_cpu_percent = _limit()
    initial_credits = models.IntegerField(null=True)
    credits_per_hour = models.IntegerField(null=True)
    max_credits = models.IntegerField(null=True)
    windows_license_hourly = _price()
    windows_license_min_hourly = _price()
    windows_license_max_hourly = _price()
    windows_license_regions = models.IntegerField(null=True)
    core_source = models.SmallIntegerField()
    limits_source = models.SmallIntegerField(null=True)
    network_source = models.SmallIntegerField(null=True)
    burstable_source = models.SmallIntegerField(null=True)
    note = models.TextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog", "name"], name="catalog_sku_once"),
            models.CheckConstraint(condition=Q(memory_mb__gt=0, vcpus__gt=0), name="sku_has_vcpus_and_memory"),
        ]

    def __str__(self) -> str:
        return self.name


class SkuPrice(CatalogPart):
    """What a size costs in a region: an hour of compute, or a reservation's whole term. Null is no price.

    `*_since` is the day from which the price's meter has held; null where the source does not tell.
    """

    region = models.TextField()
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="prices", db_index=False)
    listed = models.BooleanField(null=True, help_text="Null where the region has no list of sizes.")
    zones = models.TextField(null=True)
    linux_payg_hourly = _price()
    linux_payg_source = models.SmallIntegerField(null=True)
    linux_payg_since = models.DateField(null=True)
    windows_payg_hourly = _price()
    windows_payg_source = models.SmallIntegerField(null=True)
    windows_payg_since = models.DateField(null=True)
    dev_test_hourly = _price()
    dev_test_source = models.SmallIntegerField(null=True)
    dev_test_since = models.DateField(null=True)
    reservation_1y_total = _price()
    reservation_1y_source = models.SmallIntegerField(null=True)
    reservation_1y_since = models.DateField(null=True)
    reservation_3y_total = _price()
    reservation_3y_source = models.SmallIntegerField(null=True)
    reservation_3y_since = models.DateField(null=True)
    savings_plan_1y_hourly = _price()
    savings_plan_1y_source = models.SmallIntegerField(null=True)
    savings_plan_1y_since = models.DateField(null=True)
    savings_plan_3y_hourly = _price()
    savings_plan_3y_source = models.SmallIntegerField(null=True)
    savings_plan_3y_since = models.DateField(null=True)
    note = models.TextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["catalog", "region", "sku"], name="catalog_sku_price_once"),
            # An unknown price is neither above zero nor a fault: NULL passes a check constraint.
            models.CheckConstraint(
                condition=Q(**{f"{column}__gt": 0 for column in PRICE_COLUMNS}), name="sku_price_above_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku_id} in {self.region}"


class DiskTier(CatalogPart):
    """A managed disk of fixed size."""

    tier = models.TextField()
    disk_type = models.TextField()
    redundancy = models.TextField()
    size_gib = models.IntegerField()
    iops = models.IntegerField()
    mbps = models.DecimalField(max_digits=12, decimal_places=3)
    burst_iops = models.IntegerField(null=True)
    burst_mbps = _limit()
    max_shares = models.IntegerField(null=True)
    source = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "disk_type", "redundancy", "tier"], name="catalog_disk_tier_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier} {self.redundancy}"


class DiskRule(CatalogPart):
    """A published rule of a disk type, as text: the limits of freely sized disks stand here."""

    disk_type = models.TextField()
    rule = models.TextField()
    value = models.TextField()
    unit = models.TextField(null=True)
    source = models.SmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["catalog", "disk_type", "rule"], name="catalog_disk_rule_once")]

    def __str__(self) -> str:
        return f"{self.disk_type} {self.rule} {self.value}"


class DiskPrice(CatalogPart):
    """The monthly price of a tier in a region, or the hourly price of one provisioned unit of a freely sized disk."""

    region = models.TextField()
    disk_type = models.TextField()
    redundancy = models.TextField()
    tier = models.TextField(null=True)
    component = models.TextField()
    price = models.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES)
    source = models.SmallIntegerField()
    since = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "region", "disk_type", "redundancy", "component", "tier"],
                nulls_distinct=False,
                name="catalog_disk_price_once",
            ),
            models.CheckConstraint(condition=Q(price__gt=0), name="disk_price_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.region} {self.disk_type} {self.tier or self.component}"


class PriceSheet(TenantModel):
    """A tenant's own prices, which take the place of a catalog's. Never changed: a run that pinned it can be repeated.

    A deleted one takes no new assessments; its rows stay for the runs that used it.
    """

    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    row_count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the file as it was sent.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(deleted_at=None), name="price_sheet_name_once_a_tenant"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PriceSheetRow(TenantModel):
    """One price of a sheet as it was written: of a size (`hour`, or a reservation's `term`), or of a disk tier.

    `row` is its place in the file, the header being row 1. `operating_system` is empty where it does not matter.
    """

    sheet = TenantForeignKey(PriceSheet, on_delete=models.CASCADE, related_name="rows")
    row = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    sku = models.CharField(max_length=64)
    region = models.CharField(max_length=64)
    scenario = models.CharField(max_length=32)
    operating_system = models.CharField(max_length=16, blank=True)
    unit = models.CharField(max_length=16)
    unit_price = models.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES)
    valid_from = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "sheet", "region", "sku", "scenario", "operating_system", "valid_from"],
                name="price_sheet_price_once",
            ),
            models.CheckConstraint(condition=Q(unit_price__gt=0), name="price_sheet_price_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.scenario} in {self.region}"
