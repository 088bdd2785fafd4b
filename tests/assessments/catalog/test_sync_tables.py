"""What a new catalog takes from the APIs and what it takes over; which differences a person must see first. Pure."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from assessments.catalog.catalog_file import CatalogError, PriceRow, SizeRow, SourceRow, Tables
from assessments.catalog.checks import SINCE_COLUMNS, check_tables
from assessments.catalog.resource_skus import SkuBook
from assessments.catalog.retail_prices import PriceBook
from assessments.catalog.sync_comparison import Comparison, compare
from assessments.catalog.sync_tables import NewCatalog, Read, build_tables, new_source
from tests.assessments.catalog.azure_api import (
    disk,
    flexible_disks,
    machine,
    plans,
    reservation,
    same_prices,
    same_skus,
    sku,
    windows,
)
from tests.assessments.catalog.catalogs import make_price, make_size, make_tables

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = make_tables()


def build(
    *items: dict[str, Any],
    old: Tables = SMALL,
    skus: list[dict[str, Any]] | None = None,
    regions: frozenset[str] = frozenset(),
) -> NewCatalog:
    """The catalog made of these items, checked."""
    prices = PriceBook(now=NOW)
    prices.add_page(json.dumps({"Items": items}).encode(), "machines, page 1")
    book = SkuBook() if skus is not None else None
    if book is not None:
        book.add_page(json.dumps(skus).encode(), "skus.json")
    read = Read(
        prices=prices,
        price_source=new_source(old, 1, mark="RP", title="Retail Prices API, test", dated="2026-11-22"),
        skus=book,
        sku_source=new_source(old, 2, mark="RS", title="Resource SKUs API, test", dated="2026-11-20") if book else None,
        regions=regions,
        taken_from="Test prices",
    )
    new = build_tables(old, read)
    check_tables(new.tables)
    return new


def price(new: NewCatalog, size: str = "Standard_D2s_v5", region: str = "westeurope") -> PriceRow:
    return next(row for row in new.tables.prices if (row.size, row.region) == (size, region))


def size_row(new: NewCatalog, size: str = "Standard_D2s_v5") -> SizeRow:
    return next(row for row in new.tables.sizes if row.size == size)


def difference(*items: dict[str, Any], old: Tables = SMALL, percent: int = 25, **changes: Any) -> Comparison:
    return compare(old, build(*items, old=old, **changes).tables, max_move_percent=Decimal(percent))


# --- prices -----------------------------------------------------------------------------------------------------------


def test_the_same_answer_makes_the_same_prices_with_the_new_source() -> None:
    new = build(*same_prices())
    assert {(row.region, row.size, row.linux_payg_hourly, row.windows_payg_hourly) for row in new.tables.prices} == {
        (row.region, row.size, row.linux_payg_hourly, row.windows_payg_hourly) for row in SMALL.prices
    }
    assert price(new).linux_payg_source == price(new).windows_payg_source == 2
    assert [row.mark for row in new.tables.sources] == ["T", "RP"]


def test_every_column_is_filled_from_its_items() -> None:
    items = [
        machine(savingsPlan=plans(0.08, 0.05)),
        windows(),
        windows(price=0.114, type="DevTestConsumption"),
        reservation("1 Year", 594.0),
        reservation("3 Years", 1148.0),
    ]
    row = price(build(*items))
    since: dict[str, Any] = dict.fromkeys(SINCE_COLUMNS.values(), date(2022, 3, 1))
    assert msgspec.structs.asdict(row) | {"note": None} == msgspec.structs.asdict(
        make_price(
            listed=True,
            linux_payg_source=2,
            windows_payg_source=2,
            dev_test_hourly=Decimal("0.114"),
            dev_test_source=2,
            reservation_1y_total=Decimal(594),
            reservation_1y_source=2,
            reservation_3y_total=Decimal(1148),
            reservation_3y_source=2,
            savings_plan_1y_hourly=Decimal("0.08"),
            savings_plan_1y_source=2,
            savings_plan_3y_hourly=Decimal("0.05"),
            savings_plan_3y_source=2,
            **since,
        )
    )


def test_each_price_keeps_the_day_since_which_its_meter_holds() -> None:
    new = build(
        machine(effectiveStartDate="2026-07-01T00:00:00Z"),
        windows(effectiveStartDate=None),
        disk(effectiveStartDate="2026-08-01T00:00:00Z"),
    )
    assert (price(new).linux_payg_since, price(new).windows_payg_since) == (date(2026, 7, 1), None)
    assert {row.since for row in new.tables.disk_prices if row.tier == "P10"} == {date(2026, 8, 1)}


def test_a_commitment_that_is_no_longer_sold_disappears() -> None:
    old = make_tables(prices=[make_price(reservation_1y_total=Decimal(594), reservation_1y_source=1)])
    assert price(build(*same_prices(), old=old)).reservation_1y_total is None


def test_regions_that_were_not_asked_for_stay_as_they_were() -> None:
    new = build(machine(region="jioindiawest", price=0.12), regions=frozenset({"jioindiawest"}))
    assert [row for row in new.tables.prices if row.region == "westeurope"] == SMALL.prices[:2]
    assert [row for row in new.tables.disk_prices if row.region == "westeurope"] == sorted(
        SMALL.disk_prices, key=lambda row: (row.disk_type, row.component)
    )
    assert price(new, region="jioindiawest").linux_payg_hourly == Decimal("0.12")
    assert {left.what for left in new.taken_over} >= {
        "prices of machines in regions not asked for",
        "prices of disks in regions not asked for",
    }


def test_a_server_that_ignores_the_filter_changes_nothing_else() -> None:
    new = build(machine(price=9.9), machine(region="jioindiawest"), regions=frozenset({"jioindiawest"}))
    assert price(new).linux_payg_hourly == Decimal("0.115")
    assert ("prices of machines", "of a region that was not asked for", 1) in {
        (left.what, left.reason, left.rows) for left in new.left_out
    }


def test_prices_of_sizes_without_facts_are_counted_and_left_out() -> None:
    new = build(*same_prices(), machine("X9s v9", 1.0, savingsPlan=plans(0.8, 0.7)))
    assert all(row.size != "Standard_X9s_v9" for row in new.tables.prices)
    assert ("no facts about the size (vCPUs, memory) are held", 3) in {
        (left.reason, left.rows) for left in new.left_out
    }


def test_a_new_region_is_called_as_the_api_calls_it() -> None:
    new = build(*same_prices(), machine(region="newland"))
    region = next(row for row in new.tables.regions if row.region == "newland")
    assert (region.display_name, region.aliases, region.lists_sizes) == ("NL New", "nl new", False)
    assert price(new, region="newland").listed is None


def test_a_region_keeps_its_names() -> None:
    region = next(row for row in build(*same_prices()).tables.regions if row.region == "westeurope")
    assert (region.display_name, region.aliases, region.lists_sizes) == ("West Europe", "eu west|weu", True)


def test_two_live_meters_leave_a_note_on_the_row() -> None:
    new = build(*same_prices(), machine(price=0.12, meterId="other"))
    assert "two live meters" in (price(new).note or "")
    assert price(new, "Standard_D4s_v5").note is None


def test_a_size_that_is_priced_but_not_on_the_regions_list_is_not_offered() -> None:
    old = make_tables(prices=[make_price()])
    assert price(build(*same_prices(), old=old), "Standard_D4s_v5").listed is False


def test_a_listed_size_without_a_price_stays_listed() -> None:
    new = build(machine(), windows(), regions=frozenset({"westeurope"}))
    row = price(new, "Standard_D4s_v5")
    assert (row.listed, row.linux_payg_hourly) == (True, None)


def test_the_windows_license_follows_from_the_prices() -> None:
    north = [machine(region="newland"), windows(price=0.217, region="newland")]
    row = size_row(build(*same_prices(), *north))
    assert (row.windows_license_min_hourly, row.windows_license_max_hourly) == (Decimal("0.092"), Decimal("0.102"))
    assert (row.windows_license_hourly, row.windows_license_regions) == (Decimal("0.092"), 2)


def test_disks_of_unknown_tiers_are_left_out_and_lost_ones_disappear() -> None:
    new = build(machine(), disk("P99 LRS Disk"), *flexible_disks())
    assert {row.tier for row in new.tables.disk_prices} == {None}
    assert ("prices of storage", "no facts about the tier are held") in {
        (left.what, left.reason) for left in new.left_out
    }


def test_sources_nobody_names_any_more_are_dropped() -> None:
    old = make_tables(
        sources=[*SMALL.sources, SourceRow(source=7, mark="O", title="old", dated="2020", license="none")],
        prices=[make_price(linux_payg_source=7, windows_payg_source=7)],
    )
    assert {row.source for row in build(*same_prices(), old=old).tables.sources} == {1, 8}


def test_what_the_apis_do_not_tell_is_counted_as_taken_over() -> None:
    told = {left.what: left.rows for left in build(*same_prices()).taken_over}
    assert told == {
        "currency rates": 2,
        "rules of disk types": 17,
        "disk tiers": 1,
        "facts about sizes": 2,
        "network Mb/s of sizes": 2,
        "regions' lists of sizes": 1,
    }


# --- facts about sizes ------------------------------------------------------------------------------------------------


def test_facts_of_a_known_size_are_renewed_and_what_the_api_lacks_is_kept() -> None:
    told = sku(MaxDataDiskCount="8", HyperVGenerations="V2")
    row = size_row(build(*same_prices(), skus=[told, *same_skus()[1:]]))
    assert (row.max_data_disks, row.hyperv_generations, row.core_source, row.limits_source) == (8, "V2", 3, 3)
    assert (row.network_mbps, row.series) == (12500, "dsv5")


def test_a_new_size_comes_with_its_facts_and_series() -> None:
    new_size = sku("Standard_E32-8s_v6", vCPUs="32", vCPUsAvailable="8", MemoryGB="256", UncachedDiskIOPS="0")
    row = size_row(
        build(*same_prices(), machine("E32-8s v6", 2.0), skus=[*same_skus(), new_size]), "Standard_E32-8s_v6"
    )
    assert (row.series, row.vcpus, row.host_vcpus, row.memory_mb) == ("esv6", 8, 32, 262144)
    assert (row.uncached_iops, row.network_mbps, row.ultra_ssd) == (None, None, "unsupported")


def test_a_list_of_a_region_replaces_the_old_one() -> None:
    new = build(*same_prices(), skus=[sku(), sku("Standard_D4s_v5", "jioindiawest", vCPUs="4", MemoryGB="16")])
    listed = {(row.region, row.size): row.listed for row in new.tables.prices}
    assert listed == {
        ("westeurope", "Standard_D2s_v5"): True,
        ("westeurope", "Standard_D4s_v5"): False,
        ("jioindiawest", "Standard_D2s_v5"): False,
        ("jioindiawest", "Standard_D4s_v5"): True,
    }
    assert price(new).zones == "1 2 3"


def test_documentation_that_names_a_lower_limit_is_kept_with_its_source() -> None:
    old = make_tables(sizes=[make_size(limits_source=1), make_size("Standard_D4s_v5", vcpus=4, host_vcpus=4)])
    told = sku(UncachedDiskIOPS="4000", UncachedDiskBytesPerSecond="80000000")
    row = size_row(build(*same_prices(), old=old, skus=[told]))
    assert (row.uncached_iops, row.uncached_mbps, row.limits_source) == (3750, Decimal(80), 1)


def test_an_older_answer_of_the_same_api_is_replaced_also_by_higher_limits() -> None:
    source = SourceRow(source=2, mark="S2", title="Resource SKUs API as kept by others", dated="2023", license="MIT")
    old = make_tables(sources=[*SMALL.sources, source], sizes=[make_size(limits_source=2)], prices=[make_price()])
    row = size_row(build(*same_prices(), old=old, skus=[sku(UncachedDiskIOPS="4000")]))
    assert (row.uncached_iops, row.limits_source) == (4000, 4)


def test_an_implausible_throughput_keeps_the_known_one() -> None:
    new = build(*same_prices(), skus=[sku(UncachedDiskBytesPerSecond="1200000000000")])
    assert size_row(new).uncached_mbps == Decimal(85)
    assert "uncached MB/s of a size" in {left.what for left in new.left_out}


def test_a_size_without_memory_is_refused() -> None:
    with pytest.raises(CatalogError, match=r"sizes\.csv, row 2: Standard_D2s_v5 has no memory"):
        build(*same_prices(), skus=[sku(MemoryGB=None)])


def test_disk_tiers_are_renewed_from_the_api() -> None:
    told = [{"name": name, "value": value} for name, value in (("MaxSizeGiB", "128"), ("MaxIOps", "550"))]
    told.append({"name": "MaxBandwidthMBps", "value": "110"})
    tier = {**sku("Premium_LRS"), "resourceType": "disks", "size": "P10", "capabilities": told}
    row = build(*same_prices(), skus=[*same_skus(), tier]).tables.disk_tiers[0]
    assert (row.tier, row.iops, row.mbps, row.source) == ("P10", 550, Decimal(110), 3)


# --- the difference ---------------------------------------------------------------------------------------------------


def test_the_same_prices_are_no_difference() -> None:
    found = difference(*same_prices())
    assert (found.prices_compared, found.prices_changed, found.prices_vanished, found.reasons) == (12, 0, 0, [])


@pytest.mark.parametrize(("new", "stopped"), [(0.14375, False), (0.14376, True), (0.08625, False), (0.0862, True)])
def test_a_price_that_moved_more_than_the_share_is_a_reason(new: float, stopped: bool) -> None:
    found = difference(machine(price=new), *same_prices()[1:])
    assert found.prices_changed == 1
    assert bool(found.moved) is stopped
    assert any("prices moved more than 25 %" in reason for reason in found.reasons) is stopped


def test_the_move_of_a_disk_is_seen_as_well() -> None:
    found = difference(disk(price=30.0), *[item for item in same_prices() if item["meterName"] != "P10 LRS Disk"])
    assert [(move.of, move.price, move.percent) for move in found.moved] == [
        ("premium_ssd P10", "lrs capacity", Decimal("38.38"))
    ]


def test_sizes_and_regions_that_vanished_are_reasons() -> None:
    gone = [
        item for item in same_prices() if item["armRegionName"] != "jioindiawest" and "D4s" not in item["meterName"]
    ]
    found = difference(*gone)
    assert (found.vanished_sizes, found.vanished_regions) == (["Standard_D4s_v5"], ["jioindiawest"])
    assert "1 sizes vanished: Standard_D4s_v5" in found.reasons
    assert "1 regions vanished: jioindiawest" in found.reasons
    assert "westeurope lost 1 of 2 sizes" in found.reasons


def test_a_size_that_left_the_list_of_its_only_region_has_vanished() -> None:
    assert difference(*same_prices(), skus=[sku()]).vanished_sizes == ["Standard_D4s_v5"]


def test_a_kind_of_price_that_a_region_lost_altogether_is_a_reason() -> None:
    old = make_tables(
        prices=[
            make_price(savings_plan_1y_hourly=Decimal("0.08"), savings_plan_1y_source=1),
            make_price("Standard_D4s_v5"),
        ]
    )
    lost = "westeurope lost all 1 prices of the kind savings_plan_1y_hourly"
    assert lost in difference(*same_prices(), old=old).reasons
    assert lost not in difference(machine(savingsPlan=plans(0.08, 0.05)), *same_prices(), old=old).reasons


@pytest.mark.parametrize(
    ("total", "odd"), [(594.0, False), (1007.0, False), (1008.0, True), (100.0, True), (0.068, True)]
)
def test_a_commitment_out_of_all_proportion_is_a_reason(total: float, odd: bool) -> None:
    found = difference(*same_prices(), reservation("1 Year", total))
    assert any("commitments cost more than pay-as-you-go" in reason for reason in found.reasons) is odd


def test_new_sizes_and_regions_are_no_reason() -> None:
    found = difference(*same_prices(), machine(region="newland"), skus=[*same_skus(), sku("Standard_D8s_v5")])
    assert (found.added_regions, found.reasons) == (["newland"], [])


def test_long_lists_are_cut_in_words_and_whole_in_figures() -> None:
    items = [machine(f"D{number}s v5", 0.1) for number in range(1, 60)]
    old_sizes = [make_size(f"Standard_D{number}s_v5") for number in range(1, 60)]
    old_prices = [make_price(row.size, linux_payg_hourly=Decimal("0.5")) for row in old_sizes]
    found = difference(*items, *flexible_disks(), old=make_tables(sizes=old_sizes, prices=old_prices))
    assert len(found.moved) == 59
    assert any(reason.endswith("and 39 more") for reason in found.reasons)
