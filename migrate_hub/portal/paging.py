"""Pages of long tables by keyset: the last costs what the first does, and rows that come do not shift them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from migrate_hub.errors import DomainError
from migrate_hub.tenants.keyset import Order, beyond, read_cursor, reverse, write_cursor

Row = TypeVar("Row")
ROWS_A_PAGE = 50


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows; the links are query strings, '' where there is no such page."""

    rows: Sequence[Row]
    previous_link: str
    next_link: str


@dataclass(frozen=True)
class Place:
    """A row's values in the order; `backwards` means the page that ends before it."""

    values: tuple[Any, ...]
    backwards: bool


def page_of(
    rows: "QuerySet[Any]", request: HttpRequest, *, order_by: str, descending: bool = False, size: int = ROWS_A_PAGE
) -> Page[Any]:
    """The page that `?after=` or `?before=` names, in the order of a not-null field and then the id."""
    order: Order = (f"-{order_by}", "-id") if descending else (order_by, "id")
    place = read_place(request.GET, rows, order)
    backwards = place is not None and place.backwards
    direction = reverse(order) if backwards else order
    if place is not None:
        rows = rows.filter(beyond(direction, place.values))
    found = list(rows.order_by(*direction)[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next = bool(found) and (more or backwards)
    has_previous = bool(found) and (more if backwards else place is not None)
    return Page(
        rows=found,
        previous_link=_link(request.GET, "before", write_cursor(found[0], order)) if has_previous else "",
        next_link=_link(request.GET, "after", write_cursor(found[-1], order)) if has_next else "",
    )


def read_place(parameters: Mapping[str, Any], rows: "QuerySet[Any]", order: Order) -> Place | None:
    """The place in a query string; one that was tampered with is none, which shows the first page."""
    for name in ("after", "before"):
        text = str(parameters.get(name, ""))
        if text:
            try:
                return Place(values=read_cursor(text, rows, order), backwards=name == "before")
            except DomainError:
                return None
    return None


def _link(parameters: QueryDict, name: str, cursor: str) -> str:
    kept = [(key, item) for key, items in parameters.lists() if key not in ("after", "before") for item in items]
    return "?" + urlencode([*kept, (name, cursor)])
