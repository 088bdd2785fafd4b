"""The machines of two runs side by side: what changed of them, and one run's inventory with the other's utilization."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assessments.engine.fixed_point import BoolArray, IntArray
from assessments.engine.machines import Credits, Machines
from assessments.engine.values import Observed
from assessments.inputs import DISK_METRICS, MACHINE_METRICS, NIC_METRICS
from assessments.packed_run import TOTALS, RunInputs

ABSENT = -1


@dataclass(frozen=True)
class Pairs:
    """Row i of `before` and `after` is the same machine, `rows_before[i]` and `rows_after[i]` of the two runs.

    `disk_of` and `nic_of` name for each disk and NIC after the row it had before, or ABSENT.
    """

    rows_before: IntArray
    rows_after: IntArray
    before: Machines
    after: Machines
    disk_of: IntArray
    nic_of: IntArray

    def __len__(self) -> int:
        return len(self.before)

    def with_use_before(self) -> Machines:
        """The inventory after with the utilization before; a disk or NIC that is new has none."""
        before, after = self.before, self.after
        disks: dict[str, Any] = {name: _moved(getattr(before.disks, name), self.disk_of) for name in DISK_METRICS}
        nics: dict[str, Any] = {name: _moved(getattr(before.nics, name), self.nic_of) for name in NIC_METRICS}
        return replace(
            after,
            cpu_percent=before.cpu_percent,
            memory_percent=before.memory_percent,
            expected_points=before.expected_points,
            disk_totals=before.disk_totals,
            nic_totals=before.nic_totals,
            credits=before.credits,
            disks=replace(after.disks, **disks),
            nics=replace(after.nics, **nics),
        )

    def inventory_changed(self) -> BoolArray:
        """Machines of which something that an assessment looks at, other than utilization, is not as it was."""
        before, after = self.before, self.after
        changed = _system_names(before) != _system_names(after)
        for name in ("cores", "memory_mb", "boot_type", "imported"):
            changed |= getattr(before, name) != getattr(after, name)
        for owner, owner_before, row_of in (
            (after.disks.machine, before.disks.machine, self.disk_of),
            (after.nics.machine, before.nics.machine, self.nic_of),
        ):
            counts, counts_before = (np.bincount(parts, minlength=len(self)) for parts in (owner, owner_before))
            changed |= counts != counts_before
            moved = _place(owner, counts) != _place(owner_before, counts_before)[row_of] if len(owner_before) else True
            changed[owner[(row_of == ABSENT) | moved]] = True
        kept = np.flatnonzero(self.disk_of != ABSENT)
        resized = before.disks.size_gb[self.disk_of[kept]] != after.disks.size_gb[kept]
        changed[after.disks.machine[kept[resized]]] = True
        return np.asarray(changed, dtype=np.bool_)


def paired(before: RunInputs, after: RunInputs) -> Pairs:
    """The machines of both runs. The machines of a run are in order of their ids, and so are the pairs."""
    ids, ids_after = (np.array([machine_id.bytes for machine_id in run.machine_ids], "S16") for run in (before, after))
    rows, rows_after = np.flatnonzero(np.isin(ids, ids_after)), np.flatnonzero(np.isin(ids_after, ids))
    machines, machines_after = before.machines, after.machines
    return Pairs(
        rows_before=rows,
        rows_after=rows_after,
        before=machines.take(rows),
        after=machines_after.take(rows_after),
        disk_of=_found(
            _Parts(machines.disks.machine, before.disk_source_ids, rows),
            _Parts(machines_after.disks.machine, after.disk_source_ids, rows_after),
        ),
        nic_of=_found(
            _Parts(machines.nics.machine, before.nic_source_ids, rows),
            _Parts(machines_after.nics.machine, after.nic_source_ids, rows_after),
        ),
    )


def use_differs(one: Machines, other: Machines) -> BoolArray:
    """Machines of the same inventory whose utilization differs in some value."""
    differs = np.zeros(len(one), dtype=np.bool_)
    for name in MACHINE_METRICS:
        differs |= _differs(getattr(one, name), getattr(other, name))
    for name in DISK_METRICS:
        differs[one.disks.machine[_differs(getattr(one.disks, name), getattr(other.disks, name))]] = True
    for name in NIC_METRICS:
        differs[one.nics.machine[_differs(getattr(one.nics, name), getattr(other.nics, name))]] = True
    for part, metrics in TOTALS.items():
        for name in metrics:
            differs |= _differs(_total(one, part, name), _total(other, part, name))
    return differs | _credits_differ(one.credits, other.credits)


def credits_on_terms(after: Credits | None, before: Credits | None) -> Credits | None:
    """What a history after carries, and for terms that it was not asked about what the history before carried."""
    if after is None or before is None:
        return after
    missing = np.flatnonzero(~found_in(before.terms, after.terms))
    return Credits(
        terms=np.concatenate([after.terms, before.terms[missing]]),
        known=after.known,
        carried=np.concatenate([after.carried, before.carried[:, missing]], axis=1),
        spent_minute=np.concatenate([after.spent_minute, before.spent_minute[:, missing]], axis=1),
    )


def found_in(terms: IntArray, others: IntArray) -> BoolArray:
    """Which of some credit terms (t x 3) are among others."""
    result: BoolArray = (terms[:, None] == others[None]).all(axis=2).any(axis=1)
    return result


def _total(machines: Machines, part: str, name: str) -> Observed:
    totals = getattr(machines, part)
    found: Observed = Observed.missing(len(machines)) if totals is None else getattr(totals, name)
    return found


def _credits_differ(one: Credits | None, other: Credits | None) -> BoolArray | bool:
    """Where the history carries another number of cores, or is looked at in one of them only."""
    if one is None or other is None:
        return one is not other
    if not np.array_equal(one.terms, other.terms):
        return np.asarray(one.known | other.known)
    return np.asarray((one.known != other.known) | (one.carried != other.carried).any(axis=1))


def _differs(one: Observed, other: Observed) -> BoolArray:
    return np.asarray((one.known != other.known) | (one.known & (one.values != other.values)), dtype=np.bool_)


def _moved(observed: Observed, rows: IntArray) -> Observed:
    """The entries at these rows; nothing known at ABSENT."""
    if not len(observed.values):
        return Observed.missing(len(rows))
    there = rows != ABSENT
    found = observed.take(rows)
    return Observed(np.where(there, found.values, 0), found.known & there, np.where(there, found.points, 0))


def _system_names(machines: Machines) -> "np.ndarray[tuple[int], np.dtype[np.str_]]":
    names = np.array(machines.operating_systems, dtype=np.str_)
    return names[machines.operating_system]


def _place(owner: IntArray, counts: IntArray) -> IntArray:
    """Which of its machine's disks or NICs each one is, from 0."""
    result: IntArray = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return result


@dataclass(frozen=True)
class _Parts:
    """The disks or the NICs of a run, and the rows of the machines that matter."""

    owner: IntArray
    source_ids: Sequence[str]
    rows: IntArray

    def keys(self, codes: dict[str, int], base: int) -> IntArray:
        """One number for each part that matters: its machine's place among the rows, and its source id."""
        place = np.full(int(self.owner.max(initial=-1)) + 1, ABSENT, dtype=np.int64)
        inside = self.rows < len(place)
        place[self.rows[inside]] = np.flatnonzero(inside)
        machine = place[self.owner]
        code = np.array([codes[source_id] for source_id in self.source_ids], dtype=np.int64)
        keys: IntArray = machine * base + code
        kept: IntArray = keys[machine != ABSENT]
        return kept


def _found(before: _Parts, after: _Parts) -> IntArray:
    """For each part after, the row of the same part before, or ABSENT."""
    names = dict.fromkeys((*before.source_ids, *after.source_ids))
    codes = {name: code for code, name in enumerate(names)}
    keys, keys_after = (parts.keys(codes, max(len(codes), 1)) for parts in (before, after))
    if not len(keys):
        return np.full(len(keys_after), ABSENT, dtype=np.int64)
    order = np.argsort(keys)
    place = order[np.minimum(np.searchsorted(keys[order], keys_after), len(keys) - 1)]
    return np.where(keys[place] == keys_after, place, ABSENT).astype(np.int64)
