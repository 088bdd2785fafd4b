"""A tenant's price sheet laid over a region's catalog: its prices take the place of the published ones."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np

from assessments.catalog.models import PriceSheet, PriceSheetRow
from assessments.catalog.price_sheet import SheetRow
from assessments.engine import values as engine
from assessments.engine.costing import windows_license
from assessments.engine.fixed_point import BoolArray, billionths
from migrate_hub.errors import DomainError

# The engine's price of each scenario of a sheet.
SIZE_PRICES = {
    ("pay_as_you_go", "linux"): "linux",
    ("pay_as_you_go", "windows"): "windows",
    ("reservation_1y", "linux"): "reservation_1y_term",
    ("reservation_3y", "linux"): "reservation_3y_term",
    ("savings_plan_1y", "linux"): "savings_plan_1y",
    ("savings_plan_3y", "linux"): "savings_plan_3y",
    ("dev_test", "linux"): "dev_test",
}
MAX_BILLIONTHS = 2**62


def pinned_sheet(sheet_id: UUID) -> PriceSheet:
    """A sheet of the current tenant, also one deleted since: the runs that used it can be repeated."""
    sheet: PriceSheet | None = PriceSheet.objects.filter(pk=sheet_id).first()
    if sheet is None:
        raise DomainError(
            code="unknown_price_sheet", detail="There is no such price sheet. GET /api/v1/price-sheets/ lists them."
        )
    return sheet


def rows_in_force(sheet: PriceSheet, region: str, on: date) -> list[SheetRow]:
    """The rows of a region that hold on a day: of each price the one that began last. `row` names it in the file."""
    found = PriceSheetRow.objects.filter(sheet=sheet, region=region, valid_from__lte=on).order_by("valid_from")
    newest = {(row.sku, row.scenario, row.operating_system): row for row in found}
    return [
        SheetRow(
            row=row.row,
            kind=row.kind,
            sku=row.sku,
            region=row.region,
            scenario=row.scenario,
            operating_system=row.operating_system,
            unit=row.unit,
            unit_price=row.unit_price,
            valid_from=row.valid_from,
        )
        for row in newest.values()
    ]


def overlaid(
    catalog: engine.Catalog, rows: Iterable[SheetRow], convert: Callable[[Decimal], Decimal]
) -> engine.Catalog:
    """The catalog with the sheet's prices; `convert` makes an amount of the sheet one of the catalog's currency.

    Which sizes a region offers stays the catalog's word. A size of which the sheet prices only Linux costs, with
    Windows, the sheet's price and the license on top that the published prices tell, so the license stays what it is.
    It is the sheet's own, for commitments too, only where the sheet prices both: its Windows less a published Linux
    would be the license and the discount in one.
    """
    sizes = {name: index for index, name in enumerate(catalog.sizes.names)}
    tiers = {name: index for index, name in enumerate(catalog.disk_tiers.names)}
    columns: dict[str, dict[int, int]] = {name: {} for name in SIZE_PRICES.values()}
    of_tiers: dict[int, int] = {}
    for row in rows:
        amount = _billionths(convert(row.amount), row)
        if row.kind == "disk_tier" and row.sku in tiers:
            of_tiers[tiers[row.sku]] = amount
        elif row.kind == "size" and row.sku in sizes:
            columns[SIZE_PRICES[row.scenario, row.operating_system]][sizes[row.sku]] = amount
    given = {name: _replaced(getattr(catalog.prices, name), amounts) for name, amounts in columns.items()}
    prices = replace(catalog.prices, **given)
    only_linux = _mask(len(sizes), columns["linux"].keys() - columns["windows"].keys())
    only_windows = _mask(len(sizes), columns["windows"].keys() - columns["linux"].keys())
    both = _mask(len(sizes), columns["windows"].keys() & columns["linux"].keys())
    prices = replace(
        prices,
        windows=_with_license(catalog.prices, prices, only_linux),
        windows_licence=_licenses(catalog.prices, only_windows, both),
    )
    disk_tiers = replace(catalog.disk_tiers, monthly_price=_replaced(catalog.disk_tiers.monthly_price, of_tiers))
    return replace(catalog, prices=prices, disk_tiers=disk_tiers)


def _with_license(listed: engine.SizePrices, own: engine.SizePrices, rows: BoolArray) -> engine.KnownArray:
    """The prices with Windows; in these rows the own price of Linux with the published license on top."""
    license = windows_license(listed)
    values = np.where(rows, np.where(license.known, own.linux.values + license.values, 0), own.windows.values)
    return engine.KnownArray(values, np.where(rows, license.known, own.windows.known))


def _licenses(listed: engine.SizePrices, only_windows: BoolArray, both: BoolArray) -> engine.KnownArray:
    """As given; where only Windows is the sheet's own as published; where both are none, so that these two tell it."""
    given, license = listed.windows_licence, windows_license(listed)
    known = np.where(only_windows, license.known, given.known & ~both)
    values = np.where(only_windows, license.values, given.values)
    return engine.KnownArray(np.where(known, values, 0), known)


def _replaced(array: engine.KnownArray, amounts: Mapping[int, int]) -> engine.KnownArray:
    if not amounts:
        return array
    values, known = array.values.copy(), array.known.copy()
    rows = list(amounts)
    values[rows], known[rows] = list(amounts.values()), True
    return engine.KnownArray(values, known)


def _mask(count: int, rows: Iterable[int]) -> BoolArray:
    mask = np.zeros(count, dtype=np.bool_)
    mask[list(rows)] = True
    return mask


def _billionths(amount: Decimal, row: SheetRow) -> int:
    value = billionths(amount)
    if not 0 < value < MAX_BILLIONTHS:
        raise DomainError(
            code="price_out_of_range",
            detail=f"Row {row.row} of the price sheet is no amount in the assessment's currency. Choose another one.",
        )
    return value
