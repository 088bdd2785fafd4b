"""The Excel workbook of one assessment run: a `Report` in, an xlsx out. Imports the workbook library only."""

from reports.workbook.layouts import LAYOUTS, NEWEST_LAYOUT
from reports.workbook.values import (
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
from reports.workbook.writer import MAX_SHEET_ROWS, SCHEMA_VERSION, write_workbook

__all__ = [
    "LAYOUTS",
    "MAX_SHEET_ROWS",
    "NEWEST_LAYOUT",
    "SCHEMA_VERSION",
    "DiskRow",
    "IssueRow",
    "MachineRow",
    "Origin",
    "Report",
    "ScenarioRow",
    "ScenarioTotal",
    "Settings",
    "Summary",
    "write_workbook",
]
