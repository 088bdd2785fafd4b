"""Text of appliances: what may be stored and shown, in one normal form."""

import unicodedata

FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_clean(text: str) -> bool:
    """Whether there are no control, surrogate, unassigned or private characters in a text."""
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(character) in FORBIDDEN_CATEGORIES for character in text)


def normal(text: str) -> str:
    """The composed form (NFC), so that equal names are equal."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def shown(text: str, length: int = 255) -> str:
    """A text of unknown origin, safe to store and show: forbidden characters replaced, cut to a length."""
    cut = text[:length]
    if is_clean(cut):
        return cut
    return "".join(REPLACEMENT if unicodedata.category(c) in FORBIDDEN_CATEGORIES else c for c in cut)
