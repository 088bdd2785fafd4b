import django.db.models.deletion
import migrate_hub.tenants.row_level_security
from django.db import migrations
from migrate_hub.tenants.row_level_security import TenantReference


class Migration(migrations.Migration):

    dependencies = [
        ("assessments", "0005_repeated_runs"),
        ("reports", "0002_formats_and_progress"),
    ]

    operations = [
        migrations.AddField(
            model_name="report",
            name="before_run",
            field=migrate_hub.tenants.row_level_security.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="assessments.assessmentrun",
            ),
        ),
        TenantReference("report", "before_run"),
    ]
