"""The difference between two runs, split by cause in parts that add up exactly.

One group of inputs is exchanged after the other, in the order of CAUSES, and the machines of both runs are decided
again from stored inputs; a part is what the monthly cost moves by in its step. The ends are the stored results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection

from assessments.array_cache import PATIENCE_SECONDS, ArrayCache
from assessments.engine.assess import decide, groundwork
from assessments.engine.credits import credit_terms
from assessments.engine.fixed_point import BoolArray, IntArray
from assessments.engine.machines import Machines
from assessments.engine.rankings import Rankings
from assessments.engine.target import Target
from assessments.engine.values import KnownArray
from assessments.models import AssessmentRun, RunStatus, Sensitivity
from assessments.packed_run import RunInputs, load_inputs
from assessments.paired_machines import credits_on_terms, found_in, paired, use_differs
from assessments.percentile_grid import load_menu, reading_of
from assessments.sensitivity import exact_sum
from assessments.targets import target_of
from migrate_hub.errors import DomainError

ORDERS = ("amount", "increase", "decrease")
CAUSES = ("membership", "inventory", "performance", "settings", "price")
MEMBERSHIP = CAUSES.index("membership")
NOTES = {
    "as_on_premises": "A run as on-premises looks at no utilization, so no part of the difference is performance.",
    "performance_in_settings": (
        "The runs read the history by another percentile or window, and the later one's percentiles are not stored for "
        "the earlier one's: what changed in the history counts as settings."
    ),
    "region_in_price": (
        "The catalog of the earlier run has no prices for the region of the later one: the region counts as price."
    ),
    "credits_in_price": (
        "The catalogs of the runs give burstable sizes other credit terms, and a history is kept with what it asks of "
        "the terms of its own: what changed in the use of the earlier ones counts as price."
    ),
}


class Costs(NamedTuple):
    """Monthly cost of machines in the headline scenario, billionths."""

    compute: KnownArray
    storage: KnownArray

    def take(self, rows: IntArray) -> "Costs":
        return Costs(self.compute.take(rows), self.storage.take(rows))

    def with_rows(self, rows: IntArray, new: "Costs") -> "Costs":
        return Costs(_with_rows(self.compute, rows, new.compute), _with_rows(self.storage, rows, new.storage))

    @property
    def amount(self) -> IntArray:
        """The sum of what is known; 0 for a machine without any cost."""
        result: IntArray = self.compute.values + self.storage.values
        return result


def _with_rows(array: KnownArray, rows: IntArray, new: KnownArray) -> KnownArray:
    values, known = array.values.copy(), array.known.copy()
    values[rows], known[rows] = new.values, new.known
    return KnownArray(values, known)


@dataclass(frozen=True)
class Stored:
    """What a run decided, by the rows of its inputs."""

    costs: Costs
    sizes: list[str | None]
    readiness: list[str]


@dataclass(frozen=True)
class Comparison:
    """All machines of two runs, the largest absolute difference first.

    `parts` has the shape (CAUSES, machines), in billionths a month. `without_cost` are machines of both runs that lack
    compute or storage cost in only one of them.
    """

    machine_ids: list[UUID]
    parts: IntArray
    in_before: BoolArray
    in_after: BoolArray
    without_cost: BoolArray
    before_total: int
    after_total: int
    changed_sizes: int
    changed_readiness: int
    notes: tuple[str, ...]

    @cached_property
    def difference(self) -> IntArray:
        result: IntArray = self.parts.sum(axis=0)
        return result

    @cached_property
    def nbytes(self) -> int:
        return self.parts.nbytes * 2 + 100 * len(self.machine_ids)

    def places(self, order: str = "amount", cause: str | None = None) -> IntArray:
        """Places of the machines in one of ORDERS; of a cause only those that it moved, by what it moved them by."""
        moved = self.difference if cause is None else self.parts[CAUSES.index(cause)]
        kept = np.arange(len(moved)) if cause is None else np.flatnonzero(moved)
        keys = {"amount": -np.abs(moved), "increase": -moved, "decrease": moved}
        result: IntArray = kept[np.argsort(keys[order][kept], kind="stable")]
        return result

    def by_cause(self, machines: BoolArray | None = None) -> dict[str, int]:
        """The parts of some machines (or all), summed exactly."""
        parts = self.parts if machines is None else self.parts[:, machines]
        return {cause: exact_sum(row) for cause, row in zip(CAUSES, parts, strict=True)}


_kept: ArrayCache[Comparison] = ArrayCache()


def compare(before: AssessmentRun, after: AssessmentRun) -> Comparison:
    """The difference from one completed run to another one; kept in the process, since runs do not change.

    Raises DomainError: the same run twice (400), runs in two currencies, a run that kept no inputs (409).
    """
    has_menu = _check(before, after)
    return _kept.get(_key(before, after, has_menu), lambda: _Comparer(before, after, has_menu=has_menu).compared())


def comparison_soon(
    before: AssessmentRun, after: AssessmentRun, *, patience_seconds: float = PATIENCE_SECONDS
) -> Comparison | None:
    """As `compare`; None while it is still computed behind the answer."""
    has_menu = _check(before, after)
    return _kept.soon(
        before.tenant_id,
        _key(before, after, has_menu),
        lambda: _Comparer(before, after, has_menu=has_menu).compared(),
        patience_seconds=patience_seconds,
    )


def _key(before: AssessmentRun, after: AssessmentRun, has_menu: bool) -> tuple[object, ...]:
    return (before.tenant_id, before.id, after.id, has_menu)


def _check(before: AssessmentRun, after: AssessmentRun) -> bool:
    """Refuses runs that cannot be compared; whether the percentiles of the later one are complete."""
    if before.id == after.id:
        raise DomainError(
            code="same_run",
            detail="Both are the same run. Name another assessment in `with`, or an older run in `run`.",
        )
    if before.settings["currency"] != after.settings["currency"]:
        raise DomainError(
            code="currencies_differ", status=409, detail="The runs are in two currencies; assess in one of them."
        )
    completed = Sensitivity.objects.filter(run=after, percentiles_status=RunStatus.COMPLETED)
    return bool(completed.exists())


class _Comparer:
    """Walks from one run to the other."""

    def __init__(self, before: AssessmentRun, after: AssessmentRun, *, has_menu: bool) -> None:
        self.before, self.after = before, after
        self.inputs, self.inputs_after = load_inputs(before), load_inputs(after)
        self.stored, self.stored_after = load_stored(before, self.inputs), load_stored(after, self.inputs_after)
        self.pairs = paired(self.inputs, self.inputs_after)
        self.has_menu = has_menu
        self.notes: list[str] = []

    def compared(self) -> Comparison:
        pairs = self.pairs
        costs, costs_after = self.stored.costs, self.stored_after.costs
        gone = np.setdiff1d(np.arange(len(self.inputs)), pairs.rows_before, assume_unique=True)
        new = np.setdiff1d(np.arange(len(self.inputs_after)), pairs.rows_after, assume_unique=True)
        states = self._states()
        moved = steps([state.compute for state in states]) + steps([state.storage for state in states])
        parts = np.zeros((len(CAUSES), len(pairs) + len(gone) + len(new)), dtype=np.int64)
        parts[MEMBERSHIP + 1 :, : len(pairs)] = moved
        parts[MEMBERSHIP, len(pairs) :] = np.concatenate([-costs.amount[gone], costs_after.amount[new]])
        ids = [self.inputs.machine_ids[row] for row in (*pairs.rows_before.tolist(), *gone.tolist())]
        ids += [self.inputs_after.machine_ids[row] for row in new.tolist()]
        order = np.lexsort((np.arange(len(ids)), -np.abs(parts.sum(axis=0))))
        in_before = np.arange(len(ids)) < len(ids) - len(new)
        in_after = np.concatenate([np.ones(len(pairs), bool), np.zeros(len(gone), bool), np.ones(len(new), bool)])
        lacks = np.zeros(len(ids), dtype=np.bool_)
        lacks[: len(pairs)] = _one_sided(states[0], states[-1])
        return Comparison(
            machine_ids=[ids[row] for row in order.tolist()],
            parts=parts[:, order],
            in_before=in_before[order],
            in_after=in_after[order],
            without_cost=lacks[order],
            before_total=exact_sum(costs.amount),
            after_total=exact_sum(costs_after.amount),
            changed_sizes=self._changed(self.stored.sizes, self.stored_after.sizes),
            changed_readiness=self._changed(self.stored.readiness, self.stored_after.readiness),
            notes=tuple(self.notes),
        )

    def _changed(self, before: Sequence[str | None], after: Sequence[str | None]) -> int:
        rows = zip(self.pairs.rows_before.tolist(), self.pairs.rows_after.tolist(), strict=True)
        return sum(before[row] != after[row_after] for row, row_after in rows)

    def _states(self) -> list[Costs]:
        """Costs of the paired machines as stored before, with one group of inputs after the other exchanged, as after.

        A machine that a step leaves as it was keeps its cost, so equal inputs give a part of exactly zero.
        """
        pairs, target = self.pairs, target_of(self.before)
        with_use_before = pairs.with_use_before()
        with_use_after = self._use_after(with_use_before)
        stored = self.stored.costs.take(pairs.rows_before)
        inventory = _decided(stored, with_use_before, pairs.inventory_changed(), target)
        performance = _decided(inventory, with_use_after, use_differs(with_use_before, with_use_after), target)
        settings = self._settings_step(performance, with_use_after, target)
        return [stored, inventory, performance, settings, self.stored_after.costs.take(pairs.rows_after)]

    def _use_after(self, with_use_before: Machines) -> Machines:
        """The inventory after with the history after, read as the run before read its own, where that is known."""
        before, after = self.before.settings, self.after.settings
        if "as_on_premises" in (before["sizing_criterion"], after["sizing_criterion"]):
            self.notes.append("as_on_premises")
            return with_use_before
        if before["percentile"] == after["percentile"] and _length(self.before) == _length(self.after):
            return _asked_of(self.pairs.after, with_use_before)
        reading = reading_of(self.before)
        if reading is None or not self.has_menu:
            self.notes.append("performance_in_settings")
            return with_use_before
        whole = load_menu(self.after).machines(self.inputs_after, reading)
        return _asked_of(whole.take(self.pairs.rows_after), with_use_before)

    def _machines_after(self, target: Target) -> Machines:
        """The machines after, for a target with the sizes of the earlier catalog and so with its credit terms."""
        machines, credits = self.pairs.after, self.pairs.after.credits
        if credits is None or not credits.known.any():
            return machines
        if not found_in(credit_terms(target.catalog.sizes), credits.terms).all():
            self.notes.append("credits_in_price")
        return replace(machines, credits=credits_on_terms(credits, self.pairs.before.credits))

    def _settings_step(self, costs: Costs, machines: Machines, target: Target) -> Costs:
        machines_after = self._machines_after(target)
        try:
            new = target_of(self.after, prices_of=self.before)
        except DomainError:
            self.notes.append("region_in_price")
            new = target_of(self.after, prices_of=self.before, region_of=self.before)
        everything_equal = new.settings == target.settings and new.catalog is target.catalog
        changed = (
            use_differs(machines, machines_after) if everything_equal else np.ones(len(self.pairs), dtype=np.bool_)
        )
        return _decided(costs, machines_after, changed, new)


def _asked_of(use_after: Machines, use_before: Machines) -> Machines:
    """The use after with its credits on the terms before.

    A run that looks at no credits says nothing of its history: that it does not is a setting.
    """
    credits = (
        use_before.credits if use_after.credits is None else credits_on_terms(use_after.credits, use_before.credits)
    )
    return replace(use_after, credits=credits)


def _length(run: AssessmentRun) -> object:
    return run.performance_end_at - run.performance_start_at


def _decided(costs: Costs, machines: Machines, changed: BoolArray, target: Target) -> Costs:
    """Costs with those of the changed machines decided anew."""
    rows = np.flatnonzero(changed)
    if not len(rows):
        return costs
    some = machines.take(rows)
    decided = decide(some, groundwork(some, target), Rankings(target))
    return costs.with_rows(rows, Costs(decided.chosen.monthly_compute_cost, decided.monthly_storage_cost))


def steps(states: Sequence[KnownArray]) -> IntArray:
    """(steps, machines): what each step moves a cost by; the sum of a column is the last cost minus the first.

    Where both ends are known, a step that has no cost (settings that the earlier catalog does not price) moves nothing,
    and the next one that has a cost takes its effect. Where one end is unknown, unknown counts as 0 all along, so the
    cost appears or goes away in the step that causes it. Where both are unknown nothing moves.
    """
    first, last = states[0], states[-1]
    both = first.known & last.known
    value = np.where(first.known, first.values, 0)
    moved = np.zeros((len(states) - 1, len(value)), dtype=np.int64)
    for step, state in enumerate(states[1:]):
        unknown = np.where(both, value, 0)
        new = np.where(state.known & (first.known | last.known), state.values, unknown)
        moved[step], value = new - value, new
    return moved


def _one_sided(first: Costs, last: Costs) -> BoolArray:
    compute = first.compute.known != last.compute.known
    return np.asarray(compute | (first.storage.known != last.storage.known), dtype=np.bool_)


STORED = """
SELECT recommended_sku, readiness, (monthly_compute_cost * 1000000000)::bigint,
       (monthly_storage_cost * 1000000000)::bigint
FROM assessments_assessedmachine WHERE tenant_id = %s AND run_id = %s ORDER BY part, machine_id
"""


def load_stored(run: AssessmentRun, inputs: RunInputs) -> Stored:
    """What a run decided. Rows and inputs both are in order of parts and, within them, of machines' ids."""
    with connection.cursor() as cursor:
        cursor.execute(STORED, [run.tenant_id, run.id])
        rows = cursor.fetchall()
    if len(rows) != len(inputs):
        raise ValueError(f"run {run.pk} has {len(rows)} results and {len(inputs)} inputs")
    compute, storage = (_known([row[column] for row in rows]) for column in (2, 3))
    return Stored(Costs(compute, storage), [row[0] for row in rows], [row[1] for row in rows])


def _known(amounts: Sequence[int | None]) -> KnownArray:
    values = np.array([amount or 0 for amount in amounts], dtype=np.int64)
    return KnownArray(values, np.array([amount is not None for amount in amounts], dtype=np.bool_))
