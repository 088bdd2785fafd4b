"""ReportTemplate: how a tenant wants its reports."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from migrate_hub.files.models import StoredFile
from migrate_hub.tenants.models import TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey
from reports.workbook import NEWEST_LAYOUT, REFUSED_SHOWN

NAME_CHARACTERS = 100


class ReportTemplate(TenantModel):
    """Which sheets and columns a tenant wants, in whose name and colors, or into which workbook of its own.

    `sheets` null means all of them, a sheet that `columns` does not name has all its columns. A color that is empty is
    ours. With `workbook` an xlsx report is that workbook, filled; `workbook_found` says what of it will be. A report
    takes a copy of all this when it is asked for, so a later change or deletion does not touch it.
    """

    name = models.CharField(max_length=NAME_CHARACTERS)
    is_default = models.BooleanField(default=False)
    format = models.CharField(max_length=8, default="xlsx")
    layout = models.CharField(max_length=8, default=NEWEST_LAYOUT)
    refused_shown = models.PositiveSmallIntegerField(default=REFUSED_SHOWN)
    sheets = models.JSONField(null=True)
    columns = models.JSONField(default=dict)
    display_name = models.CharField(max_length=NAME_CHARACTERS, blank=True)
    primary_color = models.CharField(max_length=7, blank=True)
    secondary_color = models.CharField(max_length=7, blank=True)
    highlight_color = models.CharField(max_length=7, blank=True)
    logo = TenantForeignKey(StoredFile, on_delete=models.SET_NULL, null=True, related_name="+")
    workbook = TenantForeignKey(StoredFile, on_delete=models.SET_NULL, null=True, related_name="+")
    workbook_name = models.CharField(max_length=255, blank=True)
    workbook_found = models.JSONField(default=dict)
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="report_template_name_once"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_default=True), name="report_template_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name
