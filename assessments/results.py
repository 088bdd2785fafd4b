"""Engine values to rows: what a run decided, written in bulk, and the summary that is computed from the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

import msgspec
from django.db import connection

from assessments.engine.fixed_point import MONEY_SCALE, to_decimal
from assessments.engine.rankings import Rankings
from assessments.engine.recommendations import (
    CONFIDENCE_REASONS,
    SECURITY_READINESS,
    UNPRICED_REASONS,
    Recommendations,
)
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.values import DISK_TYPES, Catalog, KnownArray
from assessments.inputs import LoadedMachines
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.savings import possible_savings
from assessments.settings import engine_settings
from migrate_hub.tenants.bulk import bulk_insert
from migrate_hub.tenants.models import uuid7

MACHINES = AssessedMachine._meta.db_table
DISKS = AssessedDisk._meta.db_table


def delete_rows(run: AssessmentRun, part: int) -> None:
    """Removes what an earlier try of this shard left."""
    for model in (AssessedMachine, AssessedDisk):
        model.objects.filter(run=run, part=part)._raw_delete("default")


def save_rows(
    run: AssessmentRun, part: int, machines: LoadedMachines, decided: Recommendations, catalog: Catalog
) -> None:
    """Writes one shard's machines and disks; a fixed number of statements for any number of rows up to 5,000."""
    _save_machines(run, part, machines, decided, catalog)
    _save_disks(run, part, machines, decided, catalog)


def amount(money: KnownArray, row: int) -> Decimal | None:
    """Unrounded money, None where there is none."""
    billionths = money.number(row)
    return None if billionths is None else to_decimal(billionths, MONEY_SCALE)


def amount_text(value: Decimal | None) -> str | None:
    """Unrounded money for people and JSON: trailing zeros gone, at least two decimals."""
    if value is None:
        return None
    text = f"{value:.9f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:<02}"


def _jsons(values: Iterable[Any]) -> list[str]:
    encode = msgspec.json.Encoder().encode
    return [encode(value).decode() for value in values]


def _save_machines(
    run: AssessmentRun, part: int, machines: LoadedMachines, decided: Recommendations, catalog: Catalog
) -> None:
    rows = range(len(machines))
    confidence = decided.confidence
    savings = possible_savings(decided, engine_settings(run.settings))
    applicable = confidence.applicable
    columns: dict[str, tuple[str, Sequence[Any]]] = {
        "id": ("uuid", [uuid7() for _ in rows]),
        "run_id": ("uuid", [run.id] * len(rows)),
        "part": ("integer", [part] * len(rows)),
        "machine_id": ("uuid", machines.ids),
        "configuration_version": ("bigint", machines.configuration_versions),
        "name": ("text", machines.names),
        "readiness": ("text", [decided.readiness_of(row) for row in rows]),
        "recommended_sku": ("text", [_sku(decided, catalog, decided.headline, row) for row in rows]),
        "monthly_compute_cost": ("numeric", [amount(decided.chosen.monthly_compute_cost, row) for row in rows]),
        "monthly_storage_cost": ("numeric", [amount(decided.monthly_storage_cost, row) for row in rows]),
        "monthly_bandwidth_cost": ("numeric", [amount(decided.monthly_bandwidth_cost, row) for row in rows]),
        "issues": ("jsonb", _jsons([issue.code for issue in decided.finding_list(row)] for row in rows)),
        "data_issues": ("jsonb", _jsons([issue.code for issue in decided.data_issue_list(row)] for row in rows)),
        "scenarios": ("jsonb", _jsons(_scenarios(decided, catalog, row) for row in rows)),
        "required": ("jsonb", _jsons(_required(decided, row) for row in rows)),
        "inputs": ("jsonb", _jsons(machines.inputs)),
        "storage_cost_by_type": ("jsonb", _jsons(_storage_by_type(decided, row) for row in rows)),
        "monthly_saving": ("numeric", [to_decimal(saving, MONEY_SCALE) for saving in savings]),
        "confidence_percent": (
            "numeric",
            [to_decimal(confidence.percent[row]) if applicable[row] else None for row in rows],
        ),
        "confidence_stars": ("smallint", [int(confidence.stars[row]) if applicable[row] else None for row in rows]),
        "confidence_reason": ("text", [CONFIDENCE_REASONS[int(reason)] for reason in confidence.reason]),
        "security_readiness": ("text", [SECURITY_READINESS[int(state)] for state in decided.security]),
    }
    bulk_insert(MACHINES, columns)


def _sku(decided: Recommendations, catalog: Catalog, scenario: int, row: int) -> str | None:
    chosen = decided.scenarios[scenario]
    return catalog.sizes.names[int(chosen.size[row])] if chosen.monthly_compute_cost.known[row] else None


def _scenarios(decided: Recommendations, catalog: Catalog, row: int) -> dict[str, dict[str, str]]:
    """Every scenario: size and cost, or the reason why there is none."""
    return {name: _scenario(decided, catalog, place, row) for place, name in enumerate(SCENARIO_NAMES)}


def _scenario(decided: Recommendations, catalog: Catalog, place: int, row: int) -> dict[str, str]:
    chosen = decided.scenarios[place]
    cost = amount_text(amount(chosen.monthly_compute_cost, row))
    if cost is None:
        return {"unpriced": UNPRICED_REASONS[int(chosen.unpriced[row])]}
    return {"sku": catalog.sizes.names[int(chosen.size[row])], "monthly_compute_cost": cost}


def _required(decided: Recommendations, row: int) -> dict[str, Any]:
    required = decided.required
    known = {
        "disk_iops": required.disk_iops,
        "disk_mbps": required.disk_mbps,
        "network_mbps": required.network_mbps,
    }
    # A machine that reports no cores or no memory requires nothing known of them; its data issue says so.
    reported = {"cores": required.cores, "memory_mb": required.memory_mb}
    return {
        **{name: number(array[row]) for name, array in reported.items() if array[row] > 0},
        "data_disks": int(required.data_disks[row]),
        "nics": int(required.nics[row]),
        **{name: number(array.values[row]) for name, array in known.items() if array.known[row]},
    }


def number(scaled: Any) -> float | int:
    """A scaled quantity as a JSON number that prints as the same decimal."""
    value = int(scaled)
    return value // 10_000 if value % 10_000 == 0 else value / 10_000


def _storage_by_type(decided: Recommendations, row: int) -> dict[str, str]:
    costs = decided.monthly_storage_cost_by_type[:, row]
    return {
        name: amount_text(to_decimal(cost, MONEY_SCALE)) or ""
        for name, cost in zip(DISK_TYPES, costs, strict=True)
        if cost
    }


def _save_disks(
    run: AssessmentRun, part: int, machines: LoadedMachines, decided: Recommendations, catalog: Catalog
) -> None:
    disks = decided.disks
    rows = range(len(machines.disks.ids))
    flexible = disks.known & ~disks.has_tier
    columns: dict[str, tuple[str, Sequence[Any]]] = {
        "id": ("uuid", [uuid7() for _ in rows]),
        "run_id": ("uuid", [run.id] * len(rows)),
        "part": ("integer", [part] * len(rows)),
        "machine_id": ("uuid", machines.disks.machine_ids),
        "position": ("integer", machines.disks.positions),
        "source_id": ("text", machines.disks.source_ids),
        "name": ("text", machines.disks.names),
        "size_gb": ("numeric", [to_decimal(size) for size in machines.values.disks.size_gb]),
        "observed": ("jsonb", _jsons(machines.disks.observed)),
        "recommended_sku": ("text", [disk_sku(decided, catalog, row) for row in rows]),
        "recommended_type": ("text", [DISK_TYPES[int(disks.type[row])] if disks.known[row] else None for row in rows]),
        "recommended_size_gib": (
            "numeric",
            [to_decimal(disks.size_gib[row]) if disks.known[row] else None for row in rows],
        ),
        "provisioned_iops": ("numeric", [to_decimal(disks.iops[row]) if flexible[row] else None for row in rows]),
        "provisioned_mbps": ("numeric", [to_decimal(disks.mbps[row]) if flexible[row] else None for row in rows]),
        "monthly_cost": ("numeric", [amount(disks.monthly_cost, row) for row in rows]),
        "issues": ("jsonb", _jsons([issue.code for issue in disks.finding_list(row)] for row in rows)),
        "data_issues": ("jsonb", _jsons([issue.code for issue in disks.data_issue_list(row)] for row in rows)),
    }
    if rows:
        bulk_insert(DISKS, columns)


FLEXIBLE_SKUS = {"premium_ssd_v2": "PremiumV2", "ultra": "Ultra"}


def disk_sku(decided: Recommendations, catalog: Catalog, row: int) -> str | None:
    """The tier of a fixed disk, or the kind of a freely sized one."""
    disks = decided.disks
    if not disks.known[row]:
        return None
    if disks.has_tier[row]:
        return catalog.disk_tiers.names[int(disks.tier[row])]
    return FLEXIBLE_SKUS[DISK_TYPES[int(disks.type[row])]]


# --- the summary ------------------------------------------------------------------------------------------------------

SUMMARY_SQL = """
SELECT readiness, count(*), sum(monthly_compute_cost), count(monthly_compute_cost), sum(monthly_storage_cost),
       sum(monthly_bandwidth_cost), avg(confidence_percent), count(confidence_percent),
       count(monthly_storage_cost)
FROM assessments_assessedmachine WHERE tenant_id = %s AND run_id = %s GROUP BY readiness
"""
SCENARIO_SQL = """
SELECT s.key, count(*) FILTER (WHERE s.value ? 'sku'), sum((s.value ->> 'monthly_compute_cost')::numeric),
       count(*) FILTER (WHERE s.value ->> 'unpriced' = 'no_price_in_catalog'),
       left(md5(coalesce(sum(uuid_hash_extended(m.machine_id, 0)) FILTER (WHERE s.value ? 'sku'), 0)::text), 16)
FROM assessments_assessedmachine m, jsonb_each(m.scenarios) s WHERE m.tenant_id = %s AND m.run_id = %s GROUP BY s.key
"""
STORAGE_SQL = """
SELECT t.key, sum((t.value #>> '{}')::numeric)
FROM assessments_assessedmachine m, jsonb_each(m.storage_cost_by_type) t WHERE m.tenant_id = %s AND m.run_id = %s
GROUP BY t.key
"""
ISSUES_SQL = """
SELECT i.value, count(*) FROM assessments_assessedmachine m, jsonb_array_elements_text(m.issues) i
WHERE m.tenant_id = %s AND m.run_id = %s GROUP BY i.value ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True)
class _Totals:
    machines: int
    by_readiness: dict[str, int]
    compute: Decimal
    priced: int
    storage: Decimal
    stored: int
    bandwidth: Decimal | None
    confidence_percent: Decimal | None
    rated: int


def _query(sql: str, run: AssessmentRun) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [run.tenant_id, run.id])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _totals(run: AssessmentRun) -> _Totals:
    rows = _query(SUMMARY_SQL, run)
    zero = Decimal(0)
    rated = sum(row[7] for row in rows)
    weighted = sum((row[6] * row[7] for row in rows if row[7]), zero)
    return _Totals(
        machines=sum(row[1] for row in rows),
        by_readiness={row[0]: row[1] for row in rows},
        compute=sum((row[2] or zero for row in rows), zero),
        priced=sum(row[3] for row in rows),
        storage=sum((row[4] or zero for row in rows), zero),
        stored=sum(row[8] for row in rows),
        bandwidth=sum(known, zero) if (known := [row[5] for row in rows if row[5] is not None]) else None,
        confidence_percent=weighted / rated if rated else None,
        rated=rated,
    )


def summarize(run: AssessmentRun, rankings: Rankings) -> dict[str, Any]:
    """The summary of a run from its rows: counts, costs by part and scenario (each says for how many it stands)."""
    totals = _totals(run)
    readiness = {
        name: totals.by_readiness.get(name, 0) for name in ("ready", "ready_with_conditions", "not_ready", "unknown")
    }
    return {
        "machines": totals.machines,
        "readiness": readiness,
        "currency": run.settings["currency"],
        "monthly_cost": {
            "compute": amount_text(totals.compute),
            "storage": amount_text(totals.storage),
            "total": amount_text(totals.compute + totals.storage),
            "storage_by_type": {name: amount_text(cost) for name, cost in sorted(_query(STORAGE_SQL, run))},
            **({} if totals.bandwidth is None else {"bandwidth_apart": amount_text(totals.bandwidth)}),
            "priced_machines": totals.priced,
            "storage_priced_machines": totals.stored,
        },
        "scenarios": _scenario_totals(run, totals, rankings),
        "issues": [{"code": code, "machines": count} for code, count in _query(ISSUES_SQL, run)],
        "confidence": _confidence(run, totals),
    }


def _scenario_totals(run: AssessmentRun, totals: _Totals, rankings: Rankings) -> dict[str, Any]:
    found = {row[0]: row[1:] for row in _query(SCENARIO_SQL, run)}
    answer: dict[str, Any] = {}
    for place, name in enumerate(SCENARIO_NAMES):
        priced, cost, unpriced, priced_set = found.get(name, (0, None, 0, ""))
        priced_sizes, sizes = rankings.coverage(place)
        answer[name] = {
            "priced_machines": priced,
            "priced_set": priced_set,
            "machines": totals.machines,
            "without_price": unpriced,
            "priced_sizes": priced_sizes,
            "sizes": sizes,
            **({"monthly_compute_cost": amount_text(cost)} if priced else {}),
        }
    return answer


def stars(percent: Decimal) -> int:
    """One star up to and including 20 %, five above 80 %."""
    return max(1, min(5, int((percent / 20).to_integral_value(ROUND_CEILING))))


def _confidence(run: AssessmentRun, totals: _Totals) -> dict[str, Any]:
    if totals.confidence_percent is None:
        as_is = run.settings["sizing_criterion"] == "as_on_premises"
        return {"applicable": False, "reason": "as_on_premises" if as_is else "imported"}
    percent = totals.confidence_percent.quantize(Decimal("0.01"))
    return {"applicable": True, "percent": float(percent), "stars": stars(percent), "machines": totals.rated}
