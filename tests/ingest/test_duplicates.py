"""A machine that two appliances list is recognised and counted once, whatever happens to it afterwards."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from ingest.identity import keys_of
from ingest.records import MachineRecord, NicRecord
from tests import make
from tests.ingest import estates
from tests.ingest.estates import ApplianceApi
from tests.ingest.imports import files

MAC = "00:50:56:82:d0:3c"


def two_sites() -> tuple[ApplianceApi, ApplianceApi]:
    """Two appliances of one new project."""
    first = estates.appliance()
    return first, estates.appliance(first.people, first.project)


def machine(source_id: str, **properties: Any) -> dict[str, Any]:
    """A machine without any identity unless told."""
    return estates.machine(source_id, **{"nics": [], **properties})


def nics(*addresses: str) -> list[dict[str, Any]]:
    return [{"source_id": str(number), "mac_address": address} for number, address in enumerate(addresses)]


def duplicates(site: ApplianceApi) -> dict[str, str]:
    """For each machine that does not count: which one it is, by source ids."""
    listed: list[dict[str, Any]] = []
    url = f"projects/{site.project}/machines/?removed=all&page_size=1000"
    while url:
        page = site.people.ok(site.people.get(url))
        listed, url = listed + page["results"], page["next"]
    names = {row["id"]: row["source_id"] for row in listed}
    return {row["source_id"]: names[row["duplicate_of"]] for row in listed if row["duplicate_of"]}


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the second appliance's machine is recognised as the first one's."""
    one, other = two_sites()
    one.inventory(machine("a", **first))
    other.inventory(machine("b", **second))
    found = duplicates(one)
    assert found in ({}, {"b": "a"})
    return bool(found)


A, B = str(UUID(int=0x50116111_2222_3333_4444_555566667777)), str(UUID(int=0x4211AAAA_2222_3333_4444_555566660000))
SWAPPED = str(UUID(bytes=UUID(A).bytes_le))


@pytest.mark.parametrize(
    ("first", "second", "recognised"),
    [
        ({"instance_uuid": A}, {"instance_uuid": A}, True),
        ({"instance_uuid": A}, {"instance_uuid": B}, False),
        ({"bios_uuid": A}, {"bios_uuid": A}, True),
        ({"bios_uuid": A}, {"bios_uuid": SWAPPED}, True),
        ({"nics": nics(MAC)}, {"nics": nics("00-50-56-82-D0-3C")}, True),
        ({"nics": nics(MAC, "00:50:56:82:d0:3d")}, {"nics": nics("00:50:56:82:d0:3d", MAC)}, True),
        ({"nics": nics(MAC, "00:50:56:82:d0:3d")}, {"nics": nics(MAC)}, False),
        # Addresses that software makes do not count, on either side.
        ({"nics": nics(MAC, "02:42:ac:11:00:02")}, {"nics": nics(MAC, "00:50:56:c0:00:08")}, True),
        ({"nics": nics("02:42:ac:11:00:02")}, {"nics": nics("02:42:ac:11:00:02")}, False),
        # The surest key that both have decides.
        ({"instance_uuid": A, "bios_uuid": B}, {"instance_uuid": B, "bios_uuid": B}, False),
        ({"instance_uuid": A, "bios_uuid": B}, {"bios_uuid": B, "nics": nics(MAC)}, True),
        ({"bios_uuid": A, "nics": nics(MAC)}, {"bios_uuid": B, "nics": nics(MAC)}, False),
        ({"bios_uuid": str(UUID(int=0)), "nics": nics(MAC)}, {"bios_uuid": A, "nics": nics(MAC)}, True),
        ({}, {}, False),
    ],
)
def test_a_machine_is_recognised_by_the_surest_key(
    first: dict[str, Any], second: dict[str, Any], recognised: bool
) -> None:
    assert same(first, second) is recognised


@pytest.mark.parametrize(
    "placeholder",
    [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
        "4c4c4544-0000-2010-8020-80c04f202020",
    ],
)
def test_a_uuid_that_nobody_gave_identifies_nothing(placeholder: str) -> None:
    record = MachineRecord("a", "a", instance_uuid=UUID(placeholder), bios_uuid=UUID(placeholder))
    assert keys_of(record) == (None, None, None)


@pytest.mark.parametrize(
    "address", ["", "x", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "52:54:00:12:34:56", None]
)
def test_an_address_that_is_no_cards_own_identifies_nothing(address: str | None) -> None:
    assert keys_of(MachineRecord("a", "a", nics=[NicRecord("1", address)]))[2] is None


def test_what_several_machines_of_one_appliance_share_is_no_identity_until_only_one_has_it() -> None:
    one, other = two_sites()
    one.inventory(machine("a", bios_uuid=A), machine("clone of a", bios_uuid=A))
    other.inventory(machine("b", bios_uuid=A))
    assert duplicates(one) == {}
    one.inventory(removed=["clone of a"])
    assert duplicates(one) == {"b": "a"}
    one.inventory(machine("clone of a", bios_uuid=A))
    assert duplicates(one) == {}


def test_a_shared_instance_uuid_leaves_the_next_key_to_decide() -> None:
    one, other = two_sites()
    one.inventory(machine("a", instance_uuid=A, nics=nics(MAC)), machine("clone", instance_uuid=A))
    other.inventory(machine("b", instance_uuid=B, nics=nics(MAC)))
    assert duplicates(one) == {"b": "a"}
    one.inventory(removed=["clone"])
    assert duplicates(one) == {}


def test_three_views_of_one_machine_are_one_though_two_of_them_share_no_key() -> None:
    one, other = two_sites()
    third = estates.appliance(one.people, one.project)
    one.inventory(machine("a", bios_uuid=A))
    other.inventory(machine("b", bios_uuid=A, nics=nics(MAC)))
    third.inventory(machine("c", nics=nics(MAC)))
    assert duplicates(one) == {"b": "a", "c": "a"}
    other.inventory(removed=["b"])
    assert duplicates(one) == {}


def test_one_appliances_machines_are_never_each_other() -> None:
    one, other = two_sites()
    one.inventory(machine("a", bios_uuid=A), machine("a2", nics=nics(MAC)))
    other.inventory(machine("b", bios_uuid=A, nics=nics(MAC)))
    assert duplicates(one) == {"b": "a"}


def test_the_first_seen_counts_vanishes_and_counts_again_when_it_comes_back() -> None:
    one, other = two_sites()
    one.inventory(machine("a", instance_uuid=A))
    other.inventory(machine("b", instance_uuid=A))
    one.inventory(machine("x"), snapshot=True)
    assert duplicates(one) == {}
    assert one.detail("b")["duplicate_of"] is None
    one.inventory(machine("a", instance_uuid=A))
    assert duplicates(one) == {"b": "a"}


def test_the_history_tells_when_a_machine_was_recognised_and_raises_no_version() -> None:
    one, other = two_sites()
    one.inventory(machine("a", instance_uuid=A))
    other.inventory(machine("b", instance_uuid=A))
    other.inventory(machine("b", instance_uuid=B))
    shown = other.detail("b")
    told = [(change["property"], change["old"], change["new"]) for change in shown["changes"]]
    first = one.machine_id("a")
    assert told == [("duplicate_of", first, None), ("duplicate_of", None, first)]
    assert shown["configuration_version"] == 1


def test_a_change_of_other_things_leaves_it_recognised() -> None:
    one, other = two_sites()
    one.inventory(machine("a", instance_uuid=A))
    other.inventory(machine("b", instance_uuid=A))
    one.inventory(machine("a", instance_uuid=A, cores=8))
    other.inventory(machine("b", instance_uuid=A, cores=16))
    assert duplicates(one) == {"b": "a"}


def test_machines_of_other_projects_and_tenants_are_nobodys_duplicates() -> None:
    one = estates.appliance()
    elsewhere = [estates.appliance(one.people), estates.appliance(make.stranger())]
    for site in [one, *elsewhere]:
        site.inventory(machine("a", instance_uuid=A))
    assert [duplicates(site) for site in [one, *elsewhere]] == [{}, {}, {}]


def test_a_machine_that_another_appliance_takes_over_is_judged_by_its_new_owner() -> None:
    one, other = two_sites()
    one.inventory(machine("a", bios_uuid=A))
    other.inventory(machine("b", bios_uuid=A))
    other.inventory(machine("a", bios_uuid=A))
    assert duplicates(one) == {}, "both belong to one appliance now, which lists no machine twice"


@pytest.mark.parametrize(
    ("query", "found"), [("", {"a", "b", "x"}), ("include", {"a", "b", "x"}), ("exclude", {"a", "x"}), ("only", {"b"})]
)
def test_the_list_shows_duplicates_as_asked(query: str, found: set[str]) -> None:
    one, other = two_sites()
    one.inventory(machine("a", instance_uuid=A), machine("x"))
    other.inventory(machine("b", instance_uuid=A))
    suffix = f"?duplicates={query}" if query else ""
    listed = one.people.ok(one.people.get(f"projects/{one.project}/machines/{suffix}"))["results"]
    assert {row["source_id"] for row in listed} == found
    assert one.people.get(f"projects/{one.project}/machines/?duplicates=maybe").status_code == 400


def test_a_large_estate_that_two_appliances_list_is_recognised_whole() -> None:
    one, other = two_sites()
    uuids = [str(uuid4()) for _ in range(700)]
    one.inventory(*[machine(f"a{i}", instance_uuid=uuid) for i, uuid in enumerate(uuids)], snapshot=True)
    other.inventory(*[machine(f"b{i}", instance_uuid=uuid) for i, uuid in enumerate(uuids)], snapshot=True)
    found = duplicates(one)
    assert found == {f"b{i}": f"a{i}" for i in range(700)}
    other.inventory(machine("b0", instance_uuid=uuids[0]), removed=[f"b{i}" for i in range(1, 700)])
    assert duplicates(one) == {"b0": "a0"}


def test_groups_and_counts_leave_duplicates_out() -> None:
    one, other = two_sites()
    one.inventory(machine("a", name="sql-a", instance_uuid=A), machine("x", name="sql-x"))
    other.inventory(machine("b", name="sql-b", instance_uuid=A))
    people, groups = one.people, f"projects/{one.project}/groups/"
    ids = [one.machine_id(source_id) for source_id in ("a", "b", "x")]
    by_filter = people.ok(people.post(groups, {"name": "filter", "filter": {"search": "sql"}}), 201)
    static = people.ok(people.post(groups, {"name": "static", "machines": ids}), 201)
    assert (by_filter["machine_count"], static["machine_count"]) == (2, 2)
    assert {row["name"]: row["machine_count"] for row in people.ok(people.get(groups))["results"]} == {
        "filter": 2,
        "static": 2,
    }
    members = people.ok(people.get(f"projects/{one.project}/machines/?group={static['id']}"))["results"]
    assert {row["source_id"] for row in members} == {"a", "x"}


@pytest.mark.usefixtures("background")
def test_a_machine_of_a_file_is_the_appliances_until_one_of_them_goes() -> None:
    site = estates.appliance()
    site.inventory(machine("a", instance_uuid=files.uuid(1)), machine("x"))
    done = files.imported(site.people, site.project, files.rvtools())
    assert done["status"] == "completed"
    assert set(duplicates(site).values()) == {"a"}, "the appliance's row counts, though the file is as good"
    listed = files.machines(site.people, site.project, duplicates="only")
    assert [row["discovered_by"] for row in listed.values()] == ["import"]
    site.inventory(removed=["a"])
    assert duplicates(site) == {}, "the imported row counts now"
    site.inventory(machine("a", instance_uuid=files.uuid(1)))
    assert set(duplicates(site).values()) == {"a"}
    files.undone(site.people, site.project, done["id"])
    assert duplicates(site) == {}


@pytest.mark.usefixtures("background")
def test_clones_of_one_file_stay_two_machines_when_a_later_file_lists_one_of_them() -> None:
    site = estates.appliance()
    clones = {"VM UUID": "", "SMBIOS UUID": A}
    first = files.rvtools(vInfo=[files.info(1, **clones), files.info(2, **clones)])
    assert files.imported(site.people, site.project, first)["counts"]["created"] == 2
    later = files.rvtools(vInfo=[files.info(1, **clones, CPUs=8)])
    assert files.imported(site.people, site.project, later)["counts"]["updated"] == 1
    assert duplicates(site) == {}
    site.inventory(machine("x", bios_uuid=A))
    assert duplicates(site) == {}, "nobody can say which of the clones the appliance lists"
