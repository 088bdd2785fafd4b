"""One managed disk for each disk: the cheapest of the allowed types that fits. Rule book 5.4.

Each disk is sized alone. What no price is known for is not offered.
"""

from dataclasses import dataclass

import numpy as np

from assessments.engine import flexible_disks
from assessments.engine.data_issues import disk_data_issues
from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray
from assessments.engine.issues import DISK_FINDING, DISK_FINDINGS
from assessments.engine.machines import Disks
from assessments.engine.recommendations import DiskRecommendations, DiskRequirement
from assessments.engine.requirement import has_no_counters
from assessments.engine.rule_sets import RuleSet
from assessments.engine.settings import DiskType
from assessments.engine.target import Target
from assessments.engine.values import DISK_TYPES, Catalog, DiskTiers, KnownArray

AUTOMATIC: tuple[DiskType, ...] = ("standard_hdd", "standard_ssd", "premium_ssd")
DATA_DISKS_ONLY: frozenset[DiskType] = frozenset({"premium_ssd_v2", "ultra"})
_MOST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Need:
    """What m disks need, scaled. `too_large` are those beyond the rule set's limit."""

    size_gb: IntArray
    iops: IntArray
    mbps: IntArray
    too_large: BoolArray


@dataclass(frozen=True, slots=True)
class Offer:
    """The best of one kind of disk for each of m disks, and how far the kind as a whole gets; scaled."""

    size_fits: BoolArray
    size_and_iops_fit: BoolArray
    size_and_mbps_fit: BoolArray
    fits: BoolArray
    type: IntArray
    tier: IntArray
    has_tier: BoolArray
    size_gib: IntArray
    iops: IntArray
    mbps: IntArray
    monthly_cost: IntArray  # the largest number where nothing fits


def recommend_disks(disks: Disks, required: DiskRequirement, target: Target) -> DiskRecommendations:
    """The cheapest fitting disk for each disk; ties go to the type named first, then to the smaller tier."""
    chosen = _nothing(len(disks.machine), disk_data_issues(disks, target))
    no_counters = has_no_counters(disks)
    os_disk, prices_known = disks.is_os_disk, prices_disks(target.catalog)
    for is_os in (True, False):
        for missing in (True, False):
            rows = np.flatnonzero((os_disk == is_os) & (no_counters == missing))
            if len(rows):
                types = allowed_types(target, is_os_disk=is_os, no_counters=missing)
                need = disk_need(disks, rows, required, target.rules)
                _write(chosen, rows, need, offers(need, target.catalog, types), prices_known=prices_known)
    return chosen


def allowed_types(target: Target, *, is_os_disk: bool, no_counters: bool) -> tuple[DiskType, ...]:
    """Disk types for a disk, in the order that breaks ties."""
    settings, rules = target.settings, target.rules
    as_is = not target.uses_observations
    automatic = not settings.disk_types and not (as_is and rules.as_is_automatic == "premium_ssd")
    chosen = AUTOMATIC if automatic else settings.disk_types or ("premium_ssd",)
    standard_ssd_for_missing = rules.missing_disk_performance == "standard_ssd" and not as_is
    if standard_ssd_for_missing and no_counters and "standard_ssd" in chosen:
        return ("standard_ssd",)
    if is_os_disk:
        # DT22, C25: neither Ultra nor Premium SSD v2 can hold an operating system; it stays on Premium SSD.
        return tuple(kind for kind in chosen if kind not in DATA_DISKS_ONLY) or ("premium_ssd",)
    if rules.premium_data_disks_on_v2 and not automatic and target.catalog.premium_v2 is not None:
        return tuple(dict.fromkeys("premium_ssd_v2" if kind == "premium_ssd" else kind for kind in chosen))
    return chosen


def disk_need(disks: Disks, rows: IntArray, required: DiskRequirement, rules: RuleSet) -> Need:
    """What the disks at these rows need. Unknown IOPS and throughput are 0: then size alone decides."""
    size = disks.size_gb[rows]
    too_large = size > rules.max_disk_gb * QUANTITY_SCALE
    return Need(size, required.iops.values[rows], required.mbps.values[rows], too_large)


def offers(need: Need, catalog: Catalog, types: tuple[DiskType, ...]) -> list[Offer]:
    """The best offer of each kind that the catalog prices, in the order that breaks ties."""
    found: list[Offer] = []
    for kind in types:
        if kind == "premium_ssd_v2":
            if catalog.premium_v2 is not None:
                provisioned = flexible_disks.premium_v2(catalog.premium_v2, need.size_gb, need.iops, need.mbps)
                found.append(_flexible_offer(kind, provisioned))
        elif kind == "ultra":
            if catalog.ultra is not None:
                found.append(
                    _flexible_offer(kind, flexible_disks.ultra(catalog.ultra, need.size_gb, need.iops, need.mbps))
                )
        else:
            tiers = offered_tiers(catalog.disk_tiers, kind)
            if len(tiers):
                found.append(_tier_offer(catalog.disk_tiers, tiers, need))
    return found


def offered_tiers(tiers: DiskTiers, kind: DiskType) -> IntArray:
    """Priced tiers of a type, cheapest first, then smallest."""
    offered = (tiers.type == DISK_TYPES.index(kind)) & tiers.monthly_price.known & (tiers.monthly_price.values > 0)
    rows = np.flatnonzero(offered)
    return rows[np.lexsort((tiers.size_gib[rows], tiers.monthly_price.values[rows]))]


def _tier_offer(tiers: DiskTiers, offered: IntArray, need: Need) -> Offer:
    size = tiers.size_gib[offered] >= need.size_gb[:, None]
    iops = size & (tiers.iops[offered] >= need.iops[:, None])
    mbps = size & (tiers.mbps[offered] >= need.mbps[:, None])
    both = iops & mbps
    fits = _any_column(both)
    tier = offered[np.argmax(both, axis=1)]
    return Offer(
        size_fits=_any_column(size),
        size_and_iops_fit=_any_column(iops),
        size_and_mbps_fit=_any_column(mbps),
        fits=fits,
        type=tiers.type[tier],
        tier=tier,
        has_tier=np.ones(len(fits), dtype=np.bool_),
        size_gib=tiers.size_gib[tier],
        iops=tiers.iops[tier],
        mbps=tiers.mbps[tier],
        monthly_cost=np.where(fits, tiers.monthly_price.values[tier], _MOST),
    )


def _flexible_offer(kind: DiskType, provisioned: flexible_disks.Provisioned) -> Offer:
    iops = provisioned.size_fits & provisioned.iops_fit
    mbps = provisioned.size_fits & provisioned.mbps_fit
    fits = iops & mbps
    return Offer(
        size_fits=provisioned.size_fits,
        size_and_iops_fit=iops,
        size_and_mbps_fit=mbps,
        fits=fits,
        type=np.full(len(fits), DISK_TYPES.index(kind)),
        tier=np.zeros(len(fits), dtype=np.int64),
        has_tier=np.zeros(len(fits), dtype=np.bool_),
        size_gib=provisioned.size_gib * QUANTITY_SCALE,
        iops=provisioned.iops * QUANTITY_SCALE,
        mbps=provisioned.mbps * QUANTITY_SCALE,
        monthly_cost=np.where(fits, provisioned.monthly_cost, _MOST),
    )


def prices_disks(catalog: Catalog) -> bool:
    """Whether the catalog knows the price of any disk in the region: without one it cannot tell what is offered."""
    flexible = catalog.premium_v2 is not None or catalog.ultra is not None
    return flexible or bool(catalog.disk_tiers.monthly_price.known.any())


def _write(chosen: DiskRecommendations, rows: IntArray, need: Need, found: list[Offer], *, prices_known: bool) -> None:
    """Write the cheapest fitting offer of each row, and why there is none."""
    if not found:
        chosen.findings[rows, DISK_FINDING["no_disk_size_found_in_selected_location"]] = prices_known
        return
    _write_findings(chosen, rows, need, found)
    best = np.argmin(np.stack([offer.monthly_cost for offer in found]), axis=0)
    for position, offer in enumerate(found):
        mine = np.flatnonzero((best == position) & offer.fits & ~need.too_large)
        for name in ("type", "tier", "has_tier", "size_gib", "iops", "mbps"):
            getattr(chosen, name)[rows[mine]] = getattr(offer, name)[mine]
        chosen.monthly_cost.values[rows[mine]] = offer.monthly_cost[mine]
        chosen.monthly_cost.known[rows[mine]] = True
        chosen.known[rows[mine]] = True


def _write_findings(chosen: DiskRecommendations, rows: IntArray, need: Need, found: list[Offer]) -> None:
    """The first of size, IOPS and throughput that leaves no offer; throughput also when it alone leaves none."""
    size = _any([offer.size_fits for offer in found]) & ~need.too_large
    iops = _any([offer.size_and_iops_fit for offer in found])
    mbps = _any([offer.size_and_mbps_fit for offer in found])
    fits = _any([offer.fits for offer in found])
    chosen.findings[rows, DISK_FINDING["disk_size_greater_than_supported"]] = ~size
    chosen.findings[rows, DISK_FINDING["no_suitable_disk_size_for_iops"]] = size & ~iops
    chosen.findings[rows, DISK_FINDING["no_suitable_disk_size_for_throughput"]] = size & (~mbps | (iops & ~fits))


def _any(masks: list[BoolArray]) -> BoolArray:
    return _any_column(np.stack(masks, axis=1))


def _any_column(mask: BoolArray) -> BoolArray:
    return np.asarray(mask.any(axis=1))


def _nothing(count: int, data_issues: BoolArray) -> DiskRecommendations:
    def zeros() -> IntArray:
        return np.zeros(count, dtype=np.int64)

    return DiskRecommendations(
        known=np.zeros(count, dtype=np.bool_),
        type=zeros(),
        tier=zeros(),
        has_tier=np.zeros(count, dtype=np.bool_),
        size_gib=zeros(),
        iops=zeros(),
        mbps=zeros(),
        monthly_cost=KnownArray.unknown(count),
        findings=np.zeros((count, len(DISK_FINDINGS)), dtype=np.bool_),
        data_issues=data_issues,
    )
