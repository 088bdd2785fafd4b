"""The charts of the executive summary, drawn as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.graphics.shapes import Drawing, Group, Rect, String, Wedge
from reportlab.lib.colors import HexColor, white

from reports.summary_pdf.text import BOLD, PLAIN, plain, register_fonts
from reports.workbook.formats import INK, LINE

LABEL_POINTS = 7.5
ROW_POINTS = 15


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
        legend.add(String(left + 13, y + 1, plain(part.label, 40), fontName=PLAIN, fontSize=8, fillColor=HexColor(INK)))
        words = String(left + 178, y + 1, part.shown, fontName=BOLD, fontSize=8, fillColor=HexColor(INK))
        words.textAnchor = "end"
        legend.add(words)
    return legend


def bars(parts: Sequence[Sequence[Part]], *, width: float, label_width: float = 165) -> Drawing:
    """One horizontal bar a row, of one part or of several stacked; the last part's words stand behind the bar."""
    register_fonts()
    height = len(parts) * ROW_POINTS + 6
    drawing = Drawing(width, height)
    most = max((sum(part.value for part in row) for row in parts), default=0) or 1
    room = width - label_width - 85
    for number, row in enumerate(parts):
        y = height - (number + 1) * ROW_POINTS
        label = String(label_width - 6, y + 3, plain(row[0].label, 34), fontName=PLAIN, fontSize=LABEL_POINTS)
        label.textAnchor, label.fillColor = "end", HexColor(INK)
        drawing.add(label)
        x = label_width
        for part in row:
            length = max(part.value, 0) / most * room
            drawing.add(Rect(x, y + 1, length, ROW_POINTS - 5, fillColor=HexColor(part.color), strokeColor=None))
            x += length
        drawing.add(String(x + 4, y + 3, row[-1].shown, fontName=PLAIN, fontSize=LABEL_POINTS, fillColor=HexColor(INK)))
    drawing.add(Rect(label_width, 2, 0.5, height - 4, fillColor=HexColor(LINE), strokeColor=None))
    return drawing
