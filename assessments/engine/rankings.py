"""The sizes of a catalog in the order in which machines get them: by price in each scenario, ties by 5.6."""

from dataclasses import dataclass

import numpy as np

from assessments.engine.costing import monthly_prices
from assessments.engine.fixed_point import IntArray
from assessments.engine.guest_os import LICENCES
from assessments.engine.matching import Demand, considered_sizes, family_rank, selected_families
from assessments.engine.scenarios import SCENARIOS, Scenario
from assessments.engine.target import Target
from assessments.engine.values import KnownArray


@dataclass(frozen=True, slots=True)
class Ranking:
    """The priced candidates of one scenario and licence, best first; `monthly_cost` is of all sizes."""

    order: IntArray
    monthly_cost: KnownArray


class Rankings:
    """The rankings of one target, each worked out once however many machines ask for it."""

    def __init__(self, target: Target) -> None:
        sizes = target.catalog.sizes
        self.target = target
        self.in_region = sizes.available & sizes.standard_tier & selected_families(target)
        self._known: dict[tuple[int, int, bool, bool], Ranking] = {}

    def candidates(self, place: int, licence: int, demand: Demand) -> Ranking:
        """Sizes that machines with this demand can get: in the region, of the standard tier and the selected series."""
        return self._ranking(place, licence, considered_only=True, simulated=demand.simulates_credits)

    def offered(self, place: int, licence: int) -> Ranking:
        """As candidates, with those that no lift-and-shift gets (Arm, accelerated, burstable)."""
        return self._ranking(place, licence, considered_only=False, simulated=False)

    def coverage(self, place: int) -> tuple[int, int]:
        """How many of the candidates have a price in this scenario, and how many candidates there are.

        A scenario in which few sizes are priced gives machines what is priced, not what fits best.
        """
        priced = self._ranking(place, LICENCES.index("none"), considered_only=True, simulated=False)
        return len(priced.order), len(self.candidate_sizes(simulated=False))

    def candidate_sizes(self, *, simulated: bool) -> IntArray:
        """Indexes of the candidates, priced or not."""
        return np.flatnonzero(self.in_region & considered_sizes(self.target, simulated=simulated))

    def _ranking(self, place: int, licence: int, *, considered_only: bool, simulated: bool) -> Ranking:
        key = (place, licence, considered_only, simulated)
        if key not in self._known:
            sizes = self.candidate_sizes(simulated=simulated) if considered_only else np.flatnonzero(self.in_region)
            self._known[key] = ranking(sizes, SCENARIOS[place], licence, self.target)
        return self._known[key]


def ranking(candidates: IntArray, scenario: Scenario, licence: int, target: Target) -> Ranking:
    """Priced candidates by cost; ties: the family named first, fewer vCPUs, less memory, name (5.6)."""
    sizes = target.catalog.sizes
    cost = monthly_prices(target, scenario, LICENCES[licence])
    priced = candidates[cost.known[candidates]]
    names = np.array(sizes.names)[priced]
    family = family_rank(target)[priced]
    order = np.lexsort((names, sizes.memory_mb[priced], sizes.vcpus[priced], family, cost.values[priced]))
    return Ranking(priced[order], cost)
