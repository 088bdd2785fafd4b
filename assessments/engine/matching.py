"""Which sizes fit which machines. Rule book 5.5.

Every constraint has one form: a size's limit is at least the machine's demand. So machines whose demands fall between
the same limits of the catalog share one answer: the engine decides per class of such machines, not per machine.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from assessments.engine.credits import burstable_sizes
from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray
from assessments.engine.machines import Disks
from assessments.engine.recommendations import DiskRecommendations, Requirement
from assessments.engine.settings import Settings
from assessments.engine.target import Target
from assessments.engine.values import DISK_TYPES, KnownArray

Stage = Literal["storage", "network", "compute"]
STAGES: tuple[Stage, ...] = ("storage", "network", "compute")
_NO_LIMIT = np.iinfo(np.int64).max
BYTES_A_WORD = 8


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that a size must offer. `unit` is 10^4 for scaled quantities and 1 for counts and yes/no."""

    name: str
    stage: Stage
    unit: int


# The order of the stages is that in which an empty answer is explained (rule book 5.5).
DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("data_disks", "storage", 1),
    Dimension("premium_storage", "storage", 1),
    Dimension("ultra_storage", "storage", 1),
    Dimension("disk_iops", "storage", QUANTITY_SCALE),
    Dimension("disk_mbps", "storage", QUANTITY_SCALE),
    Dimension("nics", "network", 1),
    Dimension("network_mbps", "network", QUANTITY_SCALE),
    Dimension("generation_1", "compute", 1),
    Dimension("cores", "compute", QUANTITY_SCALE),
    Dimension("memory_mb", "compute", QUANTITY_SCALE),
)
DIMENSION = {dimension.name: row for row, dimension in enumerate(DIMENSIONS)}
UNKNOWN_DISK_LIMITS = ("disk_iops", "disk_mbps")
UNKNOWN_NETWORK_LIMITS = ("network_mbps",)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the sizes offer: dimensions x sizes. Where not `known` nobody published the limit.

    `effective` is what to compare with: an unknown limit is none at all where the settings accept it, else it satisfies
    only a demand of 0. In `accepting` every unknown limit is accepted.
    """

    known: BoolArray
    effective: IntArray
    accepting: IntArray


@dataclass(frozen=True, slots=True)
class Demand:
    """What the machines ask for: dimensions x machines, and the burstable sizes whose credits last for each.

    `lasting` is machines x burstable sizes, their indexes in `burstable`; empty when credits were not simulated.
    """

    values: IntArray
    burstable: IntArray
    lasting: BoolArray

    @property
    def simulates_credits(self) -> bool:
        """Whether burstable sizes are considered at all."""
        return bool(self.lasting.shape[1])

    def take(self, rows: IntArray) -> "Demand":
        """The machines at these rows."""
        return Demand(self.values[:, rows], self.burstable, self.lasting[rows])


def limits_of(target: Target) -> Limits:
    """The limits of all sizes in the order of DIMENSIONS."""
    sizes = target.catalog.sizes
    all_known = np.ones(len(sizes), dtype=np.bool_)
    rows = (
        KnownArray(sizes.max_data_disks, all_known),
        KnownArray(sizes.premium_storage.astype(np.int64), all_known),
        KnownArray(sizes.ultra_storage.astype(np.int64), all_known),
        sizes.uncached_iops,
        sizes.uncached_mbps,
        KnownArray(sizes.max_nics, all_known),
        sizes.network_mbps,
        KnownArray(sizes.generation_1.astype(np.int64), all_known),
        KnownArray(sizes.vcpus * QUANTITY_SCALE, all_known),
        KnownArray(sizes.memory_mb, all_known),
    )
    values, known = np.stack([row.values for row in rows]), np.stack([row.known for row in rows])
    accepts = np.array([_accepts_unknown(dimension.name, target.settings) for dimension in DIMENSIONS])[:, None]
    return Limits(
        known=known,
        effective=np.where(known, values, np.where(accepts, _NO_LIMIT, 0)),
        accepting=np.where(known, values, _NO_LIMIT),
    )


def demand_of(
    required: Requirement, disks: Disks, chosen: DiskRecommendations, *, burstable: IntArray, lasting: BoolArray
) -> Demand:
    """Demands of all machines in the order of DIMENSIONS. An unknown requirement demands nothing."""
    premium = [DISK_TYPES.index("premium_ssd"), DISK_TYPES.index("premium_ssd_v2")]
    machines = len(required.cores)
    values = np.stack(
        [
            required.data_disks,
            _any_disk(disks, chosen.known & np.isin(chosen.type, premium), machines),
            _any_disk(disks, chosen.known & (chosen.type == DISK_TYPES.index("ultra")), machines),
            _demanded(required.disk_iops),
            _demanded(required.disk_mbps),
            required.nics,
            _demanded(required.network_mbps),
            required.generation_1,
            required.cores,
            required.memory_mb,
        ]
    )
    return Demand(values, burstable, lasting)


def considered_sizes(target: Target, *, simulated: bool) -> BoolArray:
    """Sizes that a machine can get at all.

    Burstable ones only where credits were simulated (F23 never has them) and their own terms are known.
    """
    sizes = target.catalog.sizes
    allowed = ~sizes.burstable
    if simulated:
        allowed[burstable_sizes(sizes)] = True
    result: BoolArray = sizes.considered & allowed
    return result


def selected_families(target: Target) -> BoolArray:
    """Sizes of the series that the settings allow; none named = all."""
    sizes, families = target.catalog.sizes, target.settings.sku_families
    if not families:
        return np.ones(len(sizes), dtype=np.bool_)
    return np.isin(np.array(sizes.series), families)


def family_rank(target: Target) -> IntArray:
    """Place of each size's series in the settings' order: the first one wins a tie (5.6)."""
    rank = {series: place for place, series in enumerate(target.settings.sku_families)}
    return np.array([rank.get(series, len(rank)) for series in target.catalog.sizes.series], dtype=np.int64)


def demand_classes(demand: Demand, limits: Limits, licence: IntArray) -> tuple[IntArray, IntArray]:
    """Group machines that every size answers alike and that pay the same licence.

    Returns one representative machine a class, and the class of each machine.
    """
    key = np.zeros(demand.values.shape[1], dtype=np.int64)
    for values, offered in zip(demand.values, limits.effective, strict=True):
        steps = np.unique(np.append(offered, 0))
        key = _dense(key * (len(steps) + 1) + np.searchsorted(steps, values))
    for word in _lasting_words(demand, limits).T:
        pattern = _dense(word)
        key = _dense(key * (int(pattern.max(initial=0)) + 1) + pattern)
    key = key * (int(licence.max(initial=0)) + 1) + licence
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first.astype(np.int64), inverse.reshape(-1).astype(np.int64)


def _lasting_words(demand: Demand, limits: Limits) -> IntArray:
    """machines x words of 64 bits: the burstable sizes whose credits last, of those with enough cores and memory.

    Whether credits last on a size that is too small anyway tells no machine from another.
    """
    large_enough = [
        limits.effective[row, demand.burstable] >= demand.values[row][:, None]
        for row in (DIMENSION["cores"], DIMENSION["memory_mb"])
    ]
    bits = np.packbits(demand.lasting & large_enough[0] & large_enough[1], axis=1)
    padding = -bits.shape[1] % BYTES_A_WORD
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, padding)))).view(np.int64)


def feasible(demand: Demand, limits: IntArray, candidates: IntArray, stages: tuple[Stage, ...] = STAGES) -> BoolArray:
    """machines x candidates: sizes that satisfy every demand of these stages."""
    result = np.ones((demand.values.shape[1], len(candidates)), dtype=np.bool_)
    for row, dimension in enumerate(DIMENSIONS):
        if dimension.stage in stages:
            result &= limits[row, candidates] >= demand.values[row][:, None]
    if "compute" in stages and demand.simulates_credits:
        place = {int(size): column for column, size in enumerate(demand.burstable)}
        for column, size in enumerate(candidates):
            if int(size) in place:
                result[:, column] &= demand.lasting[:, place[int(size)]]
    return result


def _accepts_unknown(name: str, settings: Settings) -> bool:
    if name in UNKNOWN_DISK_LIMITS:
        return settings.unknown_limits.disk == "accept_with_issue"
    return name in UNKNOWN_NETWORK_LIMITS and settings.unknown_limits.network == "accept_with_issue"


def _demanded(array: KnownArray) -> IntArray:
    return np.where(array.known, array.values, 0)


def _any_disk(disks: Disks, mask: BoolArray, machines: int) -> IntArray:
    result = np.zeros(machines, dtype=np.int64)
    result[disks.machine[mask]] = 1
    return result


def _dense(key: IntArray) -> IntArray:
    """The same grouping with small numbers, so that keys never overflow."""
    return np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
