"""The recommended size of every machine in every scenario: the cheapest that fits. Rule book 5.5 and 5.6."""

from dataclasses import dataclass

import numpy as np

from assessments.engine.fitting import fitting
from assessments.engine.fixed_point import BoolArray, IntArray
from assessments.engine.issues import FINDING, FINDINGS
from assessments.engine.matching import (
    STAGES,
    Demand,
    Limits,
    Stage,
    considered_sizes,
    demand_classes,
    feasible,
    selected_families,
)
from assessments.engine.rankings import Ranking, Rankings
from assessments.engine.scenarios import SCENARIOS
from assessments.engine.target import Target

CLASSES_AT_ONCE = 4096
RANKED_AT_ONCE = 64

STAGE_FINDING: dict[Stage, str] = {
    "storage": "no_vm_size_supports_storage_performance",
    "network": "no_vm_size_supports_network_performance",
    "compute": "no_suitable_vm_size_found",
}


@dataclass(frozen=True, slots=True)
class Sizing:
    """Sizes by scenario (scenarios x machines), and what the catalog could not offer (machines x FINDINGS)."""

    size: IntArray
    monthly_cost: IntArray
    priced: BoolArray
    fits: BoolArray  # some size fits, whatever it costs
    findings: BoolArray


def size_machines(demand: Demand, licence: IntArray, limits: Limits, rankings: Rankings) -> Sizing:
    """Cheapest fitting size for each machine in all scenarios, decided once per class of like machines."""
    first, class_of = demand_classes(demand, limits, licence)
    by_class = _size_classes(demand.take(first), licence[first], limits, rankings)
    return Sizing(
        size=by_class.size[:, class_of],
        monthly_cost=by_class.monthly_cost[:, class_of],
        priced=by_class.priced[:, class_of],
        fits=by_class.fits[class_of],
        findings=by_class.findings[class_of],
    )


def _size_classes(demand: Demand, licence: IntArray, limits: Limits, rankings: Rankings) -> Sizing:
    count = len(licence)
    sizing = Sizing(
        size=np.zeros((len(SCENARIOS), count), dtype=np.int64),
        monthly_cost=np.zeros((len(SCENARIOS), count), dtype=np.int64),
        priced=np.zeros((len(SCENARIOS), count), dtype=np.bool_),
        fits=np.zeros(count, dtype=np.bool_),
        findings=np.zeros((count, len(FINDINGS)), dtype=np.bool_),
    )
    candidates = rankings.candidate_sizes(simulated=demand.simulates_credits)
    column_of = np.zeros(len(rankings.target.catalog.sizes), dtype=np.int64)
    column_of[candidates] = np.arange(len(candidates))
    for start in range(0, count, CLASSES_AT_ONCE):
        rows = np.arange(start, min(start + CLASSES_AT_ONCE, count))
        fits = fitting(demand.take(rows), limits.effective, candidates)
        sizing.fits[rows] = fits.any(axis=1)
        for kind in np.unique(licence[rows]).tolist():
            mine = np.flatnonzero(licence[rows] == kind)
            of_kind = fits[mine]
            for place in range(len(SCENARIOS)):
                ranked = rankings.candidates(place, kind, demand)
                columns = column_of[ranked.order]
                _take_cheapest(sizing, place, ranked, columns=columns, fits=of_kind, rows=rows[mine])
    unfit = np.flatnonzero(~sizing.fits)
    if len(unfit):
        sizing.findings[unfit] = why_nothing_fits(demand.take(unfit), limits, rankings.target)
    return sizing


def _take_cheapest(
    sizing: Sizing, place: int, ranked: Ranking, *, columns: IntArray, fits: BoolArray, rows: IntArray
) -> None:
    """The first of the ranked sizes that fits each row of `fits`; most find theirs among the first.

    `fits` is rows x candidates, `columns` where the ranked sizes stand in it.
    """
    for start in range(0, len(columns), RANKED_AT_ONCE):
        if not len(rows):
            return
        in_order = fits[:, columns[start : start + RANKED_AT_ONCE]]
        best = np.argmax(in_order, axis=1)
        found = in_order[np.arange(len(best)), best]
        size = ranked.order[start + best[found]]
        sizing.size[place, rows[found]] = size
        sizing.monthly_cost[place, rows[found]] = ranked.monthly_cost.values[size]
        sizing.priced[place, rows[found]] = True
        rows, fits = rows[~found], fits[~found]


def why_nothing_fits(demand: Demand, limits: Limits, target: Target) -> BoolArray:
    """machines x FINDINGS for machines that no candidate fits, in the order location, tier, series, constraints.

    Within the selected series every stage (storage, network, compute) that alone leaves nothing is reported, and the
    stage at which they leave nothing together. Where other series, or the acceptance of unknown limits, would give a
    size, that is reported beside it.
    """
    found = np.zeros((demand.values.shape[1], len(FINDINGS)), dtype=np.bool_)
    sizes = target.catalog.sizes
    in_region = considered_sizes(target, simulated=demand.simulates_credits) & sizes.available
    offered = in_region & sizes.standard_tier
    selected = np.flatnonzero(offered & selected_families(target))
    if not in_region.any():
        found[:, FINDING["no_vm_size_for_selected_azure_location"]] = True
    elif not offered.any():
        found[:, FINDING["no_vm_size_for_selected_pricing_tier"]] = True
    elif not len(selected):
        found[:, FINDING["no_vm_size_in_selected_family_found"]] = True
    else:
        _stage_findings(found, demand, limits, selected)
        elsewhere = feasible(demand, limits.effective, np.flatnonzero(offered))
        found[:, FINDING["no_vm_size_in_selected_family_found"]] = elsewhere.any(axis=1)
        accepting = feasible(demand, limits.accepting, selected)
        found[:, FINDING["limit_unknown"]] = accepting.any(axis=1)
    return found


def _stage_findings(found: BoolArray, demand: Demand, limits: Limits, selected: IntArray) -> None:
    effective = limits.effective
    together = np.ones((len(found), len(selected)), dtype=np.bool_)
    explained = np.zeros(len(found), dtype=np.bool_)
    for stage in STAGES:
        alone = feasible(demand, effective, selected, (stage,))
        together &= alone
        empty = ~together.any(axis=1)
        found[:, FINDING[STAGE_FINDING[stage]]] |= ~alone.any(axis=1) | (empty & ~explained)
        explained |= empty
