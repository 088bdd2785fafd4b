"""What settings would say of a group: the engine on a sample of its machines, computed while somebody waits.

A preview is a run that is never saved, over fewer machines: settings, catalog, window and inputs are completed, pinned
and read by the functions that do so for a run, so that it says of its machines what a run says of them, to the cent.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from assessments.engine.assess import decide, groundwork
from assessments.engine.fixed_point import MONEY_SCALE, QUANTITY_SCALE, to_decimal
from assessments.engine.rankings import Rankings
from assessments.engine.recommendations import Recommendations
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.values import Catalog, KnownArray
from assessments.headroom import expected_percent
from assessments.inputs import LoadedMachines, load_machines
from assessments.models import AssessmentRun
from assessments.queueing import empty_group, pinned
from assessments.results import amount_text
from assessments.settings import complete_settings
from assessments.targets import credit_terms_of, target_of
from groups.membership import members_of
from groups.models import Group
from migrate_hub.tenants.context import current_tenant_id

SAMPLE, MAX_SAMPLE = 50, 200
EXAMPLES = 3
RANKINGS_KEPT = 8


@dataclass(frozen=True)
class Sample:
    """Ids of the chosen machines, the smallest first, and how many machines the group has."""

    machine_ids: tuple[UUID, ...]
    machines: int


def sample_of(group: Group, size: int) -> Sample:
    """At most `size` machines of a group, the same ones until the group changes.

    The machines are lined up by cores, memory and id, and one is taken from the middle of each of `size` equal
    stretches: small, middling and large machines come in the proportion in which the group has them.
    """
    lined_up = [F("cores").asc(nulls_last=True), F("memory_mb").asc(nulls_last=True), F("id").asc()]
    places = members_of(group).annotate(place=Window(RowNumber(), order_by=lined_up), of=Window(Count("*")))
    stretches = places.annotate(
        upto=(F("place") * size + F("of") / 2) / F("of"), before=((F("place") - 1) * size + F("of") / 2) / F("of")
    )
    chosen = list(stretches.filter(upto__gt=F("before")).order_by("place").values_list("id", "of"))
    return Sample(tuple(id for id, _ in chosen), chosen[0][1] if chosen else 0)


def preview(
    group: Group,
    *,
    settings: dict[str, Any],
    now: datetime,
    changes: dict[str, Any] | None = None,
    size: int = SAMPLE,
) -> dict[str, Any]:
    """What a run of these settings, started now, says of a sample of the group; nothing is written.

    `settings` are those of the wire, or stored ones to which `changes` are made. The answer has the fields of
    `preview_serializers.PreviewOut`. Raises DomainError: empty_group, and everything that `complete_settings` refuses.
    """
    run = AssessmentRun(**pinned(complete_settings(group.project, settings, changes=changes), now))
    sample = sample_of(group, size)
    if not sample.machine_ids:
        raise empty_group()
    rankings = _rankings_of(run)
    machines = load_machines(
        sample.machine_ids,
        start_at=run.performance_start_at,
        end_at=run.performance_end_at,
        percentile=run.settings["percentile"],
        performance_based=run.settings["sizing_criterion"] == "performance_based",
        credit_terms=credit_terms_of(run),
    )
    decided = decide(machines.values, groundwork(machines.values, rankings.target), rankings)
    return {
        "settings": run.settings,
        "currency": run.settings["currency"],
        "prices_as_of": run.catalog.as_of,
        "performance_start_at": run.performance_start_at,
        "performance_end_at": run.performance_end_at,
        "machines": sample.machines,
        "sample": len(machines),
        **_totals(decided),
        "examples": _examples(sample.machine_ids, machines, decided, rankings.target.catalog),
    }


# The rankings of the settings last asked for: whoever tries settings out asks for the same ones again and again.
_rankings: OrderedDict[str, Rankings] = OrderedDict()
_lock = Lock()


def _rankings_of(run: AssessmentRun) -> Rankings:
    """As `targets.rankings_of`, for a run that has no id: the key is all that decides, the tenant first."""
    key = repr((current_tenant_id(), run.prices_on, sorted(run.settings.items())))
    with _lock:
        found = _rankings.pop(key, None)
    found = found or Rankings(target_of(run))
    with _lock:
        _rankings[key] = found
        while len(_rankings) > RANKINGS_KEPT:
            _rankings.popitem(last=False)
    return found


def _totals(decided: Recommendations) -> dict[str, Any]:
    readiness = [decided.readiness_of(row) for row in range(len(decided.readiness))]
    compute, storage = decided.chosen.monthly_compute_cost, decided.monthly_storage_cost
    return {
        "readiness": {
            name: readiness.count(name) for name in ("ready", "ready_with_conditions", "not_ready", "unknown")
        },
        "monthly_cost": {
            "compute": _text(_sum(compute)),
            "storage": _text(_sum(storage)),
            "total": _text(_sum(compute) + _sum(storage)),
            "priced_machines": int(compute.known.sum()),
        },
        "comparable": [
            name
            for name, scenario in zip(SCENARIO_NAMES, decided.scenarios, strict=True)
            if bool((scenario.monthly_compute_cost.known == compute.known).all())
        ],
        "scenarios": {
            name: _scenario(decided.scenarios[place].monthly_compute_cost) for place, name in enumerate(SCENARIO_NAMES)
        },
    }


def _scenario(cost: KnownArray) -> dict[str, Any]:
    priced = int(cost.known.sum())
    return {"priced_machines": priced, **({"monthly_compute_cost": _text(_sum(cost))} if priced else {})}


def _sum(money: KnownArray) -> int:
    return int(money.values[money.known].sum())


def _text(billionths: int) -> str:
    return amount_text(to_decimal(billionths, MONEY_SCALE)) or ""


def _examples(
    lined_up: Sequence[UUID], machines: LoadedMachines, decided: Recommendations, catalog: Catalog
) -> list[dict[str, Any]]:
    """A small, a middling and a large machine: the same ones whatever the settings, so that they can be followed."""
    row_of = {id: row for row, id in enumerate(machines.ids)}
    count = min(EXAMPLES, len(lined_up))
    places = [(2 * each + 1) * len(lined_up) // (2 * count) for each in range(count)]
    rows = [row_of[lined_up[place]] for place in places if lined_up[place] in row_of]
    return [_example(row, machines, decided, catalog) for row in rows]


def _example(row: int, machines: LoadedMachines, decided: Recommendations, catalog: Catalog) -> dict[str, Any]:
    seen: Mapping[str, Any] = machines.inputs[row]
    compute, storage = decided.chosen.monthly_compute_cost.number(row), decided.monthly_storage_cost.number(row)
    shown: dict[str, Any] = {
        "machine": machines.ids[row],
        "name": machines.names[row],
        "cores": seen["cores"],
        "memory_mb": seen["memory_mb"],
        "cpu_percent": seen["cpu_percent"][0],
        "memory_percent": seen["memory_percent"][0],
        "readiness": decided.readiness_of(row),
    }
    if compute is not None:
        size = int(decided.chosen.size[row])
        cores, memory_mb = int(catalog.sizes.vcpus[size]), int(catalog.sizes.memory_mb[size]) // QUANTITY_SCALE
        shown |= {
            "recommended_sku": catalog.sizes.names[size],
            "recommended_cores": cores,
            "recommended_memory_mb": memory_mb,
            "expected_cpu_percent": expected_percent(seen["cpu_percent"][0], seen["cores"], cores),
            "expected_memory_percent": expected_percent(seen["memory_percent"][0], seen["memory_mb"], memory_mb),
            "monthly_cost": _text(compute + (storage or 0)),
        }
    return {name: value for name, value in shown.items() if value is not None}
