"""The catalog file in the project: sound, small, and free of the traps of its sources."""

from decimal import Decimal
from pathlib import Path

import pytest

from assessments.catalog.catalog_file import PriceRow, Snapshot, read_snapshot
from assessments.catalog.checks import PRICE_COLUMNS, check_tables

BUNDLED = Path(__file__).parents[3] / "assessments" / "catalog" / "snapshot" / "azure-2026-08.zip"


@pytest.fixture(scope="module")
def bundled() -> Snapshot:
    return read_snapshot(BUNDLED.read_bytes())


def price(bundled: Snapshot, size: str, region: str) -> PriceRow:
    return next(row for row in bundled.tables.prices if (row.size, row.region) == (size, region))


def test_it_is_small_and_passes_every_check(bundled: Snapshot) -> None:
    assert BUNDLED.stat().st_size < 1_500_000
    check_tables(bundled.tables)


def test_it_holds_the_published_price_of_a_common_size(bundled: Snapshot) -> None:
    row = price(bundled, "Standard_D4s_v5", "westeurope")
    assert (row.linux_payg_hourly, row.windows_payg_hourly) == (Decimal("0.23"), Decimal("0.414"))
    assert (row.reservation_1y_total, row.reservation_3y_total) == (Decimal(1243), Decimal(2388))


def test_windows_is_dearer_than_linux_wherever_both_are_known(bundled: Snapshot) -> None:
    """Cloud Services meters carry the Windows price without the word Windows; a parser that takes them is caught."""
    wrong = [
        (row.size, row.region)
        for row in bundled.tables.prices
        if row.linux_payg_hourly and row.windows_payg_hourly and row.windows_payg_hourly <= row.linux_payg_hourly
    ]
    assert wrong == []


def test_no_commitment_costs_more_than_pay_as_you_go(bundled: Snapshot) -> None:
    hours = {"reservation_1y_total": 8760, "reservation_3y_total": 26280}
    wrong = [
        (row.size, row.region, column)
        for row in bundled.tables.prices
        for column in PRICE_COLUMNS
        if column.startswith(("reservation", "savings"))
        and row.linux_payg_hourly
        and (getattr(row, column) or 0) > row.linux_payg_hourly * hours.get(column, 1)
    ]
    assert wrong == []


def test_constrained_sizes_have_their_active_vcpus(bundled: Snapshot) -> None:
    sizes = {row.size: row for row in bundled.tables.sizes}
    assert (sizes["Standard_E32-8s_v5"].vcpus, sizes["Standard_E32-8s_v5"].host_vcpus) == (8, 32)
    # The capability list repeats the parent's count here; only the name tells.
    assert (sizes["Standard_E96-24ds_v6"].vcpus, sizes["Standard_E96-24ds_v6"].host_vcpus) == (24, 96)


def test_arm_sizes_are_recognizable(bundled: Snapshot) -> None:
    architectures = {row.size: row.architecture for row in bundled.tables.sizes}
    assert architectures["Standard_D4ps_v5"] == "arm64"
    assert architectures["Standard_D4s_v5"] == "x64"


def test_a_throughput_in_the_wrong_unit_is_unknown_and_says_so(bundled: Snapshot) -> None:
    size = next(row for row in bundled.tables.sizes if row.size == "Standard_NC24rs_v3")
    assert size.uncached_mbps is None
    assert "1200000" in (size.note or "")


def test_the_lower_of_two_published_limits_is_taken(bundled: Snapshot) -> None:
    sizes = {row.size: row.uncached_mbps for row in bundled.tables.sizes}
    assert sizes["Standard_F72s_v2"] == 1100  # the API says 1,200
    assert sizes["Standard_E80is_v4"] == 1200  # the documentation says 1,500


def test_reservations_that_are_no_longer_sold_are_not_there(bundled: Snapshot) -> None:
    row = price(bundled, "Standard_D4s_v3", "polandcentral")
    assert row.linux_payg_hourly
    assert row.reservation_1y_total is row.reservation_3y_total is None


def test_a_price_out_of_line_keeps_its_warning(bundled: Snapshot) -> None:
    assert "OUTLIER" in (price(bundled, "Standard_F2ams_v6", "newzealandnorth").note or "")


def test_each_currency_has_the_date_of_its_rate(bundled: Snapshot) -> None:
    rates = {row.currency: row for row in bundled.tables.currencies}
    assert rates["EUR"].rate_date.isoformat() == "2026-01-26"
    assert rates["AUD"].rate_date.isoformat() == "2026-08-01"
    assert "TRY" not in rates  # only an outdated conversion field was published


def test_every_series_is_considered_by_a_name_people_know(bundled: Snapshot) -> None:
    series = {row.series for row in bundled.tables.sizes}
    assert {"dsv3", "dv2", "dsv2", "fs", "fsv2", "ev3", "esv5", "easv4", "ebdsv5", "m", "mv2", "msv2", "av2"} <= series


def test_disks_of_every_type_are_priced_where_the_source_is_complete(bundled: Snapshot) -> None:
    priced = {row.disk_type for row in bundled.tables.disk_prices if row.region == "westeurope"}
    assert priced == {"standard_hdd", "standard_ssd", "premium_ssd", "premium_ssd_v2", "ultra"}
