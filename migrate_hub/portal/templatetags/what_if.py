"""Filters and tags of the what-if pages: amounts with their sign, bars that float between two levels."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html

from migrate_hub.portal import figures
from reports.workbook.currencies import minor_units

register = template.Library()


@register.filter
def signed_money(amount: Any, currency: str = "") -> str:
    """A difference to the cent, where the currency has cents: +12.50 USD, −3.00 USD; 0.00 has no sign."""  # noqa: RUF002
    return _signed(amount, figures.money(amount, currency), currency)


@register.filter
def bare_signed_money(amount: Any, currency: str) -> str:
    """As `signed_money`, where the currency stands beside it or above."""
    return _signed(amount, figures.bare_money(amount, currency), currency)


def _signed(amount: Any, text: str, currency: str) -> str:
    if amount is None or amount == "":
        return figures.ABSENT
    return f"+{text}" if round(Decimal(str(amount)), minor_units(currency)) > 0 else text


@register.filter
def signed_percent(value: Any) -> str:
    """A change to a tenth of a percent: +3.5 %."""
    if value is None or value == "":
        return figures.ABSENT
    text = figures.percent(value)
    return f"+{text}" if round(Decimal(str(value)), 1) > 0 else text


@register.filter
def known(value: Any) -> str:
    """A limit of a size; one that no source states is unknown, which is not unlimited."""
    return "unknown" if value is None else figures.number(value)


@register.filter
def price(value: Any, places: int = 4) -> str:
    """A unit price; one that the catalog does not have is unknown."""
    return "unknown" if value is None or value == "" else figures.number(value, places)


@register.simple_tag
def floating_bar(start: float, width: float, fill: str) -> str:
    """A bar from `start`, `width` wide, both shares of its track. The figure stands beside it, so it is decoration."""
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="fill-track" width="100" height="8"/><rect class="fill-{}" x="{}" width="{}" height="8"/></svg>',
        fill,
        round(100 * start, 2),
        round(max(100 * width, 0.4), 2),
    )
