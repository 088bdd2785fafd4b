"""The difference between two runs on two to four pages: by how much, by which cause, at which machines most."""

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, PageBreak, Spacer

from reports.summary_pdf.charts import Part, bars
from reports.summary_pdf.pages import INNER, Frame, build, counted, heading_cell, key_figures, lined, money, section
from reports.summary_pdf.text import paragraph, style
from reports.workbook.currencies import minor_units
from reports.workbook.difference import CAUSES, Difference, DifferenceRow, Side
from reports.workbook.look import Look
from reports.workbook.wording import NOT_APPLICABLE, READINESS, worded

TOP_MACHINES = 25
CAUSE_WORDS = {
    "membership": "Membership: who is in the group",
    "inventory": "Inventory: hardware and system",
    "performance": "Performance: how busy",
    "settings": "Settings: how chosen",
    "price": "Price: catalog and price sheet",
}


def write_difference_pdf(found: Difference, target: Path | IO[bytes]) -> None:
    """Write the summary; the same difference gives the same bytes. Reads the first rows only."""
    frame = Frame(
        title=f"{found.before.assessment_name} - {found.after.assessment_name}",
        owner=found.look.display_name or found.project_name,
        what="Difference between two runs",
        bottom=f"In {found.currency}, a month",
        look=found.look,
    )
    build(_story(found, frame.look), target, frame)


def _story(found: Difference, look: Look) -> Iterator[Flowable]:
    total = sum(found.causes.values(), Decimal(0))
    yield paragraph("What changed, and why", style(20, bold=True, color=look.primary))
    yield Spacer(0, 4 * mm)
    yield lined([_side("Before", found.before), _side("After", found.after)], (0.12, 0.52, 0.2, 0.16))
    yield Spacer(0, 6 * mm)
    figures = [
        ("Total before", money(found.before.monthly_cost, found.currency)),
        ("Total after", money(found.after.monthly_cost, found.currency)),
        ("Difference", signed(total, found.currency)),
    ]
    yield key_figures(figures, (0.34, 0.33, 0.33), look)
    yield Spacer(0, 7 * mm)
    colors = [look.primary if found.causes[cause] >= 0 else look.highlight for cause in CAUSES]
    rows = [
        [Part(CAUSE_WORDS[cause], float(found.causes[cause]), color, signed(found.causes[cause], found.currency))]
        for cause, color in zip(CAUSES, colors, strict=True)
    ]
    yield section(look, "The difference a month, by cause", bars(rows, width=INNER))
    if found.notes:
        notes = [flowable for note in found.notes for flowable in (paragraph(note, style(8)), Spacer(0, 2 * mm))]
        yield section(look, "What to know about the causes", *notes)
    yield PageBreak()
    yield from _machines(found, look)


def _side(label: str, side: Side) -> list[Any]:
    small = style(8)
    return [
        paragraph(label, style(8, bold=True)),
        paragraph(f"{side.assessment_name}, run {side.run_number}", small, most=200),
        paragraph(f"{side.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", small),
        paragraph(counted(side.machines), small),
    ]


def _machines(found: Difference, look: Look) -> Iterator[Flowable]:
    rows = list(islice(chain.from_iterable(found.rows()), TOP_MACHINES))
    if not rows:
        yield paragraph("No machine is in either run.", style(9))
        return
    small, right = style(7), style(7, right=True)  # a thousand millions stay on one line
    table: list[list[Any]] = [
        [heading_cell(text) for text in ("Machine", "Size before", "Size after", "Before", "After", "Difference")]
    ]
    for row in rows:
        money_cells = [row.before_monthly_cost, row.after_monthly_cost]
        table.append(
            [
                paragraph(row.machine_name, small, most=80),
                paragraph(_size(row, before=True), small, most=60),
                paragraph(_size(row, before=False), small, most=60),
                *(paragraph(money(amount, found.currency), right) for amount in money_cells),
                paragraph(signed(row.difference, found.currency), right),
            ]
        )
    yield paragraph("Machines with the largest differences", style(13, bold=True, color=look.primary))
    yield Spacer(0, 3 * mm)
    yield lined(table, (0.155, 0.175, 0.175, 0.165, 0.165, 0.165), header=look.primary)


def _size(row: DifferenceRow, *, before: bool) -> str:
    """The size, or why there is none."""
    size, readiness = (row.before_sku, row.before_readiness) if before else (row.after_sku, row.after_readiness)
    if readiness is None:
        return "Not in this run"
    return size or worded(READINESS, readiness) or NOT_APPLICABLE


def signed(amount: Decimal, currency: str) -> str:
    """`+$12.00` or `-$12.00`; nothing before zero."""
    rounded = round(amount, minor_units(currency))
    sign = "+" if rounded > 0 else "-" if rounded < 0 else ""
    return f"{sign}{money(abs(rounded), currency)}"
