"""Disks whose performance is provisioned apart from their size: Premium SSD v2 and Ultra. Rule book 5.4.

DT22 = azure-docs disks-types.md of 2022, C25 = concepts-assessment-calculation.md of 2025-02-06.
"""

from dataclasses import dataclass

import numpy as np

from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray
from assessments.engine.settings import FULL_MONTH_HOURS
from assessments.engine.values import PremiumV2, Ultra

# C25, DT22: 256 KiB/s for each provisioned IOPS, so 4 IOPS behind each MB/s.
IOPS_PER_MBPS = 4
ULTRA_MIN_IOPS, ULTRA_MIN_MBPS = 100, 1


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What would be provisioned for each disk, in whole GiB, IOPS and MB/s, and what stands against it."""

    size_gib: IntArray
    iops: IntArray
    mbps: IntArray
    monthly_cost: IntArray  # billionths
    size_fits: BoolArray
    iops_fit: BoolArray
    mbps_fit: BoolArray


def premium_v2(disks: PremiumV2, size_gb: IntArray, iops: IntArray, mbps: IntArray) -> Provisioned:
    """Premium SSD v2 for each disk; inputs scaled.

    Sizes go up by 1 GiB, 3,000 IOPS and 125 MB/s are included (DT22). IOPS are raised where the throughput needs them,
    the size where the IOPS need it. Only what exceeds the included performance is billed (section 7.2).
    """
    need_mbps = np.maximum(_whole(mbps), disks.included_mbps)
    extra_mbps = need_mbps > disks.included_mbps
    need_iops = np.maximum(_whole(iops), disks.included_iops)
    need_iops = np.where(extra_mbps, np.maximum(need_iops, need_mbps * disks.iops_per_mbps), need_iops)
    extra_iops = need_iops > disks.included_iops
    size_for_iops = np.maximum(-(-need_iops // disks.iops_per_gib), disks.gib_without_extra_iops + 1)
    size = np.maximum(_whole(size_gb), 1)
    provisioned = np.where(extra_iops, np.maximum(size, size_for_iops), size)
    hourly = (
        provisioned * disks.gib_hour
        + (need_iops - disks.included_iops) * disks.iops_hour
        + (need_mbps - disks.included_mbps) * disks.mbps_hour
    )
    return Provisioned(
        size_gib=provisioned,
        iops=need_iops,
        mbps=need_mbps,
        monthly_cost=hourly * FULL_MONTH_HOURS,
        size_fits=size <= disks.max_size_gib,
        iops_fit=need_iops <= disks.max_iops,
        mbps_fit=need_mbps <= disks.max_mbps,
    )


def ultra(disks: Ultra, size_gb: IntArray, iops: IntArray, mbps: IntArray) -> Provisioned:
    """Ultra for each disk; inputs scaled. C25: the largest of the sizes that size, IOPS and throughput each ask for."""
    need_mbps = np.maximum(_whole(mbps), disks.min_mbps)
    need_iops = np.maximum(np.maximum(_whole(iops), disks.min_iops), need_mbps * disks.iops_per_mbps)
    by_size = np.searchsorted(disks.sizes_gib, _whole(size_gb))
    by_iops = np.searchsorted(disks.max_iops, need_iops)
    by_mbps = np.searchsorted(disks.max_mbps, need_mbps)
    offered = len(disks.sizes_gib)
    chosen = np.minimum(np.maximum(np.maximum(by_size, by_iops), by_mbps), offered - 1)
    size = disks.sizes_gib[chosen]
    hourly = size * disks.gib_hour + need_iops * disks.iops_hour + need_mbps * disks.mbps_hour
    return Provisioned(
        size_gib=size,
        iops=need_iops,
        mbps=need_mbps,
        monthly_cost=hourly * FULL_MONTH_HOURS,
        size_fits=by_size < offered,
        iops_fit=by_iops < offered,
        mbps_fit=by_mbps < offered,
    )


def ultra_sizes() -> IntArray:
    """Offered Ultra sizes in GiB: 4 to 512 doubling, then steps of 1 TiB up to 64 TiB (DT22)."""
    return np.array([*(2**power for power in range(2, 10)), *range(1024, 65_537, 1024)], dtype=np.int64)


def ultra_of_2022(*, gib_hour: int, iops_hour: int, mbps_hour: int) -> Ultra:
    """Ultra as documented until 2022 (DT22): 300 IOPS a GiB up to 160,000; 4,000 MB/s from 64 GiB, less below."""
    sizes = ultra_sizes()
    return Ultra(
        sizes_gib=sizes,
        max_iops=np.minimum(sizes * 300, 160_000),
        max_mbps=np.select([sizes <= 4, sizes <= 8, sizes <= 16, sizes <= 32], [300, 600, 1200, 2400], 4000),
        min_iops=ULTRA_MIN_IOPS,
        min_mbps=ULTRA_MIN_MBPS,
        iops_per_mbps=IOPS_PER_MBPS,
        gib_hour=gib_hour,
        iops_hour=iops_hour,
        mbps_hour=mbps_hour,
    )


def ultra_of_2026(*, gib_hour: int, iops_hour: int, mbps_hour: int) -> Ultra:
    """Ultra as documented in disks-types.md of 2026-08-11: 1,000 IOPS a GiB up to 400,000; up to 10,000 MB/s."""
    sizes = ultra_sizes()
    iops = np.minimum(sizes * 1000, 400_000)
    return Ultra(
        sizes_gib=sizes,
        max_iops=iops,
        max_mbps=np.minimum(iops // IOPS_PER_MBPS, 10_000),
        min_iops=ULTRA_MIN_IOPS,
        min_mbps=ULTRA_MIN_MBPS,
        iops_per_mbps=IOPS_PER_MBPS,
        gib_hour=gib_hour,
        iops_hour=iops_hour,
        mbps_hour=mbps_hour,
    )


def premium_v2_of_2026(*, gib_hour: int, iops_hour: int, mbps_hour: int) -> PremiumV2:
    """Premium SSD v2 as documented in disks-types.md of 2026-08-11 (2022: at most 1,200 MB/s)."""
    return PremiumV2(
        max_size_gib=65_536,
        included_iops=3000,
        included_mbps=125,
        iops_per_gib=500,
        gib_without_extra_iops=6,
        max_iops=80_000,
        iops_per_mbps=IOPS_PER_MBPS,
        max_mbps=2000,
        gib_hour=gib_hour,
        iops_hour=iops_hour,
        mbps_hour=mbps_hour,
    )


def _whole(values: IntArray) -> IntArray:
    """Scaled quantities rounded up to whole units."""
    return -(-values // QUANTITY_SCALE)
