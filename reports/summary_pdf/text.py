"""Text on a PDF page: names in any script, made safe, in fonts that have their characters."""

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from arabic_reshaper import reshape
from bidi import get_display
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph

from reports.workbook.cleaning import clean_text
from reports.workbook.formats import INK

FONTS = Path(__file__).parent / "fonts"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
# Not embedded: readers bring these collections. One for each range of scripts that DejaVu lacks.
KOREAN, JAPANESE, CHINESE = "HYGothic-Medium", "HeiseiKakuGo-W5", "STSong-Light"
HANGUL, KANA = (0x1100, 0x11FF, 0x3130, 0x318F, 0xAC00, 0xD7AF), (0x3040, 0x30FF, 0x31F0, 0x31FF)
HAN = (0x2E80, 0x303F, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0xFF00, 0xFFEF)
# Embedded where its Debian package fonts-droid-fallback is installed: then no reader has to bring what it has.
EMBEDDED, EMBEDDED_FILE = "DroidSansFallback", Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")
CUT = "\u2026"
REPLACED = "\ufffd"
LACKING = "no font"
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@lru_cache(maxsize=1)
def register_fonts() -> frozenset[int]:
    """Makes the fonts known to the library, once a process; the characters that DejaVu has."""
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))
    for name in (KOREAN, JAPANESE, CHINESE):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return frozenset(pdfmetrics.getFont(PLAIN).face.charToGlyph)


@lru_cache(maxsize=1)
def _embedded() -> frozenset[int]:
    """Makes the embedded font known when the first Han or kana is met; its characters, none where it is missing."""
    if not EMBEDDED_FILE.is_file():
        return frozenset()
    font = TTFont(EMBEDDED, str(EMBEDDED_FILE))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def style(size: float = 9, *, bold: bool = False, color: str = INK, right: bool = False) -> ParagraphStyle:
    """A style of the page."""
    return ParagraphStyle(
        name=f"{size}{bold}{color}{right}",
        fontName=BOLD if bold else PLAIN,
        fontSize=size,
        leading=size * 1.35,
        textColor=HexColor(color),
        alignment=TA_RIGHT if right else 0,
    )


def paragraph(text: str, of: ParagraphStyle, *, most: int = 300) -> Flowable:
    """Plain text as a paragraph, cut after `most` characters: nothing in it is taken for markup."""
    words = shortened(text, most)
    if RIGHT_TO_LEFT.search(words):
        return RightToLeft(words, of)
    # Chinese and Japanese are broken anywhere, other text at blanks: in a word only where one fills a whole line.
    wrap = "CJK" if any(found in (CHINESE, JAPANESE, EMBEDDED) for found, _ in spans(words)) else None
    return Paragraph(marked(words), ParagraphStyle(f"{of.name}{wrap}", parent=of, wordWrap=wrap))


class RightToLeft(Flowable):  # type: ignore[misc]  # the library has no types
    """A paragraph with Hebrew or Arabic in it: lines are cut in reading order, then each is turned for the eye."""

    def __init__(self, text: str, of: ParagraphStyle) -> None:
        super().__init__()
        self.text, self.of, self.lines = text, of, [text]

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Width and height in points; called by the library before it draws."""
        self.width = available_width
        self.lines = _cut_into_lines(self.text, self.of, available_width)
        return available_width, len(self.lines) * self.of.leading

    def draw(self) -> None:
        self.canv.setFillColor(self.of.textColor)
        top = len(self.lines) * self.of.leading - self.of.fontSize
        for number, line in enumerate(self.lines):
            right = self.of.alignment == TA_RIGHT
            place = (self.width if right else 0, top - number * self.of.leading)
            draw_text(self.canv, *place, line, size=self.of.fontSize, bold=self.of.fontName == BOLD, right=right)


def _cut_into_lines(text: str, of: ParagraphStyle, width: float) -> list[str]:
    """As many characters a line as fit, broken at a blank where one is in the line."""
    lines = []
    while text:
        fitting = len(text)
        while fitting > 1 and text_width(text[:fitting], size=of.fontSize, bold=of.fontName == BOLD) > width:
            fitting -= 1
        blank = text.rfind(" ", 0, fitting)
        fitting = blank + 1 if fitting < len(text) and blank > 0 else fitting
        lines.append(text[:fitting].rstrip())
        text = text[fitting:]
    return lines or [""]


def displayed(text: str) -> str:
    """As the eye meets it from left to right: Arabic letters joined, what is read from the right turned."""
    return str(get_display(reshape(text))) if RIGHT_TO_LEFT.search(text) else text


def spans(text: str, *, bold: bool = False) -> list[tuple[str, str]]:
    """Runs of characters with the font that has them, in the order in which they are drawn."""
    known = register_fonts()
    found = []
    for font, run in groupby(displayed(text), key=lambda character: _font_of(character, known)):
        words = "".join(run)
        own = BOLD if bold else PLAIN
        found.append((own, REPLACED * len(words)) if font == LACKING else (font or own, words))
    return found


def text_width(text: str, *, size: float, bold: bool = False) -> float:
    """Points."""
    return float(sum(pdfmetrics.stringWidth(words, font, size) for font, words in spans(text, bold=bold)))


def draw_text(
    canvas: Canvas, x: float, y: float, text: str, *, size: float, bold: bool = False, right: bool = False
) -> None:
    """One line from x on, or up to x with `right`; in the canvas's fill color."""
    at = x - text_width(text, size=size, bold=bold) if right else x
    for font, words in spans(text, bold=bold):
        canvas.setFont(font, size)
        canvas.drawString(at, y, words)
        at += pdfmetrics.stringWidth(words, font, size)


def shortened(text: str, most: int) -> str:
    """The text on one line, cut with an ellipsis after `most` characters."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= most else line[: most - 1] + CUT


def fitted(text: str, width: float, *, size: float, bold: bool = False) -> str:
    """The text on one line, cut with an ellipsis where it would be wider than so many points."""
    line = shortened(text, 300)
    if text_width(line, size=size, bold=bold) <= width:
        return line
    fits = bisect_right(range(len(line)), width, key=lambda end: text_width(line[:end] + CUT, size=size, bold=bold))
    return line[: max(fits - 1, 0)].rstrip() + CUT


def marked(text: str) -> str:
    """Escaped for the library's markup, each run of characters in a font that has them."""
    known = register_fonts()
    found: list[str] = []
    for font, run in groupby(text, key=lambda character: _font_of(character, known)):
        characters = list(run)
        words = REPLACED * len(characters) if font == LACKING else escape("".join(characters))
        found.append(words if font in ("", LACKING) else f'<font name="{font}">{words}</font>')
    return "".join(found)


def plain(text: str, most: int) -> str:
    """For the title of the file: what the page's own font lacks is shown as replaced."""
    known = register_fonts()
    return "".join(one if ord(one) in known else REPLACED for one in shortened(text, most))


def _font_of(character: str, known: frozenset[int]) -> str:
    """Empty for the page's own font, LACKING where no font has the character."""
    code = ord(character)
    if code in known:
        return ""
    for ranges, font in ((HANGUL, KOREAN), (KANA, JAPANESE), (HAN, CHINESE)):
        if any(first <= code <= last for first, last in zip(ranges[::2], ranges[1::2], strict=True)):
            return EMBEDDED if font != KOREAN and code in _embedded() else font
    return LACKING
