"""What a run would cost, and how many sizes would change, at another percentile, comfort factor and window.

Computed from the run's own inputs and its stored menu percentiles, which stay in the process for the next position.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np

from assessments.array_cache import PATIENCE_SECONDS, ArrayCache
from assessments.engine.assess import decide, groundwork
from assessments.engine.fixed_point import MONEY_SCALE, IntArray, to_decimal
from assessments.engine.issues import READINESS
from assessments.engine.machines import Machines
from assessments.engine.rankings import Rankings
from assessments.engine.recommendations import UNPRICED_REASONS, Recommendations, ScenarioRecommendations
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.values import KnownArray
from assessments.models import AssessedMachine, AssessmentRun
from assessments.packed_run import load_inputs
from assessments.percentile_grid import WINDOW_NAMES, Reading, load_menu, reading_of
from assessments.results import amount_text
from assessments.targets import target_of
from ingest.percentiles import MENU
from migrate_hub.errors import DomainError, FieldProblem

COMFORT_FACTORS = tuple(Decimal(tenths) / 10 for tenths in range(10, 21))
PERCENTILE_NAMES = tuple("maximum" if percentile == MENU[-1] else str(percentile) for percentile in MENU)


@dataclass(frozen=True)
class Position:
    """Where the sliders are."""

    reading: Reading
    comfort_factor: Decimal

    def shown(self) -> dict[str, Any]:
        return {
            "percentile": PERCENTILE_NAMES[self.reading.percentile],
            "comfort_factor": float(self.comfort_factor),
            "window": WINDOW_NAMES[self.reading.window],
        }


def position_of(
    run: AssessmentRun,
    *,
    percentile: str | None = None,
    comfort_factor: Decimal | None = None,
    window: str | None = None,
) -> Position:
    """A position whose members are as in the run where they are not named.

    Raises DomainError `window_needed` for a run with a window of its own when none of the menu is named.
    """
    own = reading_of(run)
    if window is None and own is None:
        detail = "The run has a window of its own; name one of the menu."
        raise DomainError(code="window_needed", detail=detail, errors=[FieldProblem("window", "window_needed", detail)])
    number = own.window if window is None and own is not None else WINDOW_NAMES.index(str(window))
    name = percentile or str(run.settings["percentile"])
    factor = Decimal(str(run.settings["comfort_factor"])) if comfort_factor is None else comfort_factor
    return Position(Reading(PERCENTILE_NAMES.index(name), number), factor)


class Workbench:
    """Everything of a run that its positions have in common, kept in the process."""

    def __init__(self, run: AssessmentRun) -> None:
        self.inputs = load_inputs(run)
        self.menu = load_menu(run)
        self.target = target_of(run)
        self.own_reading = reading_of(run)
        self._rankings = Rankings(self.target)
        self._run_total = Decimal((run.summary or {})["monthly_cost"]["total"])
        self._size = _recommended_sizes(run, self.inputs.row_of, self.target.catalog.sizes.names)

    @cached_property
    def nbytes(self) -> int:
        return self.inputs.nbytes + self.menu.nbytes + self._size.nbytes

    def machines(self, reading: Reading) -> Machines:
        """As the run read them, where this is how it did; else by the stored percentiles."""
        return self.inputs.machines if reading == self.own_reading else self.menu.machines(self.inputs, reading)

    def at(self, comfort_factor: Decimal, machines: Machines) -> dict[str, Any]:
        """The totals at a comfort factor; the prices, and so the rankings of the sizes, do not depend on it."""
        settings = replace(self.target.settings, comfort_factor=comfort_factor)
        ground = groundwork(machines, replace(self.target, settings=settings))
        return self._totals(decide(machines, ground, self._rankings))

    def _totals(self, decided: Recommendations) -> dict[str, Any]:
        chosen = decided.chosen
        size = np.where(chosen.monthly_compute_cost.known, chosen.size, -1)
        compute, storage = total(chosen.monthly_compute_cost), total(decided.monthly_storage_cost)
        readiness = np.bincount(decided.readiness, minlength=len(READINESS)).tolist()
        return {
            "machines": len(size),
            "monthly_cost": {
                "compute": amount_text(compute),
                "storage": amount_text(storage),
                "total": amount_text(compute + storage),
                "priced_machines": chosen.priced_machines,
                "storage_priced_machines": int(decided.monthly_storage_cost.known.sum()),
            },
            "difference": amount_text(compute + storage - self._run_total),
            "changed_sizes": int((size != self._size).sum()),
            "readiness": dict(zip(READINESS, readiness, strict=True)),
            "scenarios": {
                name: _scenario_total(scenario)
                for name, scenario in zip(SCENARIO_NAMES, decided.scenarios, strict=True)
            },
        }


def total(money: KnownArray) -> Decimal:
    """The sum of what is known."""
    return to_decimal(exact_sum(money.values[money.known]), MONEY_SCALE)


def exact_sum(billionths: IntArray) -> int:
    """Summed in two halves: many machines in a small currency would not fit into 64 bits."""
    return int((billionths // MONEY_SCALE).sum()) * MONEY_SCALE + int((billionths % MONEY_SCALE).sum())


def _scenario_total(scenario: ScenarioRecommendations) -> dict[str, Any]:
    priced = scenario.priced_machines
    without_price = int((scenario.unpriced == UNPRICED_REASONS.index("no_price_in_catalog")).sum())
    return {
        "priced_machines": priced,
        "machines": len(scenario.size),
        "without_price": without_price,
        **({"monthly_compute_cost": amount_text(total(scenario.monthly_compute_cost))} if priced else {}),
    }


def _recommended_sizes(run: AssessmentRun, row_of: dict[UUID, int], names: Sequence[str]) -> IntArray:
    """Index of the size that the run recommended, -1 for none, by the rows of its inputs."""
    number_of: dict[str | None, int] = {name: number for number, name in enumerate(names)}
    sizes = np.full(len(row_of), -1, dtype=np.int64)
    rows = AssessedMachine.objects.filter(run=run, recommended_sku__isnull=False)
    for machine_id, name in rows.values_list("machine_id", "recommended_sku"):
        sizes[row_of[machine_id]] = number_of[name]
    return sizes


_kept: ArrayCache[Workbench] = ArrayCache()


def workbench(run: AssessmentRun) -> Workbench:
    """The workbench of a run whose percentiles are complete."""
    return _kept.get((run.tenant_id, run.id), lambda: Workbench(run))


def workbench_soon(run: AssessmentRun, *, patience_seconds: float = PATIENCE_SECONDS) -> Workbench | None:
    """The same; None while it is still read behind the answer."""
    key = (run.tenant_id, run.id)
    return _kept.soon(run.tenant_id, key, lambda: Workbench(run), patience_seconds=patience_seconds)


def totals_at(run: AssessmentRun, position: Position) -> dict[str, Any]:
    """The position, and the totals of a run whose percentiles are complete at it."""
    return totals_by(workbench(run), position)


def totals_by(bench: Workbench, position: Position) -> dict[str, Any]:
    """The position, and the totals at it."""
    return {**position.shown(), **bench.at(position.comfort_factor, bench.machines(position.reading))}
