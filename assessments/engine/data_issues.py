"""Flags for missing and impossible data (rule book 5.2). None of them stops an assessment."""

import numpy as np

from assessments.engine.fixed_point import BoolArray
from assessments.engine.issues import DATA_ISSUE, DATA_ISSUES, DISK_DATA_ISSUE, DISK_DATA_ISSUES, NIC_DATA_ISSUES
from assessments.engine.machines import Disks, Machines, Nics
from assessments.engine.requirement import FULL_PERCENT, count_parts
from assessments.engine.target import Target
from assessments.engine.values import Observed


def machine_data_issues(machines: Machines, target: Target) -> BoolArray:
    """machines x DATA_ISSUES. Utilization is only looked at when it is used."""
    issues = np.zeros((len(machines), len(DATA_ISSUES)), dtype=np.bool_)
    issues[:, DATA_ISSUE["number_of_cores_out_of_range"]] = machines.cores <= 0
    issues[:, DATA_ISSUE["megabytes_of_memory_out_of_range"]] = machines.memory_mb <= 0
    issues[:, DATA_ISSUE["no_disks_discovered"]] = count_parts(machines.disks.machine, len(machines)) == 0
    if not target.uses_observations:
        return issues
    cpu, memory = machines.cpu_percent, machines.memory_percent
    issues[:, DATA_ISSUE["percentage_of_cores_utilized_missing"]] = ~cpu.known
    issues[:, DATA_ISSUE["percentage_of_memory_utilized_missing"]] = ~memory.known
    issues[:, DATA_ISSUE["percentage_of_cores_utilized_out_of_range"]] = cpu.known & (
        (cpu.values < 0) | (cpu.values > FULL_PERCENT)
    )
    issues[:, DATA_ISSUE["percentage_of_memory_utilized_out_of_range"]] = memory.known & (memory.values < 0)
    return issues


def disk_data_issues(disks: Disks, target: Target) -> BoolArray:
    """disks x DISK_DATA_ISSUES."""
    counters = (disks.read_iops, disks.write_iops, disks.read_mbps, disks.write_mbps)
    issues = _counter_issues(counters, len(disks.machine), len(DISK_DATA_ISSUES), target)
    issues[:, DISK_DATA_ISSUE["disk_gigabytes_provisioned_out_of_range"]] = disks.size_gb <= 0
    return issues


def nic_data_issues(nics: Nics, target: Target) -> BoolArray:
    """nics x NIC_DATA_ISSUES."""
    counters = (nics.transmitted_mbps, nics.received_mbps)
    return _counter_issues(counters, len(nics.machine), len(NIC_DATA_ISSUES), target)


def _counter_issues(counters: tuple[Observed, ...], rows: int, columns: int, target: Target) -> BoolArray:
    """Missing and out-of-range flags, in pairs, in the order of the counters."""
    issues = np.zeros((rows, columns), dtype=np.bool_)
    if target.uses_observations:
        for column, counter in enumerate(counters):
            issues[:, 2 * column] = ~counter.known
            issues[:, 2 * column + 1] = counter.known & (counter.values < 0)
    return issues
