"""Monthly cost in billionths. Rule book, section 7.

A price that the catalog lacks stays unknown: no other price ever takes its place.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from assessments.engine.fixed_point import (
    QUANTITY_SCALE,
    BoolArray,
    IntArray,
    multiply_ceiling,
    multiply_half_up,
    scaled_number,
)
from assessments.engine.guest_os import Licence
from assessments.engine.machines import Disks
from assessments.engine.recommendations import DiskRecommendations
from assessments.engine.scenarios import COMMITMENTS, Scenario
from assessments.engine.settings import FULL_MONTH_HOURS
from assessments.engine.target import Target
from assessments.engine.values import DISK_TYPES, Catalog, KnownArray, SizePrices

WHOLE = 100 * QUANTITY_SCALE
SECONDS_PER_MONTH = FULL_MONTH_HOURS * 3600
MEGABYTES_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class PricePart:
    """One price of all sizes that goes into a scenario's cost: by the hour, or a term's total over its months."""

    kind: str  # the price of SizePrices that it is
    price: KnownArray
    hours: int = 0
    months: int = 0

    @property
    def monthly(self) -> KnownArray:
        """Amount a month."""
        if self.months:
            return KnownArray(multiply_half_up(self.price.values, 1, self.months), self.price.known)
        return KnownArray(self.price.values * self.hours, self.price.known)


def monthly_prices(target: Target, scenario: Scenario, licence: Licence) -> KnownArray:
    """What each size costs a month in a scenario, for a machine whose guest needs this licence.

    Order of operations (rule book 7.1): list price, licence, hours, discount. Unknown where any part is.
    """
    total = _free(len(target.catalog.sizes))
    for part in price_parts(target, scenario, licence):
        monthly = part.monthly
        total = KnownArray(total.values + monthly.values, total.known & monthly.known)
    kept = WHOLE - scaled_number(discount_percent(target, scenario))
    return KnownArray(multiply_half_up(total.values, kept, WHOLE), total.known)


def price_parts(target: Target, scenario: Scenario, licence: Licence) -> tuple[PricePart, ...]:
    """The prices that a scenario's cost is made of.

    Under the rule `strict` a commitment ignores the uptime (C25). Under `combine` the uptime applies to what is billed
    by the hour beside the commitment, the licence or subscription; the commitment itself runs all month.
    """
    prices = target.catalog.prices
    if scenario.term == "pay_as_you_go" and licence == "windows" and not scenario.hybrid_benefit:
        return (PricePart("windows", _priced(prices.windows), hours=target.settings.uptime.hours),)
    return (_compute_part(target, scenario), *_license_parts(target, scenario, licence))


def discount_percent(target: Target, scenario: Scenario) -> Decimal:
    """None on a commitment under `strict`; all of it under `combine`, as on a negotiated price."""
    strict = target.settings.commitment_rule == "strict"
    return Decimal(0) if strict and scenario.term in COMMITMENTS else target.settings.discount_percent


def _compute_part(target: Target, scenario: Scenario) -> PricePart:
    """Compute alone: a reservation's term over its months (EXP20: 695 / 12 = 57.92), a savings plan's rate x 744."""
    prices, hours = target.catalog.prices, target.settings.uptime.hours
    match scenario.term:
        case "reservation_1y":
            return PricePart("reservation_1y_term", _priced(prices.reservation_1y_term), months=12)
        case "reservation_3y":
            return PricePart("reservation_3y_term", _priced(prices.reservation_3y_term), months=36)
        case "savings_plan_1y":
            return PricePart("savings_plan_1y", _priced(prices.savings_plan_1y), hours=FULL_MONTH_HOURS)
        case "savings_plan_3y":
            return PricePart("savings_plan_3y", _priced(prices.savings_plan_3y), hours=FULL_MONTH_HOURS)
        case "dev_test":
            return PricePart("dev_test", _priced(prices.dev_test), hours=hours)
        case _:
            return PricePart("linux", _priced(prices.linux), hours=hours)


def _license_parts(target: Target, scenario: Scenario, licence: Licence) -> tuple[PricePart, ...]:
    """What comes on top of compute: what the customer does not bring with the hybrid benefit.

    Dev/Test waives what Microsoft would charge for, Windows, and not the subscriptions of Red Hat and SUSE.
    A Linux subscription without a price is left out of the cost (T21: it never was in); the machine then carries a
    data issue.
    """
    if licence == "none":
        return ()
    strict = target.settings.commitment_rule == "strict" and scenario.term in COMMITMENTS
    hours = FULL_MONTH_HOURS if strict else target.settings.uptime.hours
    prices = target.catalog.prices
    if licence == "windows":
        waived = scenario.hybrid_benefit or scenario.term == "dev_test"
        return () if waived else (PricePart("windows_licence", windows_license(prices), hours=hours),)
    if not _subscription_due(target, scenario):
        return ()
    subscription = _subscription(prices, licence)
    known_or_left_out = KnownArray(
        np.where(subscription.known, subscription.values, 0), np.ones(len(subscription.known), dtype=np.bool_)
    )
    return (PricePart(f"{licence}_subscription", known_or_left_out, hours=hours),)


def windows_license(prices: SizePrices) -> KnownArray:
    """Windows licence an hour: as given, else Windows minus Linux pay-as-you-go where both are known."""
    linux, windows, given = _priced(prices.linux), _priced(prices.windows), prices.windows_licence
    both = linux.known & windows.known & (windows.values >= linux.values)
    derived = np.where(both, windows.values - linux.values, 0)
    return KnownArray(np.where(given.known, given.values, derived), given.known | both)


def lacks_subscription_price(target: Target, scenario: Scenario, licence: Licence) -> BoolArray:
    """Sizes whose cost leaves a Linux subscription out because the catalog has no price for it."""
    if licence not in ("rhel", "sles") or not _subscription_due(target, scenario):
        return np.zeros(len(target.catalog.sizes), dtype=np.bool_)
    return ~_subscription(target.catalog.prices, licence).known


def storage_costs(
    disks: Disks, chosen: DiskRecommendations, machines: int, target: Target
) -> tuple[KnownArray, IntArray]:
    """Monthly cost of each machine's disks, and by type (DISK_TYPES x machines).

    No uptime proration, no transaction cost, offers not considered (C20). Known when every disk has a price.
    """
    costs = chosen.monthly_cost.values
    if target.rules.discount_on_storage:
        costs = multiply_half_up(costs, WHOLE - scaled_number(target.settings.discount_percent), WHOLE)
    by_type = np.zeros((len(DISK_TYPES), machines), dtype=np.int64)
    np.add.at(by_type, (chosen.type[chosen.known], disks.machine[chosen.known]), costs[chosen.known])
    known = np.ones(machines, dtype=np.bool_)
    known[disks.machine[~chosen.known]] = False
    return KnownArray(np.where(known, by_type.sum(axis=0), 0), known), np.where(known, by_type, 0)


def outbound_gb_per_month(outbound_mbps: KnownArray) -> KnownArray:
    """GB a month that leave a machine at its observed rate: MB/s x 3,600 x 24 x 31 / 1,024 (rule book 7.3); scaled."""
    return KnownArray(multiply_ceiling(outbound_mbps.values, SECONDS_PER_MONTH, MEGABYTES_PER_GB), outbound_mbps.known)


def bandwidth_cost(outbound_gb: KnownArray, catalog: Catalog) -> KnownArray:
    """Reported apart and in no total; unknown without a price for outbound data."""
    if catalog.egress_gb_price is None:
        return KnownArray.unknown(len(outbound_gb.values))
    return KnownArray(multiply_half_up(outbound_gb.values, catalog.egress_gb_price, QUANTITY_SCALE), outbound_gb.known)


def _subscription_due(target: Target, scenario: Scenario) -> bool:
    """Dev/Test is one scenario, in which own subscriptions count as the settings say."""
    brings_own = scenario.hybrid_benefit or scenario.term == "dev_test"
    covered = brings_own and target.settings.hybrid_benefit == "windows_and_linux"
    return target.rules.linux_subscriptions_priced and not covered


def _subscription(prices: SizePrices, licence: Licence) -> KnownArray:
    return prices.rhel_subscription if licence == "rhel" else prices.sles_subscription


def _priced(array: KnownArray) -> KnownArray:
    """Zero and below are not prices (formats.md trap: 0 occurs and means missing)."""
    return KnownArray(array.values, array.known & (array.values > 0))


def _free(count: int) -> KnownArray:
    return KnownArray(np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_))
