"""The script that compiles source tables: run as a user runs it, on small tables with the traps of the real ones."""

import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from assessments.catalog.catalog_file import PriceRow, Snapshot, read_snapshot
from assessments.catalog.checks import check_tables
from tests.assessments.catalog.catalogs import FREELY_SIZED_RULES

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_catalog_snapshot.py"
SIZE_COLUMNS = (
    "size,family,series,category,tier,vcpus,vcpus_available,memory_gib,max_data_disks,max_nics,cpu_arch,"
    "hyperv_generations,accelerated_networking,premium_io,ultra_ssd,gpu_count,acu,vcpus_per_core,temp_disk_gib,"
    "uncached_iops,uncached_mbps,uncached_burst_iops,uncached_burst_mbps,pv2_ultra_iops,pv2_ultra_mbps,"
    "uncached_iops_api,uncached_mbps_api,network_mbps,src_core,date_core,src_limits,date_limits,src_network,note"
)
S1 = "S1,2026-08-01,S4,2026-03-10,,"
TABLES = {
    "vm_sizes.csv": [
        SIZE_COLUMNS,
        f'Standard_D4s_v3,standardDSv3Family,dsv3,,Standard,4,4,16,8,2,x64,"V1,V2",true,true,true,,,,,6400,96,,,,,,,,{S1}',
        f"Standard_E8-2s_v6,standardEsv6Family,,,Standard,8,8,64,16,4,x64,V2,true,true,,,,,,9,9,,,,,8,9,,{S1}",
        f"Standard_D2ps_v6,standardDpsv6Family,,,Standard,2,,8,4,2,Arm64,V2,true,true,,,,,,,,,,,,,,,{S1}",
    ],
    "vm_region_availability.csv.xz": [
        "size,region,zones,restriction_codes,source,date",
        "Standard_D4s_v3,westeurope,1;2;3,NotAvailableForSubscription,S1,2026-08-01",
    ],
    "vm_prices.csv.xz": [
        "size,region,os,payg_hourly_usd,spot_hourly_usd,savings1y_hourly_usd,src_payg,date_payg,note",
        "Standard_D4s_v3,westeurope,linux,0.24,0.05,,P1,2026-08-22,",
        "Standard_D4s_v3,westeurope,windows,0.424,,,P1,2026-08-22,OUTLIER: median of regions is 0.4",
        "Standard_E8-2s_v6,westeurope,linux,0.0,,,P1,2026-08-22,",
        "Standard_E8-2s_v6,jioindiawest,linux,0.6,,,P3,2026-06-18,",
        "Standard_H8,westeurope,linux,1.1,,,P1,2026-08-22,",
    ],
    "vm_commitment_prices.csv": [
        "size,region,commitment,hourly_usd,source,date,grade",
        "Standard_D4s_v3,westeurope,reservation_1y,0.1,P4,2026-01-26,B",
        "Standard_D4s_v3,westeurope,savings_plan_1y,0.17,P1,2026-08-22,A",
        "Standard_E8-2s_v6,westeurope,reservation_3y,0.0761035008,R1,2026-08-03,A",
    ],
    "windows_licence_delta.csv": [
        "size,regions_compared,most_common_delta_usd_per_hour,regions_with_it,min_delta,max_delta",
        "Standard_D4s_v3,45,0.184,45,0.184,0.184",
    ],
    "burstable_cpu.csv": [
        "size,base_cpu_pct_of_vm,initial_credits,credits_banked_per_hour,max_banked_credits,source,date"
    ],
    "retirements.csv": [
        "api_family_lowercase,series,retire_date,url,source,source_date",
        "standarddsv3family,Dsv3,November 2028,,S1,2025-07-14",
    ],
    "disks.csv": [
        "tier,sku_name,type,redundancy,variable_size,size_gib,max_iops,max_mbps,burst_iops,burst_mbps,max_shares,source,date",
        "P10,Premium_ZRS,Premium SSD (ZRS),ZRS,false,128,500,100.0,,,3,S1,2026-08-01",
        "Ultra,UltraSSD_LRS,Ultra Disk,LRS,true,65536,400000,10000.0,,,15,S1,2026-08-01",
    ],
    "disk_rules.csv": [
        "type,rule,value,unit,source,date",
        *(
            f"Ultra,{rule},{value},,S4 articles/disks-types.md@18c531ec,2026-08-11"
            for rule, value in FREELY_SIZED_RULES["ultra"].items()
        ),
    ],
    "disk_prices.csv": [
        "region,type,tier,redundancy,component,meter_name,unit_of_measure,unit_price_usd,source,date",
        "westeurope,Premium SSD,P10,ZRS,capacity,P10 ZRS Disk,1/Month,32.52,P1,2026-08-22",
        "westeurope,Premium SSD,P10,ZRS,shared-disk mount,P10 ZRS Disk Mount,1/Month,1.63,P1,2026-08-22",
        "westeurope,Ultra,,LRS,provisioned IOPS,Ultra LRS Provisioned IOPS,1/Hour,0.00009,P1,2026-08-22",
    ],
    "currency_rates.csv": [
        "currency,units_per_usd_modern,units_per_usd_conversion_field,source,date,note",
        "AUD,1.49,1.49,P4,2026-01-26,",
        "AUD,1.449,,P2,2026-08-01,implied",
        "TRY,,18.1,P4,2026-01-26,",
    ],
    "regions.csv": [
        "region,display_name,geography_group,source",
        "westeurope,West Europe,Europe,S1",
        "jioindiawest,Jio India West,Asia Pacific,S1",
        "eastusstg,East US STG,US,S1",
    ],
    "region_aliases.csv": ["original_value,region_id,region_name,source", "eu west,westeurope,West Europe,S6"],
}


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    for name, lines in TABLES.items():
        text = ("\n".join(lines) + "\n").encode()
        (folder / name).write_bytes(lzma.compress(text) if name.endswith(".xz") else text)
    command = [sys.executable, str(SCRIPT), "--tables", str(folder), "--output", str(folder / "catalog.zip")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("tables")
    result = build(folder)
    assert result.returncode == 0, result.stderr
    assert (folder / "catalog.manifest.json").exists()
    return read_snapshot((folder / "catalog.zip").read_bytes())


def price(built: Snapshot, size: str, region: str) -> PriceRow:
    return next(row for row in built.tables.prices if (row.size, row.region) == (size, region))


def test_the_result_passes_every_check(built: Snapshot) -> None:
    check_tables(built.tables)


def test_prices_of_both_systems_stand_in_one_row_with_their_note(built: Snapshot) -> None:
    row = price(built, "Standard_D4s_v3", "westeurope")
    assert (str(row.linux_payg_hourly), str(row.windows_payg_hourly)) == ("0.24", "0.424")
    assert row.note == "windows: OUTLIER: median of regions is 0.4"
    assert (row.listed, row.zones) == (True, "1 2 3")


def test_a_price_of_zero_is_a_missing_price(built: Snapshot) -> None:
    assert price(built, "Standard_E8-2s_v6", "westeurope").linux_payg_hourly is None


def test_priced_without_being_listed_is_told_apart_from_no_list(built: Snapshot) -> None:
    assert price(built, "Standard_E8-2s_v6", "westeurope").listed is False
    assert price(built, "Standard_E8-2s_v6", "jioindiawest").listed is None


def test_a_reservation_is_its_total_in_whole_dollars(built: Snapshot) -> None:
    assert price(built, "Standard_E8-2s_v6", "westeurope").reservation_3y_total == 2000


def test_a_withdrawn_reservation_is_left_out_and_counted(built: Snapshot) -> None:
    assert price(built, "Standard_D4s_v3", "westeurope").reservation_1y_total is None
    left_out = {(item.what, item.reason): item.rows for item in built.manifest.left_out}
    assert left_out["commitment prices", "reservation withdrawn from sale on 2026-07-01"] == 1


def test_the_grade_of_a_commitment_stands_with_its_source(built: Snapshot) -> None:
    sources = {row.source: row for row in built.tables.sources}
    cited = price(built, "Standard_D4s_v3", "westeurope").savings_plan_1y_source
    assert cited is not None
    assert (sources[cited].mark, sources[cited].dated, sources[cited].grade) == ("P1", "2026-08-22", "A")


def test_a_size_without_facts_is_not_priced(built: Snapshot) -> None:
    assert "Standard_H8" not in {row.size for row in built.tables.prices}


def test_sizes_keep_what_the_engine_needs(built: Snapshot) -> None:
    sizes = {row.size: row for row in built.tables.sizes}
    assert sizes["Standard_E8-2s_v6"].vcpus == 2
    assert sizes["Standard_D2ps_v6"].architecture == "arm64"
    assert sizes["Standard_D4s_v3"].retires == "2028-11"
    assert sizes["Standard_D4s_v3"].memory_mb == 16384


def test_only_the_price_of_a_disk_is_kept(built: Snapshot) -> None:
    kept = {(row.disk_type, row.redundancy, row.component) for row in built.tables.disk_prices}
    assert kept == {("premium_ssd", "zrs", "capacity"), ("ultra", "lrs", "provisioned_iops")}
    assert [row.tier for row in built.tables.disk_tiers] == ["P10"]


def test_the_newest_rate_of_a_currency_wins(built: Snapshot) -> None:
    assert {row.currency: str(row.units_per_usd) for row in built.tables.currencies} == {"AUD": "1.449"}


def test_only_regions_with_something_to_sell_are_there(built: Snapshot) -> None:
    assert [row.region for row in built.tables.regions] == ["jioindiawest", "westeurope"]
    assert built.tables.regions[1].aliases == "eu west"


def test_tables_that_disagree_about_a_disk_stop_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contradiction = "westeurope,Premium SSD,P10,ZRS,capacity,P10 ZRS Disk,1/Month,99,R3,2026-08-01"
    monkeypatch.setitem(TABLES, "disk_prices.csv", [*TABLES["disk_prices.csv"], contradiction])
    result = build(tmp_path)
    assert result.returncode == 1
    assert "two prices for" in result.stderr
    assert not (tmp_path / "catalog.zip").exists()
