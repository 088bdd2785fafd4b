"""The report over several assessments: pinned runs to its values, one assessment after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings as django_settings
from django.db import connection

from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.freshness import freshness
from assessments.models import AssessmentRun
from assessments.priced_sets import price_the_same_machines
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from reports.data import report_settings, report_summary, scenario_totals
from reports.models import Report, ReportRun
from reports.rows import Terms
from reports.workbook import AssessmentRow, ProjectReport, ProjectScenarioRow, SharedMachineRow, settings_words

ROWS_A_CHUNK = 1000
RELATED = ("run__assessment__group", "run__catalog")
# How many machines there are in all, and how many of each run are in another one of them too.
COUNTS = """
WITH found AS (SELECT machine_id, count(*) AS runs FROM assessments_assessedmachine
               WHERE tenant_id = %(tenant)s AND run_id = ANY(%(runs)s) GROUP BY machine_id)
SELECT count(*), count(*) FILTER (WHERE runs > 1) FROM found
"""
SHARED_BY_RUN = """
WITH shared AS (SELECT machine_id FROM assessments_assessedmachine
                WHERE tenant_id = %(tenant)s AND run_id = ANY(%(runs)s) GROUP BY machine_id HAVING count(*) > 1)
SELECT run_id, count(*) FROM assessments_assessedmachine JOIN shared USING (machine_id)
WHERE tenant_id = %(tenant)s AND run_id = ANY(%(runs)s) GROUP BY run_id
"""
SHARED_MACHINES = """
SELECT min(name), array_agg(run_id) FROM assessments_assessedmachine
WHERE tenant_id = %(tenant)s AND run_id = ANY(%(runs)s) GROUP BY machine_id HAVING count(*) > 1
ORDER BY min(name), machine_id
"""


def build_project_report(report: Report, tell: Callable[[int], None]) -> ProjectReport:
    """Enters the tenant by itself, a short transaction an assessment; `tell` hears how many machines are done."""
    with tenant_context(report.tenant_id):
        tenant_name, project_name = Tenant.objects.get(id=report.tenant_id).name, report.project.name
        pinned = ReportRun.objects.filter(report=report).order_by("position").values_list("id", flat=True)
        ids = list(pinned)
    rows, done = [], 0
    for pinned_id in ids:
        with tenant_context(report.tenant_id):
            run = ReportRun.objects.select_related(*RELATED).get(id=pinned_id).run
            rows.append(assessment_row(run))
        done += run.machine_count
        tell(done)
    names = {UUID(row.run): row.assessment_name for row in rows}
    with tenant_context(report.tenant_id):
        machines, shared = _query(COUNTS, report.tenant_id, names)[0]
        by_run = dict(_query(SHARED_BY_RUN, report.tenant_id, names)) if shared else {}
    return ProjectReport(
        tenant_name=tenant_name,
        project_name=project_name,
        created_at=report.created_at,
        rows=[replace(row, shared_machines=by_run.get(UUID(row.run), 0)) for row in rows],
        machines=machines,
        shared_machines=shared,
        shared=partial(_shared_machines, report.tenant_id, names),
        url=f"{django_settings.PUBLIC_URL}/projects/{report.project_id}/",
    )


def assessment_row(run: AssessmentRun) -> AssessmentRow:
    """One published run; needs the tenant's context."""
    assert run.summary is not None  # the run is published
    assessment, summary = run.assessment, report_summary(run)
    terms = Terms(run, assessment.group.name)
    confidence = run.summary["confidence"]
    return AssessmentRow(
        assessment_name=assessment.name,
        group_name=assessment.group.name,
        run_number=run.number,
        run_at=run.created_at,
        settings=settings_words(report_settings(run)),
        target_region=run.region,
        currency=run.settings["currency"],
        machines=summary.machines,
        ready_machines=summary.ready_machines,
        ready_with_conditions_machines=summary.ready_with_conditions_machines,
        not_ready_machines=summary.not_ready_machines,
        unknown_machines=summary.unknown_machines,
        compute_monthly_cost=summary.compute_monthly_cost,
        storage_monthly_cost=summary.storage_monthly_cost,
        chosen_scenario=terms.headline,
        cheapest_scenario=_cheapest(run.summary["scenarios"], terms),
        scenarios=_scenario_rows(run, terms.headline, summary.storage_monthly_cost),
        freshness=freshness(run, assessment.group)["status"],
        catalog_name=run.catalog.name,
        catalog_date=run.catalog.as_of,
        rule_set=run.settings["rule_set"],
        run=str(run.id),
        confidence_percent=confidence.get("percent"),
        confidence_stars=confidence.get("stars"),
    )


def _scenario_rows(run: AssessmentRun, headline: str, storage: Decimal) -> tuple[ProjectScenarioRow, ...]:
    return tuple(
        ProjectScenarioRow(
            assessment_name=run.assessment.name,
            scenario=total.scenario,
            is_chosen=total.scenario == headline,
            currency=run.settings["currency"],
            machines=total.machines,
            priced_machines=total.priced_machines,
            compute_monthly_cost=total.compute_monthly_cost,
            storage_monthly_cost=storage,
        )
        for total in scenario_totals(run)
    )


def _cheapest(totals: dict[str, Any], terms: Terms) -> str | None:
    """The cheapest that the customer can have, among those that price the same machines as the chosen one."""
    chosen = totals[terms.headline]
    costs = {
        name: Decimal(totals[name]["monthly_compute_cost"])
        for name in SCENARIO_NAMES
        if name in terms.available
        and price_the_same_machines(totals[name], chosen)
        and "monthly_compute_cost" in totals[name]
    }
    return min(costs, key=lambda name: costs[name]) if costs else None


def _shared_machines(tenant_id: int, names: dict[UUID, str]) -> Iterator[Sequence[SharedMachineRow]]:
    """Machines of several runs, by name; streamed by the database in one transaction."""
    with tenant_context(tenant_id), connection.chunked_cursor() as cursor:
        cursor.execute(SHARED_MACHINES, {"tenant": tenant_id, "runs": list(names)})
        while found := cursor.fetchmany(ROWS_A_CHUNK):
            yield [
                SharedMachineRow(
                    machine_name=name,
                    assessments=len(runs),
                    assessment_names="; ".join(sorted(names[run] for run in runs)),
                )
                for name, runs in found
            ]


def _query(sql: str, tenant_id: int, runs: dict[UUID, str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": tenant_id, "runs": list(runs)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
