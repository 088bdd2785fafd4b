"""A comparison as the API and the portal tell it: exact amounts as text, machines by name."""

from typing import Any
from uuid import UUID

from assessments.comparison import CAUSES, NOTES, Comparison
from assessments.engine.fixed_point import MONEY_SCALE, IntArray, to_decimal
from assessments.models import AssessedMachine, AssessmentRun
from assessments.results import amount_text


def _money(billionths: int) -> str:
    return amount_text(to_decimal(billionths, MONEY_SCALE)) or ""


def _causes(parts: dict[str, int]) -> dict[str, str]:
    return {cause: _money(parts[cause]) for cause in CAUSES}


def comparison_summary(comparison: Comparison, before: AssessmentRun, after: AssessmentRun) -> dict[str, Any]:
    """Both runs, what lies between them by cause, and how many machines it is about."""
    found, in_both = comparison, comparison.in_before & comparison.in_after
    apart = found.by_cause(found.without_cost)
    return {
        "before": _side_of(before, found.before_total),
        "after": _side_of(after, found.after_total),
        "currency": before.settings["currency"],
        "difference": _money(found.after_total - found.before_total),
        "causes": _causes(found.by_cause()),
        "machines": {
            "in_both": int(in_both.sum()),
            "added": int((~found.in_before).sum()),
            "removed": int((~found.in_after).sum()),
            "changed_cost": int((in_both & (found.difference != 0)).sum()),
            "changed_size": found.changed_sizes,
            "changed_readiness": found.changed_readiness,
        },
        "without_cost_in_one": {
            "machines": int(found.without_cost.sum()),
            "difference": _money(sum(apart.values())),
            "causes": _causes(apart),
        },
        "notes": [{"code": code, "message": NOTES[code]} for code in found.notes],
    }


def _side_of(run: AssessmentRun, total: int) -> dict[str, Any]:
    return {
        "assessment": run.assessment_id,
        "name": run.assessment.name,
        "run": run.id,
        "number": run.number,
        "machines": run.machine_count,
        "monthly_cost": _money(total),
        "readiness": (run.summary or {})["readiness"],
    }


def compared_machines(
    comparison: Comparison, before: AssessmentRun, after: AssessmentRun, places: IntArray
) -> list[dict[str, Any]]:
    """The machines at some places of a comparison, in two queries."""
    ids = [comparison.machine_ids[place] for place in places.tolist()]
    sides = {"before": _machines(before, ids), "after": _machines(after, ids)}
    rows = []
    for place, machine_id in zip(places.tolist(), ids, strict=True):
        found = {side: machines[machine_id] for side, machines in sides.items() if machine_id in machines}
        rows.append(
            {
                "machine": machine_id,
                "name": next(reversed(found.values())).name,
                **{side: _machine_side(machine) for side, machine in found.items()},
                "difference": _money(int(comparison.difference[place])),
                "causes": {
                    cause: _money(int(part)) for cause, part in zip(CAUSES, comparison.parts[:, place], strict=True)
                },
                "without_cost_in_one": bool(comparison.without_cost[place]),
            }
        )
    return rows


def _machines(run: AssessmentRun, ids: list[UUID]) -> dict[UUID, AssessedMachine]:
    columns = ("machine_id", "name", "readiness", "recommended_sku", "monthly_compute_cost", "monthly_storage_cost")
    rows = AssessedMachine.objects.filter(run=run, machine_id__in=ids).only(*columns)
    return {machine.machine_id: machine for machine in rows}


def _machine_side(machine: AssessedMachine) -> dict[str, Any]:
    side = {
        "readiness": machine.readiness,
        "recommended_sku": machine.recommended_sku,
        "monthly_compute_cost": amount_text(machine.monthly_compute_cost),
        "monthly_storage_cost": amount_text(machine.monthly_storage_cost),
    }
    return {name: value for name, value in side.items() if value is not None}
