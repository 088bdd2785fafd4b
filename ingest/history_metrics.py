"""What `/metrics` says of the history of all tenants: bytes of its tables, and how long folding has been waiting."""

from collections.abc import Iterable

from django.db import Error, connection
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.fold_jobs import FOLD_TASK
from ingest.partitions import BLOCKS, DAILY, FOLDED

# Sizes come from the catalog and jobs are read before a tenant is known: no row of a tenant is looked at.
SIZES = """
SELECT i.inhparent::regclass::text, sum(pg_total_relation_size(i.inhrelid))::bigint
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE c.relkind = 'r' AND i.inhparent = ANY(ARRAY[to_regclass(%s), to_regclass(%s), to_regclass(%s)])
GROUP BY i.inhparent
"""
WAITING = """
SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM jobs_job
WHERE task = %s AND state IN ('queued', 'running')
"""


class HistoryCollector(Collector):
    """Asks the database at each scrape; says nothing while it is away."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        sizes = GaugeMetricFamily("migrate_hub_history_bytes", "Bytes of a table of history", labels=["table"])
        waiting = GaugeMetricFamily("migrate_hub_fold_waiting_seconds", "Age of the oldest open job of folding")
        try:
            with connection.cursor() as cursor:
                cursor.execute(SIZES, [BLOCKS, FOLDED, DAILY])
                for table, size in cursor.fetchall():
                    sizes.add_metric([table], size)
                cursor.execute(WAITING, [FOLD_TASK])
                waiting.add_metric([], float(cursor.fetchone()[0]))
        except Error:
            return []
        return [sizes, waiting]
