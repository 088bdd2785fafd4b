"""Partitions of the performance blocks are closed to direct reads, made on demand and dropped by age."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction

from migrate_hub.tenants.row_level_security import isolation_faults


def _day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).strftime("%Y-%m-%d")


def _table(offset: int) -> str:
    return "ingest_performanceblock_" + _day(offset).replace("-", "")


def test_partitions_are_there_and_locked() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [_table(-35), _table(3)])
        assert None not in cursor.fetchone()
    assert isolation_faults() == []


def test_a_partition_cannot_be_read_directly() -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT count(*) FROM {_table(0)}")


def test_a_missing_partition_is_made_by_the_runtime_role_and_locked() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ingest_make_partition(%s)", [_day(6)])
        cursor.execute("SELECT ingest_make_partition(%s)", [_day(6)])
        cursor.execute("SELECT to_regclass(%s)", [_table(6)])
        assert cursor.fetchone() != (None,)
    assert isolation_faults() == []


@pytest.mark.parametrize("offset", [-368, 8])
def test_no_partition_is_made_far_from_today(offset: int) -> None:
    with (
        pytest.raises(DatabaseError, match="no partition is made"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT ingest_make_partition(%s)", [_day(offset)])


def test_a_partition_within_the_retention_cannot_be_dropped() -> None:
    with pytest.raises(DatabaseError, match="not old enough"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT ingest_drop_partition(%s)", [_day(-32)])
