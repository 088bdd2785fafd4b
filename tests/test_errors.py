"""What a caller is told of the database's own errors."""

import psycopg2
import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction

from migrate_hub.errors import as_domain_error


def told(sqlstate: str) -> tuple[int, str, int | None] | None:
    """Status, code and Retry-After of an error that PostgreSQL raised with this SQLSTATE."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{sqlstate}'; END $$")
    problem = as_domain_error(caught.value)
    return (problem.status, problem.code, problem.retry_after_seconds) if problem else None


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("53100", "disk_full"),
        ("53300", "database_unavailable"),  # too many connections
        ("57P01", "database_unavailable"),  # shut down by the administrator
        ("57014", "timeout"),
        ("55P03", "timeout"),
        ("25P03", "timeout"),  # psycopg2 calls this one an InternalError
    ],
)
def test_what_passes_is_503_with_a_time_to_come_back(sqlstate: str, code: str) -> None:
    assert told(sqlstate) == (503, code, 5)


@pytest.mark.parametrize(
    "error", [DatabaseError("server closed the connection unexpectedly"), InterfaceError("closed")]
)
def test_a_server_that_vanished_under_a_query_is_503(error: DatabaseError | InterfaceError) -> None:
    error.__cause__ = psycopg2.DatabaseError("server closed the connection unexpectedly")
    problem = as_domain_error(error)
    assert problem is not None
    assert (problem.status, problem.code) == (503, "database_unavailable")


def test_a_mistake_of_ours_is_not_called_a_database_that_is_away() -> None:
    assert told("42P01") is None  # undefined table
    assert told("25P02") is None  # a query in a failed transaction
