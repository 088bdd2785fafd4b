"""The difference between two runs as the values of a workbook."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from uuid import UUID

from assessments.comparison import CAUSES, NOTES, Comparison, compare
from assessments.engine.fixed_point import MONEY_SCALE, to_decimal
from assessments.models import AssessedMachine, AssessmentRun
from migrate_hub.tenants.row_level_security import tenant_context
from reports.workbook import Difference, DifferenceRow, Side

ROWS_A_CHUNK = 1000
COLUMNS = ("machine_id", "name", "readiness", "recommended_sku", "monthly_compute_cost", "monthly_storage_cost")


def build_difference(before: AssessmentRun, after: AssessmentRun) -> Difference:
    """Needs the tenant's context now; its rows enter it by themselves later. Raises as `compare` does."""
    found = compare(before, after)
    return Difference(
        project_name=after.assessment.project.name,
        currency=after.settings["currency"],
        before=_side(before, found.before_total),
        after=_side(after, found.after_total),
        causes={cause: to_decimal(part, MONEY_SCALE) for cause, part in found.by_cause().items()},
        notes=tuple(NOTES[code] for code in found.notes),
        rows=partial(_rows, found, before, after),
    )


def _side(run: AssessmentRun, total: int) -> Side:
    return Side(
        assessment_name=run.assessment.name,
        run_number=run.number,
        machines=run.machine_count,
        monthly_cost=to_decimal(total, MONEY_SCALE),
        created_at=run.created_at,
    )


def _rows(found: Comparison, before: AssessmentRun, after: AssessmentRun) -> Iterator[list[DifferenceRow]]:
    for start in range(0, len(found.machine_ids), ROWS_A_CHUNK):
        ids = found.machine_ids[start : start + ROWS_A_CHUNK]
        with tenant_context(after.tenant_id):
            sides = _machines(before, ids), _machines(after, ids)
        yield [_row(found, place, *(side.get(id) for side in sides)) for place, id in enumerate(ids, start)]


def _machines(run: AssessmentRun, ids: list[UUID]) -> dict[UUID, AssessedMachine]:
    rows = AssessedMachine.objects.filter(run=run, machine_id__in=ids).only(*COLUMNS)
    return {machine.machine_id: machine for machine in rows}


def _row(found: Comparison, place: int, before: AssessedMachine | None, after: AssessedMachine | None) -> DifferenceRow:
    parts = {
        cause: to_decimal(int(part), MONEY_SCALE) for cause, part in zip(CAUSES, found.parts[:, place], strict=True)
    }
    named = after or before
    return DifferenceRow(
        machine_name=named.name if named else "",
        before_readiness=before.readiness if before else None,  # type: ignore[arg-type]  # these words only
        after_readiness=after.readiness if after else None,  # type: ignore[arg-type]  # as above
        before_sku=before.recommended_sku if before else None,
        after_sku=after.recommended_sku if after else None,
        before_monthly_cost=_cost(before),
        after_monthly_cost=_cost(after),
        difference=to_decimal(int(found.difference[place]), MONEY_SCALE),
        **parts,
    )


def _cost(machine: AssessedMachine | None) -> Decimal | None:
    """What is known of compute and storage; the sums of both sides are those of the comparison."""
    if machine is None or (machine.monthly_compute_cost is None and machine.monthly_storage_cost is None):
        return None
    return (machine.monthly_compute_cost or Decimal(0)) + (machine.monthly_storage_cost or Decimal(0))
