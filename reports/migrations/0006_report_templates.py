"""Templates of reports, and what a report took from its own."""

import django.db.models.deletion
import django.utils.timezone
import migrate_hub.tenants.models
import migrate_hub.tenants.row_level_security
from django.db import migrations, models
from migrate_hub.tenants.row_level_security import TenantTable


def reference(to):
    return migrate_hub.tenants.row_level_security.TenantForeignKey(
        db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL,
        related_name="+", to=to,
    )


class Migration(migrations.Migration):

    dependencies = [
        ("files", "0001_initial"),
        ("reports", "0005_reports_of_projects"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.AddField("report", "choice", models.JSONField(default=dict)),
        migrations.CreateModel(
            name="ReportTemplate",
            fields=[
                ("id", models.UUIDField(default=migrate_hub.tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("is_default", models.BooleanField(default=False)),
                ("format", models.CharField(default="xlsx", max_length=8)),
                ("layout", models.CharField(default="2024", max_length=8)),
                ("refused_shown", models.PositiveSmallIntegerField(default=3)),
                ("sheets", models.JSONField(null=True)),
                ("columns", models.JSONField(default=dict)),
                ("display_name", models.CharField(blank=True, max_length=100)),
                ("primary_color", models.CharField(blank=True, max_length=7)),
                ("secondary_color", models.CharField(blank=True, max_length=7)),
                ("highlight_color", models.CharField(blank=True, max_length=7)),
                ("workbook_name", models.CharField(blank=True, max_length=255)),
                ("workbook_found", models.JSONField(default=dict)),
                ("created_by", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("logo", reference("files.storedfile")),
                ("tenant", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant")),
                ("workbook", reference("files.storedfile")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "name"), name="report_template_name_once"),
                    models.UniqueConstraint(condition=models.Q(("is_default", True)), fields=("tenant",), name="report_template_one_default"),
                ],
            },
        ),
        TenantTable("reporttemplate"),
    ]
