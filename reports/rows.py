"""What a run decided about machines and disks, as rows of a report."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from assessments.engine.guest_os import classify
from assessments.engine.rule_sets import RULE_SETS
from assessments.engine.scenarios import SCENARIO_NAMES, headline_scenario
from assessments.models import AssessedDisk, AssessedMachine, AssessmentRun
from assessments.presentation import ISSUES, observed, value_of
from assessments.savings import available_scenarios
from assessments.settings import engine_settings
from reports.hourly import HourlyParts
from reports.workbook import DiskRow, IssueRow, MachineRow, SavingsRow, ScenarioRow

DISK_COUNTS = {
    "standard_hdd": "standard_hdd_disks",
    "standard_ssd": "standard_ssd_disks",
    "premium_ssd": "premium_disks",
    "premium_ssd_v2": "premium_v2_disks",
    "ultra": "ultra_disks",
}


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def messages(codes: list[str]) -> tuple[str, ...]:
    return tuple(ISSUES[code].message for code in codes if code in ISSUES)


class Terms:
    """The rows that depend on what the run's settings chose."""

    def __init__(self, run: AssessmentRun, group_name: str) -> None:
        self.group_name = group_name
        self.hourly = HourlyParts(run)
        self.settings = engine_settings(run.settings)
        headline = headline_scenario(self.settings)
        self.headline = SCENARIO_NAMES[headline]
        self.available = [SCENARIO_NAMES[place] for place in available_scenarios(self.settings, headline)]

    def machine_row(self, machine: AssessedMachine, disks: Sequence[AssessedDisk]) -> MachineRow:
        """The machine in the headline scenario."""
        inputs, seen = machine.inputs, observed(machine, disks)
        counts: dict[str, Any] = dict.fromkeys(DISK_COUNTS.values(), 0)
        for disk in disks:
            if disk.recommended_type:
                counts[DISK_COUNTS[disk.recommended_type]] += 1
        percent = machine.confidence_percent
        return MachineRow(
            machine_name=machine.name,
            group_name=self.group_name,
            readiness=machine.readiness,  # type: ignore[arg-type]  # the column holds these words only
            host_name=inputs["host"],
            readiness_issues=messages(machine.issues),
            data_collection_issues=messages(machine.data_issues),
            recommended_sku=machine.recommended_sku,
            compute_monthly_cost=machine.monthly_compute_cost,
            storage_monthly_cost=machine.monthly_storage_cost,
            **self.hybrid_benefit_savings(machine),
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

    def hybrid_benefit_savings(self, machine: AssessedMachine) -> dict[str, Any]:
        """What the chosen hybrid benefit saves, beside the same offer without it; absent when unknown."""
        settings = self.settings
        if machine.monthly_compute_cost is None or not self.headline.endswith("_hybrid_benefit"):
            return {}
        license_ = classify(machine.inputs["operating_system"], RULE_SETS[settings.rule_set]).licence
        covered = {"windows": {"windows"}, "windows_and_linux": {"windows", "rhel", "sles"}}
        if license_ not in covered.get(settings.hybrid_benefit, set()):
            return {}
        term = "pay_as_you_go" if settings.commitment == "none" else settings.commitment
        without, with_benefit = (
            money(machine.scenarios[name].get("monthly_compute_cost")) for name in (term, f"{term}_hybrid_benefit")
        )
        if without is None or with_benefit is None:
            return {}
        side = "windows" if license_ == "windows" else "linux"
        return {f"{side}_hybrid_benefit_monthly_savings": without - with_benefit}

    def savings_row(self, machine: AssessedMachine) -> SavingsRow:
        """The chosen scenario, pay-as-you-go without own licenses, and the cheapest that the customer can have."""
        costs = {name: money(machine.scenarios[name].get("monthly_compute_cost")) for name in self.available}
        priced = [(cost, name) for name, cost in costs.items() if cost is not None]
        best = min(priced, key=lambda found: found[0])[1] if priced else None
        return SavingsRow(
            machine_name=machine.name,
            headline_scenario=self.headline,
            recommended_sku=machine.recommended_sku,
            headline_monthly_cost=costs[self.headline],
            pay_as_you_go_monthly_cost=costs["pay_as_you_go"],
            best_scenario=best,
            best_sku=None if best is None else machine.scenarios[best]["sku"],
            best_monthly_cost=None if best is None else costs[best],
            headline_hourly_monthly_cost=self.hourly.of(machine, self.headline, costs[self.headline]),
            best_hourly_monthly_cost=None if best is None else self.hourly.of(machine, best, costs[best]),
        )


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
        # The workbook's totals sum this column, and not every machine whose disks have prices has a storage cost.
        monthly_cost=None if machine.monthly_storage_cost is None else disk.monthly_cost,
        source_size_gb=float(disk.size_gb),
        target_size_gb=None if disk.recommended_size_gib is None else float(disk.recommended_size_gib),
        observed_read_mbps=value_of(disk.observed["read_mbps"]),
        observed_write_mbps=value_of(disk.observed["write_mbps"]),
        observed_read_iops=value_of(disk.observed["read_iops"]),
        observed_write_iops=value_of(disk.observed["write_iops"]),
        **provisioned,
    )


def scenario_row(machine: AssessedMachine, name: str, hourly: HourlyParts) -> ScenarioRow:
    found = machine.scenarios[name]
    compute, storage = money(found.get("monthly_compute_cost")), machine.monthly_storage_cost
    return ScenarioRow(
        machine_name=machine.name,
        scenario=name,
        recommended_sku=found.get("sku"),
        compute_monthly_cost=compute,
        storage_monthly_cost=storage,
        monthly_cost=None if compute is None or storage is None else compute + storage,
        unpriced_reason=found.get("unpriced"),
        hourly_monthly_cost=hourly.of(machine, name, compute),
    )


def issue_rows(machine: AssessedMachine, disks: Sequence[AssessedDisk]) -> Iterator[IssueRow]:
    """Every finding about the machine and its disks."""
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
