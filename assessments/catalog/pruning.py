"""Removing catalogs that no run pins: a run must be repeatable to the cent, so the catalogs behind runs stay."""

from collections.abc import Iterator
from enum import Enum

from django.db import IntegrityError, connections, transaction

from assessments.catalog.loading import OWNER
from assessments.catalog.models import (
    Catalog,
    CatalogRegion,
    CatalogSource,
    CurrencyRate,
    DiskPrice,
    DiskRule,
    DiskTier,
    Sku,
    SkuPrice,
)

# Prices name their size, so they go first.
PARTS = (SkuPrice, Sku, DiskPrice, DiskTier, DiskRule, CurrencyRate, CatalogRegion, CatalogSource)


class Outcome(Enum):
    """What became of a catalog."""

    CURRENT = "kept: it is the current one"
    NEW = "kept: it is one of the newest"
    PINNED = "kept: runs pin it"
    REMOVED = "removed"


def prune_catalogs(*, keep: int, dry_run: bool = False) -> Iterator[tuple[Catalog, Outcome]]:
    """Every catalog, the newest first, and what became of it; the `keep` newest, the current and pinned ones stay.

    Each is removed in a transaction of its own. A dry run finds out the same and changes nothing.
    """
    for place, catalog in enumerate(Catalog.objects.using(OWNER).order_by("-id")):
        if catalog.is_current:
            yield catalog, Outcome.CURRENT
        elif place < keep:
            yield catalog, Outcome.NEW
        else:
            yield catalog, _removed(catalog, dry_run=dry_run)


def _removed(catalog: Catalog, *, dry_run: bool) -> Outcome:
    """Removes the catalog unless a run of any tenant names it, which the database itself says.

    The owner sees no tenant's rows, and need not: the check of the reference sees them all, also of runs that begin at
    this moment.
    """
    try:
        with transaction.atomic(using=OWNER):
            for part in PARTS:
                part._default_manager.using(OWNER).filter(catalog=catalog)._raw_delete(OWNER)
            # The row itself, without Django's own look at who refers to it: that one would see no tenant's runs.
            Catalog.objects.using(OWNER).filter(pk=catalog.pk, is_current=False)._raw_delete(OWNER)
            with connections[OWNER].cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(dry_run, using=OWNER)
    except IntegrityError:
        return Outcome.PINNED
    return Outcome.REMOVED
