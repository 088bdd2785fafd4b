"""The pages of the executive summary: what it costs, what is ready, what could be saved, what stands in the way."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, Any

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, PageBreak, SimpleDocTemplate, Spacer, Table

from reports.summary_pdf.charts import Part, bars, ring
from reports.summary_pdf.text import BOLD, PLAIN, paragraph, plain, register_fonts, style
from reports.workbook.figures import Figures
from reports.workbook.formats import INK, LINE, READINESS_COLORS, money_sign
from reports.workbook.look import Look, png_size
from reports.workbook.properties import property_lines
from reports.workbook.summary import DISK_TYPE_OF_COST, Line
from reports.workbook.values import Report
from reports.workbook.wording import DISK_TYPES, NOT_APPLICABLE, READINESS, scenario_words, stars

WIDTH, HEIGHT = A4
MARGIN = 18 * mm
BAND = 11 * mm
LOGO_WIDTH, LOGO_HEIGHT = 60 * mm, 9 * mm
INNER = WIDTH - 2 * MARGIN - 12  # a frame keeps 6 points free on each side
TOP_ISSUES = 8
NAME_CHARACTERS = 60


def write_pdf(report: Report, target: Path | IO[bytes]) -> None:
    """Write the summary; the same report gives the same bytes. The rows are read once, for savings and confidence."""
    figures = Figures()
    for chunk in report.chunks():
        figures.add(chunk)
    register_fonts()
    document = SimpleDocTemplate(
        str(target) if isinstance(target, Path) else target,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=22 * mm,
        bottomMargin=18 * mm,
        title=plain(report.assessment_name, 200),
        author="migrate_hub",
        invariant=1,
    )
    dress = partial(_dress, report=report)
    document.build(list(_story(report, figures)), onFirstPage=dress, onLaterPages=dress)


def _story(report: Report, figures: Figures) -> Iterator[Flowable]:
    look = report.look
    section = partial(_section, look)
    yield paragraph(report.assessment_name, style(20, bold=True, color=report.look.primary), most=120)
    subtitle = f"{report.project_name} - {report.group_name}, run of {report.created_at.astimezone(UTC):%d %B %Y}"
    yield paragraph(subtitle, style(10), most=300)
    yield Spacer(0, 6 * mm)
    yield _key_figures(report)
    yield Spacer(0, 7 * mm)
    yield section("Is it ready for Azure?", _readiness(report))
    yield section("What it costs a month, by part", _parts(report))
    if any(count for count in figures.stars if count is not None):
        yield section("How sure are the figures?", _confidence(figures, look))
    yield PageBreak()
    if report.scenario_totals:
        yield section("What compute costs a month, by scenario", *_scenarios(report))
    if figures.savings.top:
        yield section("Where the largest savings are", *_savings(report, figures))
    yield PageBreak()
    if report.issue_totals:
        yield section("What stands in the way", _issues(report))
    yield section("What these figures rest on", _grounds(report))


def _section(look: Look, title: str, *content: Flowable) -> Flowable:
    heading = style(13, bold=True, color=look.primary)
    return KeepTogether([paragraph(title, heading), Spacer(0, 3 * mm), *content, Spacer(0, 7 * mm)])


def money(amount: Decimal | None, currency: str) -> str:
    """`$1,234.56`."""
    return NOT_APPLICABLE if amount is None else f"{money_sign(currency)}{amount:,.2f}"


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
    cells = [
        [paragraph(label, style(8)), paragraph(value, style(14, bold=True, color=report.look.primary))]
        for label, value in found
    ]
    table = Table([cells], colWidths=[INNER * share for share in (0.2, 0.2, 0.34, 0.26)])
    table.setStyle([("BACKGROUND", (0, 0), (-1, -1), HexColor(report.look.pale)), *_padding(8)])
    return table


def _padding(points: int) -> list[tuple[Any, ...]]:
    sides = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    return [(side, (0, 0), (-1, -1), points) for side in sides]


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
    rows += [(DISK_TYPES[code], getattr(summary, key), look.secondary) for key, code in DISK_TYPE_OF_COST.items()]
    if summary.security_monthly_cost is not None:
        rows.append(("Security", summary.security_monthly_cost, look.primary))
    return bars(
        [[Part(label, float(amount), color, money(amount, currency))] for label, amount, color in rows if amount],
        width=INNER,
    )


def _confidence(figures: Figures, look: Look) -> Flowable:
    rows = [(stars(count), figures.stars[count]) for count in (5, 4, 3, 2, 1)]
    rows.append((NOT_APPLICABLE, figures.stars[None]))
    return bars([[Part(label, count, look.primary, f"{count:,} machines")] for label, count in rows], width=INNER)


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
    rows: list[list[Any]] = [[_head(text) for text in ("Machines", "Finding", "What to do")]]
    rows += [
        [
            paragraph(f"{issue.machines:,}", small),
            paragraph(issue.message, small),
            paragraph(issue.remedy, small, most=250),
        ]
        for issue in report.issue_totals[:TOP_ISSUES]
    ]
    return _lined(rows, (0.13, 0.35, 0.52), header=report.look.primary)


def _head(text: str) -> Flowable:
    return paragraph(text, style(8, bold=True, color="#FFFFFF"))


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
    return _lined([[paragraph(line.label, small), paragraph(_shown(line), small)] for line in lines], (0.42, 0.58))


def _shown(line: Line) -> str:
    if isinstance(line.value, datetime):
        return f"{line.value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{line.value.normalize():f}" if isinstance(line.value, Decimal) else str(line.value)


def _lined(rows: list[list[Any]], shares: tuple[float, ...], *, header: str | None = None) -> Table:
    table = Table(rows, colWidths=[INNER * share for share in shares], repeatRows=1 if header else 0)
    rules: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *_padding(3),
    ]
    if header:
        rules.append(("BACKGROUND", (0, 0), (-1, 0), HexColor(header)))
    table.setStyle(rules)
    return table


def _dress(canvas: Canvas, document: Any, *, report: Report) -> None:
    """The band at the top and the line at the bottom of every page."""
    canvas.saveState()
    canvas.setFillColor(HexColor(report.look.primary))
    canvas.rect(0, HEIGHT - BAND, WIDTH, BAND, stroke=0, fill=1)
    canvas.setFillColor(white)
    canvas.setFont(BOLD, 9)
    tenant = report.look.display_name or (report.origin.tenant_name if report.origin else "")
    canvas.drawString(MARGIN, HEIGHT - 7.2 * mm, plain(tenant or "Cloud assessment", NAME_CHARACTERS))
    canvas.setFont(PLAIN, 9)
    canvas.drawRightString(WIDTH - MARGIN, HEIGHT - 7.2 * mm, "Executive summary")
    if document.page == 1 and report.look.logo:
        _draw_logo(canvas, report.look.logo)
    canvas.setFillColor(HexColor(INK))
    canvas.setFont(PLAIN, 7.5)
    prices = f"Prices of {report.settings.prices_at:%Y-%m-%d}, in {report.settings.currency}"
    canvas.drawString(MARGIN, 9 * mm, prices)
    canvas.drawRightString(WIDTH - MARGIN, 9 * mm, f"Page {document.page}")
    canvas.restoreState()


def _draw_logo(canvas: Canvas, logo: bytes) -> None:
    """At the right between the band and the title."""
    width, height = png_size(logo)
    scale = min(LOGO_WIDTH / width, LOGO_HEIGHT / height)
    place = (WIDTH - MARGIN - width * scale, HEIGHT - BAND - 1 * mm - height * scale)
    canvas.drawImage(ImageReader(io.BytesIO(logo)), *place, width * scale, height * scale, mask="auto")
