"""Columns for `INSERT ... SELECT ... FROM unnest(...)`: whole arrays as one literal each, which parses fast."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection


def text_array(values: Iterable[str | None]) -> str:
    """An array literal of text. NUL must have been refused before."""
    return "{" + ",".join(_quoted(value) for value in values) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def plain_array(values: Iterable[Any]) -> str:
    """An array literal of what needs no quotes: numbers, UUIDs, None."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def run(sql: str, parameters: Sequence[Any] | dict[str, Any]) -> int:
    """Runs a statement; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        count: int = cursor.rowcount
    return count


def rows(sql: str, parameters: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    """Runs a query and returns all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
