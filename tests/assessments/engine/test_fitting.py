"""Fitting by bits says what the comparison written for reading says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assessments.engine.fitting import fitting
from assessments.engine.matching import DIMENSIONS, Demand, feasible

SMALL = st.integers(0, 6)  # few values, so that demands often equal limits


@st.composite
def questions(draw: st.DrawFn) -> tuple[Demand, np.ndarray, np.ndarray]:
    """Demands, limits of some sizes of which some are burstable, and the sizes that are candidates."""
    machines, sizes = draw(st.integers(0, 6)), draw(st.integers(1, 20))

    def numbers(rows: int, columns: int) -> np.ndarray:
        flat = draw(st.lists(SMALL, min_size=rows * columns, max_size=rows * columns))
        return np.array(flat, dtype=np.int64).reshape(rows, columns)

    def some() -> np.ndarray:
        return np.array(sorted(draw(st.sets(st.integers(0, sizes - 1)))), dtype=np.int64)

    burstable = some()
    demand = Demand(numbers(len(DIMENSIONS), machines), burstable, numbers(machines, len(burstable)) > 2)
    return demand, numbers(len(DIMENSIONS), sizes), some()


@given(question=questions())
def test_bits_and_comparisons_agree(question: tuple[Demand, np.ndarray, np.ndarray]) -> None:
    demand, limits, candidates = question
    assert np.array_equal(fitting(demand, limits, candidates), feasible(demand, limits, candidates))
