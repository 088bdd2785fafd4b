"""Text on a PDF page: names in any script, made safe, in fonts that have their characters."""

from functools import lru_cache
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from reports.workbook.cleaning import clean_text
from reports.workbook.formats import INK

FONTS = Path(__file__).parent / "fonts"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
# Not embedded: readers bring these collections. One for each range of scripts that DejaVu lacks.
KOREAN, JAPANESE, CHINESE = "HYGothic-Medium", "HeiseiKakuGo-W5", "STSong-Light"
HANGUL, KANA = (0x1100, 0x11FF, 0x3130, 0x318F, 0xAC00, 0xD7AF), (0x3040, 0x30FF, 0x31F0, 0x31FF)
HAN = (0x2E80, 0x303F, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0xFF00, 0xFFEF)
CUT = "\u2026"
REPLACED = "\ufffd"
LACKING = "no font"


@lru_cache(maxsize=1)
def register_fonts() -> frozenset[int]:
    """Makes the fonts known to the library, once a process; the characters that DejaVu has."""
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))
    for name in (KOREAN, JAPANESE, CHINESE):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return frozenset(pdfmetrics.getFont(PLAIN).face.charToGlyph)


def style(size: float = 9, *, bold: bool = False, color: str = INK, right: bool = False) -> ParagraphStyle:
    """A style of the page."""
    return ParagraphStyle(
        name=f"{size}{bold}{color}{right}",
        fontName=BOLD if bold else PLAIN,
        fontSize=size,
        leading=size * 1.35,
        textColor=HexColor(color),
        alignment=TA_RIGHT if right else 0,
        wordWrap="CJK",  # breaks a name of 255 characters without a blank
    )


def paragraph(text: str, of: ParagraphStyle, *, most: int = 300) -> Paragraph:
    """Plain text as a paragraph, cut after `most` characters: nothing in it is taken for markup."""
    return Paragraph(marked(shortened(text, most)), of)


def shortened(text: str, most: int) -> str:
    """The text on one line, cut with an ellipsis after `most` characters."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= most else line[: most - 1] + CUT


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
    """For labels of charts, which know one font: what that font lacks is shown as replaced."""
    known = register_fonts()
    return "".join(one if ord(one) in known else REPLACED for one in shortened(text, most))


def _font_of(character: str, known: frozenset[int]) -> str:
    """Empty for the page's own font, LACKING where no font has the character."""
    code = ord(character)
    if code in known:
        return ""
    for ranges, font in ((HANGUL, KOREAN), (KANA, JAPANESE), (HAN, CHINESE)):
        if any(first <= code <= last for first, last in zip(ranges[::2], ranges[1::2], strict=True)):
            return font
    return LACKING
