"""Rows of a published run to the values of a workbook: read in chunks, each in its own short transaction."""

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings as django_settings

from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.presentation import ISSUES
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from reports.rows import Terms, disk_row, issue_rows, money, scenario_row
from reports.trace_rows import NO_TRACES, Assessed, Traces
from reports.workbook import (
    OWN_SHEET_NAMES,
    REFUSED_SHOWN,
    Chunk,
    IssueTotal,
    Origin,
    Report,
    ScenarioTotal,
    Settings,
    Summary,
)

ROWS_A_CHUNK = 1000
TRACED_SHEETS = {"Decision_Trace", "Price_Lines"}


def build_report(
    run: AssessmentRun, own_sheets: frozenset[str] = OWN_SHEET_NAMES, *, refused_shown: int = REFUSED_SHOWN
) -> Report:
    """The values of a run; needs the tenant's context now, its row sources enter it by themselves later."""
    assessment = run.assessment
    group_name = assessment.group.name
    url = f"{django_settings.PUBLIC_URL}/projects/{assessment.project_id}/assessments/{assessment.id}/"
    return Report(
        project_name=assessment.project.name,
        group_name=group_name,
        assessment_name=assessment.name,
        created_at=run.created_at,
        settings=report_settings(run),
        summary=report_summary(run),
        chunks=partial(chunks, run, group_name, own_sheets, refused_shown=refused_shown),
        own_sheets=own_sheets,
        scenario_totals=scenario_totals(run),
        issue_totals=issue_totals(run),
        origin=Origin(
            tenant_name=Tenant.objects.get(id=run.tenant_id).name,
            run_id=str(run.id),
            catalog_name=run.catalog.name,
            catalog_date=run.catalog.as_of,
            rule_set=run.settings["rule_set"],
            url=url,
        ),
    )


def report_settings(run: AssessmentRun) -> Settings:
    stored = run.settings
    performance_based = stored["sizing_criterion"] == "performance_based"
    window = stored["performance_window"]
    history: dict[str, Any] = {
        "performance_window": window if isinstance(window, str) else "custom",
        "performance_start_at": run.performance_start_at.astimezone(UTC),
        "performance_end_at": run.performance_end_at.astimezone(UTC),
        "percentile": stored["percentile"],
    }
    return Settings(
        target_region=run.region,
        currency=stored["currency"],
        sizing_criterion=stored["sizing_criterion"],
        comfort_factor=Decimal(str(stored["comfort_factor"])),
        prices_at=run.catalog.as_of,
        sku_families=tuple(stored["sku_families"]),
        offer=stored["offer"],
        commitment=stored["commitment"],
        commitment_rule=stored["commitment_rule"],
        hybrid_benefit=stored["hybrid_benefit"],
        discount_percent=Decimal(str(stored["discount_percent"])),
        disk_types=tuple(stored["disk_types"]),
        uptime_days_per_month=stored["uptime"]["days_per_month"],
        uptime_hours_per_day=stored["uptime"]["hours_per_day"],
        **(history if performance_based else {}),
    )


def report_summary(run: AssessmentRun) -> Summary:
    assert run.summary is not None  # the run is published
    readiness, cost = run.summary["readiness"], run.summary["monthly_cost"]
    by_type = {name: Decimal(text) for name, text in cost["storage_by_type"].items()}
    return Summary(
        ready_machines=readiness["ready"],
        ready_with_conditions_machines=readiness["ready_with_conditions"],
        not_ready_machines=readiness["not_ready"],
        unknown_machines=readiness["unknown"],
        compute_monthly_cost=Decimal(cost["compute"]),
        storage_monthly_cost=Decimal(cost["storage"]),
        standard_hdd_monthly_cost=by_type.get("standard_hdd", Decimal(0)),
        standard_ssd_monthly_cost=by_type.get("standard_ssd", Decimal(0)),
        premium_monthly_cost=by_type.get("premium_ssd", Decimal(0)),
        premium_v2_monthly_cost=by_type.get("premium_ssd_v2", Decimal(0)),
        ultra_monthly_cost=by_type.get("ultra", Decimal(0)),
        confidence_stars=run.summary["confidence"].get("stars"),
    )


def scenario_totals(run: AssessmentRun) -> tuple[ScenarioTotal, ...]:
    assert run.summary is not None  # the run is published
    totals = run.summary["scenarios"]
    return tuple(
        ScenarioTotal(
            scenario=name,
            priced_machines=totals[name]["priced_machines"],
            machines=totals[name]["machines"],
            compute_monthly_cost=money(totals[name].get("monthly_compute_cost")),
        )
        for name in SCENARIO_NAMES
    )


def issue_totals(run: AssessmentRun) -> tuple[IssueTotal, ...]:
    """How many machines have each finding, most first."""
    assert run.summary is not None  # the run is published
    return tuple(
        IssueTotal(
            message=ISSUES[found["code"]].message, remedy=ISSUES[found["code"]].remedy, machines=found["machines"]
        )
        for found in run.summary["issues"]
        if found["code"] in ISSUES
    )


def chunks(run: AssessmentRun, group_name: str, own_sheets: frozenset[str], *, refused_shown: int) -> Iterator[Chunk]:
    """Everything about ROWS_A_CHUNK machines after the other, by name, as far as it is wanted; needs no context."""
    terms, traces = Terms(run, group_name), None
    if own_sheets & TRACED_SHEETS:
        with tenant_context(run.tenant_id):
            traces = Traces(run, refused_shown)
    for assessed in assessed_machines(run):
        machines = [machine for machine, _ in assessed]
        yield Chunk(
            machines=[terms.machine_row(machine, disks) for machine, disks in assessed],
            disks=[disk_row(machine, disk) for machine, disks in assessed for disk in disks],
            scenarios=[scenario_row(machine, name, terms.hourly) for machine in machines for name in SCENARIO_NAMES]
            if "Scenarios" in own_sheets
            else (),
            savings=[terms.savings_row(machine) for machine in machines] if "Savings" in own_sheets else (),
            issues=[row for machine, disks in assessed for row in issue_rows(machine, disks)],
            **(traces.rows(assessed) if traces else NO_TRACES),
        )


def assessed_machines(run: AssessmentRun) -> Iterator[Assessed]:
    """Machines of a run by name, each with its disks, ROWS_A_CHUNK at a time, each in a short transaction."""
    last: tuple[str, UUID] | None = None
    while True:
        with tenant_context(run.tenant_id):
            machines = _machines_after(run, last)
            found = AssessedDisk.objects.filter(run=run, machine_id__in=[machine.machine_id for machine in machines])
            ordered = found.order_by("machine_id", "position")
            disks = {id: list(of_one) for id, of_one in groupby(ordered, key=lambda disk: disk.machine_id)}
        if not machines:
            return
        yield [(machine, disks.get(machine.machine_id, [])) for machine in machines]
        last = (machines[-1].name, machines[-1].id)


def _machines_after(run: AssessmentRun, last: tuple[str, UUID] | None) -> list[AssessedMachine]:
    machines = AssessedMachine.objects.filter(run=run).order_by("name", "id")
    if last is not None:
        machines = machines.extra(  # a row comparison, which the ORM cannot say and the index can answer
            where=["(assessments_assessedmachine.name, assessments_assessedmachine.id) > (%s, %s)"], params=[*last]
        )
    return list(machines[:ROWS_A_CHUNK])
