"""A catalog that contradicts itself, or cannot be right, is refused with row and reason."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from assessments.catalog.catalog_file import (
    CatalogError,
    CurrencyRow,
    DiskPriceRow,
    DiskRuleRow,
    DiskTierRow,
    RegionRow,
)
from assessments.catalog.checks import check_tables
from tests.assessments.catalog.catalogs import make_price, make_size, make_tables

WEST = RegionRow(region="westeurope", display_name="West Europe", lists_sizes=True, aliases="weu")


def test_a_sound_catalog_passes() -> None:
    check_tables(make_tables())


def disk_price(**changes: Any) -> DiskPriceRow:
    given = {"region": "westeurope", "disk_type": "premium_ssd", "redundancy": "lrs", "tier": "P10"}
    return DiskPriceRow(**{**given, "component": "capacity", "price": Decimal(1), "source": 1, **changes})


def changed_rule(row: DiskRuleRow) -> DiskRuleRow:
    return msgspec.structs.replace(row, value="much")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"prices": [make_price(), make_price(linux_payg_hourly=Decimal("0.2"))]},
            r"prices\.csv, row 3: contradicts row 2",
        ),
        ({"prices": [make_price(), make_price()]}, r"prices\.csv, row 3: repeats row 2"),
        (
            {"prices": [make_price(linux_payg_hourly=Decimal(0))]},
            r"prices\.csv, row 2: linux_payg_hourly is 0: a price must be above zero",
        ),
        ({"prices": [make_price(windows_payg_hourly=Decimal("-0.1"))]}, r"prices\.csv, row 2: .* above zero"),
        ({"prices": [make_price(linux_payg_hourly=Decimal("NaN"))]}, r"row 2: linux_payg_hourly NaN is not an amount"),
        ({"prices": [make_price(linux_payg_hourly=Decimal("1e-11"))]}, r"row 2: .* is not an amount of money"),
        ({"prices": [make_price(linux_payg_hourly=Decimal("1e10"))]}, r"row 2: .* is not an amount of money"),
        ({"prices": [make_price(region="atlantis")]}, r"prices\.csv, row 2: unknown region 'atlantis'"),
        ({"prices": [make_price("Standard_D99")]}, r"prices\.csv, row 2: unknown size 'Standard_D99'"),
        ({"prices": [make_price(listed=None)]}, r"prices\.csv, row 2: listed must be given"),
        (
            {"prices": [make_price(linux_payg_source=None)]},
            r"row 2: linux_payg_hourly and linux_payg_source go together",
        ),
        ({"prices": [make_price(dev_test_since=date(2026, 7, 1))]}, r"row 2: dev_test_since without dev_test_hourly"),
        ({"prices": [make_price(linux_payg_source=7)]}, r"row 2: linux_payg_source 7 is not in sources\.csv"),
        ({"sizes": [make_size(memory_mb=None)]}, r"sizes\.csv, row 2: Standard_D2s_v5 has no memory"),
        ({"sizes": [make_size(memory_mb=0)]}, r"sizes\.csv, row 2: Standard_D2s_v5 has no memory"),
        ({"sizes": [make_size(vcpus=3)]}, r"sizes\.csv, row 2: Standard_D2s_v5 has 3 active of 2 vCPUs"),
        ({"sizes": [make_size(network_mbps=-1)]}, r"sizes\.csv, row 2: Standard_D2s_v5 has a negative limit"),
        (
            {"sizes": [make_size(initial_credits=60, max_credits=576)]},
            r"sizes\.csv, row 2: Standard_D2s_v5 has some terms of CPU credits, not all",
        ),
        (
            {"sizes": [make_size(initial_credits=60, credits_per_hour=-1, max_credits=576)]},
            r"sizes\.csv, row 2: Standard_D2s_v5 has negative CPU credits",
        ),
        (
            {"sizes": [make_size(), make_size(memory_mb=4096)]},
            r"sizes\.csv, row 3: contradicts row 2 \(Standard_D2s_v5\)",
        ),
        (
            {"regions": [RegionRow(region="weu", display_name="Other", lists_sizes=True), WEST], "prices": []},
            r"regions\.csv, row 3: 'weu' also names weu",
        ),
        (
            {
                "currencies": [
                    CurrencyRow(currency="EUR", units_per_usd=Decimal(0), rate_date=date(2026, 1, 1), source=1)
                ]
            },
            r"currencies\.csv, row 2: units_per_usd 0 is not a rate",
        ),
        (
            {
                "currencies": [
                    CurrencyRow(currency="USD", units_per_usd=Decimal(2), rate_date=date(2026, 1, 1), source=1)
                ]
            },
            r"currencies\.csv, row 2: USD must be 1",
        ),
        (
            {
                "disk_tiers": [
                    DiskTierRow(
                        tier="P10",
                        disk_type="premium_ssd",
                        redundancy="lrs",
                        size_gib=0,
                        iops=1,
                        mbps=Decimal(1),
                        source=1,
                    )
                ]
            },
            r"disk_tiers\.csv, row 2: P10 lacks size",
        ),
        ({"disk_prices": [disk_price(tier="P11")]}, r"disk_prices\.csv, row 2: unknown tier P11"),
        ({"disk_prices": [disk_price(region="atlantis")]}, r"disk_prices\.csv, row 2: unknown region"),
        ({"disk_prices": [disk_price(tier=None)]}, r"disk_prices\.csv, row 2: a capacity price needs a tier"),
        ({"disk_prices": [disk_price(price=Decimal(0))]}, r"disk_prices\.csv, row 2: price is 0"),
        ({"disk_rules": []}, r"disk_rules\.csv: premium_ssd_v2 max_size is missing"),
        (
            {"disk_rules": [make_tables().disk_rules[0], *(changed_rule(row) for row in make_tables().disk_rules[1:])]},
            r"disk_rules\.csv: premium_ssd_v2 max_size is 'much', no number above zero",
        ),
    ],
)
def test_a_catalog_that_cannot_be_right_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        check_tables(make_tables(**changes))
