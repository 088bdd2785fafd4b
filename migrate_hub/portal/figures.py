"""Figures as people read them: separators, units, few decimals. Absent values are a dash, never a zero."""

from decimal import Decimal, InvalidOperation
from typing import Any

from reports.workbook.currencies import minor_units

ABSENT = "–"  # noqa: RUF001  an en dash, as in printed tables
MINUS = "\u2212"
NARROW_SPACE = "\u202f"
MB_A_GB = 1024
GB_A_TB = 1024
WHOLE_FROM = 100


def number(value: Any, places: int = 0) -> str:
    """1234567 -> 1,234,567."""
    if value is None or value == "":
        return ABSENT
    try:
        return _signed(f"{Decimal(str(value)):,.{places}f}")
    except InvalidOperation:
        return str(value)


def _signed(text: str) -> str:
    """With a real minus sign, which is as wide as a digit."""
    return text.replace("-", MINUS)


def figure(value: Any) -> str:
    """At most two decimals, none that say nothing: 12.50 -> 12.5, 250.37 -> 250."""
    if value is None or value == "":
        return ABSENT
    exact = Decimal(str(value))
    text = f"{exact:,.{0 if abs(exact) >= WHOLE_FROM else 2}f}"
    return _signed(text.rstrip("0").rstrip(".") if "." in text else text)


def percent(value: Any) -> str:
    """To a tenth: 12.34 -> 12.3 %."""
    if value is None or value == "":
        return ABSENT
    return f"{figure(round(Decimal(str(value)), 1))}{NARROW_SPACE}%"


def memory(megabytes: Any) -> str:
    """Megabytes as people say them: 512 MB, 16 GB."""
    if megabytes is None or megabytes == "":
        return ABSENT
    exact = Decimal(str(megabytes))
    if exact < MB_A_GB:
        return f"{figure(exact)}{NARROW_SPACE}MB"
    return f"{figure(exact / MB_A_GB)}{NARROW_SPACE}GB"


def storage(gigabytes: Any) -> str:
    """Gigabytes as people say them: 80 GB, 2.5 TB."""
    if gigabytes is None or gigabytes == "":
        return ABSENT
    exact = Decimal(str(gigabytes))
    if abs(exact) < GB_A_TB:
        return f"{figure(exact)}{NARROW_SPACE}GB"
    return f"{figure(exact / GB_A_TB)}{NARROW_SPACE}TB"


def file_size(size_bytes: Any) -> str:
    """1536 -> 1.5 KB."""
    if size_bytes is None:
        return ABSENT
    exact = Decimal(size_bytes)
    for unit in ("bytes", "KB", "MB"):
        if exact < 1000:
            return f"{figure(exact)}{NARROW_SPACE}{unit}"
        exact /= 1000
    return f"{figure(exact)}{NARROW_SPACE}GB"


def money(amount: Any, currency: str = "") -> str:
    """1234.5 -> 1,234.50 USD; 1,235 KRW, which has no cents."""
    return _with_code(bare_money(amount, currency), currency)


def bare_money(amount: Any, currency: str) -> str:
    """As `money`, where the currency stands beside it or above: 1,234.50."""
    return number(amount, minor_units(currency))


def round_money(amount: Any, currency: str = "") -> str:
    """Headlines: cents only where they matter."""
    return _with_code(bare_round_money(amount, currency), currency)


def bare_round_money(amount: Any, currency: str) -> str:
    """As `round_money`, where the currency stands beside it."""
    if amount is None or amount == "":
        return ABSENT
    return number(amount, 0 if abs(Decimal(str(amount))) >= WHOLE_FROM else minor_units(currency))


def _with_code(text: str, currency: str) -> str:
    return text if text == ABSENT else f"{text}{NARROW_SPACE}{currency}".rstrip(NARROW_SPACE)
