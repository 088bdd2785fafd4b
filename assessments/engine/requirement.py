"""What each machine and disk requires: utilization x comfort factor, with the fall-back to what is allocated."""

import numpy as np
import numpy.typing as npt

from assessments.engine.fixed_point import QUANTITY_SCALE, IntArray, multiply_ceiling, scaled_number
from assessments.engine.machines import BOOT_TYPES, Disks, Machines
from assessments.engine.recommendations import DiskRequirement, Requirement
from assessments.engine.target import Target
from assessments.engine.values import KnownArray, Observed

FULL_PERCENT = 100 * QUANTITY_SCALE
BITS_PER_BYTE = 8


def requirement(machines: Machines, target: Target) -> Requirement:
    """Rule book 5.1 to 5.3: performance-based from the observed values, as on-premises from the allocated ones."""
    factor = scaled_number(target.settings.comfort_factor)
    observed = target.uses_observations
    allocated_factor = factor if target.rules.comfort_factor_on_allocated else QUANTITY_SCALE
    cpu, memory = machines.cpu_percent, machines.memory_percent
    cores = _effective(machines.cores, effective_cpu_percent(cpu), factor, cpu.known & observed, allocated_factor)
    memory_mb = _effective(machines.memory_mb, at_least_zero(memory), factor, memory.known & observed, allocated_factor)
    disks, count = machines.disks, len(machines)
    iops = _both_directions(disks.read_iops, disks.write_iops, observed)
    mbps = _both_directions(disks.read_mbps, disks.write_mbps, observed)
    return Requirement(
        cores=cores,
        memory_mb=memory_mb,
        data_disks=np.maximum(count_parts(disks.machine, count) - 1, 0),
        nics=count_parts(machines.nics.machine, count),
        disk_iops=times(_machine_iops(machines, iops, observed=observed), factor),
        disk_mbps=times(_machine_mbps(machines, mbps, observed=observed), factor),
        network_mbps=times(outbound_mbps(machines, observed=observed), factor * BITS_PER_BYTE),
        generation_1=_needs_generation_1(machines, target),
        disks=DiskRequirement(iops=times(iops, factor), mbps=times(mbps, factor)),
    )


def _machine_iops(machines: Machines, iops: KnownArray, *, observed: bool) -> KnownArray:
    disks, totals = machines.disks, machines.disk_totals
    stated = None if totals is None else _both_directions(totals.read_iops, totals.write_iops, observed)
    measured = disks.read_iops.known & disks.write_iops.known
    return _with_totals(iops, stated, measured=measured, owner=disks.machine, machines=len(machines))


def _machine_mbps(machines: Machines, mbps: KnownArray, *, observed: bool) -> KnownArray:
    disks, totals = machines.disks, machines.disk_totals
    stated = None if totals is None else _both_directions(totals.read_mbps, totals.write_mbps, observed)
    measured = disks.read_mbps.known & disks.write_mbps.known
    return _with_totals(mbps, stated, measured=measured, owner=disks.machine, machines=len(machines))


def _needs_generation_1(machines: Machines, target: Target) -> IntArray:
    """1 where the machine boots with BIOS, or may: only a generation 1 VM can, and newer series have none (UE25)."""
    uefi = machines.boot_type == BOOT_TYPES.index("uefi")
    result: IntArray = (~uefi & target.rules.bios_needs_generation_1).astype(np.int64)
    return result


def effective_cpu_percent(cpu: Observed) -> IntArray:
    """CPU utilization within 0 to 100 % (rule book 5.2: above is a fault of the counter)."""
    return np.clip(cpu.values, 0, FULL_PERCENT)


def at_least_zero(observed: Observed) -> IntArray:
    """A negative counter is a fault; memory above 100 % is kept, it is real pressure (F23)."""
    return np.maximum(observed.values, 0)


def outbound_mbps(machines: Machines, *, observed: bool) -> KnownArray:
    """Megabytes a second out of each machine. Only what goes out counts (C20)."""
    nics, totals = machines.nics, machines.nic_totals
    stated = None if totals is None else _outbound(totals.transmitted_mbps, observed)
    sent, measured = _outbound(nics.transmitted_mbps, observed), nics.transmitted_mbps.known
    return _with_totals(sent, stated, measured=measured, owner=nics.machine, machines=len(machines))


def _outbound(transmitted: Observed, observed: bool) -> KnownArray:
    known = transmitted.known & observed
    return KnownArray(np.where(known, at_least_zero(transmitted), 0), known)


def has_no_counters(disks: Disks) -> npt.NDArray[np.bool_]:
    """Disks for which not one of the four counters is known."""
    result: npt.NDArray[np.bool_] = ~(
        disks.read_iops.known | disks.write_iops.known | disks.read_mbps.known | disks.write_mbps.known
    )
    return result


def count_parts(owner: IntArray, machines: int) -> IntArray:
    """How many disks (or NICs) each machine has."""
    return np.bincount(owner, minlength=machines).astype(np.int64)


def sum_parts(parts: KnownArray, owner: IntArray, machines: int) -> KnownArray:
    """Sum of the known values of each machine's disks or NICs; known when at least one is."""
    values = np.zeros(machines, dtype=np.int64)
    np.add.at(values, owner[parts.known], parts.values[parts.known])
    known = np.zeros(machines, dtype=np.bool_)
    known[owner[parts.known]] = True
    return KnownArray(values, known)


def times(array: KnownArray, factor: int) -> KnownArray:
    """Known values x a scaled factor, rounded up."""
    return KnownArray(multiply_ceiling(array.values, factor, QUANTITY_SCALE), array.known)


def _effective(
    allocated: IntArray, percent: IntArray, factor: int, use_percent: npt.NDArray[np.bool_], allocated_factor: int
) -> IntArray:
    """allocated x percent x factor where there is data, else allocated x its own factor (rule book 5.2); scaled."""
    utilized = multiply_ceiling(allocated * percent, factor, FULL_PERCENT)
    result: IntArray = np.where(use_percent, utilized, allocated * allocated_factor)
    return result


def _both_directions(read: Observed, write: Observed, observed: bool) -> KnownArray:
    """Reads plus writes of each disk: each percentile is taken alone, then they are added (API19)."""
    values = np.where(read.known, at_least_zero(read), 0) + np.where(write.known, at_least_zero(write), 0)
    known = (read.known | write.known) & observed
    return KnownArray(np.where(known, values, 0), known)


def _with_totals(
    parts: KnownArray,
    totals: KnownArray | None,
    *,
    measured: npt.NDArray[np.bool_],
    owner: IntArray,
    machines: int,
) -> KnownArray:
    """Sums over each machine's disks (or adapters), and what was stated of all of them together (C25).

    Where every one is `measured` the sum counts, else the larger of the two: the rest of the disks are only in the
    totals.
    """
    sums = sum_parts(parts, owner, machines)
    if totals is None:
        return sums
    whole = sums.known & (count_parts(owner[~measured], machines) == 0)
    known = sums.known | totals.known
    return KnownArray(np.where(whole, sums.values, np.maximum(sums.values, totals.values)), known)
