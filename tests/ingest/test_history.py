"""The change history of a machine: each property that an assessment sees, with when, from what and to what."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.ingest import estates
from tests.portal.browsing import sign_in

BOOT_DISK = {"source_id": "scsi0:0", "name": "Hard disk 1", "size_gb": 80.0}
SECOND_DISK = {"source_id": "scsi0:1", "name": "Hard disk 2", "size_gb": 200.0}
NIC = {"source_id": "4000", "mac_address": "00:50:56:82:d0:3c", "ip_addresses": ["10.0.0.7"], "network": "LAN"}


def disk(source_id: str, size_gb: float) -> dict[str, Any]:
    return {"source_id": source_id, "size_gb": size_gb}


CHANGES = [
    pytest.param({"cores": 4}, {"cores": 8}, ("cores", 4, 8), "Cores 4 8", id="cores"),
    pytest.param({"memory_mb": 16384}, {"memory_mb": 32768}, ("memory_mb", 16384, 32768), "Memory 16", id="memory"),
    pytest.param(
        {"operating_system": "Debian 11"},
        {"operating_system": "Debian 12"},
        ("operating_system", "Debian 11", "Debian 12"),
        "Operating system Debian 11 Debian 12",
        id="operating system",
    ),
    pytest.param(
        {"boot_type": "bios"}, {"boot_type": "uefi"}, ("boot_type", "bios", "uefi"), "Boot type bios uefi", id="boot"
    ),
    pytest.param(
        {"disks": [BOOT_DISK]},
        {"disks": [BOOT_DISK, SECOND_DISK]},
        ("disks", [disk("scsi0:0", 80.0)], [disk("scsi0:0", 80.0), disk("scsi0:1", 200.0)]),
        "Disks scsi0:0 80",
        id="disk added",
    ),
    pytest.param(
        {"disks": [BOOT_DISK, SECOND_DISK]},
        {"disks": [BOOT_DISK]},
        ("disks", [disk("scsi0:0", 80.0), disk("scsi0:1", 200.0)], [disk("scsi0:0", 80.0)]),
        "Disks scsi0:0 80",
        id="disk removed",
    ),
    pytest.param(
        {"disks": [BOOT_DISK]},
        {"disks": [BOOT_DISK | {"size_gb": 120.0}]},
        ("disks", [disk("scsi0:0", 80.0)], [disk("scsi0:0", 120.0)]),
        "Disks scsi0:0 80",
        id="disk resized",
    ),
    pytest.param({"nics": []}, {"nics": [NIC]}, ("nics", [], [NIC]), "Network interfaces none", id="nic added"),
    pytest.param(
        {"nics": [NIC]},
        {"nics": [NIC | {"ip_addresses": ["10.0.0.8"]}]},
        ("nics", [NIC], [NIC | {"ip_addresses": ["10.0.0.8"]}]),
        "Network interfaces 00:50:56:82:d0:3c 10.0.0.7",
        id="address changed",
    ),
]


@pytest.mark.parametrize(("before", "after", "told", "seen"), CHANGES)
def test_each_property_is_kept_with_when_from_what_and_to_what(
    before: dict[str, Any], after: dict[str, Any], told: tuple[str, Any, Any], seen: str
) -> None:
    site = estates.appliance()
    collected_at = (timezone.now() - timedelta(minutes=10)).replace(microsecond=0)
    site.inventory(estates.machine(**before))
    site.inventory(estates.machine(**after), collected_at=collected_at.isoformat())
    shown = site.detail("vm-1")
    (change,) = shown["changes"]
    assert (change["property"], change["old"], change["new"]) == told
    assert change["at"] == collected_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (change["appliance"], change["configuration_version"], shown["configuration_version"]) == (site.id, 2, 2)
    page = sign_in(estates.shared()).see("portal:machine", site.project, shown["id"])
    assert seen in page.split("What changed")[1]


def test_several_changes_at_once_are_told_one_by_one_newest_first() -> None:
    site = estates.appliance()
    site.inventory(estates.machine())
    site.inventory(estates.machine(cores=8, boot_type="uefi"))
    site.inventory(estates.machine(cores=16, boot_type="uefi"))
    changes = [(change["property"], change["old"], change["new"]) for change in site.detail("vm-1")["changes"]]
    assert changes[0] == ("cores", 8, 16)
    assert sorted(changes[1:]) == [("boot_type", "bios", "uefi"), ("cores", 4, 8)]


def test_a_machine_that_vanished_comes_back_as_itself_with_its_history() -> None:
    site = estates.appliance()
    site.inventory(estates.machine(), estates.machine("other"), snapshot=True)
    first = site.detail("vm-1")
    site.inventory(estates.machine("other"), snapshot=True)
    gone = site.detail("vm-1")
    site.inventory(estates.machine(cores=8), estates.machine("other"), snapshot=True)
    back = site.detail("vm-1")
    assert (gone["removed_at"] is not None, back["removed_at"]) == (True, None)
    assert (back["id"], back["first_seen_at"]) == (first["id"], first["first_seen_at"])
    told = {(change["property"], change["old"], change["new"]) for change in back["changes"]}
    assert told == {("removed", False, True), ("removed", True, False), ("cores", 4, 8)}
