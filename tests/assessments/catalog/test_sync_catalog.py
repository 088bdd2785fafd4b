"""manage.py sync_catalog against a real server: a new catalog that is current, or a reason and nothing changed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.management import CommandError, call_command

from assessments.catalog.catalog_file import PriceRow, Tables, read_snapshot
from assessments.catalog.loading import load_catalog
from assessments.catalog.models import Catalog, CatalogSource, DiskPrice, Sku, SkuPrice
from assessments.catalog.selection import load_region
from assessments.catalog.sync_current import stored_tables
from tests import make
from tests.assessments.catalog.azure_api import (
    AzureApi,
    Fault,
    azure_api,
    disk,
    machine,
    plans,
    reservation,
    same_prices,
    same_skus,
    sku,
    windows,
)
from tests.assessments.catalog.catalogs import make_file
from tests.conftest import PROJECT_DIR, wait_until

PATIENCE = ("--timeout", "0.5", "--pause", "0.01")
BUNDLED = PROJECT_DIR / "assessments" / "catalog" / "snapshot" / "azure-2026-08.zip"
TODAY = datetime.now(UTC).date()


def make_only_current(catalog: Catalog) -> None:
    Catalog.objects.using("owner").filter(is_current=True).update(is_current=False)
    Catalog.objects.using("owner").filter(pk=catalog.pk).update(is_current=True)


@pytest.fixture
def small(catalog: None) -> Iterator[Catalog]:
    """A small catalog of its own is current; afterwards the bundled one is again, with which other tests assess."""
    before = Catalog.objects.get(is_current=True)
    own = load_catalog(make_file(name=f"Small {uuid4()}", as_of=date(2020, 1, 1)))[0]
    make_only_current(own)
    yield own
    make_only_current(before)


@pytest.fixture
def api() -> Iterator[AzureApi]:
    """A server that answers what the small catalog says."""
    with azure_api() as running:
        yield running


class Sync:
    """The command against one server, with one spool; the JSON it prints."""

    def __init__(self, api: AzureApi, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.api, self.spool, self.capsys = api, spool, capsys

    def __call__(self, *arguments: str) -> dict[str, Any]:
        call_command("sync_catalog", *self.arguments(*arguments))
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return result

    def refused(self, reason: str, *arguments: str) -> dict[str, Any]:
        """Stored, but not current."""
        with pytest.raises(CommandError, match=reason) as refusal:
            call_command("sync_catalog", *self.arguments(*arguments))
        assert refusal.value.returncode == 2
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        assert not result["is_current"]
        return result

    def fails(self, reason: str, *arguments: str) -> None:
        """Nothing stored, nothing changed."""
        before = Catalog.objects.count(), Catalog.objects.get(is_current=True).pk
        with pytest.raises(CommandError, match=reason):
            call_command("sync_catalog", *self.arguments(*arguments))
        assert (Catalog.objects.count(), Catalog.objects.get(is_current=True).pk) == before

    def arguments(self, *more: str) -> list[str]:
        return ["--prices-url", self.api.prices_url, "--spool", str(self.spool), "--json", *PATIENCE, *more]


@pytest.fixture
def sync(small: Catalog, api: AzureApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sync:
    return Sync(api, tmp_path / "spool", capsys)


def price_of(catalog_id: str, size: str = "Standard_D2s_v5", region: str = "westeurope") -> SkuPrice:
    return SkuPrice.objects.get(catalog__pk=catalog_id, sku__name=size, region=region)


# --- what becomes current ---------------------------------------------------------------------------------------------


def test_a_new_catalog_is_current_and_prices_machines(sync: Sync) -> None:
    sync.api.items = [
        machine(price=0.12, savingsPlan=plans(0.08, 0.05)),
        *same_prices()[1:],
        reservation("1 Year", 594.0),
        windows(price=0.12, type="DevTestConsumption"),
    ]
    outcome = sync()
    catalog = Catalog.objects.get(is_current=True)
    assert (str(catalog.pk), catalog.as_of) == (outcome["catalog"], TODAY)
    prices = load_region(catalog, "West Europe", "USD").prices
    assert (prices.linux.number(0), prices.reservation_1y_term.number(0)) == (120_000_000, 594_000_000_000)
    assert (prices.savings_plan_1y.number(0), prices.dev_test.number(0)) == (80_000_000, 120_000_000)


def test_figures_name_the_api_and_the_day_and_the_manifest_what_was_taken_over(sync: Sync, small: Catalog) -> None:
    catalog = Catalog.objects.get(pk=sync()["catalog"])
    source = CatalogSource.objects.get(catalog=catalog, number=price_of(str(catalog.pk)).linux_payg_source or 0)
    assert (source.title, source.dated) == ("Retail Prices API, 127.0.0.1", TODAY.isoformat())
    assert catalog.manifest["inputs"][small.name] == small.sha256
    rita = make.cast().rita
    detail = rita.ok(rita.get(f"catalogs/{catalog.pk}/"))
    assert {entry["what"] for entry in detail["taken_over"]} >= {"currency rates", "rules of disk types"}
    assert rita.ok(rita.get(f"catalogs/{small.pk}/"))["taken_over"] == []


def test_disks_are_priced_with_those_that_are_freely_sized(sync: Sync) -> None:
    catalog = Catalog.objects.get(pk=sync()["catalog"])
    region = load_region(catalog, "westeurope", "USD")
    assert region.disk_tiers.monthly_price.number(0) == 21_680_000_000
    assert region.premium_v2 is not None
    assert region.premium_v2.iops_hour == 8000
    assert region.ultra is not None


def test_pages_are_asked_for_one_at_a_time_and_counted(sync: Sync) -> None:
    outcome = sync()
    assert (outcome["pages_fetched"], outcome["pages_kept"], outcome["items"]) == (5, 0, 14)
    assert sync.api.asked == [("machines", 0), ("machines", 3), ("disks", 0), ("disks", 3), ("disks", 6)]
    assert sync.api.most_in_flight == 1


def test_a_saved_list_of_sizes_renews_facts(sync: Sync, tmp_path: Path) -> None:
    saved = tmp_path / "skus.json"
    saved.write_text(json.dumps([sku(MaxDataDiskCount="8"), *same_skus()[1:]]))
    size = Sku.objects.get(catalog=sync("--skus", str(saved))["catalog"], name="Standard_D2s_v5")
    assert (size.max_data_disks, size.network_mbps) == (8, 12500)
    source = CatalogSource.objects.get(catalog=size.catalog, number=size.core_source)
    assert source.title == "Resource SKUs API, saved as skus.json"


def test_the_resource_skus_api_is_asked_with_the_token_of_the_environment(
    sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_ACCESS_TOKEN", "secret-of-the-operator")
    sync.api.page_size = 1
    sync.api.skus = [*same_skus(), sku("Standard_D8s_v5", vCPUs="8", vCPUsAvailable="8", MemoryGB="32")]
    sync.api.items.append(machine("D8s v5", 0.46))
    outcome = sync("--skus", sync.api.skus_url)
    assert outcome["comparison"]["added_sizes"] == ["Standard_D8s_v5"]
    assert sync.api.tokens == {None, "Bearer secret-of-the-operator"}
    assert [answer for answer, _ in sync.api.asked].count("skus") == 3


def test_only_the_regions_asked_for_are_fetched_and_the_others_kept(sync: Sync) -> None:
    sync.api.items = [machine(region="jioindiawest", price=0.12), machine(price=9.9)]
    outcome = sync("--region", "Jio India West")
    assert sync.api.asked == [("machines", 0), ("disks", 0)]
    assert price_of(outcome["catalog"], region="jioindiawest").linux_payg_hourly == Decimal("0.12")
    assert price_of(outcome["catalog"]).linux_payg_hourly == Decimal("0.115")
    assert DiskPrice.objects.filter(catalog=outcome["catalog"], region="westeurope").count() == 7


def test_a_region_that_is_new_can_be_asked_for(sync: Sync) -> None:
    sync.api.items.append(machine(region="newland"))
    assert sync("--region", "newland")["comparison"]["added_regions"] == ["newland"]


def test_the_same_prices_twice_a_day_are_one_catalog(sync: Sync) -> None:
    first = sync()
    again = sync()
    assert again["is_new"] is True  # made from the first, which it names
    assert (again["rows"], again["comparison"]["prices_changed"]) == (first["rows"], 0)


def test_the_bundled_catalog_reads_back_as_the_tables_it_was_loaded_from(catalog: None) -> None:
    written, read = read_snapshot(BUNDLED.read_bytes()).tables, stored_tables(Catalog.objects.get(as_of="2026-08-22"))
    for name in written.__struct_fields__:
        assert rows_of(read, name) == rows_of(written, name), name


def rows_of(tables: Tables, name: str) -> set[tuple[Any, ...]]:
    """The rows of a table, whatever their order; 0.10 and 0.1 are the same price."""
    return {msgspec.structs.astuple(row) for row in getattr(tables, name)}


def test_what_the_bundled_catalog_says_of_a_region_comes_back_through_the_api(
    catalog: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundled = Catalog.objects.get(is_current=True)
    tables = read_snapshot(BUNDLED.read_bytes()).tables
    items = items_of(tables, "westeurope")
    with azure_api(items=items, page_size=1000) as api:
        outcome = Sync(api, tmp_path, capsys)("--region", "westeurope", "--dry-run")
    comparison = outcome["comparison"]
    assert (outcome["items"], outcome["pages_fetched"]) == (len(items), -(-len(items) // 1000) + 1)
    assert (comparison["prices_changed"], comparison["prices_added"]) == (0, 0)
    assert comparison["prices_vanished"] == plans_without_their_item(tables, "westeurope") == 1
    assert comparison["prices_compared"] > 100_000
    assert (comparison["reasons"], outcome["compared_with"]) == ([], bundled.name)


def plans_without_their_item(tables: Tables, region: str) -> int:
    """Savings plans that were published apart, of sizes whose pay-as-you-go price is not known."""
    rows = [row for row in tables.prices if row.region == region and row.linux_payg_hourly is None]
    return sum(price is not None for row in rows for price in (row.savings_plan_1y_hourly, row.savings_plan_3y_hourly))


def items_of(tables: Tables, region: str) -> list[dict[str, Any]]:
    """A region's prices of machines and disks as items, with spot prices and Cloud Services among them."""
    items: list[dict[str, Any]] = []
    for row in tables.prices:
        if row.region == region:
            items += items_of_size(row)
    named = {"premium_ssd": "Premium SSD", "standard_ssd": "Standard SSD", "standard_hdd": "Standard HDD"}
    for price in tables.disk_prices:
        if price.region == region and price.tier:
            meter = f"{price.tier} {price.redundancy.upper()} Disk"
            items.append(disk(meter, float(price.price), f"{named[price.disk_type]} Managed Disks"))
    return items + flexible_disks_of(tables, region)


def items_of_size(row: PriceRow) -> list[dict[str, Any]]:
    tier, _, name = row.size.partition("_")
    product = f"Virtual Machines {name} Series" + (" Basic" if tier == "Basic" else "")
    changes = {"armSkuName": f"Standard_{name}", "productName": product, "isPrimaryMeterRegion": len(name) % 2 == 0}
    savings = {
        term: getattr(row, f"savings_plan_{years}_hourly")
        for term, years in (("1 Year", "1y"), ("3 Years", "3y"))
        if getattr(row, f"savings_plan_{years}_hourly") is not None
    }
    listed = [{"term": term, "retailPrice": float(price), "unitPrice": float(price)} for term, price in savings.items()]
    items = []
    if row.linux_payg_hourly is not None:
        linux = machine(name, float(row.linux_payg_hourly), row.region, **changes, savingsPlan=listed)
        spot = {**linux, "skuName": f"{name} Spot", "retailPrice": 0.001, "savingsPlan": []}
        cloud_services = {**linux, "productName": f"{name} Series Cloud Services", "retailPrice": 99.0}
        items += [cloud_services, spot, linux, {**linux, "retailPrice": 0.0}]
    if row.windows_payg_hourly is not None:
        windows_product = {**changes, "productName": f"{product} Windows"}
        items.append(machine(name, float(row.windows_payg_hourly), row.region, **windows_product))
    for term, total in (("1 Year", row.reservation_1y_total), ("3 Years", row.reservation_3y_total)):
        if total is not None:
            items.append(reservation(term, float(total), name, armRegionName=row.region, **changes))
    return items


def flexible_disks_of(tables: Tables, region: str) -> list[dict[str, Any]]:
    parts = {
        "provisioned_capacity": ("Provisioned Capacity", "1 GiB/Hour"),
        "provisioned_iops": ("Provisioned IOPS", "1/Hour"),
        "provisioned_mbps": ("Provisioned Throughput (MBps)", "1/Hour"),
    }
    products = {"premium_ssd_v2": ("Azure Premium SSD v2", "Premium LRS"), "ultra": ("Ultra Disks", "Ultra LRS")}
    return [
        disk(f"{products[row.disk_type][1]} {part}", float(row.price), products[row.disk_type][0], unit)
        for row in tables.disk_prices
        if row.region == region and row.component in parts
        for part, unit in [parts[row.component]]
    ]


# --- what does not ----------------------------------------------------------------------------------------------------


def test_a_price_that_moved_far_is_stored_but_not_current_until_accepted(sync: Sync, small: Catalog) -> None:
    sync.api.items[0] = machine(price=0.2)
    refused = sync.refused(r"1 prices moved more than 25 %: Standard_D2s_v5 linux_payg_hourly in westeurope \+73\.9 %")
    assert Catalog.objects.get(is_current=True) == small
    assert price_of(refused["catalog"]).linux_payg_hourly == Decimal("0.2")
    sync.api.items[0] = machine(price=0.9)
    accepted = sync("--accept")
    assert (accepted["catalog"], accepted["is_current"], accepted["is_new"]) == (refused["catalog"], True, False)
    assert accepted["pages_fetched"] == 0


def test_the_share_that_a_price_may_move_can_be_set(sync: Sync) -> None:
    sync.api.items[0] = machine(price=0.2)
    assert sync("--max-move", "80")["is_current"]


def test_sizes_and_regions_that_vanished_are_reported(sync: Sync) -> None:
    sync.api.items = [
        item for item in same_prices() if item["armRegionName"] == "westeurope" and "D4s" not in item["meterName"]
    ]
    comparison = sync.refused("1 regions vanished: jioindiawest; 1 sizes vanished: Standard_D4s_v5")["comparison"]
    assert (comparison["vanished_sizes"], comparison["vanished_regions"]) == (["Standard_D4s_v5"], ["jioindiawest"])


def test_a_dry_run_stores_nothing_and_its_pages_are_used_then(sync: Sync, small: Catalog) -> None:
    before = Catalog.objects.count()
    dry = sync("--dry-run")
    assert (dry["catalog"], Catalog.objects.count(), Catalog.objects.get(is_current=True)) == (None, before, small)
    assert sync()["pages_fetched"] == 0


def test_fresh_pages_can_be_asked_for(sync: Sync) -> None:
    sync("--dry-run")
    assert sync("--fresh")["pages_fetched"] == 5


def test_pages_are_forgotten_when_the_catalog_is_current(sync: Sync) -> None:
    sync()
    assert not list(sync.spool.rglob("*.gz"))


def test_an_older_date_than_the_current_catalogs_does_not_take_over(sync: Sync) -> None:
    later = load_catalog(make_file(name=f"Later {uuid4()}", as_of=date(2090, 1, 1)))[0]
    make_only_current(later)
    sync.refused("a catalog of a later date is current")


# --- failures change nothing ------------------------------------------------------------------------------------------


def test_a_failing_server_changes_nothing_and_the_next_run_goes_on(sync: Sync) -> None:
    sync.api.fail("disks", 3, *[Fault(status=500)] * 8)
    sync.fails("failed 8 times, at last: status 500. Nothing was changed; run the command again to go on")
    asked = len(sync.api.asked)
    outcome = sync()
    assert (outcome["pages_kept"], outcome["pages_fetched"]) == (3, 2)
    assert sync.api.asked[asked:] == [("disks", 3), ("disks", 6)]


def test_throttling_errors_timeouts_and_truncation_are_sat_out(sync: Sync) -> None:
    sync.api.fail("machines", 0, Fault(status=429, retry_after="0"), Fault(status=500))
    sync.api.fail("machines", 3, Fault(seconds=0.8), Fault(breaks_off=True))
    sync.api.fail("disks", 0, Fault(body=b'{"Items": [{"currencyCode": "US'))
    assert sync()["is_current"]


def test_a_link_to_another_host_is_not_followed(sync: Sync) -> None:
    sync.api.fail("machines", 0, Fault(next_link="http://prices.example.com/api/retail/prices?$skip=3"))
    sync.fails(r"page 1 of machines links to http://prices\.example\.com")


def test_another_currency_is_refused_with_page_and_row(sync: Sync) -> None:
    sync.api.items[4] = machine(region="jioindiawest", currencyCode="EUR")
    sync.fails(r"The answer makes no catalog, nothing was changed: machines, page 2, row 2: a price in 'EUR'")


def test_an_empty_answer_empties_nothing(sync: Sync) -> None:
    sync.fails("the answer has no prices of machines in newland", "--region", "newland")
    sync.api.items = []
    sync.fails("the answer has no prices of machines")


@pytest.mark.parametrize("name", ["west'europe", "west europe or 1 eq 1;", ""])
def test_what_cannot_name_a_region_never_reaches_the_filter(sync: Sync, name: str) -> None:
    sync.fails("is not the name of a region", "--region", name)
    assert sync.api.asked == []


def test_a_missing_or_wrong_list_of_sizes_is_named(sync: Sync, tmp_path: Path) -> None:
    sync.fails(r"nowhere\.json: No such file", "--skus", str(tmp_path / "nowhere.json"))
    (tmp_path / "wrong.json").write_text("az: command not found")
    sync.fails(r"wrong\.json: not an answer of the Resource SKUs API", "--skus", str(tmp_path / "wrong.json"))


def test_a_size_without_memory_is_refused(sync: Sync) -> None:
    sync.api.skus = [sku(MemoryGB=None), *same_skus()[1:]]
    sync.fails("Standard_D2s_v5 has no memory", "--skus", sync.api.skus_url)


@pytest.mark.parametrize("address", ["prices.azure.com", "http://prices:port/", "https://", "ftp://prices.azure.com/"])
def test_an_address_that_is_none_is_told_at_once(sync: Sync, address: str) -> None:
    sync.fails("is not an address", "--prices-url", address)


def test_a_refused_answer_is_fetched_again_when_asked_for(sync: Sync) -> None:
    sync.api.items[0] = machine(price=-1.0)
    sync.fails("With --fresh it is fetched again")
    sync.api.items[0] = machine()
    sync.fails("below zero")
    assert sync("--fresh")["is_current"]


@pytest.mark.parametrize("arguments", [("--max-move", "0"), ("--max-move", "much"), ("--pause", "-1")])
def test_options_that_make_no_sense_are_refused(sync: Sync, arguments: tuple[str, str]) -> None:
    sync.fails("argument", *arguments)


# --- as a process -----------------------------------------------------------------------------------------------------


def start_command(sync: Sync, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "sync_catalog", *sync.arguments("--timeout", "30", *arguments)]
    return subprocess.Popen(
        command, cwd=PROJECT_DIR, env=dict(os.environ), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_killed_sync_goes_on_behind_the_pages_it_has(sync: Sync, small: Catalog) -> None:
    sync.api.fail("disks", 3, Fault(seconds=5))
    process = start_command(sync)
    wait_until(lambda: ("disks", 3) in sync.api.asked, what="the page in the middle")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert Catalog.objects.get(is_current=True) == small
    asked = len(sync.api.asked)
    with start_command(sync) as again:
        output, errors = again.communicate()
    assert again.returncode == 0, errors
    outcome = json.loads(output)
    assert (outcome["pages_kept"], outcome["pages_fetched"], outcome["is_current"]) == (3, 2, True)
    assert sync.api.asked[asked:] == [("disks", 3), ("disks", 6)]


def test_the_exit_status_tells_what_needs_a_look(sync: Sync) -> None:
    sync.api.items[0] = machine(price=0.2)
    with start_command(sync) as process:
        output, errors = process.communicate()
    assert process.returncode == 2
    assert "run the same command with --accept" in errors
    assert json.loads(output)["comparison"]["reasons"]


def test_people_read_a_summary(
    small: Catalog, api: AzureApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_catalog", "--prices-url", api.prices_url, "--spool", str(tmp_path / "spool"))
    output = capsys.readouterr().out
    assert "current." in output
    assert "0 of 12 prices changed" in output
    assert "Left out: 2 prices of storage: a price of zero is no price" in output
