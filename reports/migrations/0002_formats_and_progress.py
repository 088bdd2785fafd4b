from django.db import migrations, models

FORMATS = ["xlsx", "csv", "jsonl", "pdf"]


class Migration(migrations.Migration):

    dependencies = [
        ("reports", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="report", name="report_format_known"),
        migrations.AlterField(
            model_name="report",
            name="format",
            field=models.CharField(
                choices=[("xlsx", "Xlsx"), ("csv", "Csv"), ("jsonl", "Jsonl"), ("pdf", "Pdf")],
                default="xlsx",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="report",
            name="machines_done",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.CheckConstraint(condition=models.Q(("format__in", FORMATS)), name="report_format_known"),
        ),
    ]
