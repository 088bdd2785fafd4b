"""A tenant's own prices from a CSV: read and checked whole, row by row, or refused whole. Pure but for what it is told.

Columns: `size` or `disk_tier`, `region`, `scenario`, `unit_price`, `currency`, `valid_from`; where they matter `os`
(`linux`, which nothing said means, or `windows`) and `unit` (`hour`, `month`, `term`).
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from assessments.catalog.checks import MONEY_PLACES
from migrate_hub.errors import MAX_FIELD_ERRORS, DomainError, FieldProblem

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 50_000
MAX_CELL_CHARACTERS = 200

RESERVATIONS = {"reservation_1y": 1, "reservation_3y": 3}
SCENARIOS = ("pay_as_you_go", *RESERVATIONS, "savings_plan_1y", "savings_plan_3y", "dev_test")
# What a price is for when nothing is said comes first. A reservation is sold for its term.
UNITS_OF_SIZES = {
    scenario: ("term", "month", "hour") if scenario in RESERVATIONS else ("hour",) for scenario in SCENARIOS
}
UNITS_OF_DISKS = ("month",)
SYSTEMS = {"": "linux", "linux": "linux", "windows": "windows"}
HOURS_A_YEAR = 8760

# Spellings people use for the names of the columns.
NAME_COLUMNS = ("size", "disk_tier", "size_or_disk_tier")
NEEDED = ("region", "scenario", "unit_price", "currency", "valid_from")
OPTIONAL = ("os", "unit")

# A price whose unit is not said must not be further from the catalog's than this: a term's total taken for the price
# of an hour is 8,760 times too dear.
PLAUSIBLE_FACTOR = 8
# A month of the one and the whole of the other still fit into billionths.
MAX_HOURLY, MAX_AMOUNT = 10**6, 10**9
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One price as it is written in row `row` of the file, its names resolved. `kind` is size or disk_tier."""

    row: int
    kind: str
    sku: str
    region: str
    scenario: str
    operating_system: str
    unit: str
    unit_price: Decimal
    valid_from: date

    @property
    def key(self) -> tuple[object, ...]:
        """What two rows must not share."""
        return self.region, self.sku, self.scenario, self.operating_system, self.valid_from

    @property
    def amount(self) -> Decimal:
        """In the unit that catalogs use: the total of a reservation's term, an hour of a size, a month of a disk."""
        years = RESERVATIONS.get(self.scenario, 0)
        factors = {"hour": HOURS_A_YEAR * years, "month": 12 * years} if years else {}
        return self.unit_price * factors.get(self.unit, 1)


@dataclass(frozen=True)
class Sheet:
    """A sheet that may be stored."""

    currency: str
    rows: list[SheetRow]


@dataclass(frozen=True)
class Known:
    """What the current catalog knows. `sizes` and `tiers` map lower case to the name as it is.

    `region` resolves any name of a region, raising DomainError; `price` is the catalog's for a row that has no unit
    (kind, sku, region, scenario), in the sheet's currency, in the catalog's unit.
    """

    sizes: Mapping[str, str]
    tiers: Mapping[str, str]
    currencies: frozenset[str]
    region: Callable[[str], str]
    price: Callable[["SheetRow", str], Decimal | None]


class _RowError(Exception):
    """What is wrong with one cell."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code = column, code


def read_price_sheet(content: bytes, known: Known) -> Sheet:
    """The sheet in this file. Raises DomainError `invalid_price_sheet` naming each bad row and why (up to 100)."""
    reader = _Reader(known)
    for number, cells in _records(content):
        reader.add(number, cells)
    if not reader.rows and not reader.problems:
        raise _refusal([FieldProblem("csv", "empty", "The sheet has no rows below its header.")])
    if reader.problems:
        raise _refusal(reader.problems)
    return Sheet(currency=reader.currency, rows=reader.rows)


@dataclass
class _Reader:
    """Checks row after row; the first says the sheet's currency."""

    known: Known
    currency: str = ""
    rows: list[SheetRow] = field(default_factory=list)
    problems: list[FieldProblem] = field(default_factory=list)
    seen: dict[tuple[object, ...], int] = field(default_factory=dict)

    def add(self, number: int, cells: dict[str, str]) -> None:
        try:
            row = self._row(number, cells)
            first = self.seen.setdefault(row.key, number)
            if first != number:
                raise _RowError(
                    "size", "duplicate", f"the price of row {first} once more ({', '.join(map(str, row.key))})"
                )
        except _RowError as error:
            self.problems.append(FieldProblem(f"rows.{number}.{error.column}", error.code, f"Row {number}: {error}."))
        else:
            self.rows.append(row)

    def _row(self, number: int, cells: dict[str, str]) -> SheetRow:
        kind, sku = _sku(cells, self.known)
        scenario = _scenario(cells, kind)
        row = SheetRow(
            row=number,
            kind=kind,
            sku=sku,
            region=_region(cells, self.known),
            scenario=scenario,
            operating_system=_system(cells, kind, scenario),
            unit=_unit(cells, kind, scenario),
            unit_price=_price(cells),
            valid_from=_date(cells),
        )
        if row.amount >= (MAX_HOURLY if row.unit == "hour" and scenario not in RESERVATIONS else MAX_AMOUNT):
            raise _RowError("unit_price", "invalid_price", f"unit_price {row.unit_price} is larger than any price")
        self._check_currency(cells["currency"].upper())
        if not cells.get("unit"):
            self._check_plausible(row)
        return row

    def _check_currency(self, currency: str) -> None:
        if currency not in self.known.currencies:
            raise _RowError("currency", "unknown_currency", f"currency {currency!r} is not one that the catalog knows")
        self.currency = self.currency or currency
        if currency != self.currency:
            raise _RowError("currency", "other_currency", f"currency {currency}, the rows before have {self.currency}")

    def _check_plausible(self, row: SheetRow) -> None:
        listed = self.known.price(row, self.currency)
        if listed is None and row.scenario in RESERVATIONS:
            raise _RowError("unit", "unit_needed", "say with unit whether the price is for a term, a month or an hour")
        if listed is not None and not listed / PLAUSIBLE_FACTOR <= row.amount <= listed * PLAUSIBLE_FACTOR:
            raise _RowError(
                "unit_price",
                "implausible",
                f"{row.unit_price} a {row.unit} is far from the catalog's {listed:.4f}; say with unit what it is for",
            )


def _sku(cells: dict[str, str], known: Known) -> tuple[str, str]:
    given = {column: cells[column] for column in NAME_COLUMNS if cells.get(column)}
    if len(given) != 1:
        raise _RowError("size", "required", "name either a size or a disk tier")
    ((column, name),) = given.items()
    plain = name.lower()
    if size := known.sizes.get(plain) or known.sizes.get(f"standard_{plain}"):
        return "size", size
    if tier := known.tiers.get(plain.removesuffix(" lrs")):
        return "disk_tier", tier
    what = column.replace("_", " ")
    raise _RowError(column, f"unknown_{column}", f"{what} {name!r} is not in the catalog")


def _scenario(cells: dict[str, str], kind: str) -> str:
    scenario = cells["scenario"].lower()
    if scenario not in SCENARIOS:
        raise _RowError("scenario", "unknown_scenario", f"scenario {scenario!r} is none of {', '.join(SCENARIOS)}")
    if kind == "disk_tier" and scenario != "pay_as_you_go":
        raise _RowError("scenario", "not_for_disks", f"disks have no price for {scenario}: only pay_as_you_go")
    return scenario


def _region(cells: dict[str, str], known: Known) -> str:
    try:
        return known.region(cells["region"])
    except DomainError as error:
        raise _RowError(
            "region", "unknown_region", f"region {cells['region']!r} has no prices in the catalog"
        ) from error


def _system(cells: dict[str, str], kind: str, scenario: str) -> str:
    """Commitments and Dev/Test are prices of compute alone; Windows comes on top of them."""
    given = cells.get("os", "").lower()
    if given not in SYSTEMS:
        raise _RowError("os", "unknown_os", f"os {given!r} is neither linux nor windows")
    if kind == "disk_tier":
        return ""
    if given == "windows" and scenario != "pay_as_you_go":
        raise _RowError("os", "compute_alone", f"{scenario} is a price of compute alone: leave os empty")
    return SYSTEMS[given]


def _unit(cells: dict[str, str], kind: str, scenario: str) -> str:
    allowed = UNITS_OF_DISKS if kind == "disk_tier" else UNITS_OF_SIZES[scenario]
    unit = cells.get("unit", "").lower() or allowed[0]
    if unit not in allowed:
        what = "a disk tier" if kind == "disk_tier" else scenario
        raise _RowError("unit", "wrong_unit", f"unit {unit!r}: {what} is priced for {' or '.join(allowed)}")
    return unit


def _price(cells: dict[str, str]) -> Decimal:
    text = cells["unit_price"]
    if not NUMBER.fullmatch(text):
        raise _RowError("unit_price", "invalid_price", f"unit_price {text!r} is no number (1234.56)")
    price = Decimal(text)
    if price <= 0:
        raise _RowError("unit_price", "not_above_zero", f"unit_price {text} is not above zero")
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > MONEY_PLACES:
        raise _RowError("unit_price", "invalid_price", f"unit_price {text} has more than {MONEY_PLACES} decimals")
    return price


def _date(cells: dict[str, str]) -> date:
    text = cells["valid_from"]
    try:
        if ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _RowError("valid_from", "invalid_date", f"valid_from {text!r} is no date (2026-01-31)")


def _records(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number and cells by column, trimmed; rows without any text are passed over."""
    text = _text(content)
    delimiter = ";" if ";" in text.partition("\n")[0] and "," not in text.partition("\n")[0] else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] = []
    try:
        for number, cells in enumerate(lines, start=1):
            if number > MAX_ROWS + 1:
                raise _refusal([FieldProblem("csv", "too_many_rows", f"A sheet has at most {MAX_ROWS} rows.")])
            if number == 1:
                columns = _columns(cells)
            elif any(cell.strip() for cell in cells):
                yield number, _cells(number, columns, cells)
    except csv.Error as error:
        raise _refusal([FieldProblem("csv", "invalid_csv", f"Not CSV near line {lines.line_num}: {error}.")]) from error
    if not columns:
        raise _refusal([FieldProblem("csv", "empty", "The sheet is empty.")])


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise DomainError(
            code="body_too_large", status=413, detail=f"A price sheet has at most {MAX_BYTES} bytes. Split it."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise _refusal([FieldProblem(f"rows.{row}", "not_utf8", f"Row {row}: the text is not UTF-8.")]) from error
    if "\0" in text:
        row = text.partition("\0")[0].count("\n") + 1
        raise _refusal([FieldProblem(f"rows.{row}", "invalid_text", f"Row {row}: a NUL character.")])
    return text


def _columns(header: list[str]) -> list[str]:
    columns = [re.sub(r"[\s_-]+", "_", name.strip().lower()) for name in header]
    missing = [name for name in NEEDED if name not in columns]
    if not set(columns) & set(NAME_COLUMNS):
        missing = ["size", *missing]
    unknown = [name for name in columns if name not in (*NAME_COLUMNS, *NEEDED, *OPTIONAL)]
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    for code, names in (("missing_column", missing), ("unknown_column", unknown), ("doubled_column", doubled)):
        if names:
            told = f"Row 1: {code.replace('_', ' ')} {', '.join(name[:50] for name in names[:10])}."
            raise _refusal([FieldProblem("rows.1", code, told)])
    return columns


def _cells(number: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        told = f"Row {number}: {len(cells)} cells, the header has {len(columns)}."
        raise _refusal([FieldProblem(f"rows.{number}", "cell_count", told)])
    return {name: cell.strip()[:MAX_CELL_CHARACTERS] for name, cell in zip(columns, cells, strict=True)}


def _refusal(problems: list[FieldProblem]) -> DomainError:
    more = f" {len(problems) - 1} more rows are wrong." if len(problems) > 1 else ""
    return DomainError(
        code="invalid_price_sheet",
        detail=f"Nothing was stored. {problems[0].message}{more}",
        errors=problems[:MAX_FIELD_ERRORS],
    )
