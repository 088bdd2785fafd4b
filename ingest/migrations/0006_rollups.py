"""Rolled-up rows: the menu percentiles of a machine over each menu window."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from migrate_hub.tenants.row_level_security import lock_table_sql

# Rows are rewritten in place every hour while they are used: room on each page keeps that off the index.
TABLE = """
CREATE TABLE ingest_rollup (
    tenant_id bigint NOT NULL,
    machine_id uuid NOT NULL,
    window_name varchar(16) NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    interval_seconds integer NOT NULL,
    layout_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    "values" bytea NOT NULL,
    points bytea NOT NULL,
    extra_names varchar(64)[] NOT NULL,
    extras bytea NOT NULL,
    PRIMARY KEY (tenant_id, machine_id, window_name),
    CONSTRAINT rollup_interval_positive CHECK (interval_seconds > 0)
) WITH (fillfactor = 50)
"""


def make_table(apps: Any, schema_editor: Any) -> None:
    for statement in [TABLE, *lock_table_sql("ingest_rollup")]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [("ingest", "0005_folded_days"), ("tenants", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Rollup',
                    fields=[
                        ('pk', models.CompositePrimaryKey('tenant', 'machine_id', 'window_name', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('machine_id', models.UUIDField()),
                        ('window_name', models.CharField(max_length=16)),
                        ('start_at', models.DateTimeField()),
                        ('end_at', models.DateTimeField()),
                        ('fingerprint', models.BinaryField(max_length=24)),
                        ('interval_seconds', models.PositiveIntegerField()),
                        ('layout_id', models.UUIDField()),
                        ('values', models.BinaryField()),
                        ('points', models.BinaryField()),
                        ('extra_names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                        ('extras', models.BinaryField(default=b'')),
                        ('used_at', models.DateTimeField()),
                        ('tenant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
                    ],
                ),
            ],
        ),
        migrations.RunPython(make_table),
    ]
