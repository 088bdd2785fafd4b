"""Two uploads with one sequence that speak of one instant: the first stored counts, folded or not."""

from typing import Any

import numpy as np
import pytest

from tests.ingest.test_folding import Scene

FIRST: list[float | None] = [50, None, 70]


@pytest.mark.parametrize("disks", [{}, {"d": {"read_iops": [1, 2, 3, 4]}}])
def test_the_first_stored_counts_whether_it_is_folded_or_not(disks: dict[str, Any]) -> None:
    scene = Scene()
    scene.send(sequence=8, cpu_percent=FIRST)
    scene.fold_first()
    scene.send(sequence=8, cpu_percent=[1, 2, 3, 4], disks=disks)
    for again in (False, True):
        if again:
            scene.fold_first()
        for found in scene.read().values():
            assert found.values[0, 0] == FIRST[0]
            assert found.values[0, 2] == FIRST[2]
            assert np.count_nonzero(~np.isnan(found.values)) == 2


def test_one_that_was_outdone_before_it_was_folded_counts_all_the_same() -> None:
    scene = Scene()
    scene.send(sequence=8, cpu_percent=[50, None])
    scene.send(sequence=9, cpu_percent=[60])
    scene.fold_first()
    scene.send(sequence=8, cpu_percent=[1, 2])
    for found in scene.read().values():
        assert found.values[0, 0] == 60
        assert np.isnan(found.values[0, 1])
