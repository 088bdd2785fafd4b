"""The arithmetic of a difference and the pairing of machines and disks, on plain values."""

from uuid import UUID

import numpy as np
import pytest

from assessments.comparison import steps
from assessments.engine.fixed_point import scaled
from assessments.engine.machines import Disks, Machines, Nics
from assessments.engine.values import KnownArray, Observed
from assessments.packed_run import RunInputs
from assessments.paired_machines import paired


def money(amount: int | None) -> KnownArray:
    return KnownArray(np.array([amount or 0]), np.array([amount is not None]))


@pytest.mark.parametrize(
    ("costs", "moved"),
    [
        ([10, 12, 12, 20], [2, 0, 8]),
        ([10, None, 15, 20], [0, 5, 5]),  # a step without a cost: the next one takes its effect
        ([10, None, None, 20], [0, 0, 10]),
        ([10, None, None, None], [-10, 0, 0]),  # the cost goes away where it was lost
        ([10, 12, None, None], [2, -12, 0]),
        ([None, None, 7, 9], [0, 7, 2]),
        ([None, 5, 6, None], [0, 0, 0]),  # a cost that neither run has
    ],
)
def test_each_step_counts_what_it_moves(costs: list[int | None], moved: list[int]) -> None:
    assert steps([money(cost) for cost in costs])[:, 0].tolist() == moved


def inputs(**machines: list[tuple[str, float]]) -> RunInputs:
    """Machines by a letter, each with disks of a source id and a size; the size is also what they read a second."""
    disks = [(number, *disk) for number, of_machine in enumerate(machines.values()) for disk in of_machine]
    sizes = [size for _, _, size in disks]
    unknown = Observed.missing(len(machines))
    count = len(machines)
    reads = Observed.quantities(sizes, [1] * len(sizes))
    return RunInputs(
        machine_ids=[UUID(int=ord(name)) for name in machines],
        disk_source_ids=[source_id for _, source_id, _ in disks],
        nic_source_ids=[],
        machines=Machines(
            cores=np.ones(count, dtype=np.int64),
            memory_mb=np.ones(count, dtype=np.int64),
            operating_systems=("Linux",),
            operating_system=np.zeros(count, dtype=np.int64),
            boot_type=np.zeros(count, dtype=np.int64),
            imported=np.zeros(count, dtype=np.bool_),
            cpu_percent=unknown,
            memory_percent=unknown,
            expected_points=np.ones(count, dtype=np.int64),
            disks=Disks(
                np.array([number for number, _, _ in disks], dtype=np.int64),
                scaled(sizes),
                *([reads] * 4),
            ),
            nics=Nics(np.zeros(0, dtype=np.int64), Observed.missing(0), Observed.missing(0)),
        ),
    )


def test_disks_are_paired_by_machine_and_source_id_whatever_their_order() -> None:
    before = inputs(a=[("x", 1), ("y", 2)], b=[("x", 3)], c=[("x", 4)])
    after = inputs(b=[("x", 3)], c=[("z", 5), ("x", 4)], d=[("x", 6)])
    pairs = paired(before, after)
    assert (pairs.rows_before.tolist(), pairs.rows_after.tolist()) == ([1, 2], [0, 1])
    assert pairs.disk_of.tolist() == [0, -1, 1]
    use = pairs.with_use_before().disks.read_iops
    assert use.known.tolist() == [True, False, True]
    assert use.values.tolist() == [30_000, 0, 40_000]


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ([("x", 1.0), ("y", 2.0)], False),
        ([("y", 2.0), ("x", 1.0)], True),  # another OS disk
        ([("x", 1.0), ("y", 2.5)], True),
        ([("x", 1.0)], True),
        ([], True),
        ([("x", 1.0), ("y", 2.0), ("z", 3.0)], True),
        ([("x", 1.0), ("z", 2.0)], True),
    ],
)
def test_an_inventory_changed_when_its_disks_did(after: list[tuple[str, float]], changed: bool) -> None:
    pairs = paired(inputs(a=[("x", 1.0), ("y", 2.0)], b=[("x", 1.0)]), inputs(a=after, b=[("x", 1.0)]))
    assert pairs.inventory_changed().tolist() == [changed, False]


def test_runs_without_a_common_machine_are_compared_too() -> None:
    pairs = paired(inputs(a=[("x", 1.0)]), inputs(b=[]))
    assert (len(pairs), pairs.inventory_changed().tolist()) == (0, [])
