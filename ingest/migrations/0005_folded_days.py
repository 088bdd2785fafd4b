"""Folded days by day, daily statistics by month, and the owner's functions that make, shrink and drop partitions.

A function of the owner sees no row of these tables (forced row-level security): none asks what a partition holds.
"""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from migrate_hub.tenants.row_level_security import lock_table_sql, runtime_role

FOLDED_TABLE = """
CREATE TABLE ingest_foldedday (
    tenant_id bigint NOT NULL,
    machine_id uuid NOT NULL,
    day date NOT NULL,
    interval_seconds smallint NOT NULL,
    layout_id uuid NOT NULL,
    version uuid NOT NULL,
    folded_at timestamptz NOT NULL,
    ranks bytea NOT NULL,
    "values" bytea NOT NULL,
    PRIMARY KEY (tenant_id, machine_id, day, interval_seconds),
    CONSTRAINT folded_interval_divides_a_day CHECK (interval_seconds > 0 AND 86400 % interval_seconds = 0)
) PARTITION BY RANGE (day)
"""

DAILY_TABLE = """
CREATE TABLE ingest_dailystatistics (
    tenant_id bigint NOT NULL,
    machine_id uuid NOT NULL,
    day date NOT NULL,
    interval_seconds smallint NOT NULL,
    layout_id uuid NOT NULL,
    "values" bytea NOT NULL,
    PRIMARY KEY (tenant_id, machine_id, day)
) PARTITION BY RANGE (day)
"""

# For the functions below only. The policy of the parent does not protect a partition that is read directly: each gets
# row-level security of its own and loses every grant. CREATE and ATTACH, not PARTITION OF: the latter would lock out
# readers and writers.
ADD_PARTITION = """
CREATE FUNCTION ingest_add_partition(parent text, suffix text, first text, beyond text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := parent || '_' || suffix;
    grantee text;
BEGIN
    IF to_regclass('public.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(parent, 0));
    IF to_regclass('public.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', partition, parent);
    FOR grantee IN
        SELECT DISTINCT CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        FROM pg_class c, LATERAL aclexplode(c.relacl) acl
        WHERE c.oid = to_regclass('public.' || partition) AND acl.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON public.%I FROM %s', partition, grantee);
    END LOOP;
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format(
        'CREATE POLICY tenant_isolation ON public.%I USING (tenant_id = (SELECT public.app_tenant())) '
        'WITH CHECK (tenant_id = (SELECT public.app_tenant()))', partition);
    EXECUTE format(
        'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        parent, partition, first, beyond);
END $$
"""

MAKE_PARTITION = """
CREATE OR REPLACE FUNCTION {function}(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
    IF day IS NULL OR day < today - 367 OR day > today + 7 THEN
        RAISE EXCEPTION 'no partition is made for %', day USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM public.ingest_add_partition(
        '{table}', to_char(day, 'YYYYMMDD'),
        to_char(day, 'YYYY-MM-DD') || '{time}', to_char(day + 1, 'YYYY-MM-DD') || '{time}');
END $$
"""

# A month's percentile needs 31 days: however short the retention is set, those cannot be dropped.
DROP_PARTITION = """
CREATE OR REPLACE FUNCTION {function}(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
BEGIN
    IF day IS NULL OR day >= (now() AT TIME ZONE 'UTC')::date - 32 THEN
        RAISE EXCEPTION 'the partition of % is not old enough to drop', day;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS public.%I', '{table}_' || to_char(day, 'YYYYMMDD'));
END $$
"""

MAKE_DAILY_PARTITION = """
CREATE FUNCTION ingest_make_daily_partition(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    month date := date_trunc('month', day)::date;
BEGIN
    IF day IS NULL OR day < today - 367 OR day > today + 31 THEN
        RAISE EXCEPTION 'no partition is made for %', day USING ERRCODE = 'datetime_field_overflow';
    END IF;
    PERFORM public.ingest_add_partition(
        'ingest_dailystatistics', to_char(month, 'YYYYMM'),
        to_char(month, 'YYYY-MM-DD'), to_char(month + interval '1 month', 'YYYY-MM-DD'));
END $$
"""

DROP_DAILY_PARTITION = """
CREATE FUNCTION ingest_drop_daily_partition(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
BEGIN
    IF day IS NULL OR
       date_trunc('month', day) >= date_trunc('month', (now() AT TIME ZONE 'UTC')::date - interval '13 months') THEN
        RAISE EXCEPTION 'the partition of % is not old enough to drop', day;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS public.%I', 'ingest_dailystatistics_' || to_char(day, 'YYYYMM'));
END $$
"""

# Vacuum gives back the heap of deleted blocks, but never shrinks an index. Sizes tell without looking at rows when an
# index is larger than what it stands for: live rows are five times as large as their entries.
RECLAIM_PARTITION = """
CREATE FUNCTION ingest_reclaim_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    partition text := 'ingest_performanceblock_' || to_char(day, 'YYYYMMDD');
    partition_id regclass := to_regclass('public.' || partition);
BEGIN
    IF partition_id IS NULL OR day >= (now() AT TIME ZONE 'UTC')::date
       OR pg_indexes_size(partition_id) < 65536
       OR pg_indexes_size(partition_id) < pg_relation_size(partition_id) THEN
        RETURN false;
    END IF;
    EXECUTE format('REINDEX TABLE public.%I', partition);
    RETURN true;
END $$
"""

MAKE_FIRST_PARTITIONS = """
SELECT ingest_make_folded_partition(day::date), ingest_make_daily_partition(day::date)
FROM generate_series((now() AT TIME ZONE 'UTC')::date - 35, (now() AT TIME ZONE 'UTC')::date, '1 day') day
"""

FUNCTIONS = (
    "ingest_make_folded_partition",
    "ingest_drop_folded_partition",
    "ingest_make_daily_partition",
    "ingest_drop_daily_partition",
    "ingest_reclaim_partition",
)


def _for_both_tables(sql: str, verb: str) -> list[str]:
    """A function for the blocks' partitions and one for those of folded days."""
    blocks = (f"ingest_{verb}_partition", "ingest_performanceblock", " 00:00:00+00")
    folded = (f"ingest_{verb}_folded_partition", "ingest_foldedday", "")
    return [
        sql.replace("{function}", function).replace("{table}", table).replace("{time}", time)
        for function, table, time in (blocks, folded)
    ]


def make_tables(apps: Any, schema_editor: Any) -> None:
    # The values are packed as small as they go (ingest/folded_values.py); trying costs more than it saves.
    raw = 'ALTER TABLE ingest_foldedday ALTER COLUMN "values" SET STORAGE EXTERNAL'
    statements = [FOLDED_TABLE, raw, *lock_table_sql("ingest_foldedday")]
    statements += [DAILY_TABLE, *lock_table_sql("ingest_dailystatistics")]
    statements += [ADD_PARTITION, "REVOKE ALL ON FUNCTION ingest_add_partition(text, text, text, text) FROM PUBLIC"]
    statements += [*_for_both_tables(MAKE_PARTITION, "make"), *_for_both_tables(DROP_PARTITION, "drop")]
    statements += [MAKE_DAILY_PARTITION, DROP_DAILY_PARTITION, RECLAIM_PARTITION]
    for function in FUNCTIONS:
        statements += [
            f"REVOKE ALL ON FUNCTION {function}(date) FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {function}(date) TO {runtime_role()}",
        ]
    for statement in [*statements, MAKE_FIRST_PARTITIONS]:
        schema_editor.execute(statement, params=None)


TENANT = models.ForeignKey(
    db_constraint=False,
    db_index=False,
    on_delete=django.db.models.deletion.DO_NOTHING,
    related_name='+',
    to='tenants.tenant',
)


class Migration(migrations.Migration):

    dependencies = [("ingest", "0004_seen_twice_and_coverage"), ("tenants", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='FoldedDay',
                    fields=[
                        ('pk', models.CompositePrimaryKey('tenant', 'machine_id', 'day', 'interval_seconds', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('machine_id', models.UUIDField()),
                        ('day', models.DateField()),
                        ('interval_seconds', models.PositiveSmallIntegerField()),
                        ('layout_id', models.UUIDField()),
                        ('version', models.UUIDField()),
                        ('folded_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('ranks', models.BinaryField()),
                        ('values', models.BinaryField()),
                        ('tenant', TENANT.clone()),
                    ],
                ),
                migrations.CreateModel(
                    name='DailyStatistics',
                    fields=[
                        ('pk', models.CompositePrimaryKey('tenant', 'machine_id', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('machine_id', models.UUIDField()),
                        ('day', models.DateField()),
                        ('interval_seconds', models.PositiveSmallIntegerField()),
                        ('layout_id', models.UUIDField()),
                        ('values', models.BinaryField()),
                        ('tenant', TENANT.clone()),
                    ],
                    options={'verbose_name_plural': 'daily statistics'},
                ),
            ],
        ),
        migrations.RunPython(make_tables),
    ]
