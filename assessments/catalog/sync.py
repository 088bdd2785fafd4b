"""A new version of the catalog from Azure's own APIs: fetched, built, checked, compared, and only then current.

The current catalog is untouched on every failure. One that a person should look at first is stored and stays not
current; the same order with `accept` then makes just that one current, from the same pages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec

from assessments.catalog.catalog_file import LeftOut, Tables, write_snapshot
from assessments.catalog.checks import check_tables
from assessments.catalog.loading import OWNER, load_catalog, make_current
from assessments.catalog.models import Catalog
from assessments.catalog.selection import resolve_region
from assessments.catalog.sync_comparison import Comparison, compare
from assessments.catalog.sync_current import stored_tables
from assessments.catalog.sync_pages import Patience, open_spool
from assessments.catalog.sync_reading import PRICES, SKUS, Question, Reading, is_address, place_of, read_answers
from assessments.catalog.sync_tables import NewCatalog, Read, build_tables, new_source
from migrate_hub.errors import DomainError

PRICES_URL = "https://prices.azure.com/api/retail/prices"


class SyncError(Exception):
    """Why there is no new catalog, in words for the operator."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to synchronize, from where and how. `regions` go by any of their names, none = all."""

    spool_root: Path
    prices_url: str = PRICES_URL
    skus: str | None = None
    regions: Sequence[str] = ()
    max_move_percent: Decimal = Decimal(25)
    accept: bool = False
    dry_run: bool = False
    fresh: bool = False
    patience: Patience = field(default_factory=Patience)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync did. `catalog` is null after a dry run; `comparison.reasons` say why it is not current."""

    name: str
    as_of: date
    catalog: UUID | None
    is_new: bool
    is_current: bool
    compared_with: str
    pages_fetched: int
    pages_kept: int
    items: int
    rows: dict[str, int]
    left_out: list[LeftOut]
    taken_over: list[LeftOut]
    comparison: Comparison


def sync_catalog(order: Order, *, now: datetime, tell: Callable[[str], Any]) -> Outcome:
    """Fetches, builds, checks, compares, stores; `tell` hears of progress.

    Raises FetchError (pages are kept: the same order goes on), CatalogError (what was fetched makes no catalog) and
    SyncError (nothing to begin with, or nothing to be had).
    """
    current = Catalog.objects.using(OWNER).current()
    if current is None:
        raise SyncError("there is no catalog yet to take over what the APIs do not tell: run `manage.py load_catalog`")
    for place in filter(None, (order.prices_url, order.skus)):
        _refuse_unreadable(place, file_allowed=place is order.skus)
    regions = tuple(_region(current, name) for name in order.regions)
    question = Question(prices_url=order.prices_url, skus=order.skus, regions=regions)
    with open_spool(order.spool_root, question.texts, now=now, fresh=order.fresh) as spool:
        reading = read_answers(question, spool, order.patience, tell)
        _refuse_unanswered(reading, regions)
        old, as_of = stored_tables(current), spool.started_at.date()
        new = build_tables(old, _read(question, reading, old, as_of=as_of, taken_from=current.name))
        check_tables(new.tables)
        comparison = compare(old, new.tables, max_move_percent=order.max_move_percent)
        inputs = {current.name: current.sha256, **reading.digests}
        fit = order.accept or not comparison.reasons
        catalog, is_new = (None, False) if order.dry_run else _store(new, as_of=as_of, inputs=inputs, fit=fit)
        if catalog and catalog.is_current:
            spool.remove()
    return Outcome(
        name=_name(as_of),
        as_of=as_of,
        catalog=catalog.pk if catalog else None,
        is_new=is_new,
        is_current=catalog is not None and catalog.is_current,
        compared_with=current.name,
        pages_fetched=reading.pages.fetched,
        pages_kept=reading.pages.kept,
        items=reading.prices.items,
        rows={name: len(getattr(new.tables, name)) for name in new.tables.__struct_fields__},
        left_out=new.left_out,
        taken_over=new.taken_over,
        comparison=comparison,
    )


def _refuse_unreadable(place: str, *, file_allowed: bool) -> None:
    """An address that is none would be asked eight times."""
    if file_allowed and not is_address(place):
        return
    try:
        if is_address(place) and httpx.URL(place).host:
            return
    except httpx.InvalidURL:
        pass
    raise SyncError(f"{place!r} is not an address (https://...)")


def _region(current: Catalog, name: str) -> str:
    """Any name of a known region, or the own name of one that the catalog does not know yet."""
    try:
        return resolve_region(current, name)
    except DomainError:
        plain = name.lower().replace(" ", "")
        if not (plain.isascii() and plain.isalnum()):
            raise SyncError(f"{name!r} is not the name of a region") from None
        return plain


def _refuse_unanswered(reading: Reading, regions: Sequence[str]) -> None:
    """A filter that matches nothing is answered with an empty page, which must not empty a region."""
    answered = {region for _, region in reading.prices.sizes}
    missing = sorted(set(regions) - answered)
    if missing or not answered:
        raise SyncError("the answer has no prices of machines" + (f" in {', '.join(missing)}" if missing else ""))


def _read(question: Question, reading: Reading, old: Tables, *, as_of: date, taken_from: str) -> Read:
    """What was read, with the sources that the new catalog will name."""
    place = httpx.URL(question.prices_url).host
    prices = new_source(old, 1, mark="RP", title=f"{PRICES}, {place}", dated=as_of.isoformat())
    skus = None
    if question.skus:
        skus = new_source(old, 2, mark="RS", title=f"{SKUS}, {place_of(question.skus)}", dated=reading.skus_dated)
    return Read(
        prices=reading.prices,
        price_source=prices,
        skus=reading.skus,
        sku_source=skus,
        regions=frozenset(question.regions),
        taken_from=taken_from,
    )


def _name(as_of: date) -> str:
    return f"Azure public prices, {as_of.day} {as_of:%B %Y}"


def _store(new: NewCatalog, *, as_of: date, inputs: dict[str, str], fit: bool) -> tuple[Catalog, bool]:
    """The stored catalog and whether it is new; current when it is fit and no later one is."""
    content = write_snapshot(
        name=_name(as_of),
        as_of=as_of,
        tables=new.tables,
        inputs=inputs,
        left_out=new.left_out,
        taken_over=new.taken_over,
    )
    catalog, is_new = load_catalog(content, may_be_current=fit)
    if fit and not catalog.is_current:
        make_current(catalog)
    return catalog, is_new
