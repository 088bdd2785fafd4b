"""The assessment of all machines at once: requirement, disks, sizes in every scenario, readiness, cost, confidence."""

from dataclasses import dataclass

import numpy as np

from assessments.engine.burstable import lasting_credits
from assessments.engine.confidence import assessment_confidence, confidence
from assessments.engine.costing import (
    bandwidth_cost,
    lacks_subscription_price,
    outbound_gb_per_month,
    storage_costs,
)
from assessments.engine.data_issues import machine_data_issues, nic_data_issues
from assessments.engine.disks import recommend_disks
from assessments.engine.fixed_point import BoolArray, IntArray
from assessments.engine.guest_os import LICENCES
from assessments.engine.issues import DATA_ISSUE, FINDING, READINESS
from assessments.engine.machines import Machines
from assessments.engine.matching import (
    DIMENSION,
    UNKNOWN_DISK_LIMITS,
    UNKNOWN_NETWORK_LIMITS,
    Demand,
    Limits,
    demand_of,
    limits_of,
)
from assessments.engine.rankings import Rankings
from assessments.engine.readiness import Guests, classify_guests, property_findings, readiness
from assessments.engine.recommendations import (
    UNPRICED_REASONS,
    DiskRecommendations,
    Recommendations,
    Requirement,
    ScenarioRecommendations,
)
from assessments.engine.requirement import outbound_mbps, requirement
from assessments.engine.rule_sets import RuleSet
from assessments.engine.scenarios import SCENARIOS, headline_scenario
from assessments.engine.security import security_readiness
from assessments.engine.settings import Settings
from assessments.engine.sizing import Sizing, size_machines
from assessments.engine.target import Target
from assessments.engine.values import Catalog, KnownArray

UNKNOWN_LIMIT_ISSUES = {"disk_limit_unknown": UNKNOWN_DISK_LIMITS, "network_limit_unknown": UNKNOWN_NETWORK_LIMITS}


@dataclass(frozen=True, slots=True)
class Groundwork:
    """The machines, and what is known of them before any size is chosen."""

    machines: Machines
    guests: Guests
    required: Requirement
    disks: DiskRecommendations
    demand: Demand
    limits: Limits


def assess(machines: Machines, catalog: Catalog, settings: Settings) -> Recommendations:
    """Decide everything about the machines."""
    target = Target.of(catalog, settings)
    return decide(machines, groundwork(machines, target), Rankings(target))


def decide(machines: Machines, ground: Groundwork, rankings: Rankings) -> Recommendations:
    """All decisions on the groundwork laid, against the target of the rankings."""
    target, rules = rankings.target, rankings.target.rules
    sizing = size_machines(ground.demand, ground.guests.licence, ground.limits, rankings)
    headline = headline_scenario(target.settings)
    findings = property_findings(machines, ground.guests, ground.required, rules) | sizing.findings
    refused = ground.disks.findings.any(axis=1)
    findings[machines.disks.machine[refused], FINDING["one_or_more_disks_not_suitable"]] = True
    technically = readiness(findings, rules)
    findings[:, FINDING["no_vm_size_found_for_offer_currency_reserved_instance"]] = (
        sizing.fits & ~sizing.priced[headline]
    )
    states = readiness(findings, rules)
    storage, storage_by_type = storage_costs(machines.disks, ground.disks, len(machines), target)
    ready = _gets_a_size(states, rules)
    outbound = outbound_gb_per_month(outbound_mbps(machines, observed=target.uses_observations))
    rating = confidence(machines, target)
    return Recommendations(
        readiness=states,
        findings=findings,
        data_issues=_data_issues(machines, ground, sizing, ready, target),
        required=ground.required,
        scenarios=tuple(_scenario(sizing, place, technically, rules) for place in range(len(SCENARIOS))),
        headline=headline,
        disks=ground.disks,
        nic_data_issues=nic_data_issues(machines.nics, target),
        monthly_storage_cost=_only(storage, ready),
        monthly_storage_cost_by_type=np.where(ready, storage_by_type, 0),
        outbound_gb_per_month=outbound,
        monthly_bandwidth_cost=bandwidth_cost(outbound, target.catalog),
        confidence=rating,
        assessment_confidence=assessment_confidence(rating),
        security=security_readiness(machines, ground.guests, states),
    )


def groundwork(machines: Machines, target: Target) -> Groundwork:
    """Requirement, disks and demand; shared with the decision trace."""
    required = requirement(machines, target)
    disks = recommend_disks(machines.disks, required.disks, target)
    burstable, lasting = lasting_credits(machines, target)
    return Groundwork(
        machines=machines,
        guests=classify_guests(machines, target.rules),
        required=required,
        disks=disks,
        demand=demand_of(required, machines.disks, disks, burstable=burstable, lasting=lasting),
        limits=limits_of(target),
    )


def _gets_a_size(states: IntArray, rules: RuleSet) -> BoolArray:
    """A machine that is not ready has neither size nor cost (C20), nor has an unknown one under the oldest rules."""
    result: BoolArray = states != READINESS.index("not_ready")
    return result if rules.sizes_unknown else result & (states != READINESS.index("unknown"))


def _scenario(sizing: Sizing, place: int, technically: IntArray, rules: RuleSet) -> ScenarioRecommendations:
    """One scenario; `technically` is the readiness that no missing price has touched."""
    suitable = _gets_a_size(technically, rules)
    priced = sizing.priced[place] & suitable
    why_no_size = np.where(
        technically == READINESS.index("not_ready"),
        UNPRICED_REASONS.index("not_ready"),
        UNPRICED_REASONS.index("readiness_unknown"),
    )
    unpriced = np.where(suitable, UNPRICED_REASONS.index("no_price_in_catalog"), why_no_size)
    return ScenarioRecommendations(
        size=np.where(priced, sizing.size[place], 0),
        monthly_compute_cost=_only(KnownArray(sizing.monthly_cost[place], sizing.priced[place]), suitable),
        unpriced=np.where(priced, 0, unpriced).astype(np.int64),
    )


def _only(array: KnownArray, mask: BoolArray) -> KnownArray:
    known = array.known & mask
    return KnownArray(np.where(known, array.values, 0), known)


def _data_issues(machines: Machines, ground: Groundwork, sizing: Sizing, ready: BoolArray, target: Target) -> BoolArray:
    """Flags of the data, and of what the recommended size was accepted without."""
    issues = machine_data_issues(machines, target)
    unpriced = ~ground.disks.known & ~ground.disks.findings.any(axis=1)
    issues[machines.disks.machine[unpriced], DATA_ISSUE["cannot_report_storage_cost"]] = True
    headline = headline_scenario(target.settings)
    sized = np.flatnonzero(sizing.priced[headline] & ready)
    size = sizing.size[headline, sized]
    for issue, dimensions in UNKNOWN_LIMIT_ISSUES.items():
        for dimension in dimensions:
            row = DIMENSION[dimension]
            unknown = ~ground.limits.known[row, size] & (ground.demand.values[row, sized] > 0)
            issues[sized, DATA_ISSUE[issue]] |= unknown
    for kind, licence in enumerate(LICENCES):
        lacks = lacks_subscription_price(target, SCENARIOS[headline], licence)
        unpriced = (ground.guests.licence[sized] == kind) & lacks[size]
        issues[sized, DATA_ISSUE["linux_subscription_price_unknown"]] |= unpriced
    return issues
