from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("reports", "0003_differences")]

    operations = [
        migrations.AddField(
            model_name="report",
            name="refused_shown",
            field=models.PositiveSmallIntegerField(default=3),
        ),
    ]
