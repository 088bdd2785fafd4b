"""The pages of the executive summary: what it costs, what is ready, what could be saved, what stands in the way."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import IO, Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, PageBreak, Spacer, Table

from reports.summary_pdf.charts import Part, bars, ring
from reports.summary_pdf.pages import (
    INNER,
    Frame,
    build,
    counted,
    heading_cell,
    key_figures,
    lined,
    money,
    section,
    shown,
)
from reports.summary_pdf.text import paragraph, style
from reports.workbook.figures import Figures
from reports.workbook.formats import READINESS_COLORS
from reports.workbook.look import Look
from reports.workbook.properties import property_lines
from reports.workbook.summary import DISK_TYPE_OF_COST, Line
from reports.workbook.values import Report
from reports.workbook.wording import DISK_TYPES, NOT_APPLICABLE, READINESS, scenario_words, stars

TOP_ISSUES = 8


def write_pdf(report: Report, target: Path | IO[bytes]) -> None:
    """Write the summary; the same report gives the same bytes. The rows are read once, for savings and confidence."""
    figures = Figures()
    for chunk in report.chunks():
        figures.add(chunk)
    frame = Frame(
        title=report.assessment_name,
        owner=report.look.display_name or (report.origin.tenant_name if report.origin else ""),
        what="Executive summary",
        bottom=f"Prices of {report.settings.prices_at:%Y-%m-%d}, in {report.settings.currency}",
        look=report.look,
    )
    build(_story(report, figures), target, frame)


def _story(report: Report, figures: Figures) -> Iterator[Flowable]:
    look = report.look
    yield paragraph(report.assessment_name, style(20, bold=True, color=report.look.primary), most=120)
    subtitle = f"{report.project_name} - {report.group_name}, run of {report.created_at.astimezone(UTC):%d %B %Y}"
    yield paragraph(subtitle, style(10), most=300)
    yield Spacer(0, 6 * mm)
    yield _key_figures(report)
    yield Spacer(0, 7 * mm)
    yield section(look, "Is it ready for Azure?", _readiness(report))
    yield section(look, "What it costs a month, by part", _parts(report))
    if any(count for count in figures.stars if count is not None):
        yield section(look, "How sure are the figures?", _confidence(figures, look))
    yield PageBreak()
    if report.scenario_totals:
        yield section(look, "What compute costs a month, by scenario", *_scenarios(report))
    if figures.savings.top:
        yield section(look, "Where the largest savings are", *_savings(report, figures))
    yield PageBreak()
    if report.issue_totals:
        yield section(look, "What stands in the way", _issues(report))
    yield section(look, "What these figures rest on", _grounds(report))


def _key_figures(report: Report) -> Table:
    summary, currency = report.summary, report.settings.currency
    able = summary.ready_machines + summary.ready_with_conditions_machines
    share = f"{100 * able / summary.machines:.0f} %" if summary.machines else NOT_APPLICABLE
    found = [
        ("Machines", f"{summary.machines:,}"),
        ("Can move", share),
        ("Total a month", money(summary.monthly_cost, currency)),
        ("Confidence", stars(summary.confidence_stars)),
    ]
    return key_figures(found, (0.2, 0.2, 0.34, 0.26), report.look)


def _readiness(report: Report) -> Flowable:
    summary = report.summary
    counts = {code: getattr(summary, f"{code}_machines") for code in READINESS_COLORS}
    parts = [
        Part(READINESS[code], counts[code], color, f"{counts[code]:,}") for code, color in READINESS_COLORS.items()
    ]
    return ring(parts, width=INNER, height=110, middle=f"{summary.machines:,}")


def _parts(report: Report) -> Flowable:
    summary, currency, look = report.summary, report.settings.currency, report.look
    rows = [
        ("Compute", summary.compute_monthly_cost, look.primary),
        ("Storage", summary.storage_monthly_cost, look.primary),
    ]
    by_type = [(code, getattr(summary, key)) for key, code in DISK_TYPE_OF_COST.items()]
    rows += [(DISK_TYPES[code], amount, look.secondary) for code, amount in by_type if amount]
    if summary.security_monthly_cost is not None:
        rows.append(("Security", summary.security_monthly_cost, look.primary))
    return bars(
        [[Part(label, float(amount), color, money(amount, currency))] for label, amount, color in rows],
        width=INNER,
    )


def _confidence(figures: Figures, look: Look) -> Flowable:
    rows = [(stars(count), figures.stars[count]) for count in (5, 4, 3, 2, 1)]
    rows.append((NOT_APPLICABLE, figures.stars[None]))
    return bars([[Part(label, count, look.primary, counted(count))] for label, count in rows], width=INNER)


def _scenarios(report: Report) -> list[Flowable]:
    currency = report.settings.currency
    rows = [
        [
            Part(
                scenario_words(total.scenario),
                float(total.compute_monthly_cost or 0),
                report.look.primary,
                f"{money(total.compute_monthly_cost, currency)}  ({total.priced_machines:,})",
            )
        ]
        for total in report.scenario_totals
    ]
    note = (
        "In brackets: for how many machines the total stands. Totals of different numbers of machines do not compare. "
        "Own licenses: the customer's Windows (or Linux) licenses are brought along."
    )
    return [bars(rows, width=INNER), Spacer(0, 2 * mm), paragraph(note, style(8), most=400)]


def _savings(report: Report, figures: Figures) -> list[Flowable]:
    savings, currency = figures.savings, report.settings.currency
    rows = [
        [
            Part(saver.of.machine_name, float(saver.of.saved or 0), report.look.highlight),
            Part("", float(saver.of.further or 0), report.look.primary, money(saver.of.possible, currency)),
        ]
        for saver in savings.top
    ]
    note = (
        "Beside pay-as-you-go, a month. The first part of a bar: what the chosen scenario saves, "
        f"{money(savings.saved, currency)} on all {savings.comparable:,} machines that have all prices. The second: "
        f"what the cheapest scenario would save beyond, {money(savings.further, currency)}."
    )
    return [bars(rows, width=INNER), Spacer(0, 2 * mm), paragraph(note, style(8), most=500)]


def _issues(report: Report) -> Table:
    small = style(8)
    rows: list[list[Any]] = [[heading_cell(text) for text in ("Machines", "Finding", "What to do")]]
    rows += [
        [
            paragraph(f"{issue.machines:,}", small),
            paragraph(issue.message, small),
            paragraph(issue.remedy, small, most=250),
        ]
        for issue in report.issue_totals[:TOP_ISSUES]
    ]
    return lined(rows, (0.13, 0.35, 0.52), header=report.look.primary)


def _grounds(report: Report) -> Table:
    small = style(8)
    lines = [line for line in property_lines(report.settings) if line.value is not None]
    if report.origin:
        lines += [
            Line(label="Catalog", value=f"{report.origin.catalog_name} of {report.origin.catalog_date:%Y-%m-%d}"),
            Line(label="Rule set", value=report.origin.rule_set),
            Line(label="Run", value=report.origin.run_id),
            Line(label="More", value=report.origin.url),
        ]
    return lined([[paragraph(line.label, small), paragraph(shown(line), small)] for line in lines], (0.42, 0.58))
