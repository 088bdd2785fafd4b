"""File imports: the job's row, what was wrong in the file, what it changed, and the utilization it stated."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ingest.retention import RETENTION
from migrate_hub.files.models import StoredFile
from migrate_hub.tenants.models import Project, TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey


class ImportFormat(models.TextChoices):
    RVTOOLS = "rvtools"
    AZURE_MIGRATE_CSV = "azure_migrate_csv"
    PERFORMANCE_CSV = "performance_csv"


class ImportStatus(models.TextChoices):
    CREATED = "created"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


class ImportAction(models.TextChoices):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class FileImport(TenantModel):
    """A file that a person sent, and what became of it. A dry run computes the same counts and changes nothing.

    Nothing of an import is seen before it is `completed`: everything it changes is one transaction. `sequence` is the
    microsecond of its creation: of two imports that speak of one machine the later one wins, whatever runs last.
    Problems and before-images are kept until `kept_until`; `forgotten_at` is when the last of them was deleted.
    """

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    format = models.CharField(max_length=32, choices=ImportFormat.choices)
    status = models.CharField(max_length=16, choices=ImportStatus.choices, default=ImportStatus.CREATED)
    dry_run = models.BooleanField(default=False)
    shift_to_now = models.BooleanField(default=False)
    # IANA name of the zone of instants that name none; empty refuses them.
    time_zone = models.CharField(max_length=64, blank=True, default="")
    file_name = models.CharField(max_length=255)
    file = TenantForeignKey(StoredFile, on_delete=models.SET_NULL, null=True, related_name="+")
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.BinaryField(max_length=32)
    # The Idempotency-Key of the request, when it had one.
    key = models.UUIDField(null=True)
    sequence = models.PositiveBigIntegerField()
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(default=0)
    # Numbers by name: see ImportCounts in ingest/imports/serializers.py.
    counts = models.JSONField(default=dict)
    failure_code = models.CharField(max_length=64, blank=True)
    failure_detail = models.CharField(max_length=500, blank=True)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "project", "key"], condition=~Q(key=None), name="import_once_a_key"
            ),
            models.CheckConstraint(condition=Q(format__in=ImportFormat.values), name="import_format_known"),
            models.CheckConstraint(condition=Q(status__in=ImportStatus.values), name="import_status_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "project", "-created_at", "id"], name="import_by_project"),
            models.Index(fields=["tenant", "created_at"], condition=Q(forgotten_at=None), name="import_to_forget"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"

    @property
    def kept_until(self) -> datetime:
        """Until when the import can be undone and its problems can be read: as long as points are kept."""
        kept_until: datetime = self.created_at + RETENTION
        return kept_until


class ImportProblem(TenantModel):
    """One thing that was wrong in the file, in the order of `number` in which it was found."""

    file_import = TenantForeignKey(FileImport, on_delete=models.CASCADE, related_name="problems")
    number = models.PositiveIntegerField()
    severity = models.CharField(max_length=8)
    code = models.CharField(max_length=64)
    message = models.CharField(max_length=500)
    sheet = models.CharField(max_length=64, blank=True)
    row = models.PositiveIntegerField(null=True)
    column = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "file_import", "number"], name="import_problem_once"),
            models.CheckConstraint(condition=Q(severity__in=["error", "warning"]), name="import_problem_severity"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.sheet} {self.row}"


class ImportedMachine(TenantModel):
    """A machine that an import spoke of, and how it was before: what undoing brings back.

    `before` is null for a machine that the import created. `digest` and `sequence` are those that the import left: when
    the machine has others by now, somebody else has spoken since and nothing is brought back. Once an import is undone,
    the next one that spoke of a machine takes over what was before, and the rows of the undone one go. Machines are
    named by id without a reference, so that one which goes leaves no hole in what the import tells.
    """

    file_import = TenantForeignKey(FileImport, on_delete=models.CASCADE, related_name="machines")
    machine_id = models.UUIDField()
    action = models.CharField(max_length=16, choices=ImportAction.choices)
    digest = models.BinaryField(max_length=32)
    before = models.JSONField(null=True)
    utilization_before = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "file_import", "machine_id"], name="imported_machine_once"),
            models.CheckConstraint(condition=Q(action__in=ImportAction.values), name="import_action_known"),
        ]
        indexes = [models.Index(fields=["tenant", "machine_id"], name="imported_machine_by_machine")]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.action}"


class ImportedUtilization(TenantModel):
    """What the last import stated of a machine's load: single values, no history. One row a machine.

    Percent of the machine's cores and memory; megabytes (10^6) and operations a second. The disk figures are totals of
    all disks; `disks` holds the same four by disk source_id where the file states them: {"read_mbps": 1.5, ...}.
    """

    machine = TenantForeignKey("ingest.Machine", on_delete=models.CASCADE, related_name="imported_utilization")
    file_import = TenantForeignKey(FileImport, on_delete=models.CASCADE, related_name="utilizations")
    cpu_percent = models.FloatField(null=True)
    memory_percent = models.FloatField(null=True)
    read_mbps = models.FloatField(null=True)
    write_mbps = models.FloatField(null=True)
    read_iops = models.FloatField(null=True)
    write_iops = models.FloatField(null=True)
    received_mbps = models.FloatField(null=True)
    transmitted_mbps = models.FloatField(null=True)
    disks = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "machine"], name="imported_utilization_once")]
        indexes = [models.Index(fields=["tenant", "file_import"], name="utilization_by_import")]

    def __str__(self) -> str:
        return str(self.machine_id)
