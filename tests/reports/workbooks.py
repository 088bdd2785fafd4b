"""A small report to write, and ways to read a workbook again."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from reports.workbook import (
    OWN_SHEET_NAMES,
    AssessmentRow,
    Chunk,
    DiskRow,
    IssueRow,
    MachineRow,
    Origin,
    PriceLineRow,
    ProjectReport,
    ProjectScenarioRow,
    Report,
    SavingsRow,
    ScenarioRow,
    ScenarioTotal,
    Settings,
    Summary,
    TraceRow,
    write_workbook,
)

WEB = MachineRow(
    machine_name="web-01",
    group_name="Wave 1",
    readiness="ready",
    host_name="esx-7",
    recommended_sku="Standard_D2s_v5",
    compute_monthly_cost=Decimal("101.138616"),
    storage_monthly_cost=Decimal("5.89"),
    windows_hybrid_benefit_monthly_savings=Decimal("68.45"),
    security_readiness="ready_with_conditions",
    security_monthly_cost=Decimal("14.6"),
    operating_system="Microsoft Windows Server 2022 (64-bit)",
    boot_type="uefi",
    processor="Xeon",
    cores=4,
    memory_mb=16384,
    storage_gb=127.5,
    observed_cpu_percent=41.25,
    observed_memory_percent=60.5,
    standard_hdd_disks=1,
    standard_ssd_disks=0,
    premium_disks=0,
    premium_v2_disks=0,
    ultra_disks=0,
    observed_disk_read_iops=12.5,
    observed_disk_write_iops=3.5,
    observed_disk_read_mbps=1.25,
    observed_disk_write_mbps=0.25,
    confidence_percent=98.6,
    nics=2,
    ip_addresses=(("10.0.0.4", "fe80::1"), ("10.0.1.4",)),
    mac_addresses=("00:50:56:00:00:01", "00:50:56:00:00:02"),
    observed_network_in_mbps=2.5,
    observed_network_out_mbps=0.125,
)
OLD = MachineRow(
    machine_name="old-01",
    group_name="Wave 1",
    readiness="not_ready",
    readiness_issues=("Unsupported boot type", "Disk count exceeds limit"),
    data_collection_issues=("No data for percentage of CPU cores utilized",),
)
WEB_DISK = DiskRow(
    machine_name="web-01",
    disk_name="scsi0:0",
    readiness="ready",
    recommended_disk_sku="Standard_S10",
    recommended_disk_type="standard_hdd",
    monthly_cost=Decimal("5.89"),
    source_size_gb=127.5,
    target_size_gb=128,
    observed_read_mbps=1.25,
    observed_write_mbps=0.25,
    observed_read_iops=12.5,
    observed_write_iops=3.5,
)
OLD_DISK = DiskRow(machine_name="old-01", disk_name="scsi0:0", readiness="unknown")
ROWS = Chunk(machines=[WEB, OLD], disks=[WEB_DISK, OLD_DISK])
SETTINGS = Settings(
    target_region="West US",
    currency="USD",
    sizing_criterion="performance_based",
    comfort_factor=Decimal("1.30"),
    prices_at=date(2026, 11, 1),
    sku_families=("Dsv5", "Esv5"),
    commitment="reservation_3y",
    discount_percent=Decimal("7.5"),
    performance_window="1_week",
    performance_start_at=datetime(2026, 11, 13, 9, tzinfo=UTC),
    performance_end_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
    percentile=95,
)
SUMMARY = Summary(
    ready_machines=1,
    ready_with_conditions_machines=0,
    not_ready_machines=1,
    unknown_machines=0,
    compute_monthly_cost=Decimal("101.138616"),
    storage_monthly_cost=Decimal("5.89"),
    standard_hdd_monthly_cost=Decimal("5.89"),
    security_monthly_cost=Decimal("14.6"),
    confidence_stars=4,
)
REPORT = Report(
    project_name="Datacenter exit",
    group_name="Wave 1",
    assessment_name="Production",
    created_at=datetime(2026, 11, 20, 10, 30, tzinfo=UTC),
    settings=SETTINGS,
    summary=SUMMARY,
    chunks=lambda: [ROWS],
)
SCENARIO = ScenarioRow(
    machine_name="web-01",
    scenario="reservation_1y",
    recommended_sku="Standard_D2s_v5",
    compute_monthly_cost=Decimal("60.25"),
    storage_monthly_cost=Decimal("5.89"),
    monthly_cost=Decimal("66.14"),
)
UNPRICED = ScenarioRow(machine_name="old-01", scenario="reservation_1y", unpriced_reason="No price in West US")
SAVING = SavingsRow(
    machine_name="web-01",
    headline_scenario="reservation_3y_hybrid_benefit",
    recommended_sku="Standard_D2s_v5",
    headline_monthly_cost=Decimal("101.138616"),
    pay_as_you_go_monthly_cost=Decimal("250.5"),
    best_scenario="savings_plan_3y",
    best_sku="Standard_D2as_v5",
    best_monthly_cost=Decimal("90"),
)
UNPRICED_SAVING = SavingsRow(machine_name="old-01", headline_scenario="reservation_3y_hybrid_benefit")
TRACE = TraceRow(
    machine_name="web-01",
    percentile=95,
    expected_points=1008,
    cpu_percent=41.25,
    cpu_points=1000,
    required_cores=2.145,
    cores_arithmetic="4 x 41.25 % x 1.3",
    chosen="Standard_D2s_v5",
    monthly_cost=Decimal("101.138616"),
    runner_up="Standard_D2_v5",
    price_gap=Decimal("3.5"),
    refused_count=7,
    refused="Standard_B2s",
    refused_monthly_cost=Decimal("30.368"),
    constraint="cores",
    required=Decimal("2.145"),
    offered=Decimal(2),
    short_by=Decimal("0.145"),
    constraints="cores: needs 2.145, offers 2, short by 0.145",
)
TERM = PriceLineRow(
    machine_name="web-01",
    part="compute",
    kind="reservation_3y_term",
    sku="Standard_D2s_v5",
    unit="term",
    unit_price=Decimal("3640.990176"),
    quantity=1,
    months=36,
    amount=Decimal("101.138616"),
    moves_with="nothing",
    catalog="bundled",
    source="Retail prices",
    dated="2026-11-01",
    arithmetic="3640.990176 a term / 36 months",
)
TIER = PriceLineRow(
    machine_name="web-01",
    disk_name="scsi0:0",
    part="storage",
    kind="disk_tier",
    sku="S10",
    unit="month",
    unit_price=Decimal("5.89"),
    quantity=1,
    amount=Decimal("5.89"),
    moves_with="nothing",
    catalog="bundled",
    arithmetic="5.89 a month",
)
ISSUE = IssueRow(
    machine_name="old-01",
    readiness="not_ready",
    code="BootTypeNotSupported",
    message="Unsupported boot type",
    remedy="Convert to BIOS",
)
FULL_ROWS = replace(
    ROWS,
    scenarios=[SCENARIO, UNPRICED],
    savings=[SAVING, UNPRICED_SAVING],
    issues=[ISSUE],
    traces=[TRACE],
    price_lines=[TERM, TIER],
)
FULL_REPORT = replace(
    REPORT,
    chunks=lambda: [FULL_ROWS],
    own_sheets=OWN_SHEET_NAMES,
    scenario_totals=(
        ScenarioTotal(scenario="reservation_1y", priced_machines=1, machines=2, compute_monthly_cost=Decimal("60.25")),
    ),
    origin=Origin(
        tenant_name="Contoso",
        run_id="0193",
        catalog_name="bundled",
        catalog_date=date(2026, 11, 1),
        rule_set="am-2025",
        url="https://hub.example/a/0193",
    ),
)


ASSESSMENT = AssessmentRow(
    assessment_name="Production",
    group_name="Wave 1",
    run_number=3,
    run_at=datetime(2026, 11, 20, 10, 30, tzinfo=UTC),
    settings="West US, VM performance data",
    target_region="West US",
    currency="USD",
    machines=2,
    ready_machines=1,
    ready_with_conditions_machines=0,
    not_ready_machines=1,
    unknown_machines=0,
    compute_monthly_cost=Decimal("101.138616"),
    storage_monthly_cost=Decimal("5.89"),
    chosen_scenario="pay_as_you_go",
    scenarios=(
        ProjectScenarioRow(
            assessment_name="Production",
            scenario="pay_as_you_go",
            is_chosen=True,
            currency="USD",
            machines=2,
            priced_machines=1,
            storage_monthly_cost=Decimal("5.89"),
            compute_monthly_cost=Decimal("101.138616"),
        ),
    ),
    freshness="outdated",
    catalog_name="bundled",
    catalog_date=date(2026, 11, 1),
    rule_set="am-2025",
    run="0193",
    cheapest_scenario="pay_as_you_go",
    confidence_stars=4,
    confidence_percent=72.5,
)
PROJECT = ProjectReport(
    tenant_name="Contoso",
    project_name="Datacenter exit",
    created_at=datetime(2026, 11, 21, 10, 30, tzinfo=UTC),
    rows=[ASSESSMENT, replace(ASSESSMENT, assessment_name="=1+1 " + "数" * 195, freshness="current")],
    machines=4,
    shared_machines=0,
    shared=list,
    url="https://hub.example/projects/1/",
)


def with_rows(report: Report = REPORT, rows: Chunk = ROWS, **changes: Any) -> Report:
    """The report with other rows, all in one chunk."""
    changed = replace(rows, **changes)
    return replace(report, chunks=lambda: [changed])


def written(report: Report = REPORT, **options: Any) -> bytes:
    target = BytesIO()
    write_workbook(report, target, **options)
    return target.getvalue()


def opened(report: Report = REPORT, *, values: bool = True, **options: Any) -> Workbook:
    """The report as another library reads it: computed values, or the formulas."""
    return load_workbook(BytesIO(written(report, **options)), data_only=values)


def records(sheet: Worksheet) -> list[dict[str, Any]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def pairs(sheet: Worksheet) -> dict[str, Any]:
    return {str(label): value for label, value in sheet.iter_rows(max_col=2, values_only=True) if label}


def headings(sheet: Worksheet) -> list[Any]:
    return [cell.value for cell in sheet[1]]
