import django.db.models.deletion
import django.utils.timezone
import migrate_hub.tenants.models
from django.db import migrations, models


class Migration(migrations.Migration):
    """The admin names a row by its key in an address, which bytes cannot be. No route was confirmed before."""

    dependencies = [
        ('oidc', '0001_initial'),
    ]

    operations = [
        migrations.DeleteModel(name='DomainRoute'),
        migrations.CreateModel(
            name='DomainRoute',
            fields=[
                ('id', models.UUIDField(default=migrate_hub.tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('domain_sha256', models.BinaryField(max_length=32, unique=True)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
    ]
