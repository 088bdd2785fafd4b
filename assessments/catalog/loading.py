"""From a catalog file to rows: checked whole, written in one transaction by the owner of the tables, or not at all."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import uuid_utils.compat
from django.db import connections, models, transaction

from assessments.catalog.catalog_file import Row, Snapshot, file_sha256, read_snapshot
from assessments.catalog.checks import check_tables
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

OWNER = "owner"

# Two loads at once would both find no current catalog; the number is arbitrary and ours.
LOADING_LOCK = 7_201_608


def load_catalog(content: bytes, *, may_be_current: bool = True) -> tuple[Catalog, bool]:
    """The catalog of this file, and whether it was loaded just now.

    It becomes the current one unless that is of a later date, or this one may not be. Raises CatalogError, with
    nothing changed, when the file is not fit.
    """
    loaded = Catalog.objects.using(OWNER).filter(sha256=file_sha256(content)).first()
    if loaded:
        return loaded, False
    snapshot = read_snapshot(content)
    check_tables(snapshot.tables)
    with transaction.atomic(using=OWNER):
        _wait_for_other_loads()
        loaded = Catalog.objects.using(OWNER).filter(sha256=snapshot.sha256).first()
        return (loaded, False) if loaded else (_write(snapshot, may_be_current=may_be_current), True)


def make_current(catalog: Catalog) -> None:
    """Makes a catalog that is loaded the current one, unless that is of a later date."""
    with transaction.atomic(using=OWNER):
        _wait_for_other_loads()
        catalog.is_current = _takes_over(catalog.as_of)
        catalog.save(using=OWNER, update_fields=["is_current"])


def _wait_for_other_loads() -> None:
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING_LOCK])


def _write(snapshot: Snapshot, *, may_be_current: bool) -> Catalog:
    manifest, tables = snapshot.manifest, snapshot.tables
    catalog = Catalog.objects.using(OWNER).create(
        name=manifest.name,
        as_of=manifest.as_of,
        sha256=snapshot.sha256,
        manifest=msgspec.to_builtins(manifest),
        is_current=may_be_current and _takes_over(manifest.as_of),
    )
    regions = [msgspec.structs.replace(row, aliases=_array(row.aliases)) for row in tables.regions]
    sku_ids = {row.size: uuid_utils.compat.uuid7() for row in tables.sizes}
    _copy(catalog, CatalogSource, tables.sources, renamed={"source": "number"})
    _copy(catalog, CatalogRegion, regions)
    _copy(catalog, CurrencyRate, tables.currencies)
    _copy(catalog, Sku, tables.sizes, renamed={"size": "name"}, ids=list(sku_ids.values()))
    _copy(catalog, SkuPrice, tables.prices, renamed={"size": "sku_id"}, replaced={"size": sku_ids})
    _copy(catalog, DiskTier, tables.disk_tiers)
    _copy(catalog, DiskRule, tables.disk_rules)
    _copy(catalog, DiskPrice, tables.disk_prices)
    return catalog


def _takes_over(as_of: date) -> bool:
    """Makes room for a new current catalog, unless the one there is of a later date."""
    current = Catalog.objects.using(OWNER).filter(is_current=True)
    if current.filter(as_of__gt=as_of).exists():
        return False
    current.update(is_current=False)
    return True


def _copy(
    catalog: Catalog,
    model: type[models.Model],
    rows: Sequence[Row],
    *,
    renamed: dict[str, str] | None = None,
    replaced: dict[str, dict[str, UUID]] | None = None,
    ids: Sequence[UUID] | None = None,
) -> None:
    """COPY rows into the model's table. Columns are the row's fields, some renamed, some with their values replaced."""
    if not rows:
        return
    fields = [field.name for field in msgspec.structs.fields(rows[0])]
    columns = [(renamed or {}).get(name, name) for name in fields]
    values: Iterable[Sequence[Any]] = (_values(row, fields, replaced or {}) for row in rows)
    if ids is not None:
        columns = ["id", *columns]
        values = ([row_id, *rest] for row_id, rest in zip(ids, values, strict=True))
    text = io.StringIO()
    csv.writer(text).writerows([catalog.pk, *rest] for rest in values)
    text.seek(0)
    with connections[OWNER].cursor() as cursor:
        cursor.copy_expert(
            f"COPY {model._meta.db_table} (catalog_id, {', '.join(columns)}) FROM STDIN WITH (FORMAT csv)", text
        )


def _values(row: Row, fields: Sequence[str], replaced: dict[str, dict[str, UUID]]) -> list[Any]:
    values = [getattr(row, name) for name in fields]
    for name, by in replaced.items():
        index = fields.index(name)
        values[index] = by[values[index]]
    return values


def _array(aliases: str) -> str:
    """Names separated by | as a PostgreSQL array literal."""
    quoted = [f'"{alias}"' for alias in aliases.replace("\\", "").replace('"', "").split("|") if alias]
    return "{" + ",".join(quoted) + "}"
