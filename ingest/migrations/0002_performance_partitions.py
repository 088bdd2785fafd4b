"""The table of performance blocks, partitioned by UTC day, and the two functions that make and drop its partitions."""

from typing import Any

from django.db import migrations
from migrate_hub.tenants.row_level_security import lock_table_sql, runtime_role

TABLE = """
CREATE TABLE ingest_performanceblock (
    tenant_id bigint NOT NULL,
    machine_id uuid NOT NULL,
    start_at timestamptz NOT NULL,
    appliance_id uuid NOT NULL,
    epoch integer NOT NULL,
    sequence bigint NOT NULL,
    layout_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    interval_seconds smallint NOT NULL,
    points smallint NOT NULL,
    "values" bytea NOT NULL,
    PRIMARY KEY (tenant_id, machine_id, start_at, appliance_id, epoch, sequence),
    CONSTRAINT block_points_within_a_day CHECK (points BETWEEN 1 AND 288),
    CONSTRAINT block_numbers_not_negative CHECK (epoch >= 0 AND sequence >= 0 AND interval_seconds > 0)
) PARTITION BY RANGE (start_at)
"""

# The policy of the parent does not protect a partition that is read directly: each gets row-level security of its own
# and loses every grant. CREATE and ATTACH, not PARTITION OF: the latter would lock out readers and writers.
MAKE_PARTITION = """
CREATE FUNCTION ingest_make_partition(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    partition text := 'ingest_performanceblock_' || to_char(day, 'YYYYMMDD');
    grantee text;
BEGIN
    IF day IS NULL OR day < today - 36 OR day > today + 7 THEN
        RAISE EXCEPTION 'no partition is made for %', day USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF to_regclass('public.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ingest_performanceblock', 0));
    IF to_regclass('public.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.ingest_performanceblock INCLUDING ALL)', partition);
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
        'ALTER TABLE public.ingest_performanceblock ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        partition, to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
END $$
"""

DROP_PARTITION = """
CREATE FUNCTION ingest_drop_partition(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
BEGIN
    IF day IS NULL OR day >= (now() AT TIME ZONE 'UTC')::date - 36 THEN
        RAISE EXCEPTION 'the partition of % is not old enough to drop', day;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS public.%I', 'ingest_performanceblock_' || to_char(day, 'YYYYMMDD'));
END $$
"""

MAKE_FIRST_PARTITIONS = """
SELECT ingest_make_partition(day::date)
FROM generate_series((now() AT TIME ZONE 'UTC')::date - 35, (now() AT TIME ZONE 'UTC')::date + 3, '1 day') day
"""


def make_table(apps: Any, schema_editor: Any) -> None:
    statements = [TABLE, *lock_table_sql("ingest_performanceblock"), MAKE_PARTITION, DROP_PARTITION]
    for function in ("ingest_make_partition(date)", "ingest_drop_partition(date)"):
        statements += [
            f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {function} TO {runtime_role()}",
        ]
    for statement in [*statements, MAKE_FIRST_PARTITIONS]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [("ingest", "0001_initial")]

    operations = [migrations.RunPython(make_table)]
