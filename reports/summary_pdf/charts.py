"""The charts of the executive summary, drawn as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reportlab.graphics.shapes import Drawing, Group, Rect, String, Wedge
from reportlab.lib.colors import HexColor, white
from reportlab.pdfbase.pdfmetrics import stringWidth

from reports.summary_pdf.text import BOLD, fitted, register_fonts, shortened, spans, text_width
from reports.workbook.formats import INK, LINE

LABEL_POINTS = 7.5
ROW_POINTS = 15
AMOUNT_POINTS = 85  # room for the words behind a bar


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a chart with its words, its color, and what is written beside it."""

    label: str
    value: float
    color: str
    shown: str = ""


def ring(parts: Sequence[Part], *, width: float, height: float, middle: str) -> Drawing:
    """A ring of counts with a legend at its right and a figure in its middle."""
    register_fonts()
    drawing = Drawing(width, height)
    radius = height / 2 - 4
    total = sum(part.value for part in parts) or 1
    angle = 90.0
    for part in (part for part in parts if part.value):
        sweep = 360 * part.value / total
        drawing.add(_sector(radius, height, angle, sweep, part.color))
        angle -= sweep
    drawing.add(String(radius + 4, height / 2 - 6, middle, fontName=BOLD, fontSize=15, textAnchor="middle"))
    drawing.add(_legend(parts, 2 * radius + 22, height / 2 + len(parts) * ROW_POINTS / 2 - 10))
    return drawing


def _sector(radius: float, height: float, angle: float, sweep: float, color: str) -> Wedge:
    # A wedge of a whole circle has no start and no end; a hair less draws the same.
    start = angle - min(sweep, 359.999)
    return Wedge(
        radius + 4,
        height / 2,
        radius,
        start,
        angle,
        radius1=radius * 0.62,
        fillColor=HexColor(color),
        strokeColor=white,
        strokeWidth=1,
    )


def _legend(parts: Sequence[Part], left: float, top: float) -> Group:
    legend = Group()
    for row, part in enumerate(parts):
        y = top - row * ROW_POINTS
        legend.add(Rect(left, y, 8, 8, fillColor=HexColor(part.color), strokeColor=None))
        legend.add(words(left + 13, y + 1, shortened(part.label, 40), size=8))
        legend.add(words(left + 178, y + 1, part.shown, size=8, bold=True, right=True))
    return legend


def words(
    x: float, y: float, text: str, *, size: float = LABEL_POINTS, bold: bool = False, right: bool = False
) -> Group:
    """One line of text in any script, from x on, or up to x with `right`."""
    line = Group()
    at = x - text_width(text, size=size, bold=bold) if right else x
    for font, run in spans(text, bold=bold):
        line.add(String(at, y, run, fontName=font, fontSize=size, fillColor=HexColor(INK)))
        at += stringWidth(run, font, size)
    return line


def bars(parts: Sequence[Sequence[Part]], *, width: float, label_width: float = 165) -> Drawing:
    """One horizontal bar a row, of one part or of several stacked; the last part's words stand behind the bar.

    A value below zero goes to the left of the line that all bars start from, if it is alone in its row.
    """
    register_fonts()
    height = len(parts) * ROW_POINTS + 6
    drawing = Drawing(width, height)
    parts = [row if len(row) == 1 else [replace(part, value=max(part.value, 0)) for part in row] for row in parts]
    sums = [sum(part.value for part in row) for row in parts]
    lowest, highest = min([0, *sums]), max([0, *sums])
    reach = (highest - lowest) or 1
    room = width - label_width - AMOUNT_POINTS * (2 if lowest < 0 else 1)
    zero = label_width + (AMOUNT_POINTS if lowest < 0 else 0) - lowest / reach * room
    for number, row in enumerate(parts):
        y = height - (number + 1) * ROW_POINTS
        drawing.add(words(label_width - 6, y + 3, fitted(row[0].label, label_width - 6, size=LABEL_POINTS), right=True))
        x = zero
        for part in row:
            length = part.value / reach * room
            bar = Rect(min(x, x + length), y + 1, abs(length), ROW_POINTS - 5, fillColor=HexColor(part.color))
            bar.strokeColor = None
            drawing.add(bar)
            x += length
        drawing.add(words(x - 4 if x < zero else x + 4, y + 3, row[-1].shown, right=x < zero))
    drawing.add(Rect(zero, 2, 0.5, height - 4, fillColor=HexColor(LINE), strokeColor=None))
    return drawing
