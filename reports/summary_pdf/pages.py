"""What every PDF page of ours has: the band, sections, lined tables, money; and how a document is built from them."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, Any

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer, Table

from reports.summary_pdf.text import draw_text, fitted, paragraph, plain, register_fonts, style, text_width
from reports.workbook.currencies import minor_units
from reports.workbook.formats import INK, LINE, money_sign
from reports.workbook.look import Look, png_size
from reports.workbook.summary import Line
from reports.workbook.wording import NOT_APPLICABLE

WIDTH, HEIGHT = A4
MARGIN = 18 * mm
BAND = 11 * mm
LOGO_WIDTH, LOGO_HEIGHT = 60 * mm, 9 * mm
INNER = WIDTH - 2 * MARGIN - 12  # a frame keeps 6 points free on each side
FIGURE_POINTS, FIGURE_PADDING = (14, 12, 10, 8), 8
BAND_GAP = 6 * mm  # between what stands left and right in the band


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands on every page: whose it is and what it is in the band, a line at the bottom; `title` of the file."""

    title: str
    owner: str
    what: str
    bottom: str
    look: Look


def build(story: Iterable[Flowable], target: Path | IO[bytes], frame: Frame) -> None:
    """Write the document; the same story gives the same bytes."""
    register_fonts()
    document = SimpleDocTemplate(
        str(target) if isinstance(target, Path) else target,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=22 * mm,
        bottomMargin=18 * mm,
        title=plain(frame.title, 200),
        author="migrate_hub",
        invariant=1,
    )
    dress = partial(_dress, frame=frame)
    document.build(list(story), onFirstPage=dress, onLaterPages=dress)


def section(look: Look, title: str, *content: Flowable) -> Flowable:
    heading = style(13, bold=True, color=look.primary)
    return KeepTogether([paragraph(title, heading), Spacer(0, 3 * mm), *content, Spacer(0, 7 * mm)])


def money(amount: Decimal | None, currency: str) -> str:
    """`$1,234.56`, `¥1,235`."""
    return NOT_APPLICABLE if amount is None else f"{money_sign(currency)}{amount:,.{minor_units(currency)}f}"


def key_figures(found: Sequence[tuple[str, str]], shares: Sequence[float], look: Look) -> Table:
    """Labels with a large figure each, side by side; `shares` of the width."""
    cells = [
        [paragraph(label, style(8)), paragraph(value, _figure_style(value, INNER * share, look))]
        for (label, value), share in zip(found, shares, strict=True)
    ]
    table = Table([cells], colWidths=[INNER * share for share in shares])
    table.setStyle([("BACKGROUND", (0, 0), (-1, -1), HexColor(look.pale)), *padding(FIGURE_PADDING)])
    return table


def _figure_style(value: str, width: float, look: Look) -> ParagraphStyle:
    """As large as leaves the figure on one line."""
    room = width - 2 * FIGURE_PADDING
    fitting = (size for size in FIGURE_POINTS if text_width(value, size=size, bold=True) <= room)
    return style(next(fitting, FIGURE_POINTS[-1]), bold=True, color=look.primary)


def counted(machines: int) -> str:
    """`1 machine`, `1,200 machines`."""
    return f"{machines:,} machine{'' if machines == 1 else 's'}"


def padding(points: int) -> list[tuple[Any, ...]]:
    sides = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    return [(side, (0, 0), (-1, -1), points) for side in sides]


def heading_cell(text: str) -> Flowable:
    return paragraph(text, style(8, bold=True, color="#FFFFFF"))


def shown(line: Line) -> str:
    """The value of a line in words."""
    if isinstance(line.value, datetime):
        return f"{line.value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{line.value.normalize():f}" if isinstance(line.value, Decimal) else str(line.value)


def lined(rows: list[list[Any]], shares: tuple[float, ...], *, header: str | None = None) -> Table:
    table = Table(rows, colWidths=[INNER * share for share in shares], repeatRows=1 if header else 0)
    rules: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *padding(3),
    ]
    if header:
        rules.append(("BACKGROUND", (0, 0), (-1, 0), HexColor(header)))
    table.setStyle(rules)
    return table


def _dress(canvas: Canvas, document: Any, *, frame: Frame) -> None:
    """The band at the top and the line at the bottom of every page."""
    canvas.saveState()
    canvas.setFillColor(HexColor(frame.look.primary))
    canvas.rect(0, HEIGHT - BAND, WIDTH, BAND, stroke=0, fill=1)
    canvas.setFillColor(white)
    room = WIDTH - 2 * MARGIN - text_width(frame.what, size=9) - BAND_GAP
    owner = fitted(frame.owner or "Cloud assessment", room, size=9, bold=True)
    draw_text(canvas, MARGIN, HEIGHT - 7.2 * mm, owner, size=9, bold=True)
    draw_text(canvas, WIDTH - MARGIN, HEIGHT - 7.2 * mm, frame.what, size=9, right=True)
    if document.page == 1 and frame.look.logo:
        _draw_logo(canvas, frame.look.logo)
    canvas.setFillColor(HexColor(INK))
    draw_text(canvas, MARGIN, 9 * mm, frame.bottom, size=7.5)
    draw_text(canvas, WIDTH - MARGIN, 9 * mm, f"Page {document.page}", size=7.5, right=True)
    canvas.restoreState()


def _draw_logo(canvas: Canvas, logo: bytes) -> None:
    """At the right between the band and the title."""
    width, height = png_size(logo)
    scale = min(LOGO_WIDTH / width, LOGO_HEIGHT / height)
    place = (WIDTH - MARGIN - width * scale, HEIGHT - BAND - 1 * mm - height * scale)
    canvas.drawImage(ImageReader(io.BytesIO(logo)), *place, width * scale, height * scale, mask="auto")
