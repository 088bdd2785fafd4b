"""Partitions of the performance blocks, a UTC day each. Functions of the owner make and drop them: migration 0002."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import connection

TABLE = "ingest_performanceblock"
PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'public.ingest_performanceblock'::regclass ORDER BY c.relname
"""


def make_partitions(days: Iterable[date]) -> None:
    """Makes what is missing of the partitions of these days, in order. Needs an open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ingest_make_partition(day) FROM unnest(%s::date[]) day", [sorted({day.isoformat() for day in days})]
        )


def drop_partition(day: date) -> None:
    """Drops a day that is past the retention, with all tenants' points of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ingest_drop_partition(%s)", [day])


def partition_days() -> list[date]:
    """The days that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        names = [name for (name,) in cursor.fetchall()]
    return [datetime.strptime(name.removeprefix(f"{TABLE}_"), "%Y%m%d").date() for name in names]
