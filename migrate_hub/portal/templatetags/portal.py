"""How figures, instants, icons and code words look on a page. Absent values show a dash, never a zero."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

from migrate_hub.portal.icons import PATHS

register = template.Library()
ABSENT = "–"  # noqa: RUF001  an en dash, as in printed tables
NARROW_SPACE = "\u202f"
MB_A_GB = 1024
GB_A_TB = 1024
WHOLE_FROM = 100


@register.filter
def number(value: Any, places: int = 0) -> str:
    """1234567 -> 1,234,567."""
    if value is None or value == "":
        return ABSENT
    try:
        return f"{Decimal(str(value)):,.{places}f}"
    except InvalidOperation:
        return str(value)


@register.filter
def figure(value: Any) -> str:
    """At most two decimals, none that say nothing: 12.50 -> 12.5, 250.37 -> 250."""
    if value is None or value == "":
        return ABSENT
    exact = Decimal(str(value))
    text = f"{exact:,.{0 if abs(exact) >= WHOLE_FROM else 2}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def percent(value: Any) -> str:
    return ABSENT if value is None or value == "" else f"{figure(value)}{NARROW_SPACE}%"


@register.filter
def memory(megabytes: Any) -> str:
    """Megabytes as people say them: 512 MB, 16 GB."""
    if megabytes is None or megabytes == "":
        return ABSENT
    if int(megabytes) < MB_A_GB:
        return f"{number(megabytes)}{NARROW_SPACE}MB"
    return f"{figure(Decimal(int(megabytes)) / MB_A_GB)}{NARROW_SPACE}GB"


@register.filter
def storage(gigabytes: Any) -> str:
    """Gigabytes as people say them: 80 GB, 2.5 TB."""
    if gigabytes is None or gigabytes == "":
        return ABSENT
    exact = Decimal(str(gigabytes))
    if abs(exact) < GB_A_TB:
        return f"{figure(exact)}{NARROW_SPACE}GB"
    return f"{figure(exact / GB_A_TB)}{NARROW_SPACE}TB"


@register.filter
def money(amount: Any, currency: str = "") -> str:
    """1234.5 -> 1,234.50 USD."""
    if amount is None or amount == "":
        return ABSENT
    return f"{number(amount, 2)}{NARROW_SPACE}{currency}".rstrip(NARROW_SPACE)


@register.filter
def round_money(amount: Any, currency: str = "") -> str:
    """Headlines: cents only where they matter."""
    if amount is None or amount == "":
        return ABSENT
    places = 0 if abs(Decimal(str(amount))) >= WHOLE_FROM else 2
    return f"{number(amount, places)}{NARROW_SPACE}{currency}".rstrip(NARROW_SPACE)


@register.filter
def words(code: Any) -> str:
    """Code words in plain ones: ready_with_conditions -> Ready with conditions."""
    text = str(code).replace("_", " ").replace(".", " ").strip()
    return text[:1].upper() + text[1:]


@register.simple_tag
def instant(value: datetime | None, *, ago: bool = True) -> str:
    """An instant as `3 minutes ago`, the exact UTC time in the tooltip and for machines."""
    if value is None:
        return ABSENT
    exact = value.astimezone(UTC)
    shown = _distance(exact) if ago else f"{exact:%Y-%m-%d %H:%M} UTC"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', exact.isoformat(), f"{exact:%Y-%m-%d %H:%M:%S} UTC", shown
    )


def _distance(value: datetime) -> str:
    now = datetime.now(UTC)
    if abs((now - value).total_seconds()) < 60:
        return "just now"
    if value < now:
        return f"{timesince(value, now, depth=1)} ago"
    return f"in {timesince(now, value, depth=1)}"


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative icon; the words beside it carry the meaning."""
    return mark_safe(  # noqa: S308  our own constant
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{PATHS[name]}</svg>'
    )


@register.inclusion_tag("portal/parts/field.html")
def field(bound: Any, *, hint: str = "") -> dict[str, Any]:
    """A labeled control with its help and its errors."""
    return {"field": bound, "hint": hint}
