"""A recorded history, dirty as real ones are, becomes points on the grid, and everything repaired is counted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate_hub.local.demo.trace import COLUMNS, MEASURED, RecordedSite, Recording, TraceError, read_recording
from migrate_hub.local.demo.wire import MachinePoints, encode

ENDS_AT = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
T0 = 1_375_308_000  # on the grid
DAY_SECONDS = 86_400
Row = tuple[float, ...]


def row(
    seconds: float, *, vm: int = 1, cores: float = 2, cpu: float = 10, capacity: float = 4096, usage: float = 1024,
    read: float = 0, write: float = 0, received: float = 0, transmitted: float = 0,
) -> Row:  # fmt: skip
    return (vm, T0 + seconds, cores, cpu, capacity, usage, read, write, received, transmitted)


def recording(folder: Path, rows: Sequence[Row | str]) -> Recording:
    path = folder / "trace.csv"
    lines = [one if isinstance(one, str) else ",".join(str(value) for value in one) for one in rows]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    return read_recording(path)


def site(of: Recording, number: int = 0) -> RecordedSite:
    return of.site(number=number, ends_at=ENDS_AT)


def points(of: Recording, block: int = 0) -> MachinePoints:
    one = site(of)
    return one.points(one.source_ids, block)[0]


def test_the_last_point_ends_now(tmp_path: Path) -> None:
    found = points(recording(tmp_path, [row(0), row(300), row(600)]))
    assert datetime.fromisoformat(found.start_at) == ENDS_AT - timedelta(minutes=15)
    assert len(found.cpu_percent) == 3


def test_stamps_off_the_grid_move_to_the_start_of_their_interval(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(17, cpu=1), row(317, cpu=2), row(600, cpu=3)])
    assert points(of).cpu_percent == [1, 2, 3]
    assert of.counts.off_grid == 2


def test_duplicate_rows_become_one_point_with_the_peak_of_each_series(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, cpu=5, read=2000), row(0, cpu=7, read=1000), row(0, cpu=7, read=1000)])
    assert points(of).cpu_percent == [7]
    assert points(of).disks["disk-0"].read_mbps == [2]
    assert (of.counts.rows, of.counts.duplicate, of.counts.same_slot, of.counts.points) == (3, 2, 0, 1)


def test_two_stamps_in_one_interval_become_one_point(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(2, cpu=5), row(299, cpu=4), row(300, cpu=1)])
    assert points(of).cpu_percent == [5, 1]
    assert (of.counts.duplicate, of.counts.same_slot) == (0, 1)


def test_a_gap_stays_missing(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, cpu=1), row(900, cpu=2)])
    found = points(of)
    assert found.cpu_percent == [1, None, None, 2]
    assert found.nics["nic-0"].received_mbps == [0, None, None, 0]
    assert of.counts.missing_points == 2


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(600, cpu=3), row(0, cpu=1, vm=2), row(0, cpu=1), row(300, cpu=2)])
    assert points(of).cpu_percent == [1, 2, 3]


def test_a_row_without_capacity_is_no_point_but_switches_the_machine_off(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, cpu=4), row(300, cores=0, capacity=0, cpu=0, usage=83)])
    assert points(of).cpu_percent == [4, None]
    assert of.counts.zero_capacity == 1
    machine = site(of).inventory(0)[0]
    assert (machine.power_state, machine.cores, machine.memory_mb) == ("off", 2, 4)


def test_a_machine_that_never_had_capacity_is_refused(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0), row(0, vm=2, cores=0, capacity=0)])
    assert (of.counts.machines, of.counts.machines_without_capacity) == (1, 1)


def test_cpu_above_100_and_memory_above_capacity_are_counted_and_kept(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, cpu=111.7, capacity=4096, usage=5120)])
    assert points(of).cpu_percent == [111.7]
    assert points(of).memory_percent == [125]
    assert (of.counts.cpu_over_100, of.counts.memory_over_capacity) == (1, 1)


def test_memory_beyond_belief_is_left_empty(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, capacity=6, usage=12_582_912), row(300)])
    assert points(of).memory_percent == [None, 25]
    assert of.counts.implausible_memory == 1


def test_kilobytes_become_megabytes_and_memory_a_share_of_its_capacity(tmp_path: Path) -> None:
    found = points(recording(tmp_path, [row(0, capacity=8192, usage=2048, write=2500, received=1, transmitted=30)]))
    assert found.memory_percent == [25]
    assert found.disks["disk-0"].write_mbps == [2.5]
    assert found.nics["nic-0"].received_mbps == [0.001]
    assert found.nics["nic-0"].transmitted_mbps == [0.03]


def test_a_recording_has_no_iops_so_none_are_sent(tmp_path: Path) -> None:
    wire = json.loads(encode(points(recording(tmp_path, [row(0)]))))
    assert set(wire["disks"]["disk-0"]) == {"read_mbps", "write_mbps"}


def test_changed_cores_are_told_as_an_inventory_change_of_their_day(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0), row(DAY_SECONDS), row(2 * DAY_SECONDS, cores=8), row(3 * DAY_SECONDS, cores=8)])
    one = site(of)
    assert [[machine.cores for machine in one.inventory(block)] for block in range(4)] == [[2], [], [8], []]
    assert of.counts.configuration_changes == 1


def test_a_machine_that_lived_for_hours_has_points_only_then(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, vm=2), row(2 * DAY_SECONDS, vm=2), row(DAY_SECONDS), row(DAY_SECONDS + 300)])
    one = site(of)
    assert [len(one.points(one.source_ids, block)) for block in range(3)] == [0, 1, 0]


def test_machines_are_split_over_both_sites(tmp_path: Path) -> None:
    of = recording(tmp_path, [row(0, vm=vm) for vm in (1, 2, 3)])
    assert site(of, 0).source_ids == ("recorded-0001", "recorded-0003")
    assert site(of, 1).source_ids == ("recorded-0002",)


def test_unreadable_rows_are_counted_and_left_out(tmp_path: Path) -> None:
    broken = ["1,never" + ",1" * len(MEASURED), f"1,{T0},2,nan,1,1,1,1,1,1", f"1,{T0},2,-5,1,1,1,1,1,1"]
    of = recording(tmp_path, [row(0, cpu=3), *broken])
    assert of.counts.unreadable == 3
    assert points(of).cpu_percent == [3]


def test_duplicates_are_found_across_the_pieces_in_which_a_file_is_read(tmp_path: Path) -> None:
    rows = [row(300 * index) for index in range(100_000)]
    of = recording(tmp_path, [*rows, row(0, cpu=50)])
    assert (of.counts.rows, of.counts.duplicate, of.counts.points) == (100_001, 1, 100_000)
    assert points(of).cpu_percent[0] == 50


@pytest.mark.parametrize("content", [b"", b"vm,cpu\n1,2\n", b"\xff\xfe\x00\x01", b"PK\x03\x04 not a table"])
def test_what_is_no_recording_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=r"other\.csv"):
        read_recording(path)


def test_a_file_that_only_claims_to_be_compressed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv.xz"
    path.write_text("vm\n1\n")
    with pytest.raises(TraceError, match="cannot be read"):
        read_recording(path)


def test_a_recording_in_which_nothing_ever_ran_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no machine with capacity"):
        recording(tmp_path, [row(0, cores=0)])
