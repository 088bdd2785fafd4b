"""Columns written as one array literal each say what was given, whatever the text."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_hub.tenants.bulk import array_literal

TEXTS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=8)


def through_the_server(kind: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT value FROM unnest(%s::{kind}[]) WITH ORDINALITY AS v (value, n) ORDER BY n",
            [array_literal(values)],
        )
        return [row[0] for row in cursor.fetchall()]


@settings(max_examples=200, deadline=None)
@given(texts=TEXTS)
def test_any_text_comes_back(texts: list[str | None]) -> None:
    assert through_the_server("text", texts) == texts


@pytest.mark.parametrize("text", ["NULL", "", " ", "{}", ",", '"', "\\", "\\x00", "a\nb", "'", "null", "%s"])
def test_what_looks_like_syntax_comes_back(text: str) -> None:
    assert through_the_server("text", [text, None, text]) == [text, None, text]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", [Decimal("1E-9"), Decimal("12345678901.000000001"), None]),
        ("boolean", [True, False, None]),
        ("double precision", [0.1, 1e300, None]),
        ("uuid", [UUID(int=7), None]),
        ("timestamptz", [datetime(2026, 11, 22, 1, 2, 3, 4, tzinfo=UTC)]),
    ],
)
def test_other_kinds_come_back(kind: str, values: list[Any]) -> None:
    assert through_the_server(kind, values) == values


def test_bytes_come_back() -> None:
    assert bytes(through_the_server("bytea", [b"\0\\\"'"])[0]) == b"\0\\\"'"
