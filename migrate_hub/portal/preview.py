"""A preview as pictures and words: the sample's cost, readiness as a bar, machines before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from migrate_hub.portal.summary import Slice, slices_of
from migrate_hub.portal.wording import scenario_name


@dataclass(frozen=True)
class PreviewShown:
    """What the page shows of a sample. `cheapest`: another offer that costs less for these machines, and its cost."""

    told: Mapping[str, Any]
    slices: tuple[Slice, ...]
    total: Decimal
    average: Decimal | None
    cheapest: tuple[str, Decimal] | None

    @property
    def is_everything(self) -> bool:
        return bool(self.told["sample"] == self.told["machines"])


def preview_shown(told: Mapping[str, Any]) -> PreviewShown:
    cost = told["monthly_cost"]
    total, priced = Decimal(cost["total"]), cost["priced_machines"]
    return PreviewShown(
        told=told,
        slices=slices_of(told["readiness"]),
        total=total,
        average=total / priced if priced else None,
        cheapest=_cheapest(told),
    )


def _cheapest(told: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    """Only offers that price the same machines are compared; Dev/Test is not offered for what people use."""
    costs = {
        name: Decimal(each["monthly_compute_cost"])
        for name, each in told["scenarios"].items()
        if each["priced_machines"] and name in told["comparable"] and name != "dev_test"
    }
    best = min(costs, key=lambda name: costs[name], default=None)
    return (
        (scenario_name(best), costs[best])
        if best is not None and costs[best] < Decimal(told["monthly_cost"]["compute"])
        else None
    )
