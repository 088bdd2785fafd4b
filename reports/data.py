"""Rows of a published run to the values of a workbook: read in chunks, each in its own short transaction."""

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings as django_settings

from assessments.engine.guest_os import classify
from assessments.engine.rule_sets import RULE_SETS
from assessments.engine.scenarios import SCENARIO_NAMES, SCENARIOS, headline_scenario
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.presentation import ISSUES, observed, value_of
from assessments.settings import engine_settings
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from reports.workbook import (
    DiskRow,
    IssueRow,
    MachineRow,
    Origin,
    Report,
    ScenarioRow,
    ScenarioTotal,
    Settings,
    Summary,
)

ROWS_A_CHUNK = 1000
DISK_COUNTS = {
    "standard_hdd": "standard_hdd_disks",
    "standard_ssd": "standard_ssd_disks",
    "premium_ssd": "premium_disks",
    "premium_ssd_v2": "premium_v2_disks",
    "ultra": "ultra_disks",
}


def build_report(run: AssessmentRun) -> Report:
    """The workbook's values of a run; needs the tenant's context now, its row sources enter it by themselves later."""
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
        machines=partial(machine_rows, run, group_name),
        disks=partial(disk_rows, run),
        scenario_totals=scenario_totals(run),
        scenarios=partial(scenario_rows, run),
        issues=partial(issue_rows, run),
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
            compute_monthly_cost=_money(totals[name].get("monthly_compute_cost")),
        )
        for name in SCENARIO_NAMES
    )


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


Chunk = list[tuple[AssessedMachine, list[AssessedDisk]]]


def chunks(run: AssessmentRun) -> Iterator[Chunk]:
    """Machines of a run by name, each with its disks, ROWS_A_CHUNK at a time."""
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


def messages(codes: list[str]) -> tuple[str, ...]:
    return tuple(ISSUES[code].message for code in codes if code in ISSUES)


def machine_rows(run: AssessmentRun, group_name: str) -> Iterator[MachineRow]:
    for chunk in chunks(run):
        for machine, disks in chunk:
            yield machine_row(run, machine, disks, group_name)


def machine_row(run: AssessmentRun, machine: AssessedMachine, disks: list[AssessedDisk], group_name: str) -> MachineRow:
    inputs, seen = machine.inputs, observed(machine, disks)
    counts: dict[str, Any] = dict.fromkeys(DISK_COUNTS.values(), 0)
    for disk in disks:
        if disk.recommended_type:
            counts[DISK_COUNTS[disk.recommended_type]] += 1
    percent = machine.confidence_percent
    return MachineRow(
        machine_name=machine.name,
        group_name=group_name,
        readiness=machine.readiness,  # type: ignore[arg-type]  # the column holds these words only
        host_name=inputs["host"],
        readiness_issues=messages(machine.issues),
        data_collection_issues=messages(machine.data_issues),
        recommended_sku=machine.recommended_sku,
        compute_monthly_cost=machine.monthly_compute_cost,
        storage_monthly_cost=machine.monthly_storage_cost,
        **hybrid_benefit_savings(run, machine),
        security_readiness=machine.security_readiness,  # type: ignore[arg-type]  # as above
        operating_system=inputs["operating_system"] or None,
        boot_type=inputs["boot_type"],
        processor=inputs["cpu_model"],
        cores=inputs["cores"] or None,
        memory_mb=inputs["memory_mb"] or None,
        storage_gb=round(sum(float(disk.size_gb) for disk in disks), 4),
        observed_cpu_percent=seen.get("cpu_percent"),
        observed_memory_percent=seen.get("memory_percent"),
        **counts,
        observed_disk_read_iops=seen.get("disk_read_iops"),
        observed_disk_write_iops=seen.get("disk_write_iops"),
        observed_disk_read_mbps=seen.get("disk_read_mbps"),
        observed_disk_write_mbps=seen.get("disk_write_mbps"),
        confidence_percent=None if percent is None else float(percent),
        nics=len(inputs["nics"]),
        ip_addresses=tuple(tuple(nic["ip_addresses"]) for nic in inputs["nics"]),
        mac_addresses=tuple(nic["mac_address"] or "" for nic in inputs["nics"]),
        observed_network_in_mbps=seen.get("network_received_mbps"),
        observed_network_out_mbps=seen.get("network_transmitted_mbps"),
    )


def hybrid_benefit_savings(run: AssessmentRun, machine: AssessedMachine) -> dict[str, Any]:
    """What the chosen hybrid benefit saves on this machine, beside the same offer without it; absent when unknown."""
    settings = engine_settings(run.settings)
    if machine.monthly_compute_cost is None or not SCENARIOS[headline_scenario(settings)].hybrid_benefit:
        return {}
    license_ = classify(machine.inputs["operating_system"], RULE_SETS[settings.rule_set]).licence
    covered = {"windows": {"windows"}, "windows_and_linux": {"windows", "rhel", "sles"}}
    if license_ not in covered.get(settings.hybrid_benefit, set()):
        return {}
    term = "pay_as_you_go" if settings.commitment == "none" else settings.commitment
    without, with_benefit = (
        _money(machine.scenarios[name].get("monthly_compute_cost")) for name in (term, f"{term}_hybrid_benefit")
    )
    if without is None or with_benefit is None:
        return {}
    side = "windows" if license_ == "windows" else "linux"
    return {f"{side}_hybrid_benefit_monthly_savings": without - with_benefit}


def disk_rows(run: AssessmentRun) -> Iterator[DiskRow]:
    for chunk in chunks(run):
        for machine, disks in chunk:
            for disk in disks:
                yield disk_row(machine, disk)


def disk_row(machine: AssessedMachine, disk: AssessedDisk) -> DiskRow:
    not_ready = disk.recommended_sku is None
    provisioned: dict[str, Any] = {}
    if disk.recommended_type in ("ultra", "premium_ssd_v2"):
        prefix = "ultra" if disk.recommended_type == "ultra" else "premium_v2"
        provisioned = {
            f"{prefix}_provisioned_iops": int(disk.provisioned_iops or 0) or None,
            f"{prefix}_provisioned_throughput_mbps": float(disk.provisioned_mbps or 0) or None,
        }
    return DiskRow(
        machine_name=machine.name,
        disk_name=disk.name,
        readiness="not_ready" if not_ready else "ready",
        recommended_disk_sku=disk.recommended_sku,
        recommended_disk_type=disk.recommended_type,  # type: ignore[arg-type]  # the column holds these words only
        readiness_issues=messages(disk.issues),
        data_collection_issues=messages(disk.data_issues),
        # The workbook's totals sum this column, and a machine that is not ready costs nothing.
        monthly_cost=None if machine.readiness == "not_ready" else disk.monthly_cost,
        source_size_gb=float(disk.size_gb),
        target_size_gb=None if disk.recommended_size_gib is None else float(disk.recommended_size_gib),
        observed_read_mbps=value_of(disk.observed["read_mbps"]),
        observed_write_mbps=value_of(disk.observed["write_mbps"]),
        observed_read_iops=value_of(disk.observed["read_iops"]),
        observed_write_iops=value_of(disk.observed["write_iops"]),
        **provisioned,
    )


def scenario_rows(run: AssessmentRun) -> Iterator[ScenarioRow]:
    for chunk in chunks(run):
        for machine, _ in chunk:
            for name in SCENARIO_NAMES:
                yield scenario_row(machine, name)


def scenario_row(machine: AssessedMachine, name: str) -> ScenarioRow:
    found = machine.scenarios[name]
    compute, storage = _money(found.get("monthly_compute_cost")), machine.monthly_storage_cost
    return ScenarioRow(
        machine_name=machine.name,
        scenario=name,
        recommended_sku=found.get("sku"),
        compute_monthly_cost=compute,
        storage_monthly_cost=storage,
        monthly_cost=None if compute is None or storage is None else compute + storage,
        unpriced_reason=found.get("unpriced"),
    )


def issue_rows(run: AssessmentRun) -> Iterator[IssueRow]:
    for chunk in chunks(run):
        for machine, disks in chunk:
            for code in machine.issues:
                yield _issue_row(machine, code)
            for disk in disks:
                for code in disk.issues:
                    yield _issue_row(machine, code, disk.name)


def _issue_row(machine: AssessedMachine, code: str, disk_name: str | None = None) -> IssueRow:
    issue = ISSUES[code]
    return IssueRow(
        machine_name=machine.name,
        readiness=machine.readiness,  # type: ignore[arg-type]  # the column holds these words only
        code=code,
        message=issue.message,
        remedy=issue.remedy,
        disk_name=disk_name,
    )
