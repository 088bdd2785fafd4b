"""Text from machines made safe for a cell."""

import re
import unicodedata

MAX_CELL_UNITS = 32_767  # UTF-16 code units, Excel's limit for the text of a cell
CUT_MARK = " [cut]"

# Controls except tab and line feed, lone surrogates and U+FFFE/FFFF: not allowed in XML 1.0, or invisible in a cell.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean_text(text: str) -> str:
    """The text with each unsafe character shown as U+FFFD, line ends as \\n, and cut with a mark where Excel cuts."""
    if _UNSAFE.search(text):
        text = _UNSAFE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > MAX_CELL_UNITS // 2:
        return cut_text(text, MAX_CELL_UNITS)
    return text


def cut_text(text: str, max_units: int) -> str:
    """The text, or as much of its start as fits in `max_units` UTF-16 code units together with the mark."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * max_units:
        return text
    kept = encoded[: 2 * (max_units - len(CUT_MARK))]
    return kept.decode("utf-16-le", errors="ignore") + CUT_MARK  # a surrogate pair cut in half goes as a whole


def cut(text: str, columns: int) -> str:
    """The text on one line, with an ellipsis where it is too wide; a character of East Asia is as wide as two."""
    line, width = " ".join(clean_text(text).split()), 0
    for place, one in enumerate(line):
        width += 2 if unicodedata.east_asian_width(one) in "WF" else 1
        if width > columns:
            return f"{line[:place].rstrip()}\u2026"
    return line
