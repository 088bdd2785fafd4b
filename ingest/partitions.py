"""Partitions: points and folded days by UTC day, daily statistics by month.

Functions of the owner make, shrink and drop them (migrations 0002 and 0005): nobody else may.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import connection

BLOCKS, FOLDED, DAILY = "ingest_performanceblock", "ingest_foldedday", "ingest_dailystatistics"
PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('public.' || %s) ORDER BY c.relname
"""
DROPS = {
    BLOCKS: "SELECT ingest_drop_partition(%s)",
    FOLDED: "SELECT ingest_drop_folded_partition(%s)",
    DAILY: "SELECT ingest_drop_daily_partition(%s)",
}


def make_partitions(days: Iterable[date]) -> None:
    """Makes what is missing of the blocks' partitions of these days, in order. Needs an open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ingest_make_partition(day) FROM unnest(%s::date[]) day", [sorted({day.isoformat() for day in days})]
        )


def make_partitions_to_fold(day: date) -> None:
    """Makes what is missing of the partitions into which a day is folded. Needs an open transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ingest_make_folded_partition(%s), ingest_make_daily_partition(%s)", [day, day])


def drop_partition(table: str, day: date) -> None:
    """Drops a day (or the month of a day) that is past the retention, with what all tenants have of it."""
    with connection.cursor() as cursor:
        cursor.execute(DROPS[table], [day])


def reclaim_partition(day: date) -> bool:
    """Shrinks the indexes of a day's blocks if they are larger than the blocks; whether it did."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ingest_reclaim_partition(%s)", [day])
        shrunk: bool = cursor.fetchone()[0]
    return shrunk


def partition_days(table: str = BLOCKS) -> list[date]:
    """The days that have a partition, oldest first; of daily statistics the first days of months."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS, [table])
        names = [name for (name,) in cursor.fetchall()]
    form = "%Y%m" if table == DAILY else "%Y%m%d"
    return [datetime.strptime(name.removeprefix(f"{table}_"), form).date() for name in names]
