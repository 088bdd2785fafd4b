"""Disks whose performance is provisioned apart from their size: Premium SSD v2 and Ultra. Rule book 5.4.

DT22 = azure-docs disks-types.md of 2022, C25 = concepts-assessment-calculation.md of 2025-02-06.
"""

from dataclasses import dataclass

import numpy as np

from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray
from assessments.engine.settings import FULL_MONTH_HOURS
from assessments.engine.values import PremiumV2, Ultra


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


def _whole(values: IntArray) -> IntArray:
    """Scaled quantities rounded up to whole units."""
    return -(-values // QUANTITY_SCALE)
