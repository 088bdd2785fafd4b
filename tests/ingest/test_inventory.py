"""Inventory: upsert by difference, change history, machines that vanish and come back, in any order of arrival."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest import estates


def _listed(site: estates.ApplianceApi, **query: str) -> list[str]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    rows = site.people.ok(site.people.get(f"projects/{site.project}/machines/?{asked}"))["results"]
    return sorted(row["source_id"] for row in rows)


def _changes(site: estates.ApplianceApi, source_id: str = "vm-1") -> list[tuple[str, Any, Any]]:
    return [(change["property"], change["old"], change["new"]) for change in site.detail(source_id)["changes"]]


def test_the_same_machine_again_changes_nothing() -> None:
    site = estates.appliance()
    site.inventory(estates.machine())
    before = site.detail("vm-1")
    site.inventory(estates.machine())
    after = site.detail("vm-1")
    assert after["configuration_version"] == 1
    assert {**after, "last_seen_at": None} == {**before, "last_seen_at": None}


def test_a_change_is_kept_with_old_and_new_and_raises_the_version() -> None:
    site = estates.appliance()
    site.inventory(estates.machine(cores=4, memory_mb=8192))
    site.inventory(estates.machine(cores=8, memory_mb=8192))
    shown = site.detail("vm-1")
    assert (shown["cores"], shown["configuration_version"]) == (8, 2)
    (change,) = shown["changes"]
    assert (change["property"], change["old"], change["new"]) == ("cores", 4, 8)
    assert change["appliance"] == site.id


def test_a_name_or_power_state_is_followed_but_makes_no_assessment_outdated() -> None:
    site = estates.appliance()
    site.inventory(estates.machine(power_state="on"))
    site.inventory(estates.machine(power_state="off", name="new name", host="esx-08"))
    assert sorted(_changes(site)) == [("name", "name of vm-1", "new name"), ("power_state", "on", "off")]
    shown = site.detail("vm-1")
    assert (shown["configuration_version"], shown["host"]) == (1, "esx-08")


def test_disks_and_nics_are_brought_up_to_date_in_their_order() -> None:
    site = estates.appliance()
    first = {"source_id": "a", "size_gb": 10}
    site.inventory(estates.machine(disks=[first, {"source_id": "b", "size_gb": 20}], nics=[]))
    nic = {"source_id": "1", "mac_address": 'm"\\', "ip_addresses": ["fe80::1", 'x"{,}\\'], "network": "N,1"}
    site.inventory(estates.machine(disks=[{"source_id": "c", "size_gb": 5.5}, first], nics=[nic]))
    shown = site.detail("vm-1")
    disks = [(disk["source_id"], disk["size_gb"], disk["position"]) for disk in shown["disks"]]
    assert disks == [("c", 5.5, 0), ("a", 10.0, 1)]
    assert shown["nics"] == [nic | {"position": 0}]
    assert shown["configuration_version"] == 2
    assert {name for name, _, _ in _changes(site)} == {"disks", "nics"}


def test_addresses_in_another_order_are_no_change() -> None:
    site = estates.appliance()
    site.inventory(estates.machine(nics=[{"source_id": "1", "ip_addresses": ["a", "b"]}]))
    site.inventory(estates.machine(nics=[{"source_id": "1", "ip_addresses": ["b", "a"]}]))
    assert site.detail("vm-1")["configuration_version"] == 1


def test_a_snapshot_removes_what_it_does_not_list_and_a_machine_comes_back_as_itself() -> None:
    site = estates.appliance()
    site.inventory(estates.machine("vm-1"), estates.machine("vm-2"), snapshot=True)
    machine_id = site.machine_id("vm-2")
    site.inventory(estates.machine("vm-1"), snapshot=True)
    assert _listed(site) == ["vm-1"]
    assert _listed(site, removed="true") == ["vm-2"]
    site.inventory(estates.machine("vm-2"))
    assert site.machine_id("vm-2") == machine_id
    assert _listed(site) == ["vm-1", "vm-2"]
    assert _changes(site, "vm-2") == [("removed", True, False), ("removed", False, True)]
    assert site.detail("vm-2")["configuration_version"] == 3


def test_changes_name_what_was_removed() -> None:
    site = estates.appliance()
    site.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
    site.inventory(removed=["vm-2", "vm-9"])
    assert _listed(site) == ["vm-1"]


def test_a_snapshot_removes_only_the_machines_of_its_appliance() -> None:
    people = estates.shared().alice
    one = estates.appliance(people)
    two = estates.appliance(people, one.project)
    one.inventory(estates.machine("vm-1"))
    two.inventory(estates.machine("vm-2"))
    two.inventory(snapshot=True)
    assert _listed(one) == ["vm-1"]


def test_a_machine_belongs_to_the_appliance_that_listed_it_last() -> None:
    people = estates.shared().alice
    one = estates.appliance(people)
    two = estates.appliance(people, one.project)
    one.inventory(estates.machine("vm-1"))
    two.inventory(estates.machine("vm-1"))
    one.inventory(snapshot=True)
    assert _listed(one) == ["vm-1"]
    assert one.detail("vm-1")["appliance"] == two.id


def test_a_late_upload_does_not_take_a_machine_back_from_another_appliance() -> None:
    people = estates.shared().alice
    one = estates.appliance(people)
    two = estates.appliance(people, one.project)
    one.inventory(estates.machine("vm-1"), sequence=5)
    two.inventory(estates.machine("vm-1", cores=16))
    one.inventory(estates.machine("vm-1"), sequence=4)
    shown = one.detail("vm-1")
    assert (shown["appliance"], shown["cores"]) == (two.id, 16)


def test_an_older_upload_that_arrives_late_changes_nothing() -> None:
    site = estates.appliance()
    site.inventory(estates.machine(cores=8), sequence=7)
    assert site.inventory(estates.machine(cores=2), sequence=6) == {"accepted": 1, "rejected": []}
    assert site.detail("vm-1")["cores"] == 8


def test_a_new_registration_outranks_any_sequence_before() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    site.inventory(estates.machine(cores=2), sequence=1000)
    key = people.ok(people.post(f"projects/{site.project}/appliances/{site.id}/registration-key/"), 201)
    token = people.ok(estates.register(key["registration_key"]), 201)["token"]
    again = estates.ApplianceApi(token=token, id=site.id, project=site.project, people=people)
    again.inventory(estates.machine(cores=8), sequence=1)
    assert site.detail("vm-1")["cores"] == 8


IDS = ("vm-1", "vm-2", "vm-3")
UPLOADS = st.lists(
    st.fixed_dictionaries(
        {
            "snapshot": st.booleans(),
            "cores": st.dictionaries(st.sampled_from(IDS), st.integers(1, 4)),
            "removed": st.lists(st.sampled_from(IDS), unique=True),
        }
    ),
    min_size=1,
    max_size=6,
)


def _expected(uploads: list[dict[str, Any]]) -> dict[str, int]:
    """What is there after all uploads in the order of their sequence."""
    there: dict[str, int] = {}
    for upload in uploads:
        gone = set(there) if upload["snapshot"] else set(upload["removed"])
        there = {key: cores for key, cores in there.items() if key not in gone} | upload["cores"]
    return there


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uploads=UPLOADS, data=st.data())
def test_any_order_and_repetition_of_uploads_gives_the_same_machines(uploads: list[dict[str, Any]], data: Any) -> None:
    site = estates.appliance()
    order = data.draw(st.permutations([*range(len(uploads)), 0]))
    for number in order:
        upload = uploads[number]
        machines = [estates.machine(key, cores=cores) for key, cores in upload["cores"].items()]
        removed = [] if upload["snapshot"] else upload["removed"]
        site.inventory(*machines, sequence=number + 1, snapshot=upload["snapshot"], removed=removed)
    rows = site.people.ok(site.people.get(f"projects/{site.project}/machines/"))["results"]
    assert {row["source_id"]: row["cores"] for row in rows} == _expected(uploads)


def _codes(answer: Any) -> list[tuple[str, str]]:
    return [(item["source_id"], item["code"]) for item in answer["rejected"]]


def test_one_bad_machine_costs_only_itself() -> None:
    site = estates.appliance()
    twice = [{"source_id": "a"}, {"source_id": "a"}]
    answer = site.inventory(
        estates.machine("good"),
        estates.machine("text", cores="four"),
        estates.machine("large", memory_mb=10**12),
        estates.machine("negative", cores=-1),
        estates.machine("nul", name="a\0b"),
        estates.machine("disks", disks=twice),
        estates.machine("nics", nics=twice),
        estates.machine("boot", boot_type="floppy"),
        estates.machine("long", name="x" * 256),
        {"name": "nobody"},
        estates.machine("good", cores=99),
    )
    assert answer["accepted"] == 1
    assert sorted(_codes(answer)) == sorted(
        [
            ("text", "invalid_record"),
            ("large", "out_of_range"),
            ("negative", "out_of_range"),
            ("nul", "invalid_text"),
            ("disks", "duplicate_disk"),
            ("nics", "duplicate_nic"),
            ("boot", "invalid_record"),
            ("long", "invalid_record"),
            ("", "invalid_record"),
            ("good", "duplicate_machine"),
        ]
    )
    assert site.detail("good")["cores"] == 4


def test_people_see_what_was_refused_once_for_each_reason() -> None:
    cast = estates.shared()
    site = estates.appliance(cast.alice)
    for _ in range(2):
        site.inventory(estates.machine("vm\0one", cores=1))
    (record,) = cast.rita.ok(cast.rita.get(f"projects/{site.project}/appliances/{site.id}/rejected/"))["results"]
    assert (record["source_id"], record["code"]) == ("vm\N{REPLACEMENT CHARACTER}one", "invalid_text")
    assert (record["kind"], record["occurrences"]) == ("inventory", 2)


def test_a_machine_that_a_snapshot_lists_wrongly_is_not_removed() -> None:
    site = estates.appliance()
    site.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
    site.inventory(estates.machine("vm-1"), estates.machine("vm-2", cores=-1), snapshot=True)
    assert _listed(site) == ["vm-1", "vm-2"]


def test_a_snapshot_with_a_record_that_names_nobody_removes_nothing() -> None:
    site = estates.appliance()
    site.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
    site.inventory(estates.machine("vm-1"), {"source_id": 7}, snapshot=True)
    assert _listed(site) == ["vm-1", "vm-2"]


def _estate(site: estates.ApplianceApi) -> list[dict[str, Any]]:
    machines = [estates.machine(f"vm-{i:02}") for i in range(24)]
    site.inventory(*machines, snapshot=True)
    return machines


def _snapshot(site: estates.ApplianceApi, machines: list[dict[str, Any]]) -> Any:
    return site.upload(estates.INVENTORY, {"snapshot": True, "machines": machines})


def test_a_snapshot_that_would_remove_most_waits_for_a_person() -> None:
    cast = estates.shared()
    site = estates.appliance(cast.alice)
    machines = _estate(site)
    refused = _snapshot(site, machines[:5])
    assert site.ok(refused, 409)["code"] == "snapshot_suspicious"
    assert len(_listed(site)) == 24
    path = f"projects/{site.project}/appliances/{site.id}/"
    held = cast.rita.ok(cast.rita.get(path))["held_snapshot"]
    assert (held["removes"], held["known_machines"], held["confirmed_at"]) == (19, 24, None)
    assert cast.rita.post(f"{path}confirm-snapshot/").status_code == 403
    cast.bob.ok(cast.bob.post(f"{path}confirm-snapshot/"))
    assert _snapshot(site, machines[:5]).status_code == 200
    assert len(_listed(site)) == 5
    assert cast.rita.ok(cast.rita.get(path))["held_snapshot"] is None


def test_the_third_of_three_suspicious_snapshots_that_agree_is_stored() -> None:
    site = estates.appliance()
    machines = _estate(site)
    assert [_snapshot(site, machines[:5]).status_code for _ in range(3)] == [409, 409, 200]


def test_the_same_suspicious_snapshot_three_times_is_one() -> None:
    site = estates.appliance()
    body = {"snapshot": True, "sequence": 50, "machines": _estate(site)[:5]}
    assert [site.upload(estates.INVENTORY, body).status_code for _ in range(4)] == [409] * 4


def test_suspicious_snapshots_that_disagree_are_never_stored() -> None:
    site = estates.appliance()
    machines = _estate(site)
    answers = [_snapshot(site, machines[i * 5 : i * 5 + 5]).status_code for i in (0, 1, 2, 3)]
    assert answers == [409] * 4


def test_a_confirmation_does_not_cover_another_removal() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    machines = _estate(site)
    _snapshot(site, machines[:5])
    people.ok(people.post(f"projects/{site.project}/appliances/{site.id}/confirm-snapshot/"))
    assert _snapshot(site, machines[12:17]).status_code == 409


def test_a_small_estate_may_shrink_at_once() -> None:
    site = estates.appliance()
    site.inventory(*[estates.machine(f"vm-{i}") for i in range(20)])
    assert _snapshot(site, []).status_code == 200


def test_nothing_to_confirm_is_said_so() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    path = f"projects/{site.project}/appliances/{site.id}/confirm-snapshot/"
    assert people.ok(people.post(path), 409)["code"] == "no_held_snapshot"


def _queries(site: estates.ApplianceApi, machines: list[dict[str, Any]]) -> int:
    with CaptureQueriesContext(connection) as captured:
        site.inventory(*machines, snapshot=True)
    return len(captured)


def test_the_number_of_queries_does_not_depend_on_the_number_of_machines() -> None:
    counts = []
    for size in (3, 300):
        site = estates.appliance()
        first = _queries(site, [estates.machine(f"vm-{i}") for i in range(size)])
        changed = _queries(site, [estates.machine(f"vm-{i}", cores=8, disks=[]) for i in range(size)])
        counts.append((first, changed))
    assert counts[0] == counts[1]
