"""What became dearer or cheaper between two catalogs, of the sizes that published runs recommend."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F

from assessments.catalog.models import Catalog, SkuPrice
from assessments.models import AssessedMachine, AssessmentRun

# Machines of the newest published runs that are looked at; counting more would take longer than a page may.
MAX_MACHINES = 100_000
MAX_RUNS = 50


@dataclass(frozen=True)
class PriceChange:
    """An hour of a size in US dollars in two catalogs; None is no price. `machines` are recommended that size."""

    region: str
    size: str
    operating_system: str
    machines: int
    before: Decimal | None
    after: Decimal | None

    @property
    def percent(self) -> Decimal | None:
        return (self.after / self.before - 1) * 100 if self.before and self.after else None

    @property
    def weight(self) -> Decimal:
        """An hour of all these machines costs so much more or less."""
        return abs((self.after or Decimal(0)) - (self.before or Decimal(0))) * self.machines


@dataclass(frozen=True)
class PriceChanges:
    """The changes, those that weigh most first, and of how many runs and sizes they are."""

    changes: list[PriceChange]
    runs: int
    sizes: int


def price_changes(before: Catalog, after: Catalog) -> PriceChanges:
    """The changes from one catalog to another one for the sizes of the newest published runs of the tenant."""
    runs = _newest_published()
    used = _sizes_used(runs)
    prices = [_prices(catalog, used) for catalog in (before, after)]
    changes = [
        PriceChange(region, size, system, machines, old, new)
        for (region, size), machines in used.items()
        for number, system in enumerate(("linux", "windows"))
        if (old := _of(prices[0], region, size, number)) != (new := _of(prices[1], region, size, number))
    ]
    changes.sort(key=lambda each: (-each.weight, each.region, each.size, each.operating_system))
    return PriceChanges(changes=changes, runs=len(runs), sizes=len(used))


Prices = dict[tuple[str, str], tuple[Decimal | None, Decimal | None]]


def _newest_published() -> dict[UUID, str]:
    """The newest published runs with their regions, as many as stay within MAX_MACHINES; the first one always."""
    runs = AssessmentRun.objects.filter(assessment__current_run=F("id"), assessment__deleted_at=None)
    found: dict[UUID, str] = {}
    machines = 0
    for run_id, region, count in runs.order_by("-finished_at", "id").values_list("id", "region", "machine_count")[
        :MAX_RUNS
    ]:
        machines += count
        if found and machines > MAX_MACHINES:
            break
        found[run_id] = region
    return found


def _sizes_used(runs: dict[UUID, str]) -> dict[tuple[str, str], int]:
    """Machines by region and recommended size."""
    rows: Sequence[dict[str, Any]] = (
        AssessedMachine.objects.filter(run_id__in=runs, recommended_sku__isnull=False)
        .order_by()
        .values("run_id", "recommended_sku")
        .annotate(machines=Count("id"))
    )
    used: dict[tuple[str, str], int] = {}
    for row in rows:
        key = runs[row["run_id"]], row["recommended_sku"]
        used[key] = used.get(key, 0) + row["machines"]
    return used


def _prices(catalog: Catalog, used: dict[tuple[str, str], int]) -> Prices:
    rows = SkuPrice.objects.filter(
        catalog=catalog, region__in={region for region, _ in used}, sku__name__in={size for _, size in used}
    )
    columns = ("region", "sku__name", "linux_payg_hourly", "windows_payg_hourly")
    return {(region, size): (linux, windows) for region, size, linux, windows in rows.values_list(*columns)}


def _of(prices: Prices, region: str, size: str, number: int) -> Decimal | None:
    return prices.get((region, size), (None, None))[number]
