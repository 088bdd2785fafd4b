"""What the portal remembers of sent forms."""

import django.db.models.deletion
import django.utils.timezone
import migrate_hub.tenants.models
from django.db import migrations, models
from migrate_hub.tenants.row_level_security import TenantTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SentForm",
            fields=[
                ("id", models.UUIDField(default=migrate_hub.tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ("user_id", models.UUIDField()),
                ("digest", models.BinaryField(max_length=32)),
                ("location", models.CharField(blank=True, max_length=2000)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("tenant", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant")),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "sent_at"], name="sent_form_by_time")],
                "constraints": [models.UniqueConstraint(fields=("tenant", "user_id", "digest"), name="sent_form_once")],
            },
        ),
        TenantTable("sentform"),
    ]
