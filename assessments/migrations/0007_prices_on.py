from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("assessments", "0006_meter_dates")]

    operations = [
        migrations.AddField(
            model_name="assessmentrun",
            name="prices_on",
            field=models.DateField(
                help_text="The day whose prices of a price sheet hold; null: created_at's.", null=True
            ),
        ),
    ]
