"""Report: a file made from published runs in the background; the runs it pins, and the links to it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models import Assessment, AssessmentRun, RunStatus
from migrate_hub.files.models import StoredFile
from migrate_hub.tenants.models import Project, TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey
from reports.report_templates.models import ReportTemplate
from reports.workbook import REFUSED_SHOWN

__all__ = ["Report", "ReportFormat", "ReportKind", "ReportLink", "ReportRun", "ReportTemplate"]


class ReportFormat(models.TextChoices):
    XLSX = "xlsx"
    CSV = "csv"
    JSONL = "jsonl"
    PDF = "pdf"


class ReportKind(models.TextChoices):
    """What a report is about: a run, the difference between two, or several assessments of a project."""

    ASSESSMENT = "assessment"
    DIFFERENCE = "difference"
    PROJECT = "project"


class Report(TenantModel):
    """A file made from what was published when it was asked for, whatever is recalculated meanwhile.

    Of one assessment it shows `run`, with `before_run` the difference from that run to this one. Without an assessment
    it is about several of the project: the runs it shows are its rows of ReportRun. `machines_done` tells how far the
    making is; `refused_shown` how many of the cheaper sizes that were refused are told of each machine and disk.
    `choice` is what its template said when it was asked for, empty without one.
    Links that were signed for an earlier `link_generation` are dead.
    """

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    assessment = TenantForeignKey(Assessment, on_delete=models.CASCADE, null=True, related_name="reports")
    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, null=True, related_name="+")
    before_run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, null=True, related_name="+")
    format = models.CharField(max_length=8, choices=ReportFormat.choices, default=ReportFormat.XLSX)
    layout = models.CharField(max_length=8)
    refused_shown = models.PositiveSmallIntegerField(default=REFUSED_SHOWN)
    choice = models.JSONField(default=dict)
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
    link_generation = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(assessment=None, run=None, before_run=None) | ~(Q(assessment=None) | Q(run=None)),
                name="report_of_a_run_or_a_project",
            ),
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="report_status_known"),
            models.CheckConstraint(condition=Q(format__in=ReportFormat.values), name="report_format_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "assessment", "-created_at", "id"], name="report_by_assessment"),
            models.Index(fields=["tenant", "project", "-created_at", "id"], name="report_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.run_id or self.project_id}"

    @property
    def kind(self) -> ReportKind:
        if self.assessment_id is None:
            return ReportKind.PROJECT
        return ReportKind.ASSESSMENT if self.before_run_id is None else ReportKind.DIFFERENCE


class ReportRun(TenantModel):
    """One of the runs that a report over several assessments shows; `position` is its place among them, from 0."""

    report = TenantForeignKey(Report, on_delete=models.CASCADE, related_name="pinned_runs")
    run = TenantForeignKey(AssessmentRun, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "report", "position"], name="report_run_once")]

    def __str__(self) -> str:
        return f"{self.run_id} in {self.report_id}"


class ReportLink(TenantModel):
    """A link to a report's file that somebody was given: it works without sign-in until it expires or is revoked."""

    report = TenantForeignKey(Report, on_delete=models.CASCADE, related_name="links")
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "report", "-created_at", "id"], name="link_by_report")]

    def __str__(self) -> str:
        return f"link to {self.report_id}"
