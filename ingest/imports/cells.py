"""Cells of spreadsheets and CSV files, as people and their locales write them, as values."""

import ipaddress
import re
from typing import NoReturn
from uuid import UUID

from ingest.text import normal, shown

MAX_TEXT = 1024
MAX_SHOWN = 60
TRUE = frozenset({"true", "yes", "1", "wahr", "ja", "vrai", "oui", "verdadero", "si", "sí", "vero"})
SPACES = re.compile(r"[\s\u00a0\u2007\u202f'’]+")  # noqa: RUF001  Swiss thousands are written with an apostrophe
PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")
ADDRESS_SEPARATORS = re.compile(r"[,;|\s]+")


class CellError(ValueError):
    """A cell that cannot be read; its text says what was expected and what was found."""


def text(value: object) -> str:
    """A cell as one line of text in composed form, what may not be stored replaced; empty for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return normal(shown(" ".join(str(value)[: 2 * MAX_TEXT].split()), MAX_TEXT))


def quoted(value: object) -> str:
    """What a cell holds, short enough for a message."""
    found = text(value)
    return f'"{found[:MAX_SHOWN]}..."' if len(found) > MAX_SHOWN else f'"{found}"'


def number(value: object, *, whole: bool = False) -> float | None:
    """A number, or None for an empty cell. Raises CellError.

    Separators of any locale are understood. A single separator before exactly three digits parts thousands in a column
    of whole numbers; elsewhere a point is decimal and a comma parts thousands.
    """
    if value is None or isinstance(value, bool):
        return None if value is None else _no_number(value)
    if isinstance(value, int | float):
        found = float(value) if abs(value) < 1e18 else float("inf")
    else:
        written = SPACES.sub("", str(value))
        if not written or written in {"-", "n/a", "N/A"}:
            return None
        found = float(_plain(written, whole=whole, value=value))
    return found if abs(found) < 1e18 else _no_number(value)


def _plain(written: str, *, whole: bool, value: object) -> str:
    """A number of any locale, as Python writes it."""
    comma, point = written.rfind(","), written.rfind(".")
    if comma >= 0 and point >= 0:
        decimal = "," if comma > point else "."
        plain = written.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    elif THOUSANDS.fullmatch(written) and (whole or comma >= 0 or written.count(".") > 1):
        plain = written.replace(",", "").replace(".", "")
    else:
        plain = written.replace(",", ".")
    return plain if PLAIN_NUMBER.fullmatch(plain) else _no_number(value)


def _no_number(value: object) -> NoReturn:
    raise CellError(f"{quoted(value)} is not a number.")


def whole_number(value: object) -> int | None:
    """A whole number that is not negative, or None for an empty cell. Raises CellError."""
    found = number(value, whole=True)
    if found is None:
        return None
    if found < 0 or not found.is_integer():
        raise CellError(f"{quoted(value)} is not a whole number of 0 or more.")
    return int(found)


def boolean(value: object) -> bool:
    """Whether a cell says yes: booleans, and their words in text. An empty or unknown one does not."""
    return value if isinstance(value, bool) else text(value).casefold() in TRUE


def uuid(value: object) -> UUID | None:
    """A UUID in any of its spellings; None when it is none."""
    found = text(value).replace(" ", "")
    try:
        return UUID(found) if found else None
    except ValueError:
        return None


def addresses(value: object) -> tuple[list[str], list[str]]:
    """The IP addresses of a cell in canonical form, and what stood there and is none."""
    good: list[str] = []
    bad: list[str] = []
    for part in filter(None, ADDRESS_SEPARATORS.split(text(value))):
        try:
            good.append(str(ipaddress.ip_address(part)))
        except ValueError:
            bad.append(part)
    return list(dict.fromkeys(good)), bad


def mac_address(value: object) -> str | None:
    """A MAC address in the form 00:50:56:82:d0:3c; None when it is none."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", text(value)).lower()
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2)) if len(digits) == 12 else None
