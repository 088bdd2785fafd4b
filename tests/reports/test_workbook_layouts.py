"""Sheets, columns and labels of each generation of the export, written out: what people's own tools look for."""

import textwrap
from dataclasses import replace

import pytest

from reports.workbook import OWN_SHEETS
from reports.workbook.difference import MACHINES as DIFFERENCE
from reports.workbook.sheets import Sheet
from tests.reports.workbooks import REPORT, SUMMARY, headings, opened, pairs, records

MACHINES_2024 = [
    "Machine",
    "VM host",
    "Azure VM readiness",
    "Azure readiness issues",
    "Data collection issues",
    "Recommended size",
    "Compute monthly cost estimate USD",
    "Storage monthly cost estimate USD",
    "Estimated monthly savings from Azure Hybrid Benefit for Windows OS USD",
    "Estimated monthly savings from Azure Hybrid Benefit for Linux OS USD",
    "Security readiness",
    "Security monthly cost estimate USD",
    "Operating system",
    "Boot type",
    "Processor",
    "Cores",
    "Memory(MB)",
    "CPU usage(%)",
    "Memory usage(%)",
    "Storage(GB)",
    "Standard HDD disks",
    "Standard SSD disks",
    "Premium disks",
    "Premium SSD V2 disks",
    "Ultra disks",
    "Disk read(ops/sec)",
    "Disk write(ops/sec)",
    "Disk read(MBPS)",
    "Disk write(MBPS)",
    "Confidence Rating (% of utilization data collected)",
    "Network adapters",
    "IP address",
    "MAC address",
    "Network in(MBPS)",
    "Network out(MBPS)",
    "Group name",
]
MACHINES_2021 = [
    "Machine",
    "VM host",
    "Azure VM readiness",
    "Azure readiness issues",
    "Data collection issues",
    "Recommended size",
    "Compute monthly cost estimate USD",
    "Storage monthly cost estimate USD",
    "Operating system",
    "Boot type",
    "Cores",
    "Memory(MB)",
    "CPU usage(%)",
    "Memory usage(%)",
    "Storage(GB)",
    "Standard HDD disks",
    "Standard SSD disks",
    "Premium disks",
    "Ultra disks",
    "Disk read(ops/sec)",
    "Disk write(ops/sec)",
    "Disk read(MBPS)",
    "Disk write(MBPS)",
    "Network adapters",
    "IP address",
    "MAC address",
    "Network in(MBPS)",
    "Network out(MBPS)",
    "Group name",
]
MACHINES_2020 = [
    "Machine",
    "VM host",
    "Azure VM readiness",
    "Azure readiness issues",
    "Data collection issues",
    "Recommended size",
    "Compute monthly cost USD",
    "Storage monthly cost USD",
    "Operating system",
    "Boot type",
    "Cores",
    "Memory(MB)",
    "CPU usage(%)",
    "Memory usage(%)",
    "Storage(GB)",
    "Standard HDD disks",
    "Standard SSD disks",
    "Premium disks",
    "Disk read(ops/sec)",
    "Disk write(ops/sec)",
    "Disk read(MBPS)",
    "Disk write(MBPS)",
    "Network adapters",
    "IP address",
    "MAC address",
    "Network in(MBPS)",
    "Network out(MBPS)",
    "Group name",
]
DISKS_2020 = [
    "Machine",
    "Disk name",
    "Azure disk readiness",
    "Recommended disk size SKU",
    "Recommended disk type",
    "Azure readiness issues",
    "Data collection issues",
    "Monthly cost estimate",
    "Source disk size(GB)",
    "Target disk size(GB)",
    "Disk read(MBPS)",
    "Disk write(MBPS)",
    "Disk read(ops/sec)",
    "Disk write(ops/sec)",
]
ULTRA = ["Ultra disk provisioned IOPS (Operations/Sec)", "Ultra disk provisioned throughput (MBPS)"]
PREMIUM_V2 = [
    "Premium SSD V2 disk provisioned IOPS (Operations/Sec)",
    "Premium SSD V2 disk provisioned throughput (MBPS)",
]
DISKS_2021 = [*DISKS_2020, *ULTRA]
DISKS_2024 = [*DISKS_2020[:6], "Migration Guidance", *DISKS_2020[6:], *ULTRA, *PREMIUM_V2]
IDENTITY_LABELS = [
    "Subscription ID",
    "Resource group",
    "Project name",
    "Group name",
    "Assessment name",
    "Assessment Type",
    "Created on (UTC)",
    "Total machines assessed",
    "Machines not ready for Azure",
    "Machines ready with conditions",
    "Machines ready for Azure",
    "Machines readiness unknown",
]


@pytest.mark.parametrize(
    ("layout", "machines", "disks"),
    [
        ("2024", MACHINES_2024, DISKS_2024),
        ("2021", MACHINES_2021, DISKS_2021),
        ("2020", MACHINES_2020, DISKS_2020),
    ],
)
def test_each_layout_has_the_columns_of_its_generation(layout: str, machines: list[str], disks: list[str]) -> None:
    book = opened(layout=layout)
    assert book.sheetnames == [
        "Assessment_Summary",
        "All_Assessed_Machines",
        "All_Assessed_Disks",
        "Assessment_Properties",
    ]
    assert headings(book["All_Assessed_Machines"]) == machines
    assert headings(book["All_Assessed_Disks"]) == disks


def test_layouts_have_28_29_and_36_machine_columns() -> None:
    counts = [len(headings(opened(layout=layout)["All_Assessed_Machines"])) for layout in ("2020", "2021", "2024")]
    assert counts == [28, 29, 36]


def test_older_layout_keeps_each_value_under_its_heading() -> None:
    newest = records(opened()["All_Assessed_Machines"])[0]
    oldest = records(opened(layout="2020")["All_Assessed_Machines"])[0]
    renamed = {heading.replace("cost estimate", "cost"): value for heading, value in newest.items()}
    assert oldest == {heading: renamed[heading] for heading in MACHINES_2020}


@pytest.mark.parametrize(
    ("layout", "costs"),
    [
        (
            "2020",
            [
                "Total monthly cost USD",
                "Compute monthly cost USD",
                "Storage monthly cost USD",
                "Standard disks cost USD",
                "Standard SSD disks cost USD",
                "Premium disks cost USD",
            ],
        ),
        (
            "2024",
            [
                "Total monthly cost estimate USD",
                "Compute monthly cost USD",
                "Storage monthly cost USD",
                "Standard disks cost USD",
                "Standard SSD disks cost USD",
                "Premium disks cost USD",
                "Premium SSD V2 disks cost USD",
                "Ultra disks cost USD",
            ],
        ),
    ],
)
def test_summary_has_the_labels_in_order(layout: str, costs: list[str]) -> None:
    report = replace(REPORT, summary=replace(SUMMARY, security_monthly_cost=None))
    sheet = opened(report, layout=layout)["Assessment_Summary"]
    assert (sheet["A1"].value, sheet["A2"].value, sheet["B2"].value) == ("Azure Migrate", None, None)
    assert list(pairs(sheet)) == ["Azure Migrate", *IDENTITY_LABELS, *costs, "Confidence rating"]


@pytest.mark.parametrize("sheet", [*OWN_SHEETS, DIFFERENCE], ids=lambda sheet: sheet.name)
def test_headings_of_our_own_sheets_fit_into_three_lines_without_breaking_words(sheet: Sheet) -> None:
    for column in sheet.columns:
        characters = int(column.width) - 1  # bold ones are a little wider than those that a width is counted in
        heading = column.heading.replace("{currency}", "USD")
        lines = textwrap.wrap(heading, characters, break_long_words=False, break_on_hyphens=False)
        assert len(lines) <= 3, heading
        assert max(map(len, lines)) <= characters, heading
