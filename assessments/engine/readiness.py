"""Readiness: what a machine's own properties say, and how findings combine. Rule book, section 4."""

from dataclasses import dataclass

import numpy as np

from assessments.engine.fixed_point import QUANTITY_SCALE, BoolArray, IntArray
from assessments.engine.guest_os import LICENCES, GuestOs, classify
from assessments.engine.issues import FINDING, FINDINGS, READINESS, Issue, Readiness
from assessments.engine.machines import BOOT_TYPES, Machines
from assessments.engine.recommendations import Requirement
from assessments.engine.requirement import count_parts
from assessments.engine.rule_sets import RuleSet

MEGABYTES_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class Guests:
    """The operating systems of all machines, classified once per name."""

    systems: tuple[GuestOs, ...]
    licence: IntArray  # index into LICENCES, one entry a machine


def classify_guests(machines: Machines, rules: RuleSet) -> Guests:
    """Classify every unique name once."""
    systems = tuple(classify(name, rules) for name in machines.operating_systems)
    licences = np.array([LICENCES.index(system.licence) for system in systems], dtype=np.int64)
    return Guests(systems, licences[machines.operating_system])


def property_findings(machines: Machines, guests: Guests, required: Requirement, rules: RuleSet) -> BoolArray:
    """machines x FINDINGS, from boot type, operating system, counts and the documented maxima (4.2, 4.3)."""
    found = np.zeros((len(machines), len(FINDINGS)), dtype=np.bool_)
    _boot_findings(found, machines, guests, rules)
    _guest_findings(found, machines, guests)
    disks = count_parts(machines.disks.machine, len(machines))
    found[:, FINDING["more_disks_than_supported"]] = disks > rules.max_disks
    found[:, FINDING["one_or_more_adapters_not_suitable"]] = required.nics > rules.max_nics
    found[:, FINDING["no_suitable_vm_size_found"]] = (required.cores > rules.max_cores * QUANTITY_SCALE) | (
        required.memory_mb > rules.max_memory_gb * MEGABYTES_PER_GB * QUANTITY_SCALE
    )
    return found


def readiness(findings: BoolArray, rules: RuleSet) -> IntArray:
    """The worst finding decides; index into READINESS."""
    severity = np.array([READINESS.index(outcome(issue, rules)) for issue in FINDINGS], dtype=np.int64)
    result: IntArray = np.max(findings * severity, axis=1)
    return result


def outcome(issue: Issue, rules: RuleSet) -> Readiness:
    """What a finding means under a rule set: the UEFI and the 32-bit rule changed over the years (0.2)."""
    if issue.code == "boot_type_not_supported" and rules.uefi == "conditional":
        return "ready_with_conditions"
    if issue.code == "guest_operating_system_architecture_not_supported":
        return rules.x86
    return issue.outcome


def _boot_findings(found: BoolArray, machines: Machines, guests: Guests, rules: RuleSet) -> None:
    """C19: UEFI is conditional whatever the guest; C25, T24: refused for Server 2003 to 2008 R2 alone.

    An import without a boot type counts as BIOS (F20).
    """
    uefi = machines.boot_type == BOOT_TYPES.index("uefi")
    old = np.array([system.is_old_windows_server for system in guests.systems], dtype=np.bool_)
    affected = uefi if rules.uefi == "conditional" else uefi & old[machines.operating_system]
    found[:, FINDING["boot_type_not_supported"]] = affected
    unknown = machines.boot_type == BOOT_TYPES.index("unknown")
    found[:, FINDING["boot_type_unknown"]] = unknown & ~machines.imported


def _guest_findings(found: BoolArray, machines: Machines, guests: Guests) -> None:
    by_name = np.zeros((len(guests.systems), len(FINDINGS)), dtype=np.bool_)
    for row, system in enumerate(guests.systems):
        by_name[row, [FINDING[code] for code in system.findings]] = True
    found |= by_name[machines.operating_system]
