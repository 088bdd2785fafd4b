"""Bulk writes under row-level security: INSERT ... SELECT ... FROM unnest(...), since COPY FROM is refused there."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from migrate_hub.tenants.context import current_tenant_id

# One statement carries at most this many rows, so that no message to the server grows without bound.
ROWS_A_STATEMENT = 5000


def bulk_insert(table: str, columns: Mapping[str, tuple[str, Sequence[Any]]], *, on_conflict: str = "") -> int:
    """Inserts rows of the current tenant from columns `{name: (postgres_type, values)}` of one length.

    Returns how many rows were written. `on_conflict` is the clause that follows, e.g. "ON CONFLICT DO NOTHING".
    """
    names = ", ".join(columns)
    arrays = ", ".join(f"%s::{postgres_type}[]" for postgres_type, _ in columns.values())
    sql = f"INSERT INTO {table} (tenant_id, {names}) SELECT %s, * FROM unnest({arrays}) {on_conflict}"
    count = len(next(iter(columns.values()))[1])
    written = 0
    with connection.cursor() as cursor:
        for start in range(0, count, ROWS_A_STATEMENT):
            part = [array_literal(values[start : start + ROWS_A_STATEMENT]) for _, values in columns.values()]
            cursor.execute(sql, [current_tenant_id(), *part])
            written += cursor.rowcount
    return written


def array_literal(values: Sequence[Any]) -> str:
    """An array as one literal: PostgreSQL reads it several times faster than ARRAY[...], whose elements it parses."""
    return "{" + ",".join("NULL" if value is None else _quoted(value) for value in values) + "}"


def _quoted(value: Any) -> str:
    text = "\\x" + value.hex() if isinstance(value, bytes) else str(value)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
