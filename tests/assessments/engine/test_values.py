"""The engine's values refuse what does not fit together."""

from dataclasses import replace

import numpy as np
import pytest

from assessments.engine.machines import Credits
from assessments.engine.values import KnownArray, Observed
from tests.assessments.engine.estate import Disk, Machine, Nic, Offerings, Size, estate

MACHINES = estate([Machine(disks=[Disk()], nics=[Nic()])] * 2)


def test_arrays_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Machines\.memory_mb has 2 entries instead of 3"):
        replace(MACHINES, cores=np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match=r"Disks\.read_iops has 1 entries instead of 2"):
        replace(MACHINES.disks, read_iops=Observed.missing(1))
    one, two = Offerings([Size("a")]).catalog().sizes, Offerings([Size("a"), Size("b")]).catalog().sizes
    with pytest.raises(ValueError, match=r"Sizes\.bursting has 2 entries instead of 1"):
        replace(one, bursting=two.bursting)


def test_parts_must_be_sorted_by_machine() -> None:
    with pytest.raises(ValueError, match="disks must be sorted"):
        replace(MACHINES.disks, machine=np.array([1, 0]))
    with pytest.raises(ValueError, match="nics must be sorted"):
        replace(MACHINES.nics, machine=np.array([1, 0]))


@pytest.mark.parametrize("owners", [[0, 2], [-1, 0]])
def test_parts_must_belong_to_a_machine(owners: list[int]) -> None:
    with pytest.raises(ValueError, match="names a machine that is not there"):
        replace(MACHINES, disks=replace(MACHINES.disks, machine=np.array(owners)))


def test_the_credits_have_one_row_a_machine() -> None:
    other = np.zeros((3, 1), dtype=np.int64)
    credits = Credits(np.zeros((1, 3), dtype=np.int64), np.zeros(3, dtype=np.bool_), carried=other, spent_minute=other)
    with pytest.raises(ValueError, match="one row a machine"):
        replace(MACHINES, credits=credits)


def test_unknown_entries_stay_unknown() -> None:
    prices = KnownArray.money(["0.1", None])
    assert (prices.number(0), prices.number(1)) == (100_000_000, None)
    assert prices.take(np.array([1, 0])).known.tolist() == [False, True]
    assert not KnownArray.unknown(2).known.any()
