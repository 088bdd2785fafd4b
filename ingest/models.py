"""What appliances told us: appliances, machines with their parts and changes, and the packed performance blocks."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from ingest.folded_models import DailyStatistics, FoldedDay
from ingest.imports.models import FileImport, ImportedMachine, ImportedUtilization, ImportProblem
from ingest.rollup_models import Rollup
from ingest.table_models import InventoryTable
from migrate_hub.tenants.models import Project, Tenant, TenantManager, TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey


class ApplianceKind(models.TextChoices):
    VMWARE = "vmware"
    HYPERV = "hyperv"
    PHYSICAL = "physical"


class PowerState(models.TextChoices):
    ON = "on"
    OFF = "off"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


class BootType(models.TextChoices):
    BIOS = "bios"
    UEFI = "uefi"
    UNKNOWN = "unknown"


class DiscoveredBy(models.TextChoices):
    APPLIANCE = "appliance"
    IMPORT = "import"


class UploadKind(models.TextChoices):
    INVENTORY = "inventory"
    PERFORMANCE = "performance"


class Appliance(TenantModel):
    """A collector on the customer's premises. `epoch` counts its registrations; an upload carries its token's."""

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="appliances")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=ApplianceKind.choices)
    hostname = models.CharField(max_length=255, blank=True)
    version = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    registered_at = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    last_seen_at = models.DateTimeField(null=True)
    last_upload_at = models.DateTimeField(null=True)
    reported_health = models.CharField(max_length=32, blank=True)
    errors = models.JSONField(default=list)
    clock_skew_seconds = models.FloatField(null=True)
    # The newest inventory stored: an older one that comes late takes no machine from another appliance. The newest
    # snapshot stored: an older upload that comes late makes no machine that the snapshot would have listed.
    inventory_epoch = models.PositiveIntegerField(default=0)
    inventory_sequence = models.PositiveBigIntegerField(default=0)
    snapshot_epoch = models.PositiveIntegerField(default=0)
    snapshot_sequence = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "project", "name"], name="appliance_name_once_a_project"),
            models.CheckConstraint(condition=Q(kind__in=ApplianceKind.values), name="appliance_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class HeldSnapshot(TenantModel):
    """A snapshot that was refused because it would remove too much, until a person confirms or three in a row agree.

    `removes` holds the ids of the machines that would go, 16 bytes each.
    """

    appliance = TenantForeignKey(Appliance, on_delete=models.CASCADE, related_name="held_snapshots")
    epoch = models.PositiveIntegerField()
    sequence = models.PositiveBigIntegerField()
    removes = models.BinaryField()
    known_machines = models.PositiveIntegerField()
    agreeing = models.PositiveSmallIntegerField(default=1)
    held_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "appliance"], name="one_held_snapshot_an_appliance")]

    def __str__(self) -> str:
        return f"{self.appliance_id} {self.epoch}/{self.sequence}"


def text_order(name: str) -> models.GeneratedField:
    """What a text is sorted by: any case, an unknown one before all others; never null, as keyset pages need it."""
    return models.GeneratedField(
        expression=Lower(Coalesce(name, Value(""))),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )


def amount_order(name: str, output_field: "models.Field[Any, Any]") -> models.GeneratedField:
    """What an amount is sorted by: an unknown one before all others; never null, as keyset pages need it."""
    return models.GeneratedField(expression=Coalesce(name, Value(-1)), output_field=output_field, db_persist=True)


class Machine(TenantModel):
    """An inventoried machine: one `source_id` of a project, owned by the appliance that last listed it.

    A machine that vanished keeps its row with `removed_at` and comes back as itself. `epoch` and `sequence` are those
    of the upload that last spoke of it: a lower pair that arrives later changes nothing. `configuration_version` rises
    with each change that an assessment would see; `content_digest` stands for everything the appliance said.

    Two appliances, or an appliance and a file, may list one machine: `duplicate_of` then names the row that counts. The
    three keys are what a machine is recognised by (ingest/identity.py); null where it has none that can be trusted.

    `disk_count` and `storage_gb` say of its disks what lists show and sort by; whoever writes disks writes them.
    """

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="machines")
    appliance = TenantForeignKey(Appliance, on_delete=models.SET_NULL, null=True, related_name="machines")
    source_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    # Compared with = and range only: LIKE does not reach an index below a row-level security policy.
    name_lower = models.GeneratedField(
        expression=Lower("name"), output_field=models.TextField(db_collation="C"), db_persist=True
    )
    path = models.CharField(max_length=1024, null=True)
    host = models.CharField(max_length=255, null=True)
    cluster = models.CharField(max_length=255, null=True)
    power_state = models.CharField(max_length=16, choices=PowerState.choices, default=PowerState.UNKNOWN)
    operating_system = models.CharField(max_length=255, null=True)
    boot_type = models.CharField(max_length=16, choices=BootType.choices, default=BootType.UNKNOWN)
    cores = models.PositiveIntegerField(null=True)
    memory_mb = models.PositiveBigIntegerField(null=True)
    disk_count = models.PositiveIntegerField(default=0, db_default=0)
    storage_gb = models.FloatField(null=True, help_text="Of the disks whose size is known; None = of none.")
    cpu_model = models.CharField(max_length=255, null=True)
    instance_uuid = models.UUIDField(null=True)
    bios_uuid = models.UUIDField(null=True)
    instance_key = models.UUIDField(null=True)
    bios_key = models.UUIDField(null=True)
    mac_key = models.UUIDField(null=True)
    duplicate_of = TenantForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="duplicates")
    discovered_by = models.CharField(max_length=16, choices=DiscoveredBy.choices, default=DiscoveredBy.APPLIANCE)
    configuration_version = models.PositiveBigIntegerField(default=1)
    content_digest = models.BinaryField(max_length=32)
    epoch = models.PositiveIntegerField(default=0)
    sequence = models.PositiveBigIntegerField(default=0)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    system_order = text_order("operating_system")
    host_order = text_order("host")
    cluster_order = text_order("cluster")
    cores_order = amount_order("cores", models.IntegerField())
    memory_order = amount_order("memory_mb", models.BigIntegerField())
    storage_order = amount_order("storage_gb", models.FloatField())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "project", "source_id"], name="machine_once_a_project"),
            models.CheckConstraint(condition=Q(power_state__in=PowerState.values), name="machine_power_state_known"),
            models.CheckConstraint(condition=Q(boot_type__in=BootType.values), name="machine_boot_type_known"),
            models.CheckConstraint(condition=Q(discovered_by__in=DiscoveredBy.values), name="machine_source_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "project", "id"], name="machine_by_project"),
            models.Index(fields=["tenant", "project", "name_lower", "id"], name="machine_by_name"),
            models.Index(fields=["tenant", "appliance"], name="machine_by_appliance"),
            # None on last_seen_at: each upload writes it for every machine and would touch every index (ADR 0032).
            *(
                models.Index(fields=["tenant", "project", column, "id"], name=f"machine_by_{name}")
                for name, column in (
                    ("system", "system_order"),
                    ("power", "power_state"),
                    ("cores", "cores_order"),
                    ("memory", "memory_order"),
                    ("storage", "storage_order"),
                    ("host", "host_order"),
                    ("cluster", "cluster_order"),
                )
            ),
            *(
                models.Index(
                    fields=["tenant", "project", f"{kind}_key"],
                    condition=Q((f"{kind}_key__isnull", False)),
                    name=f"machine_by_{kind}_key",
                )
                for kind in ("instance", "bios", "mac")
            ),
            models.Index(
                fields=["tenant", "duplicate_of"], condition=Q(duplicate_of__isnull=False), name="machine_by_duplicate"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Disk(TenantModel):
    """A disk of a machine, in the order in which the appliance lists them: position 0 is the operating system's."""

    machine = TenantForeignKey(Machine, on_delete=models.CASCADE, related_name="disks")
    position = models.PositiveSmallIntegerField()
    source_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255, null=True)
    size_gb = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "machine", "source_id"], name="disk_once_a_machine")]

    def __str__(self) -> str:
        return self.name or self.source_id


class Nic(TenantModel):
    """A network interface of a machine, in the order in which the appliance lists them."""

    machine = TenantForeignKey(Machine, on_delete=models.CASCADE, related_name="nics")
    position = models.PositiveSmallIntegerField()
    source_id = models.CharField(max_length=255)
    mac_address = models.CharField(max_length=64, null=True)
    ip_addresses = ArrayField(models.CharField(max_length=64), default=list)
    network = models.CharField(max_length=255, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "machine", "source_id"], name="nic_once_a_machine")]

    def __str__(self) -> str:
        return self.mac_address or self.source_id


class MachineChange(TenantModel):
    """One property of a machine that changed: from what to what, told by whom (appliance, import), in which version."""

    machine = TenantForeignKey(Machine, on_delete=models.CASCADE, related_name="changes")
    appliance = TenantForeignKey(Appliance, on_delete=models.SET_NULL, null=True, related_name="+")
    file_import = TenantForeignKey(FileImport, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    property = models.CharField(max_length=32)
    old_value = models.JSONField(null=True)
    new_value = models.JSONField(null=True)
    configuration_version = models.PositiveBigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "machine", "-at", "id"], name="change_by_machine"),
            # For the reference: an import that is deleted looks for the changes that name it.
            models.Index(
                fields=["tenant", "file_import"], condition=Q(file_import__isnull=False), name="change_by_import"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.property}"


class UploadReceipt(TenantModel):
    """What was answered to an upload: its key again answers the same and changes nothing. Kept 30 days."""

    appliance = TenantForeignKey(Appliance, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=UploadKind.choices)
    key = models.UUIDField()
    body_sha256 = models.BinaryField(max_length=32)
    answer = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "appliance", "key"], name="upload_once_a_key")]
        indexes = [models.Index(fields=["tenant", "created_at"], name="receipt_by_age")]

    def __str__(self) -> str:
        return str(self.key)


class RejectedRecord(TenantModel):
    """A machine's record that was refused, for people to see; one row however often the same is refused."""

    appliance = TenantForeignKey(Appliance, on_delete=models.CASCADE, related_name="rejected_records")
    kind = models.CharField(max_length=16, choices=UploadKind.choices)
    source_id = models.CharField(max_length=255)
    code = models.CharField(max_length=64)
    message = models.CharField(max_length=500)
    retryable = models.BooleanField(default=False)
    occurrences = models.PositiveIntegerField(default=1)
    first_rejected_at = models.DateTimeField()
    last_rejected_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "appliance", "kind", "source_id", "code"], name="rejection_once_a_reason"
            )
        ]
        indexes = [models.Index(fields=["tenant", "last_rejected_at"], name="rejection_by_age")]

    def __str__(self) -> str:
        return f"{self.source_id}: {self.code}"


class CoverageDay(TenantModel):
    """How many points one appliance should have sent for a UTC day and how many came, in all and machine by machine.

    `touched_at` is when the last upload brought points of that day; the day is counted in the background and right as
    long as `counted_for` is the same. `machine_ids` holds 16 bytes a machine in order; `expected_points` and
    `received_points` a little-endian int32 each, beside them.
    """

    appliance = TenantForeignKey(Appliance, on_delete=models.CASCADE, related_name="coverage_days")
    day = models.DateField()
    touched_at = models.DateTimeField()
    counted_for = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True)
    machines = models.PositiveIntegerField(default=0)
    expected = models.PositiveBigIntegerField(default=0)
    received = models.PositiveBigIntegerField(default=0)
    machine_ids = models.BinaryField(default=b"")
    expected_points = models.BinaryField(default=b"")
    received_points = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "appliance", "day"], name="coverage_once_a_day"),
        ]
        indexes = [models.Index(fields=["tenant", "day"], name="coverage_by_day")]

    def __str__(self) -> str:
        return f"{self.appliance_id} {self.day}"


class SeriesLayout(TenantModel):
    """Which series the rows of a block's array are, in order: `[part, source_id, series]` each.

    `part` is "" for the machine itself, "disk" or "nic". The id is the first half of the SHA-256 of the list, so equal
    lists are one row and nobody has to look an id up.
    """

    series = models.JSONField()

    def __str__(self) -> str:
        return f"{len(self.series)} series"


class PerformanceBlock(models.Model):
    """Consecutive points of one machine as one upload brought them: never more than one UTC day, never patched.

    `values` is a little-endian float32 array of shape (series of the layout, points), NaN where there is no data.
    Blocks overlap freely; per series and slot the value of the highest (epoch, sequence) counts. The table is
    partitioned by the UTC day of `start_at`; the migration makes it, Django only knows its shape. There are no foreign
    keys: they would lock every machine's row on each upload, and machines are marked as removed, not deleted.
    """

    pk = models.CompositePrimaryKey("tenant", "machine_id", "start_at", "appliance_id", "epoch", "sequence")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    machine_id = models.UUIDField()
    start_at = models.DateTimeField()
    appliance_id = models.UUIDField()
    epoch = models.PositiveIntegerField()
    sequence = models.PositiveBigIntegerField()
    layout_id = models.UUIDField()
    interval_seconds = models.PositiveSmallIntegerField()
    points = models.PositiveSmallIntegerField()
    received_at = models.DateTimeField(default=timezone.now)
    values = models.BinaryField()

    objects: ClassVar[TenantManager] = TenantManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(points__gte=1, points__lte=288), name="block_points_within_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.start_at}"


# Django finds models here only; those of file imports, folded days, roll-ups and tables stand beside it.
__all__ = [
    "Appliance",
    "ApplianceKind",
    "BootType",
    "DailyStatistics",
    "DiscoveredBy",
    "Disk",
    "FileImport",
    "FoldedDay",
    "HeldSnapshot",
    "ImportProblem",
    "ImportedMachine",
    "ImportedUtilization",
    "InventoryTable",
    "Machine",
    "MachineChange",
    "Nic",
    "PerformanceBlock",
    "PowerState",
    "RejectedRecord",
    "Rollup",
    "SeriesLayout",
    "UploadKind",
    "UploadReceipt",
]
