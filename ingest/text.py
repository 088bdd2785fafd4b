"""Text of appliances: what may be stored and shown, in one normal form."""

import unicodedata

FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co"})
# They turn around the text that follows them: "exe.gpj" reads as "jpg.exe".
DIRECTIONS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
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
    """A text of unknown origin, safe to store and show: what is forbidden or turns text around replaced, cut."""
    cut = text[:length]
    if is_clean(cut) and DIRECTIONS.isdisjoint(cut):
        return cut
    return "".join(REPLACEMENT if _is_unsafe(character) else character for character in cut)


def _is_unsafe(character: str) -> bool:
    return character in DIRECTIONS or unicodedata.category(character) in FORBIDDEN_CATEGORIES
