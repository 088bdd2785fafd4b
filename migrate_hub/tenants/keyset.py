"""A place in an ordered table, written into a cursor and read back: pages that neither skip nor repeat a row.

An order is a tuple of fields as `order_by` takes them, e.g. `("-created_at", "id")`. It must be total, so it ends with
a field that is unique in the table's part that is listed, and none of its fields may be null.
"""

import base64
import json
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from migrate_hub.errors import DomainError

Order = tuple[str, ...]
# A name has at most 255 characters: 1,530 bytes if JSON escapes each of them, and a third more in base64.
MAX_CURSOR_CHARACTERS = 4000


def invalid_cursor() -> DomainError:
    return DomainError(code="invalid_cursor", detail="The cursor is not one of a `next` address.")


def reverse(order: Order) -> Order:
    return tuple(term[1:] if term.startswith("-") else f"-{term}" for term in order)


def beyond(order: Order, values: tuple[Any, ...]) -> Q:
    """Rows behind a place. Each field bounds the rows by itself, so that an index on the first ones is used."""
    name, side = order[0].removeprefix("-"), "lt" if order[0].startswith("-") else "gt"
    strictly = Q(**{f"{name}__{side}": values[0]})
    if len(order) == 1:
        return strictly
    return Q(**{f"{name}__{side}e": values[0]}) & (strictly | beyond(order[1:], values[1:]))


def write_cursor(row: Any, order: Order) -> str:
    """The place of a row in the order."""
    values = [getattr(row, term.removeprefix("-")) for term in order]
    texts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(texts, ensure_ascii=False).encode()).decode()


def read_cursor(text: str, rows: "QuerySet[Any]", order: Order) -> tuple[Any, ...]:
    """The values of the order's fields at the place that a cursor names; 400 `invalid_cursor` for any other text."""
    try:
        texts = _texts(text)
        if len(texts) != len(order):
            raise invalid_cursor()
        return tuple(_value(one, rows, term.removeprefix("-")) for one, term in zip(texts, order, strict=True))
    except (ValueError, RecursionError, ValidationError):
        raise invalid_cursor() from None


def _texts(text: str) -> list[str]:
    if len(text) > MAX_CURSOR_CHARACTERS:
        raise invalid_cursor()
    texts = json.loads(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True).decode())
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise invalid_cursor()
    return texts


def _value(text: str, rows: "QuerySet[Any]", name: str) -> Any:
    """A text as its field holds it; NUL, lone surrogates and instants without a zone are nothing a field can hold."""
    text.encode()  # ValueError for lone surrogates
    annotation = rows.query.annotations.get(name)
    field: Any = annotation.output_field if annotation is not None else rows.model._meta.get_field(name)
    value = field.to_python(text)
    if "\0" in text or (isinstance(value, datetime) and value.tzinfo is None):
        raise invalid_cursor()
    return value
