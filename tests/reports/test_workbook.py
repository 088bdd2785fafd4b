"""A report is written, opened again with another library, and must read as it was given."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reports.workbook import OWN_SHEET_NAMES, Chunk, Look, Summary, write_workbook
from tests.reports.workbooks import (
    FULL_REPORT,
    FULL_ROWS,
    REPORT,
    ROWS,
    SAVING,
    SETTINGS,
    UNPRICED_SAVING,
    WEB,
    WEB_DISK,
    headings,
    opened,
    pairs,
    records,
    with_rows,
    written,
)

PROPERTY_LABELS = [
    "Property",
    "Target location",
    "Comfort factor",
    "VM families",
    "Offer",
    "Currency",
    "Reserved Instances",
    "Discount (%)",
    "Hybrid use benefit",
    "Sizing criterion",
    "Storage type",
    "VM uptime - Day(s) per month",
    "VM uptime - Hour(s) per day",
    "Performance history time range",
    "Performance history start time",
    "Performance history end time",
    "Percentile utilization",
    "Note:",
]


def test_machine_row_reads_as_given() -> None:
    web = records(opened()["All_Assessed_Machines"])[0]
    assert list(web.values()) == [
        "web-01",
        "esx-7",
        "Ready For Azure",
        "Not applicable",
        "Not applicable",
        "Standard_D2s_v5",
        101.138616,
        5.89,
        68.45,
        None,
        "Ready With Conditions",
        14.6,
        "Microsoft Windows Server 2022 (64-bit)",
        "EFI",
        "Xeon",
        4,
        16384,
        41.25,
        60.5,
        127.5,
        1,
        0,
        0,
        0,
        0,
        12.5,
        3.5,
        1.25,
        0.25,
        98.6,
        2,
        "[10.0.0.4,fe80::1];[10.0.1.4];",
        "[00:50:56:00:00:01];[00:50:56:00:00:02];",
        2.5,
        0.125,
        "Wave 1",
    ]


def test_missing_value_is_an_empty_cell_or_said_in_words_and_never_zero() -> None:
    old = records(opened()["All_Assessed_Machines"])[1]
    assert old.pop("Azure VM readiness") == "Not ready for Azure"
    assert old.pop("Azure readiness issues") == "Unsupported boot type, Disk count exceeds limit"
    assert old.pop("Data collection issues") == "No data for percentage of CPU cores utilized"
    assert old.pop("Machine"), old.pop("Group name")
    assert set(old.values()) <= {None, "Not applicable", "Wave 1"}
    assert [heading for heading, value in old.items() if value == "Not applicable"] == [
        "Recommended size",
        "Security readiness",
        "Confidence Rating (% of utilization data collected)",
    ]


def test_disk_rows_read_as_given() -> None:
    web, old = records(opened()["All_Assessed_Disks"])
    assert web["Recommended disk type"] == "Standard HDD managed disks"
    assert web["Monthly cost estimate"] == 5.89
    assert (web["Source disk size(GB)"], web["Target disk size(GB)"]) == (127.5, 128)
    assert (web["Disk read(MBPS)"], web["Disk write(ops/sec)"]) == (1.25, 3.5)
    assert old["Azure disk readiness"] == "Unknown Readiness"
    assert old["Recommended disk size SKU"] == old["Migration Guidance"] == "Not applicable"
    assert old["Monthly cost estimate"] is None


def test_as_on_premises_says_that_utilization_does_not_apply() -> None:
    settings = replace(
        SETTINGS,
        sizing_criterion="as_on_premises",
        percentile=None,
        performance_window=None,
        performance_start_at=None,
        performance_end_at=None,
    )
    book = opened(replace(REPORT, settings=settings))
    machine, disk = records(book["All_Assessed_Machines"])[0], records(book["All_Assessed_Disks"])[0]
    utilization = re.compile(r"usage|Disk (read|write)|Network (in|out)")
    assert {value for heading, value in machine.items() if utilization.search(heading)} == {"Not applicable"}
    assert {value for heading, value in disk.items() if utilization.search(heading)} == {"Not applicable"}
    properties = pairs(book["Assessment_Properties"])
    assert properties["Sizing criterion"] == "As on-premises"
    assert properties["Performance history time range"] == properties["Percentile utilization"] == "Not applicable"


@pytest.mark.parametrize(
    ("currency", "number_format"),
    [
        ("USD", "[$$]#,##0.00"),
        ("EUR", "[$€]#,##0.00"),
        ("CHF", "[$CHF ]#,##0.00"),
        ("JPY", "[$¥]#,##0"),
        ("KWD", "[$KWD ]#,##0.000"),
    ],
)
def test_money_has_the_currency_in_heading_and_number_format(currency: str, number_format: str) -> None:
    book = opened(replace(REPORT, settings=replace(SETTINGS, currency=currency)))
    sheet = book["All_Assessed_Machines"]
    assert sheet["G1"].value == f"Compute monthly cost estimate {currency}"
    assert sheet["G2"].number_format == number_format
    assert f"Total monthly cost estimate {currency}" in pairs(book["Assessment_Summary"])


def test_big_sheets_have_a_frozen_header_a_filter_and_widths() -> None:
    sheet = opened()["All_Assessed_Machines"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:AJ3"
    assert sheet.column_dimensions["A"].width > 20


def test_summary_stores_the_totals_beside_its_formulas() -> None:
    values = pairs(opened()["Assessment_Summary"])
    formulas = pairs(opened(values=False)["Assessment_Summary"])
    assert values["Created on (UTC)"] == datetime.fromisoformat("2026-11-20T10:30")
    assert values["Total machines assessed"] == 2
    assert values["Total monthly cost estimate USD"] == pytest.approx(121.628616, abs=1e-9)
    assert values["Standard disks cost USD"] == 5.89
    assert values["Confidence rating"] == "4-Stars"
    assert formulas["Machines ready for Azure"] == '=COUNTIF(All_Assessed_Machines!$C$2:$C$3,"Ready For Azure")'
    assert formulas["Compute monthly cost USD"] == "=SUM(All_Assessed_Machines!$G$2:$G$3)"
    assert formulas["Total monthly cost estimate USD"] == (
        "=compute_monthly_cost+storage_monthly_cost+security_monthly_cost"
    )


def test_named_cells_are_where_the_formulas_expect_them() -> None:
    book = opened()
    labels = {}
    for name, defined in book.defined_names.items():
        sheet, cell = defined.attr_text.replace("$", "").split("!")
        labels[name] = book[sheet][f"A{cell[1:]}"].value
    assert labels["compute_monthly_cost"] == "Compute monthly cost USD"
    assert labels["security_monthly_cost"] == "Security monthly cost USD"
    assert labels["machines_unknown"] == "Machines readiness unknown"
    assert labels["run_discount_percent"] == "Discount (%)"
    assert labels["run_uptime_hours_per_day"] == "VM uptime - Hour(s) per day"


def test_security_cost_is_shown_as_a_value_where_the_layout_has_no_column_for_it() -> None:
    lines = pairs(opened(values=False, layout="2020")["Assessment_Summary"])
    assert lines["Security monthly cost USD"] == 14.6


def test_an_assessment_without_rows_has_values_instead_of_formulas() -> None:
    summary = Summary(
        ready_machines=0,
        ready_with_conditions_machines=0,
        not_ready_machines=0,
        unknown_machines=0,
        compute_monthly_cost=Decimal(0),
        storage_monthly_cost=Decimal(0),
    )
    book = opened(replace(REPORT, summary=summary, chunks=list), values=False)
    lines = pairs(book["Assessment_Summary"])
    assert (lines["Compute monthly cost USD"], lines["Machines ready for Azure"]) == (0, 0)
    assert lines["Confidence rating"] == "Not applicable"
    assert len(headings(book["All_Assessed_Machines"])) == 36


def test_properties_read_in_the_words_of_the_exports() -> None:
    sheet = opened()["Assessment_Properties"]
    properties = pairs(sheet)
    assert list(properties)[: len(PROPERTY_LABELS)] == PROPERTY_LABELS
    assert list(properties.values())[: len(PROPERTY_LABELS)] == [
        "Selected value",
        "West US",
        "1.3x",
        "Dsv5, Esv5",
        "PAY AS YOU GO",
        "USD",
        "3-year reserved",
        7.5,
        "Yes",
        "VM performance data",
        "Automatic",
        31,
        24,
        "1 Week",
        datetime.fromisoformat("2026-11-13T09:00"),
        datetime.fromisoformat("2026-11-20T09:00"),
        "Percentile95",
        "Prices are those of the catalog of 2026-11-01.",
    ]


def test_rows_past_the_limit_go_to_further_sheets_that_totals_include() -> None:
    disks = [replace(WEB_DISK, disk_name=f"scsi0:{number}") for number in range(7)]
    report = with_rows(disks=disks)
    book = opened(report, values=False, max_sheet_rows=4)
    parts = ["All_Assessed_Disks", "All_Assessed_Disks_2", "All_Assessed_Disks_3"]
    assert book.sheetnames[2:5] == parts
    assert [book[part].max_row for part in parts] == [4, 4, 2]
    assert all(headings(book[part]) == headings(opened()["All_Assessed_Disks"]) for part in parts)
    names = [row["Disk name"] for part in parts for row in records(book[part])]
    assert names == [disk.disk_name for disk in disks]
    assert book["All_Assessed_Disks_3"].auto_filter.ref == "A1:S2"
    formula = pairs(book["Assessment_Summary"])["Standard disks cost USD"]
    assert [f"{part}!$I$2:$I${rows}" for part, rows in zip(parts, (4, 4, 2), strict=True)] == re.findall(
        r"\w+!\$I\$2:\$I\$\d", formula
    )


def test_a_sheet_that_is_just_full_has_no_empty_sheet_after_it() -> None:
    book = opened(max_sheet_rows=3)
    assert book.sheetnames[1:3] == ["All_Assessed_Machines", "All_Assessed_Disks"]


def test_same_report_gives_the_same_bytes() -> None:
    assert written() == written()


def test_workbook_is_dated_as_the_run() -> None:
    properties = opened().properties
    assert properties.created == datetime.fromisoformat("2026-11-20T10:30")
    assert properties.title == "Production"


def test_an_instant_of_another_time_zone_is_written_in_utc() -> None:
    created_at = datetime.fromisoformat("2026-11-20T10:30:00+05:30")
    sheet = opened(replace(REPORT, created_at=created_at))["Assessment_Summary"]
    assert pairs(sheet)["Created on (UTC)"] == datetime.fromisoformat("2026-11-20T05:00")


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        written(replace(REPORT, created_at=datetime.fromisoformat("2026-11-20T10:30")))


def test_a_source_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[Chunk]:
        yield ROWS
        raise ConnectionError("the database went away")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    target = tmp_path / "report.xlsx"
    with pytest.raises(ConnectionError):
        write_workbook(replace(REPORT, chunks=failing), target)
    assert list(tmp_path.iterdir()) == []


def test_a_path_can_be_the_target(tmp_path: Path) -> None:
    write_workbook(REPORT, tmp_path / "report.xlsx")
    assert (tmp_path / "report.xlsx").read_bytes() == written()


def test_a_figure_that_is_not_a_number_is_an_error_and_not_a_cell() -> None:
    broken = replace(WEB, observed_cpu_percent=float("nan"))
    with pytest.raises(TypeError):
        written(with_rows(machines=[broken]))


def test_own_sheets_follow_the_standard_ones_when_asked_for() -> None:
    book = opened(FULL_REPORT)
    assert book.sheetnames[4:] == [
        "Scenarios",
        "Savings",
        "Readiness_Issues",
        "Decision_Trace",
        "Price_Lines",
        "Read_me",
    ]
    priced, unpriced = records(book["Scenarios"])
    assert (priced["Total monthly cost USD"], priced["Why there is no price"]) == (66.14, None)
    assert (unpriced["Total monthly cost USD"], unpriced["Why there is no price"]) == (None, "No price in West US")
    assert records(book["Readiness_Issues"])[0]["Remedy"] == "Convert to BIOS"


def test_read_me_says_where_the_figures_come_from() -> None:
    sheet = opened(FULL_REPORT)["Read_me"]
    facts = pairs(sheet)
    assert (facts["Rule set"], facts["Catalog date"], facts["Layout"]) == (
        "am-2025",
        datetime.fromisoformat("2026-11-01T00:00"),
        "2024",
    )
    link = next(row[1] for row in sheet.iter_rows() if row[0].value == "Link")
    assert link.hyperlink is not None
    assert link.hyperlink.target == "https://hub.example/a/0193"


MOVING = replace(SAVING, headline_hourly_monthly_cost=Decimal("1.138616"), best_hourly_monthly_cost=Decimal("90"))


def test_wide_sheets_print_on_few_pages_across_with_their_headings_on_each() -> None:
    book = opened(FULL_REPORT)
    for sheet in (book[name] for name in OWN_SHEET_NAMES):
        assert getattr(sheet.sheet_properties.pageSetUpPr, "fitToPage", False)
        assert (sheet.page_setup.fitToHeight, 1 <= int(sheet.page_setup.fitToWidth or 1) <= 4) == (0, True)
        assert (sheet.print_title_rows, sheet.print_title_cols) == ("$1:$1", "$A:$A")


def test_scenario_totals_stand_beside_the_labels_with_the_machines_they_are_for() -> None:
    values, formulas = (opened(FULL_REPORT, values=flag)["Assessment_Summary"] for flag in (True, False))
    row = next(cells[3].row for cells in values.iter_rows() if cells[3].value == "1-year reservation")
    assert [values.cell(row, column).value for column in range(4, 8)] == ["1-year reservation", 60.25, 1, 2]
    assert formulas.cell(row, 5).value == (
        '=(SUMIFS(Scenarios!$D$2:$D$3,Scenarios!$B$2:$B$3,"reservation_1y")'
        '-(SUMIFS(Scenarios!$H$2:$H$3,Scenarios!$B$2:$B$3,"reservation_1y")))*commitment_factor'
        '+(SUMIFS(Scenarios!$H$2:$H$3,Scenarios!$B$2:$B$3,"reservation_1y"))*hourly_factor'
    )


def test_savings_are_formulas_with_their_values_only_where_the_cells_are_that_move_them() -> None:
    rows = with_rows(FULL_REPORT, FULL_ROWS, savings=[MOVING, UNPRICED_SAVING])
    values, formulas = (opened(rows, values=flag)["Savings"] for flag in (True, False))
    assert formulas["E2"].value == "=250.5*hourly_factor"
    assert formulas["D2"].value == "=100.0*commitment_factor+1.138616*hourly_factor"
    assert formulas["F2"].value == "=250.5*hourly_factor-(100.0*commitment_factor+1.138616*hourly_factor)"
    assert [values[f"{letter}2"].value for letter in "DEF"] == [101.138616, 250.5, 149.361384]
    assert formulas["F3"].value is None
    without = opened(replace(rows, own_sheets=OWN_SHEET_NAMES - {"Price_Lines"}), values=False)
    assert without["Savings"]["E2"].value == 250.5
    assert "hourly_factor" not in without.defined_names


@pytest.mark.parametrize("name", ["x" * 255, "\u6f22" * 255, "web " * 60])
def test_a_long_name_does_not_widen_the_first_sheet(name: str) -> None:
    report = replace(FULL_REPORT, assessment_name=name, look=Look(display_name=name))
    sheet = opened(report)["Assessment_Summary"]
    for cell in ("D1", "D2"):
        assert str(sheet[cell].value).endswith("\u2026")
        assert len(str(sheet[cell].value)) <= (34 if name[0] == "\u6f22" else 67)
    facts = {label.value: value.value for label, value in sheet.iter_rows(min_row=3, max_col=2)}
    assert facts["Assessment name"] == name
    short = replace(FULL_REPORT, assessment_name="Production")
    assert opened(short)["Assessment_Summary"]["D1"].value == "Production - Wave 1, Datacenter exit"


@pytest.mark.parametrize("name", ["x" * 255, "\u6f22" * 255, "web " * 60])
def test_a_long_machine_name_leaves_the_chart_of_savings_its_room_and_is_whole_in_the_data(name: str) -> None:
    report = with_rows(FULL_REPORT, FULL_ROWS, savings=[replace(SAVING, machine_name=name), SAVING])
    for values in (True, False):
        book = opened(report, values=values)
        column = [str(cell.value) for cell in book["Assessment_Summary"]["D"]]
        shown = column[column.index("Top savings: machine") + 1]
        assert shown[:-1] in name
        assert (shown[-1], len(shown) <= (18 if name[0] == "\u6f22" else 35)) == ("\u2026", True)
        assert book["Savings"]["A2"].value == name
        assert ("=Savings!" in column[column.index("Top savings: machine") + 2]) is not values
