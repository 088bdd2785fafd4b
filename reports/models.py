"""Report: a file made from one published run, in the background."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models import Assessment, AssessmentRun, RunStatus
from migrate_hub.files.models import StoredFile
from migrate_hub.tenants.models import TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey
from reports.workbook import REFUSED_SHOWN


class ReportFormat(models.TextChoices):
    XLSX = "xlsx"
    CSV = "csv"
    JSONL = "jsonl"
    PDF = "pdf"


class Report(TenantModel):
    """A file made from the run that was published when it was asked for, whatever is recalculated meanwhile.

    With `before_run` it tells the difference from that run to this one. Its link works until it expires or is
    revoked. `machines_done` tells how far the making is; `refused_shown` how many of the cheaper sizes that were
    refused are told of each machine and disk.
    """

    assessment = TenantForeignKey(Assessment, on_delete=models.CASCADE, related_name="reports")
    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="+")
    before_run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, null=True, related_name="+")
    format = models.CharField(max_length=8, choices=ReportFormat.choices, default=ReportFormat.XLSX)
    layout = models.CharField(max_length=8)
    refused_shown = models.PositiveSmallIntegerField(default=REFUSED_SHOWN)
    status = models.CharField(max_length=16, choices=RunStatus.choices, default=RunStatus.CREATED)
    machines_done = models.PositiveIntegerField(default=0)
    file = TenantForeignKey(StoredFile, on_delete=models.SET_NULL, null=True, related_name="+")
    failure_code = models.CharField(max_length=64, blank=True)
    failure_detail = models.CharField(max_length=500, blank=True)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="report_status_known"),
            models.CheckConstraint(condition=Q(format__in=ReportFormat.values), name="report_format_known"),
        ]
        indexes = [models.Index(fields=["tenant", "assessment", "-created_at", "id"], name="report_by_assessment")]

    def __str__(self) -> str:
        return f"{self.format} of {self.run_id}"
