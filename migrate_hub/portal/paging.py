"""Pages of long tables by keyset: the last costs what the first does, and rows that come do not shift them."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict

Row = TypeVar("Row")
ROWS_A_PAGE = 50
MAX_CURSOR_CHARACTERS = 2000


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows; the links are query strings, '' where there is no such page."""

    rows: Sequence[Row]
    previous_link: str
    next_link: str


@dataclass(frozen=True)
class Cursor:
    """A place in the order (value, id); `backwards` means the page that ends before it."""

    value: Any
    id: UUID
    backwards: bool


def page_of(
    rows: "QuerySet[Any]", request: HttpRequest, *, order_by: str, descending: bool = False, size: int = ROWS_A_PAGE
) -> Page[Any]:
    """The page that `?after=` or `?before=` names, in the order of a not-null field and then the id."""
    cursor = read_cursor(request.GET, rows.model._meta.get_field(order_by))
    backwards = cursor is not None and cursor.backwards
    falling = descending != backwards
    sign = "-" if falling else ""
    if cursor is not None:
        rows = rows.filter(_beyond(cursor, order_by, falling))
    found = list(rows.order_by(f"{sign}{order_by}", f"{sign}id")[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next = bool(found) and (more or backwards)
    has_previous = bool(found) and (more if backwards else cursor is not None)
    return Page(
        rows=found,
        previous_link=_link(request.GET, "before", found[0], order_by) if has_previous else "",
        next_link=_link(request.GET, "after", found[-1], order_by) if has_next else "",
    )


def _beyond(cursor: Cursor, field: str, falling: bool) -> Q:
    """(field, id) beyond the cursor, written so that an index on the field is used."""
    side = "lt" if falling else "gt"
    strictly = Q(**{f"{field}__{side}": cursor.value}) | Q(**{f"id__{side}": cursor.id})
    return Q(**{f"{field}__{side}e": cursor.value}) & strictly


def read_cursor(parameters: Mapping[str, Any], field: Any) -> Cursor | None:
    """The cursor of a query string; one that was tampered with is none, which shows the first page."""
    for name in ("after", "before"):
        text = str(parameters.get(name, ""))
        if text and len(text) <= MAX_CURSOR_CHARACTERS:
            try:
                value, row_id = json.loads(base64.urlsafe_b64decode(text.encode()))
                if isinstance(value, str) and "\0" not in value:
                    return Cursor(value=field.to_python(value), id=UUID(row_id), backwards=name == "before")
            except (ValueError, TypeError, AttributeError, binascii.Error, ValidationError):
                return None
    return None


def _link(parameters: QueryDict, name: str, row: Any, field: str) -> str:
    value = getattr(row, field)
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    cursor = base64.urlsafe_b64encode(json.dumps([text, str(row.id)]).encode()).decode()
    kept = [(key, item) for key, items in parameters.lists() if key not in ("after", "before") for item in items]
    return "?" + urlencode([*kept, (name, cursor)])
