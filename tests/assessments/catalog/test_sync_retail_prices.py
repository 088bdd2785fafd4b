"""What an item of the Retail Prices API is the price of: every trap of the real answers has its test."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from assessments.catalog.catalog_file import CatalogError
from assessments.catalog.retail_prices import MACHINES, STORAGE, PriceBook, price_filter
from tests.assessments.catalog.azure_api import disk, flexible_disks, machine, plans, reservation, windows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(*items: dict[str, Any]) -> PriceBook:
    book = PriceBook(now=NOW)
    book.add_page(json.dumps({"Items": items, "NextPageLink": None}).encode(), "page 1")
    return book


def prices(*items: dict[str, Any], size: str = "standard_d2s_v5") -> dict[str, Decimal]:
    """The prices found for one size in West Europe."""
    return {column: quote.price for column, quote in read(*items).sizes.get((size, "westeurope"), {}).items()}


def disk_prices(*items: dict[str, Any]) -> dict[tuple[str, str | None, str], Decimal]:
    return {(key[1], key[3], key[4]): quote.price for key, quote in read(*items).disks.items()}


def reasons(*items: dict[str, Any]) -> set[str]:
    return {reason for _, reason in read(*items).left_out}


def test_linux_and_windows_are_told_apart_by_the_end_of_the_product() -> None:
    linux_line = machine(price=0.5, armSkuName="Standard_L8as_v3", productName="Lasv3 Series Linux")
    windows_line = windows(price=0.9, armSkuName="Standard_L8as_v3", productName="Lasv3 Series Windows")
    found = prices(windows_line, linux_line, size="standard_l8as_v3")
    assert found == {"linux_payg_hourly": Decimal("0.5"), "windows_payg_hourly": Decimal("0.9")}


@pytest.mark.parametrize("product", ["Basv2 Series Cloud Services", "Easv5 Series CloudServices"])
def test_cloud_services_carry_the_same_names_at_the_price_of_windows(product: str) -> None:
    cloud_service = machine(price=0.207, productName=product)
    assert prices(cloud_service, machine(), cloud_service) == {"linux_payg_hourly": Decimal("0.115")}


@pytest.mark.parametrize("product", ["DSv3 Series Dedicated Host", "Ddsv5 Series DedicatedHost"])
def test_dedicated_hosts_are_no_sizes(product: str) -> None:
    assert prices(machine(price=4.2, productName=product)) == {}


@pytest.mark.parametrize("suffix", [" Spot", " Low Priority"])
@pytest.mark.parametrize("names", [("skuName",), ("meterName",), ("skuName", "meterName")])
def test_spot_and_low_priority_are_not_pay_as_you_go(suffix: str, names: tuple[str, ...]) -> None:
    item = machine(price=0.02, **dict.fromkeys(names, "D2s v5" + suffix))
    dev_test = {**item, "type": "DevTestConsumption", "productName": "Virtual Machines Dsv5 Series Windows"}
    assert prices(item, dev_test) == {}


def test_a_reservation_is_the_total_of_its_term_and_not_a_price_of_an_hour() -> None:
    found = prices(reservation("1 Year", 594.0), reservation("3 Years", 1148.0))
    assert found == {"reservation_1y_total": Decimal(594), "reservation_3y_total": Decimal(1148)}


@pytest.mark.parametrize("term", ["5 Years", "10 Years", None])
def test_only_terms_of_one_and_three_years_are_taken(term: str | None) -> None:
    assert prices(machine(price=10074.0, type="Reservation", reservationTerm=term)) == {}


def test_a_reservation_of_a_windows_line_is_not_compute_alone() -> None:
    assert prices(windows(price=900.0, type="Reservation", reservationTerm="1 Year")) == {}


def test_an_ended_price_gives_way_to_the_one_that_replaced_it() -> None:
    old = reservation("1 Year", 500.0, effectiveEndDate="2026-11-22T00:00:00Z")
    new = reservation("1 Year", 594.0, effectiveStartDate="2026-11-22T00:00:00Z")
    assert prices(new, old) == prices(old, new) == {"reservation_1y_total": Decimal(594)}


def test_a_price_that_begins_later_does_not_hold_yet() -> None:
    old = machine(price=0.115, effectiveEndDate="2026-12-01T00:00:00Z")
    new = machine(price=0.125, effectiveStartDate="2026-12-01T00:00:00Z")
    assert prices(old, new) == {"linux_payg_hourly": Decimal("0.115")}


def test_instants_without_a_zone_are_utc() -> None:
    assert prices(machine(effectiveEndDate="2026-11-22T11:59:59")) == {}
    assert prices(machine(effectiveEndDate="2026-11-22T12:00:01")) != {}


def test_a_price_of_zero_is_missing() -> None:
    assert prices(machine(price=0.0), windows()) == {"windows_payg_hourly": Decimal("0.207")}


def test_basic_sizes_have_a_name_of_their_own() -> None:
    basic = machine(price=0.018, armSkuName="Standard_A0", productName="Virtual Machines A Series Basic")
    basic_windows = {**basic, "productName": "Virtual Machines A Series Basic Windows", "retailPrice": 0.02}
    found = prices(basic, basic_windows, size="basic_a0")
    assert found == {"linux_payg_hourly": Decimal("0.018"), "windows_payg_hourly": Decimal("0.02")}
    assert prices(basic, size="standard_a0") == {}


def test_sizes_whose_meter_is_of_another_region_are_kept() -> None:
    found = prices(machine("E16s v3", 1.28, isPrimaryMeterRegion=False), size="standard_e16s_v3")
    assert found == {"linux_payg_hourly": Decimal("1.28")}


def test_dev_test_is_sold_on_the_windows_line_without_its_license() -> None:
    dev_test = windows(price=0.115, type="DevTestConsumption")
    assert prices(windows(), dev_test) == {
        "windows_payg_hourly": Decimal("0.207"),
        "dev_test_hourly": Decimal("0.115"),
    }


def test_savings_plans_are_prices_of_an_hour_in_the_item_of_linux() -> None:
    found = prices(machine(savingsPlan=plans(0.0789, 0.0533)), windows(savingsPlan=plans(0.17, 0.14)))
    assert (found["savings_plan_1y_hourly"], found["savings_plan_3y_hourly"]) == (Decimal("0.0789"), Decimal("0.0533"))


def test_a_size_without_savings_plans_has_none() -> None:
    assert prices(machine(savingsPlan=[])) == prices(machine()) == {"linux_payg_hourly": Decimal("0.115")}


def test_volume_tiers_other_units_and_unknown_types_are_left_out() -> None:
    odd = (machine(tierMinimumUnits=100.0), machine(unitOfMeasure="1 Month"), machine(type="Promotion"))
    assert prices(*odd) == {}
    assert reasons(*odd) == {"volume tier", "unit 1 Month", "type Promotion"}


@pytest.mark.parametrize("changes", [{"armRegionName": ""}, {"armRegionName": "Global"}, {"armSkuName": ""}])
def test_what_names_no_region_or_size_is_left_out(changes: dict[str, Any]) -> None:
    assert read(machine(**changes)).sizes == {}


def test_names_are_trimmed_and_matched_without_case() -> None:
    book = read(machine(armSkuName="Standard_D2s_v5 ", armRegionName="WestEurope"))
    assert list(book.sizes) == [("standard_d2s_v5", "westeurope")]
    assert book.names == {"standard_d2s_v5": "Standard_D2s_v5"}


def test_of_two_live_meters_the_later_or_else_the_dearer_holds_and_the_size_is_marked() -> None:
    later = machine(price=0.11, meterId="b", effectiveStartDate="2023-01-01T00:00:00Z")
    dearer = machine(price=0.12, meterId="c")
    for items in ((machine(), later), (later, machine())):
        assert prices(*items) == {"linux_payg_hourly": Decimal("0.11")}
    for items in ((machine(), dearer), (dearer, machine())):
        assert prices(*items) == {"linux_payg_hourly": Decimal("0.12")}
    assert read(machine(), dearer).doubled == {("standard_d2s_v5", "westeurope")}
    assert read(machine(), machine()).doubled == set()


def test_noise_of_binary_floats_is_rounded_away_and_small_prices_stay_exact() -> None:
    assert prices(machine(price=0.046000000000000006)) == {"linux_payg_hourly": Decimal("0.046")}
    (price,) = disk_prices(disk("Premium LRS Provisioned IOPS", 8e-06, "Azure Premium SSD v2", "1/Hour")).values()
    assert str(price) in ("0.000008", "8E-6")


# --- disks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "meter", "key"),
    [
        ("Standard HDD Managed Disks", "S10 LRS Disk", ("standard_hdd", "S10", "capacity")),
        ("Standard SSD Managed Disks", "E10 LRS Disk", ("standard_ssd", "E10", "capacity")),
        ("Premium SSD Managed Disks", "P10 LRS Disk", ("premium_ssd", "P10", "capacity")),
        ("Premium SSD Managed Disks", "P10 ZRS Disk", ("premium_ssd", "P10", "capacity")),
    ],
)
def test_the_meter_of_a_disk_is_its_tier_exactly(product: str, meter: str, key: tuple[str, str, str]) -> None:
    assert disk_prices(disk(meter, 21.68, product)) == {key: Decimal("21.68")}


@pytest.mark.parametrize(
    "item",
    [
        disk("P10 LRS Disk Mount", 1.17),
        disk("E10 LRS Disk Operations", 0.002, "Standard SSD Managed Disks", "10K"),
        disk("LRS Snapshots", 0.05, "Standard HDD Managed Disks", "1 GB/Month"),
        disk("LRS Burst Enablement", 24.5),
        disk("Confidential Compute Encryption LRS Provisioned Capacity", 3.5e-05, unit="1 GiB/Hour"),
        disk("Confidential Compute Encryption LRS Provisioned Capacity", 2.6e-05, "Azure Premium SSD v2", "1 GiB/Hour"),
        disk("Ultra LRS Reservation per vCPU Provisioned", 0.0078, "Ultra Disks", "1/Hour"),
        disk("P10 LRS Disk", 19.7, "Premium Page Blob"),
        disk("P30 LRS Disk", 1412.0, type="Reservation", reservationTerm="1 Year"),
        disk("E10 LRS Disk", 9.6, "Premium SSD Managed Disks"),
        disk(tierMinimumUnits=10.0),
    ],
)
def test_what_is_not_the_price_of_a_disk_is_not_taken_for_it(item: dict[str, Any]) -> None:
    assert disk_prices(item) == {}


def test_parts_of_freely_sized_disks_are_priced_beyond_what_capacity_includes() -> None:
    for items in (flexible_disks(), list(reversed(flexible_disks()))):
        found = disk_prices(*items)
        assert len(found) == 6
        assert found["premium_ssd_v2", None, "provisioned_iops"] == Decimal("0.000008")
        assert found["premium_ssd_v2", None, "provisioned_mbps"] == Decimal("0.000065")
        assert found["ultra", None, "provisioned_capacity"] == Decimal("0.00013")


def test_of_two_volumes_the_smaller_tells_the_price() -> None:
    usual = disk("Ultra LRS Provisioned IOPS", 6.8e-05, "Ultra Disks", "1/Hour")
    in_bulk = {
        **usual,
        "retailPrice": 7e-05,
        "tierMinimumUnits": 100_000.0,
        "effectiveStartDate": "2025-01-01T00:00:00Z",
    }
    for items in ((usual, in_bulk), (in_bulk, usual)):
        assert disk_prices(*items) == {("ultra", None, "provisioned_iops"): Decimal("0.000068")}


# --- answers that are not prices --------------------------------------------------------------------------------------


def test_prices_in_another_currency_are_refused_with_page_and_row() -> None:
    with pytest.raises(CatalogError, match=r"page 1, row 2: a price in 'EUR'"):
        read(machine(), machine(currencyCode="EUR"))


def test_a_price_below_zero_is_refused_with_page_and_row() -> None:
    with pytest.raises(CatalogError, match=r"page 1, row 1: D2s v5 costs -0\.1: below zero"):
        read(machine(price=-0.1))


@pytest.mark.parametrize(
    "body", [b'{"Items": [{"type": "Consumption"}]}', b'{"Items": [{"retailPrice": "cheap"}]}', b"[]"]
)
def test_items_of_another_shape_are_refused(body: bytes) -> None:
    with pytest.raises(CatalogError, match="page 7: another shape than the Retail Prices API has"):
        PriceBook(now=NOW).add_page(body, "page 7")


def test_the_filter_names_service_disks_and_regions() -> None:
    assert price_filter(MACHINES, []) == "serviceName eq 'Virtual Machines'"
    both = price_filter(STORAGE, ["westeurope", "eastus"])
    assert both.endswith(" and (armRegionName eq 'westeurope' or armRegionName eq 'eastus')")
    assert "productName eq 'Azure Premium SSD v2'" in both
