"""Facts about sizes and disk tiers as the Resource SKUs API tells them, and its traps."""

import json
from decimal import Decimal
from typing import Any

import pytest

from assessments.catalog.catalog_file import CatalogError
from assessments.catalog.resource_skus import SizeFacts, SkuBook, documented_mbps
from tests.assessments.catalog.azure_api import sku


def read(*skus: dict[str, Any]) -> SkuBook:
    book = SkuBook()
    book.add_page(json.dumps({"value": skus, "nextLink": None}).encode(), "page 1")
    return book


def facts(**capabilities: str | None) -> SizeFacts:
    return read(sku("Standard_D2s_v5", "westeurope", **capabilities)).sizes["standard_d2s_v5"]


def disk_sku(size: str = "P10", **capabilities: str) -> dict[str, Any]:
    told = {"MaxSizeGiB": "128", "MaxIOps": "500", "MaxBandwidthMBps": "100", "MaxBurstIops": "3500", **capabilities}
    return {**sku("Premium_LRS"), "resourceType": "disks", "size": size} | {
        "capabilities": [{"name": name, "value": value} for name, value in told.items()]
    }


def test_capabilities_are_text_and_become_numbers() -> None:
    size = facts(MemoryGB="0.75", GPUs="1", ACUs="160")
    assert (size.vcpus, size.host_vcpus, size.memory_mb, size.whole("ACUs")) == (2, 2, 768, 160)
    assert size.is_true("PremiumIO")
    assert not facts(PremiumIO="False").is_true("PremiumIO")


@pytest.mark.parametrize("available", ["8", "32", None])
def test_a_constrained_size_has_its_active_vcpus_and_its_parents(available: str | None) -> None:
    book = read(sku("Standard_E32-8s_v5", vCPUs="32", vCPUsAvailable=available, MemoryGB="256"))
    size = book.sizes["standard_e32-8s_v5"]
    assert (size.vcpus, size.host_vcpus) == (8, 32)


@pytest.mark.parametrize(
    ("bytes_a_second", "mbps"),
    [
        (100663296, "96"),  # 96 x 2^20, as older answers tell it
        (48000000, "48"),  # 48 x 10^6, as newer ones do
        (1258291200, "1200"),
        (23592960, "22.5"),
        (24576000, "24"),
        (100000000, "100"),
        (123456789, "123.456"),
    ],
)
def test_throughput_is_the_documented_figure_whatever_the_unit(bytes_a_second: int, mbps: str) -> None:
    assert documented_mbps(Decimal(bytes_a_second)) == Decimal(mbps)


def test_a_throughput_that_no_size_reaches_is_unknown() -> None:
    assert facts(UncachedDiskBytesPerSecond="1200000000000").uncached_mbps is None
    assert facts(UncachedDiskBytesPerSecond=None).uncached_mbps is None


def test_ultra_is_found_among_capabilities_and_in_zones() -> None:
    in_zones = sku("Standard_D4s_v5")
    ultra = [{"name": "UltraSSDAvailable", "value": "True"}]
    in_zones["locationInfo"][0]["zoneDetails"] = [{"Name": ["2", "3"], "capabilities": ultra, "name": None}]
    book = read(sku(UltraSSDAvailable="True"), in_zones, sku("Standard_D8s_v5"))
    assert {name: size.ultra_ssd for name, size in book.sizes.items()} == {
        "standard_d2s_v5": True,
        "standard_d4s_v5": True,
        "standard_d8s_v5": False,
    }


def test_restrictions_of_the_subscription_do_not_take_a_size_from_its_region() -> None:
    assert facts().zones == {"westeurope": "1 2 3"}


def test_a_size_is_listed_in_every_region_that_tells_it_whatever_its_spelling() -> None:
    book = read(sku(), sku(location="NorthEurope"), {**sku("Standard_D4s_v5"), "locationInfo": None})
    assert book.sizes["standard_d2s_v5"].zones == {"westeurope": "1 2 3", "northeurope": "1 2 3"}
    assert book.sizes["standard_d4s_v5"].zones == {"westeurope": ""}
    assert book.regions == {"westeurope", "northeurope"}


def test_of_limits_that_differ_between_regions_the_lower_holds() -> None:
    book = read(sku(), sku(location="northeurope", UncachedDiskIOPS="3000", MaxDataDiskCount="8"))
    size = book.sizes["standard_d2s_v5"]
    assert (size.whole("UncachedDiskIOPS"), size.whole("MaxDataDiskCount")) == (3000, 4)


@pytest.mark.parametrize("fact", [{"MemoryGB": "16"}, {"vCPUs": "4"}, {"CpuArchitectureType": "Arm64"}])
def test_regions_that_contradict_each_other_are_refused_with_the_row(fact: dict[str, str]) -> None:
    with pytest.raises(CatalogError, match=rf"page 1, row 2: Standard_D2s_v5: {next(iter(fact))} is"):
        read(sku(), sku(location="northeurope", **fact))


def test_a_capability_that_is_no_number_is_refused_with_the_size() -> None:
    with pytest.raises(CatalogError, match="Standard_D2s_v5: MemoryGB is 'much', no number"):
        assert facts(MemoryGB="much").memory_mb


def test_retirement_is_a_month() -> None:
    assert facts(RetirementDateUtc="08/31/2028").retires == "2028-08"
    assert facts(RetirementDateUtc="soon").retires is None
    assert facts().retires is None


def test_the_local_disk_is_scsi_or_nvme() -> None:
    assert facts(MaxResourceVolumeMB="76800").temp_disk_gib == 75
    assert facts(NvmeDiskSizeInMiB="112640").temp_disk_gib == 110
    assert facts().temp_disk_gib is None


def test_a_saved_list_is_a_bare_array() -> None:
    book = SkuBook()
    book.add_page(json.dumps([sku(), sku("Standard_D4s_v5")], indent=2).encode(), "saved.json")
    assert sorted(book.sizes) == ["standard_d2s_v5", "standard_d4s_v5"]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"value": [{"name": 7}]}', b"az: command not found", b'[{"name": "x"}]', b""]
)
def test_what_is_no_answer_of_the_api_is_refused(body: bytes) -> None:
    with pytest.raises(CatalogError, match=r"saved\.json: not an answer of the Resource SKUs API"):
        SkuBook().add_page(body, "saved.json")


def test_disk_tiers_are_read_and_other_resources_passed_over() -> None:
    other = {**sku("Aligned"), "resourceType": "availabilitySets"}
    flexible = {**disk_sku("U"), "name": "UltraSSD_LRS"}
    book = read(disk_sku(), disk_sku(), other, flexible, disk_sku("P99", MaxIOps="0"))
    assert list(book.tiers) == [("premium_ssd", "lrs", "P10")]
    tier = book.tiers["premium_ssd", "lrs", "P10"]
    assert (tier.size_gib, tier.iops, tier.mbps, tier.burst_iops) == (128, 500, Decimal(100), 3500)
    assert book.sizes == {}


def test_disk_tiers_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(CatalogError, match="row 2: Premium_LRS P10 differs"):
        read(disk_sku(), disk_sku(MaxIOps="600"))
