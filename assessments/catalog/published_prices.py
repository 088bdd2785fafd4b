"""What a catalog says of the prices that a private sheet replaces: each row beside the published amount."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from assessments.catalog.models import Catalog, DiskPrice, PriceSheetRow, SkuPrice
from assessments.catalog.price_sheet import SheetRow
from assessments.catalog.selection import load_conversion

# The column that a row replaces, by scenario and operating system.
COLUMNS = {
    ("pay_as_you_go", "linux"): "linux_payg_hourly",
    ("pay_as_you_go", "windows"): "windows_payg_hourly",
    ("dev_test", "linux"): "dev_test_hourly",
    ("reservation_1y", "linux"): "reservation_1y_total",
    ("reservation_3y", "linux"): "reservation_3y_total",
    ("savings_plan_1y", "linux"): "savings_plan_1y_hourly",
    ("savings_plan_3y", "linux"): "savings_plan_3y_hourly",
}


@dataclass(frozen=True)
class Replaced:
    """A price of a sheet and the published one, both for what the catalog prices: an hour, a term, a month of a disk.

    `published` is None where the catalog has no such price.
    """

    own: Decimal
    published: Decimal | None

    @property
    def change_percent(self) -> Decimal | None:
        """How much dearer the sheet is; negative: cheaper."""
        return (self.own / self.published - 1) * 100 if self.published else None


def replaced_by(rows: Sequence[PriceSheetRow], catalog: Catalog, currency: str) -> dict[UUID, Replaced]:
    """What some rows of a sheet replace, by their ids, in the sheet's currency; two queries."""
    conversion = load_conversion(catalog, currency)
    rate = conversion.units_per_usd if conversion else Decimal(1)
    published = _published(rows, catalog)
    answer = {}
    for row in rows:
        amount = published.get((row.region, row.sku, row.scenario, row.operating_system))
        answer[row.id] = Replaced(own=_own(row), published=None if amount is None else amount * rate)
    return answer


def _own(row: PriceSheetRow) -> Decimal:
    names = ("row", "kind", "sku", "region", "scenario", "operating_system", "unit", "unit_price", "valid_from")
    return SheetRow(**{name: getattr(row, name) for name in names}).amount


def _published(rows: Sequence[PriceSheetRow], catalog: Catalog) -> Mapping[tuple[str, str, str, str], Decimal]:
    """Published amounts in US dollars by region, size or tier, scenario and operating system."""
    regions, names = {row.region for row in rows}, {row.sku for row in rows}
    found: dict[tuple[str, str, str, str], Decimal] = {}
    sizes = SkuPrice.objects.filter(catalog=catalog, region__in=regions, sku__name__in=names)
    for region, name, *amounts in sizes.values_list("region", "sku__name", *COLUMNS.values()):
        for (scenario, system), amount in zip(COLUMNS, amounts, strict=True):
            if amount is not None:
                found[region, name, scenario, system] = amount
    disks = DiskPrice.objects.filter(
        catalog=catalog, region__in=regions, tier__in=names, redundancy="lrs", component="capacity"
    )
    for region, tier, price in disks.values_list("region", "tier", "price"):
        found[region, str(tier), "pay_as_you_go", ""] = price
    return found
