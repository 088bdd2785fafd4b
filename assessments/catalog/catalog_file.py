"""The catalog file: a zip of CSV tables and a manifest, read and written here and nowhere else.

Pure: no Django. A table's first row names its columns; an empty cell is "not known". Sources are numbered once
in `sources.csv` and cited by number, so that each figure can be traced to where and when it was published.
Money is US dollars; a reservation is the total for its term, everything else is the price of one hour.
"""

import csv
import hashlib
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

FORMAT = "migrate-hub catalog 1"
MAX_TABLE_BYTES = 256 * 1024 * 1024
# The zip format cannot say "no time"; its first instant makes the same tables give the same bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)

DiskType = Literal["standard_hdd", "standard_ssd", "premium_ssd", "premium_ssd_v2", "ultra"]
Redundancy = Literal["lrs", "zrs"]
DiskComponent = Literal["capacity", "provisioned_capacity", "provisioned_iops", "provisioned_mbps"]


class CatalogError(Exception):
    """A catalog file that must not be loaded: where (table and row, the header being row 1) and why."""

    def __init__(self, table: str, row: int | None, reason: str) -> None:
        self.table, self.row, self.reason = table, row, reason
        super().__init__(f"{table}, row {row}: {reason}" if row else f"{table}: {reason}")


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a table; the fields are the columns, in order."""


class SourceRow(Row, frozen=True, kw_only=True):
    """Where figures come from. `dated` is free text because some sources give only a month or a year."""

    source: int
    mark: str
    title: str
    dated: str
    grade: Literal["A", "B"] | None = None
    license: str


class RegionRow(Row, frozen=True, kw_only=True):
    """`lists_sizes`: the sizes offered here are known, so one that is priced but not listed is not offered."""

    region: str
    display_name: str
    geography: str | None = None
    lists_sizes: bool
    aliases: str = ""


class CurrencyRow(Row, frozen=True, kw_only=True):
    """`units_per_usd` on `rate_date`; prices in this currency are conversions, never published prices."""

    currency: str
    units_per_usd: Decimal
    rate_date: date
    source: int


class SizeRow(Row, frozen=True, kw_only=True):
    """A virtual machine size. `vcpus` are the active ones; `host_vcpus` those of the parent of a constrained size.

    `series` is what people choose by ("dsv5"); `windows_license_*` is what Windows adds, over `..._regions` regions.
    """

    size: str
    series: str
    quota_family: str
    category: str | None = None
    vcpus: int
    host_vcpus: int
    memory_mb: int | None = None
    max_data_disks: int | None = None
    max_nics: int | None = None
    architecture: Literal["x64", "arm64"]
    hyperv_generations: str
    accelerated_networking: bool
    premium_storage: bool
    ultra_ssd: Literal["supported", "documented", "unsupported"] | None = None
    gpu: str | None = None
    acu: int | None = None
    vcpus_per_core: int | None = None
    temp_disk_gib: Decimal | None = None
    uncached_iops: int | None = None
    uncached_mbps: Decimal | None = None
    uncached_burst_iops: int | None = None
    uncached_burst_mbps: Decimal | None = None
    premium_v2_ultra_iops: int | None = None
    premium_v2_ultra_mbps: Decimal | None = None
    network_mbps: int | None = None
    retires: str | None = None
    base_cpu_percent: Decimal | None = None
    initial_credits: int | None = None
    credits_per_hour: int | None = None
    max_credits: int | None = None
    windows_license_hourly: Decimal | None = None
    windows_license_min_hourly: Decimal | None = None
    windows_license_max_hourly: Decimal | None = None
    windows_license_regions: int | None = None
    core_source: int
    limits_source: int | None = None
    network_source: int | None = None
    burstable_source: int | None = None
    note: str | None = None


class PriceRow(Row, frozen=True, kw_only=True):
    """What one size costs in one region. `listed` is empty where the region has no list of sizes.

    `*_since` is the day from which the price's meter has held, where the source tells it.
    """

    size: str
    region: str
    listed: bool | None = None
    zones: str | None = None
    linux_payg_hourly: Decimal | None = None
    linux_payg_source: int | None = None
    linux_payg_since: date | None = None
    windows_payg_hourly: Decimal | None = None
    windows_payg_source: int | None = None
    windows_payg_since: date | None = None
    dev_test_hourly: Decimal | None = None
    dev_test_source: int | None = None
    dev_test_since: date | None = None
    reservation_1y_total: Decimal | None = None
    reservation_1y_source: int | None = None
    reservation_1y_since: date | None = None
    reservation_3y_total: Decimal | None = None
    reservation_3y_source: int | None = None
    reservation_3y_since: date | None = None
    savings_plan_1y_hourly: Decimal | None = None
    savings_plan_1y_source: int | None = None
    savings_plan_1y_since: date | None = None
    savings_plan_3y_hourly: Decimal | None = None
    savings_plan_3y_source: int | None = None
    savings_plan_3y_since: date | None = None
    note: str | None = None


class DiskTierRow(Row, frozen=True, kw_only=True):
    """A disk of fixed size. Freely sized disks (Premium SSD v2, Ultra) are described by rules instead."""

    tier: str
    disk_type: DiskType
    redundancy: Redundancy
    size_gib: int
    iops: int
    mbps: Decimal
    burst_iops: int | None = None
    burst_mbps: Decimal | None = None
    max_shares: int | None = None
    source: int


class DiskRuleRow(Row, frozen=True, kw_only=True):
    """One published rule of a disk type, as text with its unit."""

    disk_type: DiskType
    rule: str
    value: str
    unit: str | None = None
    source: int


class DiskPriceRow(Row, frozen=True, kw_only=True):
    """`capacity` of a tier is for a month; the provisioned parts of freely sized disks are for one unit and hour."""

    region: str
    disk_type: DiskType
    redundancy: Redundancy
    tier: str | None = None
    component: DiskComponent
    price: Decimal
    source: int
    since: date | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the tables behind the catalog hold and the catalog does not, and why."""

    what: str
    rows: int
    reason: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the file is: rows and SHA-256 of each table, and the SHA-256 of each input it was made from.

    `taken_over` counts what a synchronized catalog says as an earlier one said it, because its inputs do not tell.
    """

    format: str
    name: str
    as_of: date
    currency: Literal["USD"]
    tables: dict[str, dict[str, int | str]]
    inputs: dict[str, str]
    left_out: list[LeftOut]
    taken_over: list[LeftOut] = []


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of a catalog, in the order of the file."""

    sources: list[SourceRow]
    regions: list[RegionRow]
    currencies: list[CurrencyRow]
    sizes: list[SizeRow]
    prices: list[PriceRow]
    disk_tiers: list[DiskTierRow]
    disk_rules: list[DiskRuleRow]
    disk_prices: list[DiskPriceRow]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A catalog file in memory; `sha256` is that of the file, and its identity."""

    sha256: str
    manifest: Manifest
    tables: Tables


# The tables and their files, in the order of the file.
TABLES: dict[type[Row], str] = {
    SourceRow: "sources.csv",
    RegionRow: "regions.csv",
    CurrencyRow: "currencies.csv",
    SizeRow: "sizes.csv",
    PriceRow: "prices.csv",
    DiskTierRow: "disk_tiers.csv",
    DiskRuleRow: "disk_rules.csv",
    DiskPriceRow: "disk_prices.csv",
}

AnyRow = TypeVar("AnyRow", bound=Row)


def file_sha256(content: bytes) -> str:
    """The identity of a catalog file, cheap enough to ask before reading it."""
    return hashlib.sha256(content).hexdigest()


def read_snapshot(content: bytes) -> Snapshot:
    """Parse a catalog file. Raises CatalogError naming table and row; meaning is checked by `checks`, not here."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise CatalogError("file", None, "not a catalog file (a zip of CSV tables)") from error
    with archive:
        manifest = _read_manifest(_member(archive, "manifest.json"))
        tables = Tables(
            sources=_read_table(archive, SourceRow),
            regions=_read_table(archive, RegionRow),
            currencies=_read_table(archive, CurrencyRow),
            sizes=_read_table(archive, SizeRow),
            prices=_read_table(archive, PriceRow),
            disk_tiers=_read_table(archive, DiskTierRow),
            disk_rules=_read_table(archive, DiskRuleRow),
            disk_prices=_read_table(archive, DiskPriceRow),
        )
    return Snapshot(sha256=file_sha256(content), manifest=manifest, tables=tables)


def write_snapshot(
    *,
    name: str,
    as_of: date,
    tables: Tables,
    inputs: dict[str, str],
    left_out: list[LeftOut],
    taken_over: Sequence[LeftOut] = (),
) -> bytes:
    """The catalog file of these tables: the same tables give the same bytes."""
    rows = {name: getattr(tables, name.removesuffix(".csv")) for name in TABLES.values()}
    texts = {name: _table_text(rows[name], row_type) for row_type, name in TABLES.items()}
    manifest = Manifest(
        format=FORMAT,
        name=name,
        as_of=as_of,
        currency="USD",
        tables={
            table: {"rows": len(rows[table]), "sha256": hashlib.sha256(text).hexdigest()}
            for table, text in texts.items()
        },
        inputs=inputs,
        left_out=left_out,
        taken_over=list(taken_over),
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for member, text in {"manifest.json": manifest_text(manifest), **texts}.items():
            archive.writestr(zipfile.ZipInfo(member, NO_TIME), text, zipfile.ZIP_LZMA)
    return content.getvalue()


def manifest_text(manifest: Manifest) -> bytes:
    """The manifest as people read it."""
    return (json.dumps(msgspec.to_builtins(manifest), indent=1, ensure_ascii=False) + "\n").encode()


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
        if info.file_size > MAX_TABLE_BYTES:
            raise CatalogError(name, None, f"larger than {MAX_TABLE_BYTES} bytes")
        return archive.read(info)
    except KeyError as error:
        raise CatalogError(name, None, "missing from the file") from error
    except (zipfile.BadZipFile, lzma.LZMAError, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise CatalogError(name, None, f"damaged: {error}") from error


def _read_manifest(text: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CatalogError("manifest.json", None, str(error)) from error
    if manifest.format != FORMAT:
        raise CatalogError("manifest.json", None, f"format is {manifest.format!r}, expected {FORMAT!r}")
    return manifest


def _read_table(archive: zipfile.ZipFile, row_type: type[AnyRow]) -> list[AnyRow]:
    table = TABLES[row_type]
    text = _member(archive, table)
    if b"\0" in text:
        raise CatalogError(table, text[: text.index(b"\0")].count(b"\n") + 1, "a NUL character")
    try:
        lines = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), strict=True)
        header = next(lines, None)
        columns = _checked_columns(table, header or [], row_type)
        return [_read_row(table, number, columns, cells, row_type) for number, cells in enumerate(lines, start=2)]
    except UnicodeDecodeError as error:
        raise CatalogError(table, text[: error.start].count(b"\n") + 1, "not UTF-8") from error
    except csv.Error as error:
        raise CatalogError(table, None, f"not CSV: {error}") from error


def _checked_columns(table: str, header: Sequence[str], row_type: type[Row]) -> list[str]:
    known = [field.name for field in msgspec.structs.fields(row_type)]
    needed = [field.name for field in msgspec.structs.fields(row_type) if field.required]
    unknown = [name for name in header if name not in known]
    missing = [name for name in needed if name not in header]
    if unknown or missing or len(set(header)) != len(header):
        raise CatalogError(
            table,
            1,
            f"columns missing: {missing}, unknown: {unknown}, all: {list(header)}",
        )
    return list(header)


def _read_row(
    table: str,
    number: int,
    columns: list[str],
    cells: list[str],
    row_type: type[AnyRow],
) -> AnyRow:
    if len(cells) != len(columns):
        raise CatalogError(table, number, f"{len(cells)} cells, the header has {len(columns)}")
    try:
        named = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
        return msgspec.convert(named, row_type, strict=False)
    except msgspec.ValidationError as error:
        raise CatalogError(table, number, str(error)) from error


def _table_text(rows: Iterable[Row], row_type: type[Row]) -> bytes:
    names = [field.name for field in msgspec.structs.fields(row_type)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)
