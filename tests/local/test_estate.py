"""The generated estate: varied, deterministic, and in the shape that the hub asks for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from migrate_hub.local.demo.estate import INTERVAL_SECONDS, POINT_COUNT, GeneratedSite, generate_site
from migrate_hub.local.demo.site import BLOCK_POINTS, upload_steps
from migrate_hub.local.demo.wire import Machine, MachinePoints

ENDS_AT = datetime(2026, 11, 22, 10, 20, tzinfo=UTC)
LAST_BLOCK = POINT_COUNT // BLOCK_POINTS - 1


def site(number: int = 0, machine_count: int = 250) -> GeneratedSite:
    return generate_site(number=number, machine_count=machine_count, ends_at=ENDS_AT)


def machines_at_the_end(one: GeneratedSite) -> dict[str, Machine]:
    told = [machine for block in range(LAST_BLOCK + 1) for machine in one.inventory(block)]
    return {machine.source_id: machine for machine in told}


def all_series(points: MachinePoints) -> list[Any]:
    parts = [msgspec.structs.asdict(part) for part in (*points.disks.values(), *points.nics.values())]
    series = [values for part in parts for values in part.values() if values is not msgspec.UNSET]
    return [points.cpu_percent, points.memory_percent, *series]


def test_the_same_seed_gives_the_same_estate_and_history() -> None:
    one, other = site(), site()
    assert machines_at_the_end(one) == machines_at_the_end(other)
    assert one.points(one.source_ids, 3) == other.points(other.source_ids, 3)


def test_the_two_sites_share_no_machine() -> None:
    assert not set(site(0).source_ids) & set(site(1).source_ids)


def test_history_does_not_depend_on_how_it_is_batched() -> None:
    one = site()
    ids = one.source_ids
    assert one.points(ids, 5) == [*one.points(ids[:7], 5), *one.points(ids[7:], 5)]


def test_every_series_of_a_machine_has_the_same_length() -> None:
    one = site()
    for points in one.points(one.source_ids, LAST_BLOCK):
        assert {len(series) for series in all_series(points)} == {len(points.cpu_percent)}
        assert 1 <= len(points.cpu_percent) <= BLOCK_POINTS


def test_points_lie_on_the_grid_and_end_at_the_given_instant() -> None:
    one = site()
    points = one.points(one.source_ids, LAST_BLOCK)[0]
    start_at = datetime.fromisoformat(points.start_at)
    assert start_at.timestamp() % INTERVAL_SECONDS == 0
    assert start_at + timedelta(seconds=INTERVAL_SECONDS * len(points.cpu_percent)) == ENDS_AT


def test_values_are_possible() -> None:
    one = site()
    for points in one.points(one.source_ids, 2):
        assert all(0 <= value <= 100 for value in points.cpu_percent if value is not None)
        assert all(0 <= value <= 100 for value in points.memory_percent if value is not None)
        assert all(value >= 0 for series in all_series(points) for value in series if value is not None)


def test_an_estate_holds_what_real_ones_hold() -> None:
    machines = machines_at_the_end(site()).values()
    systems = {machine.operating_system for machine in machines}
    assert len(machines) == 250
    assert len(systems) > 25
    assert {"Other (32-bit)", "Microsoft Windows XP Professional (32-bit)"} <= systems
    assert any("Solaris" in name for name in systems)
    assert any("FreeBSD" in name for name in systems)
    assert {machine.boot_type for machine in machines} == {"bios", "uefi", "unknown"}
    assert {machine.power_state for machine in machines} == {"on", "off"}
    assert {1, 8} <= {len(machine.disks) for machine in machines} <= set(range(1, 9))
    assert {len(machine.nics) for machine in machines} == {1, 2, 3}
    assert {1, 64, 128} <= {machine.cores for machine in machines}
    assert any(not machine.name.isascii() for machine in machines)


def test_machines_that_are_off_have_no_history() -> None:
    one = site()
    off = [machine.source_id for machine in one.inventory(0) if machine.power_state == "off"]
    assert off
    assert [one.points(off, block) for block in range(LAST_BLOCK + 1)] == [[]] * (LAST_BLOCK + 1)


def test_a_new_machine_is_told_before_its_first_point_and_has_none_before() -> None:
    one = site()
    first_told = {
        machine.source_id: block for block in reversed(range(LAST_BLOCK + 1)) for machine in one.inventory(block)
    }
    new = [source_id for source_id, block in first_told.items() if block > 0]
    assert new
    for source_id in new:
        with_points = [block for block in range(LAST_BLOCK + 1) if one.points([source_id], block)]
        assert not with_points or min(with_points) >= first_told[source_id]


def test_a_resized_machine_is_told_again() -> None:
    one = site()
    told = [machine for block in range(LAST_BLOCK + 1) for machine in one.inventory(block)]
    assert len(told) > len({machine.source_id for machine in told})


def test_a_gap_is_missing_in_every_series() -> None:
    one = site()
    gappy = [points for points in one.points(one.source_ids, 4) if None in points.cpu_percent]
    assert gappy
    for points in gappy:
        gaps = [index for index, value in enumerate(points.cpu_percent) if value is None]
        assert all(series[index] is None for series in all_series(points) for index in gaps)


def test_the_groups_name_machines_of_the_site() -> None:
    one = site()
    assert set(one.groups["All machines"]) == set(one.source_ids)
    assert 0 < len(one.groups["Databases"]) < len(one.source_ids)


@pytest.mark.parametrize("machine_count", [1, 2, 9])
def test_a_small_estate_has_as_many_machines_as_asked_for(machine_count: int) -> None:
    assert len(site(machine_count=machine_count).source_ids) == machine_count


def test_uploads_are_ordered_by_time_with_the_inventory_first() -> None:
    steps = upload_steps(site(machine_count=5), batch_machines=2)
    assert [(step.block, step.is_inventory) for step in steps[:5]] == [
        (0, True), (0, False), (0, False), (0, False), (1, True),
    ]  # fmt: skip
    assert [step.block for step in steps] == sorted(step.block for step in steps)
