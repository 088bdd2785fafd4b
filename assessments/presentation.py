"""What API, portal and reports show of a run: codes with their texts, observed figures, scenarios, traces."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from assessments.catalog.price_origins import PriceOrigins, with_sources
from assessments.engine.explain import explain
from assessments.engine.fixed_point import QUANTITY_SCALE
from assessments.engine.issues import DATA_ISSUES, DISK_DATA_ISSUES, DISK_FINDINGS, FINDINGS, NIC_DATA_ISSUES, Issue
from assessments.engine.trace import MachineTrace
from assessments.engine.values import Catalog
from assessments.headroom import expected_percent
from assessments.inputs import DISK_METRICS, NIC_METRICS, stored_machine
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.results import amount_text, stars
from assessments.series_statistics import series_statistics
from assessments.settings import engine_settings
from assessments.targets import catalog_of, origins_of
from ingest.utilization import Measured

ISSUES: dict[str, Issue] = {
    issue.code: issue for issue in (*FINDINGS, *DISK_FINDINGS, *DATA_ISSUES, *DISK_DATA_ISSUES, *NIC_DATA_ISSUES)
}


def shown_issues(codes: Iterable[str]) -> list[dict[str, str]]:
    """Codes with message and remedy."""
    return [
        {"code": code, "message": ISSUES[code].message, "remedy": ISSUES[code].remedy}
        for code in codes
        if code in ISSUES
    ]


def value_of(measured: Measured) -> float | None:
    value = measured[0]
    return None if value is None else float(value)


def total_of(measured: Iterable[Measured]) -> float | None:
    """The sum of what is known; None when nothing is."""
    values = [value for value in map(value_of, measured) if value is not None]
    return round(sum(values), 4) if values else None


def observed(machine: AssessedMachine, disks: Iterable[AssessedDisk]) -> dict[str, float]:
    """What was observed, by metric: percentiles of the machine, sums of its disks' and NICs'; absent = no data."""
    of_disks, nics = list(disks), machine.inputs["nics"]
    figures = {
        "cpu_percent": value_of(machine.inputs["cpu_percent"]),
        "memory_percent": value_of(machine.inputs["memory_percent"]),
        **{f"disk_{metric}": total_of(disk.observed[metric] for disk in of_disks) for metric in DISK_METRICS},
        **{f"network_{metric}": total_of(nic[metric] for nic in nics) for metric in NIC_METRICS},
    }
    for part, key in (("disk", "disk_totals"), ("network", "nic_totals")):
        for metric, total in machine.inputs.get(key, {}).items():
            if figures[f"{part}_{metric}"] is None:
                figures[f"{part}_{metric}"] = value_of(total)
    return {name: value for name, value in figures.items() if value is not None}


def confidence(machine: AssessedMachine) -> dict[str, Any]:
    """Percent and stars, which are absent where confidence does not apply."""
    if machine.confidence_percent is None:
        return {"applicable": False, "reason": machine.confidence_reason}
    percent = float(machine.confidence_percent)
    reason = "" if percent > 80 else "points_missing"
    return {
        "applicable": True,
        "percent": percent,
        "stars": machine.confidence_stars or stars(machine.confidence_percent),
        **({"reason": reason} if reason else {}),
    }


def machine_row(machine: AssessedMachine, disks: Iterable[AssessedDisk], currency: str) -> dict[str, Any]:
    """A row of the results, as api.md names its fields."""
    row: dict[str, Any] = {
        "machine": str(machine.machine_id),
        "name": machine.name,
        "readiness": machine.readiness,
        "issues": shown_issues(machine.issues),
        "recommended_sku": machine.recommended_sku,
        "currency": currency,
        "monthly_compute_cost": amount_text(machine.monthly_compute_cost),
        "monthly_storage_cost": amount_text(machine.monthly_storage_cost),
        "scenarios": machine.scenarios,
        "observed": observed(machine, disks),
        "required": machine.required,
        "confidence": confidence(machine),
        "data_issues": shown_issues(machine.data_issues),
    }
    return {name: value for name, value in row.items() if value is not None}


def disk_row(disk: AssessedDisk) -> dict[str, Any]:
    row: dict[str, Any] = {
        "source_id": disk.source_id,
        "name": disk.name,
        "size_gb": float(disk.size_gb),
        "observed": {metric: value_of(disk.observed[metric]) for metric in DISK_METRICS},
        "recommended_sku": disk.recommended_sku,
        "recommended_type": disk.recommended_type,
        "recommended_size_gib": _float(disk.recommended_size_gib),
        "provisioned_iops": _float(disk.provisioned_iops),
        "provisioned_mbps": _float(disk.provisioned_mbps),
        "monthly_cost": amount_text(disk.monthly_cost),
        "issues": shown_issues(disk.issues),
        "data_issues": shown_issues(disk.data_issues),
    }
    row["observed"] = {name: value for name, value in row["observed"].items() if value is not None}
    return {name: value for name, value in row.items() if value is not None}


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def nic_row(nic: dict[str, Any]) -> dict[str, Any]:
    figures = {metric: value_of(nic[metric]) for metric in ("received_mbps", "transmitted_mbps")}
    return {
        **{name: nic[name] for name in ("source_id", "mac_address", "ip_addresses", "network")},
        "observed": {name: value for name, value in figures.items() if value is not None},
    }


def decision_trace(run: AssessmentRun, machine: AssessedMachine, disks: list[AssessedDisk]) -> dict[str, Any]:
    """How everything about a machine was decided: computed again from the inputs that the run stored.

    `series` are the menu percentiles of its series, where there are any (`series_statistics`); `expected` is what the
    recommended size has and how busy it will be (`expected_utilization`).
    """
    statistics = series_statistics(run, machine)
    catalog, origins = catalog_of(run), origins_of(run)
    trace = explain(stored_machine(machine, disks), 0, catalog, engine_settings(run.settings))
    busy = expected_utilization(machine, catalog)
    return {
        "catalog": priced_by(run, origins),
        "performance_start_at": run.performance_start_at,
        "performance_end_at": run.performance_end_at,
        **({} if statistics is None else {"series": statistics}),
        **({} if busy is None else {"expected": busy}),
        **trace_with_sources(trace, origins),
    }


def expected_utilization(machine: AssessedMachine, catalog: Catalog) -> dict[str, Any] | None:
    """Cores and memory of the recommended size and how busy they will be; None where there is no size.

    A percentage is absent where the run knew no utilization.
    """
    if machine.recommended_sku is None:
        return None
    size, seen = catalog.sizes.names.index(machine.recommended_sku), machine.inputs
    cores, memory_mb = int(catalog.sizes.vcpus[size]), int(catalog.sizes.memory_mb[size]) // QUANTITY_SCALE
    busy = {
        "cpu_percent": expected_percent(value_of(seen["cpu_percent"]), seen["cores"], cores),
        "memory_percent": expected_percent(value_of(seen["memory_percent"]), seen["memory_mb"], memory_mb),
    }
    known = {name: float(percent) for name, percent in busy.items() if percent is not None}
    return {"cores": cores, "memory_mb": memory_mb, **known}


def priced_by(run: AssessmentRun, origins: PriceOrigins) -> dict[str, Any]:
    """The catalog behind every price of a run, with its day and, in another currency than US dollars, the rate."""
    told = {"id": str(run.catalog_id), "name": run.catalog.name, "as_of": run.catalog.as_of.isoformat()}
    rate = origins.conversion
    if rate is None:
        return told
    return {**told, "units_per_usd": plain(rate.units_per_usd), "rate_date": rate.rate_date.isoformat()}


def trace_with_sources(trace: MachineTrace, origins: PriceOrigins) -> dict[str, Any]:
    """The engine's trace as plain values, and beside each of its price lines `sources`: who says the price.

    A price line has kind, unit, unit_price, quantity, hours or months, discount_percent, amount and arithmetic as
    `engine.trace.PriceLine` explains; the amounts of a scenario's lines are its monthly_compute_cost, those of a
    disk's lines its monthly_cost, and the headline's with those of all disks the machine's monthly cost.

    `sources` is a list of {price, from (catalog or price_sheet), title, dated, effective_from, price_sheet_row}, of
    which the last three may be absent; two entries mean that the price is made of two (Windows minus Linux); a
    discount has none.
    """
    told: dict[str, Any] = plain(asdict(trace))
    for scenario in told["scenarios"]:
        scenario["price_lines"] = with_sources(scenario["price_lines"], scenario["size"], origins)
    for disk in told["disks"]:
        disk["price_lines"] = with_sources(disk["price_lines"], disk["tier"], origins)
    return told


def plain(value: Any) -> Any:
    """Decimals as text without trailing zeros, so that JSON readers lose nothing."""
    match value:
        case Decimal():
            return f"{value.normalize():f}" if value else "0"
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case datetime() | date() | UUID():
            return value
    return value
