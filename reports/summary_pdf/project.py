"""Several assessments of a project on two to four pages: what each costs, how ready each is, what to know of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, PageBreak, Spacer

from reports.summary_pdf.charts import Part, bars
from reports.summary_pdf.pages import INNER, Frame, build, counted, heading_cell, key_figures, lined, money, section
from reports.summary_pdf.text import paragraph, style
from reports.workbook.formats import READINESS_COLORS
from reports.workbook.look import Look
from reports.workbook.project import AssessmentRow, ProjectReport, project_notes, why_no_total
from reports.workbook.wording import FRESHNESS, NOT_APPLICABLE, READINESS, scenario_words, stars, worded

SHOWN_IN_CHARTS = 14
SHOWN_IN_TABLE = 40  # so that there are never more than four pages


def write_project_pdf(report: ProjectReport, target: Path | IO[bytes]) -> None:
    """Write the summary; the same report gives the same bytes."""
    frame = Frame(
        title=report.project_name,
        owner=report.look.display_name or report.tenant_name,
        what="Assessments of a project",
        bottom=f"Asked for on {report.created_at.astimezone(UTC):%Y-%m-%d}, in {', '.join(report.currencies)}",
        look=report.look,
    )
    build(_story(report, report.look), target, frame)


def _story(report: ProjectReport, look: Look) -> Iterator[Flowable]:
    largest = report.largest(SHOWN_IN_CHARTS)
    which = "" if len(largest) == len(report.rows) else f", the largest {len(largest)} of {len(report.rows):,}"
    yield paragraph(report.project_name, style(20, bold=True, color=look.primary), most=120)
    yield paragraph(f"{len(report.rows):,} assessments, {report.created_at.astimezone(UTC):%d %B %Y}", style(10))
    yield Spacer(0, 6 * mm)
    yield key_figures(_figures(report), (0.2, 0.2, 0.34, 0.26), look)
    yield Spacer(0, 7 * mm)
    if report.currency:
        yield section(look, f"What they cost a month{which}", _costs(report, largest))
    yield section(look, f"How ready their machines are{which}", _readiness(largest), Spacer(0, 2 * mm), _legend())
    yield section(look, "What to know before comparing", *_notes(report))
    yield PageBreak()
    yield from _table(report, look)


def _figures(report: ProjectReport) -> list[tuple[str, str]]:
    total = sum((row.monthly_cost for row in report.rows), Decimal(0))
    return [
        ("Assessments", f"{len(report.rows):,}"),
        ("Machines", f"{report.machines:,}"),
        ("Total a month", money(total, report.currency) if report.is_addable else "Not added up"),
        ("In several assessments", f"{report.shared_machines:,}"),
    ]


def _costs(report: ProjectReport, rows: Sequence[AssessmentRow]) -> Flowable:
    look = report.look
    parts = [
        [
            Part(row.assessment_name, float(row.compute_monthly_cost), look.primary),
            Part("", float(row.storage_monthly_cost), look.secondary, money(row.monthly_cost, report.currency)),
        ]
        for row in rows
    ]
    return bars(parts, width=INNER)


def _readiness(rows: Sequence[AssessmentRow]) -> Flowable:
    parts = []
    for row in rows:
        counts = [getattr(row, f"{code}_machines") for code in READINESS_COLORS]
        line = [Part("", count, color) for count, color in zip(counts, READINESS_COLORS.values(), strict=True)]
        line[0] = Part(row.assessment_name, counts[0], line[0].color)
        line[-1] = Part("", counts[-1], line[-1].color, counted(row.machines))
        parts.append(line)
    return bars(parts, width=INNER)


def _legend() -> Flowable:
    words = (
        f"{READINESS[code]}: {name}"
        for code, name in zip(READINESS_COLORS, ("green", "yellow", "red", "gray"), strict=True)
    )
    return paragraph("; ".join(words), style(8))


def _notes(report: ProjectReport) -> list[Flowable]:
    notes = project_notes(report)
    if not report.is_addable:
        notes.insert(0, why_no_total(report))
    if report.currency:
        notes.append("In the bars of costs, the darker part is compute and the paler one storage.")
    return [flowable for note in notes for flowable in (paragraph(note, style(8)), Spacer(0, 1.5 * mm))]


def _table(report: ProjectReport, look: Look) -> Iterator[Flowable]:
    small, right = style(7.5), style(7.5, right=True)
    headings = ("Assessment", "Run", "Machines", "Confidence", "Total a month", "Cheapest scenario", "Freshness")
    table: list[list[Any]] = [[heading_cell(text) for text in headings]]
    rows = report.rows if len(report.rows) <= SHOWN_IN_TABLE else report.largest(SHOWN_IN_TABLE)
    for row in rows:
        cheapest = row.cheapest_scenario and scenario_words(row.cheapest_scenario)
        table.append(
            [
                paragraph(row.assessment_name, small, most=60),
                paragraph(f"{row.run_number}, {row.run_at.astimezone(UTC):%Y-%m-%d}", small),
                paragraph(f"{row.machines:,}", right),
                paragraph(stars(row.confidence_stars), small),
                paragraph(money(row.monthly_cost, row.currency), right),
                paragraph(cheapest or NOT_APPLICABLE, small),
                paragraph((worded(FRESHNESS, row.freshness) or "").partition(":")[0], small),
            ]
        )
    yield paragraph("The assessments", style(13, bold=True, color=look.primary))
    yield Spacer(0, 3 * mm)
    yield lined(table, (0.21, 0.13, 0.12, 0.13, 0.14, 0.14, 0.13), header=look.primary)
    if len(rows) < len(report.rows):
        yield Spacer(0, 2 * mm)
        yield paragraph(f"The largest {len(rows)} of {len(report.rows):,}; the workbook has all.", style(8))
