"""Reports of a project, the runs they pin, and links that are given out; each report knows its project."""

import django.db.models.deletion
import django.utils.timezone
import migrate_hub.tenants.models
import migrate_hub.tenants.row_level_security
from django.db import migrations, models
from migrate_hub.tenants.row_level_security import TenantReference, TenantTable

# The policy of the tables shows each tenant its own rows alone, to the owner of the tables too.
FILL_PROJECTS = """
DO $$
DECLARE one bigint;
BEGIN
    FOR one IN SELECT id FROM tenants_tenant LOOP
        PERFORM set_config('app.tenant_id', one::text, true);
        UPDATE reports_report r SET project_id = a.project_id
        FROM assessments_assessment a
        WHERE r.tenant_id = one AND a.tenant_id = one AND a.id = r.assessment_id AND r.project_id IS NULL;
    END LOOP;
    PERFORM set_config('app.tenant_id', '', true);
    SET CONSTRAINTS ALL IMMEDIATE;
END $$
"""
TenantForeignKey = migrate_hub.tenants.row_level_security.TenantForeignKey


def reference(to, **options):
    return TenantForeignKey(
        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to=to, **options
    )


class Migration(migrations.Migration):

    dependencies = [
        ("assessments", "0007_prices_on"),
        ("reports", "0004_refused_shown"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.AddField("report", "project", reference("tenants.project", related_name="+", null=True)),
        migrations.RunSQL(FILL_PROJECTS, reverse_sql=migrations.RunSQL.noop),
        migrations.AlterField("report", "project", reference("tenants.project", related_name="+")),
        TenantReference("report", "project"),
        migrations.AddField("report", "link_generation", models.PositiveIntegerField(default=0)),
        migrations.AlterField(
            "report", "assessment", reference("assessments.assessment", related_name="reports", null=True)
        ),
        migrations.AlterField("report", "run", reference("assessments.assessmentrun", related_name="+", null=True)),
        migrations.AddIndex(
            "report", models.Index(fields=["tenant", "project", "-created_at", "id"], name="report_by_project")
        ),
        migrations.AddConstraint(
            "report",
            models.CheckConstraint(
                condition=models.Q(assessment=None, before_run=None, run=None)
                | ~(models.Q(assessment=None) | models.Q(run=None)),
                name="report_of_a_run_or_a_project",
            ),
        ),
        migrations.CreateModel(
            name="ReportLink",
            fields=[
                ("id", models.UUIDField(default=migrate_hub.tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_by", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("report", reference("reports.report", related_name="links")),
                ("tenant", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant")),
            ],
            options={"indexes": [models.Index(fields=["tenant", "report", "-created_at", "id"], name="link_by_report")]},
        ),
        migrations.CreateModel(
            name="ReportRun",
            fields=[
                ("id", models.UUIDField(default=migrate_hub.tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField()),
                ("report", reference("reports.report", related_name="pinned_runs")),
                ("run", reference("assessments.assessmentrun", related_name="+")),
                ("tenant", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("tenant", "report", "position"), name="report_run_once")]},
        ),
        TenantTable("reportlink", "reportrun"),
    ]
