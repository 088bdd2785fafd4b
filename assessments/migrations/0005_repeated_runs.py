import django.db.models.deletion
import migrate_hub.tenants.row_level_security
from django.db import migrations
from migrate_hub.tenants.row_level_security import TenantReference


class Migration(migrations.Migration):

    dependencies = [("assessments", "0004_price_sheets")]

    operations = [
        migrations.AddField(
            model_name="assessmentrun",
            name="repeats",
            field=migrate_hub.tenants.row_level_security.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="assessments.assessmentrun",
            ),
        ),
        TenantReference("assessmentrun", "repeats"),
    ]
