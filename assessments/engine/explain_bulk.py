"""The decision trace of many machines at once, in short: what a report shows of it.

The same answers as `explain`, worked out over arrays; of the cheaper sizes and disks that were refused only the
dearest, which came closest to being chosen, are told with their constraints, the others are counted.
"""

from dataclasses import dataclass

import numpy as np

from assessments.engine.assess import Groundwork, decide, groundwork
from assessments.engine.explain import allocated_arithmetic, price_lines, refusals
from assessments.engine.explain_bulk_disks import BriefDisk, brief_disks
from assessments.engine.fixed_point import MONEY_SCALE, BoolArray, IntArray, to_decimal
from assessments.engine.guest_os import LICENCES
from assessments.engine.machines import Machines
from assessments.engine.matching import feasible
from assessments.engine.rankings import Ranking, Rankings
from assessments.engine.recommendations import Recommendations
from assessments.engine.scenarios import SCENARIOS
from assessments.engine.trace import PriceLine, RefusedOffer, RunnerUp


@dataclass(frozen=True, slots=True)
class BriefTrace:
    """One machine in the headline scenario. `refused` are the dearest of `refused_count` cheaper sizes, by price."""

    cores_arithmetic: str
    memory_arithmetic: str
    runner_up: RunnerUp | None
    refused_count: int
    refused: tuple[RefusedOffer, ...]
    price_lines: tuple[PriceLine, ...]
    disks: tuple[BriefDisk, ...]


@dataclass(frozen=True, slots=True)
class _Neighbors:
    """Beside the chosen sizes, one row a machine: the second that fits (-1: none), and the dearest cheaper ones.

    `cheaper` is machines x shown, filled from the right, -1 where there are fewer; `count` is of all of them.
    """

    second: IntArray
    cheaper: IntArray
    count: IntArray


def explain_briefly(machines: Machines, rankings: Rankings, *, shown: int) -> list[BriefTrace]:
    """Short traces of all machines in their order, each with at most `shown` refused sizes, and as many a disk."""
    ground = groundwork(machines, rankings.target)
    answer = decide(machines, ground, rankings)
    near = _neighbors(ground, answer.headline, rankings, shown=shown)
    disks = brief_disks(machines, answer, rankings.target, shown=shown)
    first = np.searchsorted(machines.disks.machine, np.arange(len(machines) + 1)).tolist()
    telling = _Telling(machines, ground, answer, near, rankings)
    return [telling.of(row, tuple(disks[first[row] : first[row + 1]])) for row in range(len(machines))]


class _Telling:
    """What was worked out for all machines, told one machine at a time; like price lines are told once."""

    def __init__(
        self, machines: Machines, ground: Groundwork, answer: Recommendations, near: _Neighbors, rankings: Rankings
    ) -> None:
        self.machines, self.ground, self.answer, self.near, self.rankings = machines, ground, answer, near, rankings
        self.target = rankings.target
        self._price_lines: dict[tuple[int, int], tuple[PriceLine, ...]] = {}

    def of(self, row: int, disks: tuple[BriefDisk, ...]) -> BriefTrace:
        """The trace of the machine at this index."""
        licence = int(self.ground.guests.licence[row])
        costs = self.rankings.offered(self.answer.headline, licence).monthly_cost.values
        machines = self.machines
        return BriefTrace(
            cores_arithmetic=allocated_arithmetic(int(machines.cores[row]), machines.cpu_percent, self.target, row),
            memory_arithmetic=allocated_arithmetic(
                int(machines.memory_mb[row]), machines.memory_percent, self.target, row
            ),
            runner_up=self._runner_up(row, costs),
            refused_count=int(self.near.count[row]),
            refused=self._refused(row, costs),
            price_lines=self._lines(row, licence),
            disks=disks,
        )

    def _runner_up(self, row: int, costs: IntArray) -> RunnerUp | None:
        second = int(self.near.second[row])
        if second < 0 or not self.answer.chosen.monthly_compute_cost.known[row]:
            return None
        cost, best = int(costs[second]), int(costs[self.answer.chosen.size[row]])
        name = self.target.catalog.sizes.names[second]
        return RunnerUp(name, to_decimal(cost, MONEY_SCALE), to_decimal(cost - best, MONEY_SCALE))

    def _refused(self, row: int, costs: IntArray) -> tuple[RefusedOffer, ...]:
        sizes = [size for size in self.near.cheaper[row].tolist() if size >= 0]
        demand = self.ground.demand.values[:, row : row + 1]
        missed = (self.ground.limits.effective[:, sizes] < demand).T.tolist()
        return tuple(
            RefusedOffer(
                self.target.catalog.sizes.names[size],
                to_decimal(costs[size], MONEY_SCALE),
                refusals(self.ground, size, [line for line, short in enumerate(shorts) if short], self.target, row),
            )
            for size, shorts in zip(sizes, missed, strict=True)
        )

    def _lines(self, row: int, licence: int) -> tuple[PriceLine, ...]:
        """Nothing for a machine without a cost."""
        cost = self.answer.chosen.monthly_compute_cost.number(row)
        if cost is None:
            return ()
        key = int(self.answer.chosen.size[row]), licence
        if key not in self._price_lines:
            scenario = SCENARIOS[self.answer.headline]
            self._price_lines[key] = price_lines(self.target, scenario, LICENCES[licence], size=key[0], cost=cost)
        return self._price_lines[key]


def _neighbors(ground: Groundwork, place: int, rankings: Rankings, *, shown: int) -> _Neighbors:
    licence = ground.guests.licence
    near = _Neighbors(
        second=np.full(len(licence), -1, dtype=np.int64),
        cheaper=np.full((len(licence), shown), -1, dtype=np.int64),
        count=np.zeros(len(licence), dtype=np.int64),
    )
    for kind in np.unique(licence).tolist():
        rows = np.flatnonzero(licence == kind)
        ranked = rankings.candidates(place, kind, ground.demand)
        fits = feasible(ground.demand.take(rows), ground.limits.effective, ranked.order)
        best = _first_cost(fits, ranked)
        near.second[rows] = _second(fits, ranked)
        offered = rankings.offered(place, kind)
        near.count[rows] = np.searchsorted(offered.monthly_cost.values[offered.order], best)
        last = near.count[rows][:, None] + np.arange(-shown, 0)
        if len(offered.order):
            near.cheaper[rows] = np.where(last >= 0, offered.order[np.maximum(last, 0)], -1)
    return near


def _first_cost(fits: BoolArray, ranked: Ranking) -> IntArray:
    """What the first that fits costs; the largest number where none does."""
    if not fits.shape[1]:
        return np.full(len(fits), np.iinfo(np.int64).max)
    cost = ranked.monthly_cost.values[ranked.order[np.argmax(fits, axis=1)]]
    return np.where(fits.any(axis=1), cost, np.iinfo(np.int64).max)


def _second(fits: BoolArray, ranked: Ranking) -> IntArray:
    """The size that is the second to fit, -1 where there is none."""
    if not fits.shape[1]:
        return np.full(len(fits), -1)
    others = fits.copy()
    others[np.arange(len(fits)), np.argmax(fits, axis=1)] = False
    return np.where(others.any(axis=1), ranked.order[np.argmax(others, axis=1)], -1)
