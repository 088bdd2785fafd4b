"""The decision trace of many disks at once, in short; the same answers as `explain_disks`."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from assessments.engine import flexible_disks
from assessments.engine.disks import Need, allowed_types, disk_need, offered_tiers
from assessments.engine.explain_disks import disk_price_lines, disk_refusals
from assessments.engine.fixed_point import MONEY_SCALE, QUANTITY_SCALE, BoolArray, IntArray, to_decimal
from assessments.engine.machines import Machines
from assessments.engine.recommendations import Recommendations
from assessments.engine.requirement import has_no_counters
from assessments.engine.settings import DiskType
from assessments.engine.target import Target
from assessments.engine.trace import PriceLine, RefusedOffer, RunnerUp


@dataclass(frozen=True, slots=True)
class BriefDisk:
    """One disk. `refused` are the dearest of `refused_count` cheaper disks that are too small, by price."""

    required_iops: Decimal | None
    required_mbps: Decimal | None
    runner_up: RunnerUp | None
    refused_count: int
    refused: tuple[RefusedOffer, ...]
    price_lines: tuple[PriceLine, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One disk that could be had, for each of m disks: its cost (billionths), what is needed of it, and its limits.

    `limits` are size, IOPS and MB/s, scaled.
    """

    name: str
    monthly_cost: IntArray
    need: Need
    limits: tuple[int, int, int]

    @property
    def misses(self) -> BoolArray:
        size, iops, mbps = self.limits
        need = self.need
        missed: BoolArray = (need.size_gb > size) | (need.iops > iops) | (need.mbps > mbps) | need.too_large
        return missed

    def refused(self, disk: int, target: Target) -> RefusedOffer:
        """As a refused offer to one of the disks."""
        size, iops, mbps = self.limits
        found = disk_refusals(self.need, target, size_gib=size, iops=iops, mbps=mbps, disk=disk)
        return RefusedOffer(self.name, to_decimal(self.monthly_cost[disk], MONEY_SCALE), found)


def brief_disks(machines: Machines, answer: Recommendations, target: Target, *, shown: int) -> list[BriefDisk]:
    """One short trace for each disk, in their order."""
    disks = machines.disks
    found: list[BriefDisk | None] = [None] * len(disks.machine)
    no_counters, os_disk = has_no_counters(disks), disks.is_os_disk
    for is_os in (True, False):
        for missing in (True, False):
            rows = np.flatnonzero((os_disk == is_os) & (no_counters == missing))
            need = disk_need(disks, rows, answer.required.disks, target.rules)
            kinds = _kinds(need, allowed_types(target, is_os_disk=is_os, no_counters=missing), target)
            for row, beside in zip(rows.tolist(), _beside(rows, kinds, answer, target, shown), strict=True):
                found[row] = _brief(row, answer, target, beside)
    return [brief for brief in found if brief is not None]


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside a chosen disk."""

    runner_up: RunnerUp | None = None
    refused_count: int = 0
    refused: tuple[RefusedOffer, ...] = ()


def _beside(rows: IntArray, kinds: list[_Kind], answer: Recommendations, target: Target, shown: int) -> list[_Beside]:
    if not kinds:
        return [_Beside()] * len(rows)
    cost = np.stack([kind.monthly_cost for kind in kinds], axis=1)
    order = np.argsort(cost, axis=1, kind="stable")
    in_order = np.take_along_axis(cost, order, axis=1)
    missed = np.take_along_axis(np.stack([kind.misses for kind in kinds], axis=1), order, axis=1)
    chosen = answer.disks.monthly_cost.take(rows)
    cheaper = missed & (in_order < np.where(chosen.known, chosen.values, np.iinfo(np.int64).max)[:, None])
    second = np.cumsum(~missed, axis=1) == 2
    counts = cheaper.sum(axis=1).tolist()
    return [
        _Beside(
            runner_up=_runner_up(kinds, order[place], second[place], place, chosen.number(place)),
            refused_count=counts[place],
            refused=tuple(
                kinds[column].refused(place, target)
                for column in order[place, np.flatnonzero(cheaper[place])[-shown:]].tolist()
            ),
        )
        for place in range(len(rows))
    ]


def _brief(row: int, answer: Recommendations, target: Target, beside: _Beside) -> BriefDisk:
    required = answer.required.disks
    iops, mbps = required.iops.number(row), required.mbps.number(row)
    return BriefDisk(
        required_iops=None if iops is None else to_decimal(iops),
        required_mbps=None if mbps is None else to_decimal(mbps),
        runner_up=beside.runner_up,
        refused_count=beside.refused_count,
        refused=beside.refused,
        price_lines=disk_price_lines(answer, row, target),
    )


def _runner_up(kinds: list[_Kind], order: IntArray, second: BoolArray, place: int, cost: int | None) -> RunnerUp | None:
    """The first column from which two fit is the second that fits."""
    if cost is None or not second.any():
        return None
    kind = kinds[int(order[int(np.argmax(second))])]
    dearer = int(kind.monthly_cost[place])
    return RunnerUp(kind.name, to_decimal(dearer, MONEY_SCALE), to_decimal(dearer - cost, MONEY_SCALE))


def _kinds(need: Need, types: tuple[DiskType, ...], target: Target) -> list[_Kind]:
    """Everything priced of the allowed types, in the order that breaks ties."""
    found: list[_Kind] = []
    for kind in types:
        if kind == "premium_ssd_v2":
            found += _premium_v2(need, target)
        elif kind == "ultra":
            found += _ultra(need, target)
        else:
            found += _tiers(need, kind, target)
    return found


def _tiers(need: Need, kind: DiskType, target: Target) -> list[_Kind]:
    tiers = target.catalog.disk_tiers
    return [
        _Kind(
            tiers.names[tier],
            np.full(len(need.size_gb), tiers.monthly_price.values[tier]),
            need,
            (int(tiers.size_gib[tier]), int(tiers.iops[tier]), int(tiers.mbps[tier])),
        )
        for tier in offered_tiers(tiers, kind).tolist()
    ]


def _premium_v2(need: Need, target: Target) -> list[_Kind]:
    terms = target.catalog.premium_v2
    if terms is None:
        return []
    provisioned = flexible_disks.premium_v2(terms, need.size_gb, need.iops, need.mbps)
    return [_flexible("premium_ssd_v2", provisioned, (terms.max_size_gib, terms.max_iops, terms.max_mbps), need)]


def _ultra(need: Need, target: Target) -> list[_Kind]:
    terms = target.catalog.ultra
    if terms is None:
        return []
    provisioned = flexible_disks.ultra(terms, need.size_gb, need.iops, need.mbps)
    limits = int(terms.sizes_gib[-1]), int(terms.max_iops[-1]), int(terms.max_mbps[-1])
    return [_flexible("ultra", provisioned, limits, need)]


def _flexible(
    kind: DiskType, provisioned: flexible_disks.Provisioned, limits: tuple[int, int, int], need: Need
) -> _Kind:
    """A flexible type is asked for what would be provisioned, which its own rules may raise above the need."""
    size, iops, mbps = (limit * QUANTITY_SCALE for limit in limits)
    needed = Need(need.size_gb, provisioned.iops * QUANTITY_SCALE, provisioned.mbps * QUANTITY_SCALE, need.too_large)
    return _Kind(kind, provisioned.monthly_cost, needed, (size, iops, mbps))
