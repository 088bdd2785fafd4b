"""Assessment, its runs with everything they pinned, and what a run decided about machines and disks."""

from decimal import Decimal
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from assessments.catalog.models import (
    Catalog,
    CatalogRegion,
    CatalogSource,
    CurrencyRate,
    DiskPrice,
    DiskRule,
    DiskTier,
    Sku,
    SkuPrice,
)
from groups.models import Group
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import Project, TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey

MONEY_DIGITS, MONEY_PLACES = 24, 9


def asking_user() -> UUID | None:
    """Who is asking now; None in the background."""
    return current_actor.get().user_id


class RunStatus(models.TextChoices):
    CREATED = "created"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


UNFINISHED = (RunStatus.CREATED, RunStatus.RUNNING)


def money_field() -> "models.DecimalField":  # type: ignore[type-arg]  # generic only in the stubs
    """Unrounded money: the engine's billionths; null = there is none."""
    return models.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES, null=True)


def _or_zero(name: str) -> Coalesce:
    return Coalesce(models.F(name), models.Value(Decimal(0)))


class Assessment(TenantModel):
    """A question about a group: `settings` is what the next run will use, `current_run` the answer that readers see."""

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="assessments")
    group = TenantForeignKey(Group, on_delete=models.CASCADE, related_name="assessments")
    name = models.CharField(max_length=200)
    settings = models.JSONField()
    current_run = TenantForeignKey("AssessmentRun", on_delete=models.SET_NULL, null=True, related_name="+")
    latest_run = TenantForeignKey("AssessmentRun", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "project", "name"],
                condition=Q(deleted_at=None),
                name="assessment_name_once_a_project",
            )
        ]
        indexes = [models.Index(fields=["tenant", "project", "-created_at", "id"], name="assessment_by_project")]

    def __str__(self) -> str:
        return self.name


class AssessmentRun(TenantModel):
    """One computation. Everything that decides its outcome is pinned here, so that it can be repeated to the cent.

    Workers write rows of an unpublished run; publishing sets `status` completed and the assessment's `current_run`
    in one transaction. A run that `repeats` another one takes that one's inputs instead of reading the estate; it is
    kept beside the others and never becomes the assessment's `current_run`.
    """

    assessment = TenantForeignKey(Assessment, on_delete=models.CASCADE, related_name="runs")
    repeats = TenantForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=RunStatus.choices, default=RunStatus.CREATED)
    settings = models.JSONField()
    catalog = models.ForeignKey(Catalog, on_delete=models.PROTECT, related_name="+")
    region = models.CharField(max_length=64)
    prices_on = models.DateField(null=True, help_text="The day whose prices of a price sheet hold; null: created_at's.")
    performance_start_at = models.DateTimeField()
    performance_end_at = models.DateTimeField()
    group_membership_version = models.PositiveBigIntegerField()
    machine_count = models.PositiveIntegerField(default=0)
    summary = models.JSONField(null=True)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_detail = models.CharField(max_length=500, blank=True)
    created_by = models.UUIDField(null=True, default=asking_user, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "assessment", "number"], name="run_number_once"),
            models.UniqueConstraint(
                fields=["tenant", "assessment"],
                condition=Q(status__in=["created", "running"]),
                name="one_unfinished_run_an_assessment",
            ),
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="run_status_known"),
        ]

    def __str__(self) -> str:
        return f"run {self.number} of {self.assessment_id}"


class RunShard(TenantModel):
    """A part of a run that one worker computes: the machines it is about, in order, and whether it is done."""

    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="shards")
    part = models.PositiveIntegerField()
    machine_ids = models.JSONField()
    machine_count = models.PositiveIntegerField()
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "part"], name="shard_once")]

    def __str__(self) -> str:
        return f"shard {self.part} of {self.run_id}"


class ShardArrays(TenantModel):
    """One shard of a run for whoever reads a whole run at once: arrays packed as `packed_run.py` says.

    `inputs` is what the engine took, written with the shard's rows. `percentiles` are the menu percentiles of the same
    machines, which a job of its own adds after the run was published; null until then, and for ever where the run
    looked at no utilization.
    """

    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="arrays")
    part = models.PositiveIntegerField()
    machine_count = models.PositiveIntegerField()
    inputs = models.BinaryField()
    percentiles = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "part"], name="arrays_once_a_shard")]

    def __str__(self) -> str:
        return f"arrays {self.part} of {self.run_id}"


class Sensitivity(TenantModel):
    """How far a published run is with its menu percentiles and, once somebody asked, with its grid of positions."""

    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="sensitivity")
    percentiles_status = models.CharField(max_length=16, choices=RunStatus.choices, default=RunStatus.RUNNING)
    grid_status = models.CharField(max_length=16, choices=RunStatus.choices, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "run"], name="sensitivity_once_a_run"),
            models.CheckConstraint(
                condition=Q(percentiles_status__in=RunStatus.values), name="percentiles_status_known"
            ),
            models.CheckConstraint(
                condition=Q(grid_status=None) | Q(grid_status__in=RunStatus.values), name="grid_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"sensitivity of {self.run_id}"


class GridPart(TenantModel):
    """Some positions of the grid of a run: all comfort factors of one window and percentile."""

    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="grid_parts")
    part = models.PositiveIntegerField()
    positions = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "part"], name="grid_part_once")]

    def __str__(self) -> str:
        return f"grid {self.part} of {self.run_id}"


class AssessedMachine(TenantModel):
    """What a run decided about one machine, and the inputs it decided on, from which the trace is computed again.

    The JSON columns hold codes and numbers; texts and remedies are the engine's tables, looked up when shown.
    """

    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="machines")
    part = models.PositiveIntegerField()
    machine_id = models.UUIDField()
    configuration_version = models.PositiveBigIntegerField()
    name = models.CharField(max_length=255)
    readiness = models.CharField(max_length=32)
    recommended_sku = models.CharField(max_length=64, null=True)
    monthly_compute_cost = money_field()
    monthly_storage_cost = money_field()
    monthly_bandwidth_cost = money_field()
    issues = models.JSONField()
    data_issues = models.JSONField()
    scenarios = models.JSONField()
    required = models.JSONField()
    inputs = models.JSONField()
    storage_cost_by_type = models.JSONField()
    # What lists are sorted by and totals are made of; of runs from before they were there the saving is 0.
    monthly_cost = models.GeneratedField(
        expression=_or_zero("monthly_compute_cost") + _or_zero("monthly_storage_cost"),
        output_field=models.DecimalField(max_digits=MONEY_DIGITS, decimal_places=MONEY_PLACES),
        db_persist=True,
    )
    monthly_saving = models.DecimalField(
        max_digits=MONEY_DIGITS,
        decimal_places=MONEY_PLACES,
        default=Decimal(0),
        db_default=Decimal(0),
        help_text="Between the chosen offer and the cheapest that the settings allow.",
    )
    cores = models.GeneratedField(
        expression=Coalesce(Cast(KeyTextTransform("cores", "inputs"), models.IntegerField()), 0),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    confidence_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    confidence_stars = models.PositiveSmallIntegerField(null=True)
    confidence_reason = models.CharField(max_length=32, blank=True)
    security_readiness = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "machine_id"], name="assessed_machine_once")]
        indexes = [
            models.Index(fields=["tenant", "run", "part"], name="assessed_by_part"),
            models.Index(fields=["tenant", "run", "name", "id"], name="assessed_by_name"),
            models.Index(fields=["tenant", "run", "readiness", "name", "id"], name="assessed_by_readiness"),
            models.Index(fields=["tenant", "run", "monthly_cost", "id"], name="assessed_by_cost"),
            models.Index(fields=["tenant", "run", "monthly_saving", "id"], name="assessed_by_saving"),
            models.Index(fields=["tenant", "run", "cores", "id"], name="assessed_by_cores"),
        ]

    def __str__(self) -> str:
        return self.name


class AssessedDisk(TenantModel):
    """What a run decided about one disk. `position` is its place in the machine, 0 = the OS disk."""

    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="disks")
    part = models.PositiveIntegerField()
    machine_id = models.UUIDField()
    position = models.PositiveIntegerField()
    source_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    size_gb = models.DecimalField(max_digits=14, decimal_places=4)
    observed = models.JSONField()
    recommended_sku = models.CharField(max_length=64, null=True)
    recommended_type = models.CharField(max_length=32, null=True)
    recommended_size_gib = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    provisioned_iops = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    provisioned_mbps = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    monthly_cost = money_field()
    issues = models.JSONField()
    data_issues = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "run", "machine_id", "position"], name="assessed_disk_once")
        ]
        indexes = [models.Index(fields=["tenant", "run", "part"], name="assessed_disk_by_part")]

    def __str__(self) -> str:
        return self.name


__all__ = [
    "AssessedDisk",
    "AssessedMachine",
    "Assessment",
    "AssessmentRun",
    "Catalog",
    "CatalogRegion",
    "CatalogSource",
    "CurrencyRate",
    "DiskPrice",
    "DiskRule",
    "DiskTier",
    "GridPart",
    "RunShard",
    "RunStatus",
    "Sensitivity",
    "ShardArrays",
    "Sku",
    "SkuPrice",
]
