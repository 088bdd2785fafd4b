"""Monthly cost in billionths. Rule book, section 7.

A price that the catalog lacks stays unknown: no other price ever takes its place.
"""

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
from assessments.engine.recommendations import DiskRecommendations
from assessments.engine.scenarios import Scenario
from assessments.engine.settings import FULL_MONTH_HOURS, Settings
from assessments.engine.target import Target
from assessments.engine.values import DISK_TYPES, Catalog, Disks, KnownArray, SizePrices

WHOLE = 100 * QUANTITY_SCALE
MONTHS = {"reservation_1y": 12, "reservation_3y": 36}
SECONDS_PER_MONTH = FULL_MONTH_HOURS * 3600
MEGABYTES_PER_GB = 1024


def monthly_prices(target: Target, scenario: Scenario, licence: Licence) -> KnownArray:
    """What each size costs a month in a scenario, for a machine whose guest needs this licence.

    Order of operations (rule book 7.1): list price, licence, hours, discount. Under the rule `strict` a commitment
    ignores uptime and discount. Under `combine` the discount applies to the whole commitment (a negotiated price), the
    uptime only to what is billed by the hour beside it: the licence or subscription; the commitment runs all month.
    """
    prices, settings = target.catalog.prices, target.settings
    extra = license_price(target, scenario, licence)
    if scenario.term in MONTHS or scenario.term in ("savings_plan_1y", "savings_plan_3y"):
        combine = settings.commitment_rule == "combine"
        hours = settings.uptime.hours if combine else FULL_MONTH_HOURS
        total = _plus(committed_price(prices, scenario), _times(extra, hours))
        return _discounted(total, settings) if combine else total
    base = _priced(prices.dev_test if scenario.term == "dev_test" else prices.linux)
    if scenario.term == "pay_as_you_go" and licence == "windows" and not scenario.hybrid_benefit:
        base = _priced(prices.windows)
        extra = _free(len(base.values))
    return _discounted(_times(_plus(base, extra), settings.uptime.hours), settings)


def committed_price(prices: SizePrices, scenario: Scenario) -> KnownArray:
    """Compute alone: a reservation's term over its months (EXP20: 695 / 12 = 57.92), a savings plan's rate x 744."""
    if scenario.term in MONTHS:
        term = prices.reservation_1y_term if scenario.term == "reservation_1y" else prices.reservation_3y_term
        priced = _priced(term)
        return KnownArray(multiply_half_up(priced.values, 1, MONTHS[scenario.term]), priced.known)
    rate = prices.savings_plan_1y if scenario.term == "savings_plan_1y" else prices.savings_plan_3y
    return _times(_priced(rate), FULL_MONTH_HOURS)


def license_price(target: Target, scenario: Scenario, licence: Licence) -> KnownArray:
    """What the licence or Linux subscription costs an hour on top of compute; unknown where the catalog lacks it.

    Dev/Test charges no license. The hybrid benefit covers Windows, and RHEL and SLES when the settings say so. A Linux
    subscription without a price is left out of the cost (T21: it never was in); the machine then carries a data issue.
    """
    prices, count = target.catalog.prices, len(target.catalog.sizes)
    if licence == "none" or scenario.term == "dev_test":
        return _free(count)
    if licence == "windows":
        return _free(count) if scenario.hybrid_benefit else windows_license(prices)
    if not _subscription_due(target, scenario):
        return _free(count)
    subscription = _subscription(prices, licence)
    return KnownArray(np.where(subscription.known, subscription.values, 0), np.ones(count, dtype=np.bool_))


def windows_license(prices: SizePrices) -> KnownArray:
    """Windows licence an hour: Windows minus Linux pay-as-you-go where both are known, else as given."""
    linux, windows = _priced(prices.linux), _priced(prices.windows)
    both = linux.known & windows.known & (windows.values >= linux.values)
    given = prices.windows_licence
    return KnownArray(np.where(both, windows.values - linux.values, given.values), both | given.known)


def lacks_subscription_price(target: Target, scenario: Scenario, licence: Licence) -> BoolArray:
    """Sizes whose cost leaves a Linux subscription out because the catalog has no price for it."""
    if licence not in ("rhel", "sles") or scenario.term == "dev_test" or not _subscription_due(target, scenario):
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
    covered = scenario.hybrid_benefit and target.settings.hybrid_benefit == "windows_and_linux"
    return target.rules.linux_subscriptions_priced and not covered


def _subscription(prices: SizePrices, licence: Licence) -> KnownArray:
    return prices.rhel_subscription if licence == "rhel" else prices.sles_subscription


def _priced(array: KnownArray) -> KnownArray:
    """Zero and below are not prices (formats.md trap: 0 occurs and means missing)."""
    return KnownArray(array.values, array.known & (array.values > 0))


def _free(count: int) -> KnownArray:
    return KnownArray(np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_))


def _plus(first: KnownArray, second: KnownArray) -> KnownArray:
    return KnownArray(first.values + second.values, first.known & second.known)


def _times(array: KnownArray, hours: int) -> KnownArray:
    return KnownArray(array.values * hours, array.known)


def _discounted(array: KnownArray, settings: Settings) -> KnownArray:
    kept = WHOLE - scaled_number(settings.discount_percent)
    return KnownArray(multiply_half_up(array.values, kept, WHOLE), array.known)
