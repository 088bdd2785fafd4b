"""Confidence rating: how far the series cover the performance history. Rule book, section 6."""

import numpy as np

from assessments.engine.fixed_point import IntArray
from assessments.engine.machines import Machines
from assessments.engine.recommendations import CONFIDENCE_REASONS, AssessmentConfidence, Confidence
from assessments.engine.requirement import FULL_PERCENT, count_parts
from assessments.engine.target import Target

MACHINE_SERIES, DISK_SERIES, NIC_SERIES = 2, 4, 2
MAX_STARS = 5


def confidence(machines: Machines, target: Target) -> Confidence:
    """Percent of the points there could be: (2 + 4 x disks + 2 x NICs) x points of the window."""
    expected, available = expected_points(machines), available_points(machines)
    possible = np.maximum(expected, 1)
    available = np.minimum(available, expected)
    percent = (2 * available * FULL_PERCENT + possible) // (2 * possible)
    as_is = np.full(len(machines), not target.uses_observations)
    reason = np.select(
        [as_is, machines.imported],
        [CONFIDENCE_REASONS.index("as_on_premises"), CONFIDENCE_REASONS.index("imported")],
        0,
    )
    return Confidence(reason == 0, percent, stars(available, possible), reason)


def expected_points(machines: Machines) -> IntArray:
    """Points that complete series would hold."""
    disks = count_parts(machines.disks.machine, len(machines))
    nics = count_parts(machines.nics.machine, len(machines))
    return (MACHINE_SERIES + DISK_SERIES * disks + NIC_SERIES * nics) * machines.expected_points


def available_points(machines: Machines) -> IntArray:
    """Points that are there."""
    points = machines.cpu_percent.points + machines.memory_percent.points
    disks, nics = machines.disks, machines.nics
    of_disks = sum(
        (part.points for part in (disks.read_iops, disks.write_iops, disks.read_mbps, disks.write_mbps)),
        np.zeros(len(disks.machine), dtype=np.int64),
    )
    np.add.at(points, disks.machine, of_disks)
    np.add.at(points, nics.machine, nics.received_mbps.points + nics.transmitted_mbps.points)
    return points


def assessment_confidence(machine: Confidence) -> AssessmentConfidence:
    """Arithmetic mean of the machines to which it applies."""
    percent = machine.percent[machine.applicable]
    if not len(percent):
        return AssessmentConfidence(None, None)
    mean = (2 * int(percent.sum()) + len(percent)) // (2 * len(percent))
    return AssessmentConfidence(mean, int(stars(np.array([mean]), np.array([FULL_PERCENT]))[0]))


def stars(available: IntArray, possible: IntArray) -> IntArray:
    """One star up to and including 20 %, five above 80 % (AME GetConfidenceRatingInStars)."""
    stars: IntArray = np.clip(-(-available * MAX_STARS // possible), 1, MAX_STARS)
    return stars
