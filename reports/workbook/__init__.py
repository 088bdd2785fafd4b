"""The report of one assessment run: a `Report` in; an xlsx, CSV files or JSON lines out. Imports no Django."""

from reports.workbook.assembling import MAX_SHEET_ROWS
from reports.workbook.choice import Choice
from reports.workbook.difference import Difference, DifferenceRow, Side, difference_content, write_difference
from reports.workbook.layouts import LAYOUTS, NEWEST_LAYOUT
from reports.workbook.look import Look
from reports.workbook.own_sheets import MAX_REFUSED_SHOWN, REFUSED_SHOWN
from reports.workbook.project import (
    AssessmentRow,
    ProjectReport,
    ProjectScenarioRow,
    SharedMachineRow,
    project_content,
)
from reports.workbook.project_workbook import write_project_workbook
from reports.workbook.properties import settings_words
from reports.workbook.sheets import OWN_SHEET_NAMES, OWN_SHEETS, SCHEMA_VERSION
from reports.workbook.text_forms import Content, write_content_csv, write_content_jsonl, write_csv, write_jsonl
from reports.workbook.values import (
    Chunk,
    DiskRow,
    IssueRow,
    IssueTotal,
    MachineRow,
    MovesWith,
    Origin,
    PriceLineRow,
    Report,
    SavingsRow,
    ScenarioRow,
    ScenarioTotal,
    Settings,
    Summary,
    TraceRow,
)
from reports.workbook.writer import write_workbook

__all__ = [
    "LAYOUTS",
    "MAX_REFUSED_SHOWN",
    "MAX_SHEET_ROWS",
    "NEWEST_LAYOUT",
    "OWN_SHEETS",
    "OWN_SHEET_NAMES",
    "REFUSED_SHOWN",
    "SCHEMA_VERSION",
    "AssessmentRow",
    "Choice",
    "Chunk",
    "Content",
    "Difference",
    "DifferenceRow",
    "DiskRow",
    "IssueRow",
    "IssueTotal",
    "Look",
    "MachineRow",
    "MovesWith",
    "Origin",
    "PriceLineRow",
    "ProjectReport",
    "ProjectScenarioRow",
    "Report",
    "SavingsRow",
    "ScenarioRow",
    "ScenarioTotal",
    "Settings",
    "SharedMachineRow",
    "Side",
    "Summary",
    "TraceRow",
    "difference_content",
    "project_content",
    "settings_words",
    "write_content_csv",
    "write_content_jsonl",
    "write_csv",
    "write_difference",
    "write_jsonl",
    "write_project_workbook",
    "write_workbook",
]
