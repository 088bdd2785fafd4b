"""Filters and tags of the portal's templates: figures, words, instants, icons, badges, bars, fields."""

import secrets
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

from ingest.health import Health, health_of
from ingest.imports.models import FileImport, ImportStatus
from ingest.models import Appliance
from migrate_hub.portal import figures, wording
from migrate_hub.portal.icons import PATHS
from migrate_hub.tenants.models import AccountEvent

register = template.Library()
for shown in (
    figures.number,
    figures.figure,
    figures.percent,
    figures.memory,
    figures.storage,
    figures.file_size,
    figures.money,
    figures.bare_money,
    figures.bare_round_money,
    figures.round_money,
    wording.scenario_name,
    wording.kind_name,
    wording.no_confidence,
    wording.size_name,
):
    register.filter(shown.__name__, shown)

READINESS_LOOKS = {
    "ready": ("good", "good"),
    "ready_with_conditions": ("warn", "warn"),
    "not_ready": ("bad", "bad"),
    "unknown": ("", "unknown"),
}
WORK_LOOKS = {
    "queued": ("", "info", "Waiting"),
    "running": ("accent", "refresh", "Running"),
    "completed": ("good", "good", "Completed"),
    "failed": ("bad", "bad", "Failed"),
    "cancelled": ("", "unknown", "Cancelled"),
}
STATUS_LOOKS = {
    "created": ("", "Queued"),
    "running": ("accent", "Running"),
    "completed": ("good", "Completed"),
    "failed": ("bad", "Failed"),
    "cancelled": ("warn", "Cancelled"),
    "expired": ("", "Expired"),
}


@register.filter
def words(code: Any) -> str:
    """Code words in plain ones: ready_with_conditions -> Ready with conditions."""
    return wording.plain(str(code).replace(".", " "))


@register.filter
def account_event(event: AccountEvent) -> str:
    """What happened to an account, in plain words."""
    return wording.ACCOUNT_EVENTS.get(event.action, wording.plain(event.action.replace(".", " ")))


@register.filter
def health(appliance: Appliance) -> Health:
    """How an appliance is, why, and what to do."""
    return health_of(appliance, datetime.now(UTC))


@register.simple_tag
def instant(value: datetime | None, *, ago: bool = True) -> str:
    """An instant as `3 minutes ago`, the exact UTC time in the tooltip and for machines."""
    if value is None:
        return figures.ABSENT
    exact = value.astimezone(UTC)
    text = _distance(exact) if ago else f"{exact:%Y-%m-%d %H:%M} UTC"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', exact.isoformat(), f"{exact:%Y-%m-%d %H:%M:%S} UTC", text
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
        '<svg class="icon" width="20" height="20" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f"{PATHS[name]}</svg>"
    )


@register.simple_tag
def readiness(code: str) -> str:
    """A badge that says how ready a machine is."""
    look, picture = READINESS_LOOKS.get(code, ("", "unknown"))
    return _badge(look, picture, wording.READINESS.get(code, wording.plain(code)))


@register.simple_tag
def run_status(code: str) -> str:
    """A badge that says how far a run or a report is."""
    look, text = STATUS_LOOKS.get(code, ("", wording.plain(code)))
    pictures = {"completed": "good", "failed": "bad", "running": "refresh"}
    return _badge(look, pictures.get(code, "info"), text)


@register.simple_tag
def import_status(file_import: FileImport) -> str:
    """A badge that says how far an import is; one that was only tried is checked, not completed."""
    if file_import.dry_run and file_import.status == ImportStatus.COMPLETED:
        return _badge("good", "good", "Checked")
    return run_status(file_import.status)


@register.simple_tag
def work_state(state: str) -> str:
    """A badge that says how far a piece of background work is."""
    return _badge(*WORK_LOOKS[state])


@register.simple_tag
def badge(look: str, picture: str, text: str) -> str:
    """A badge with an icon; `look` is good, warn, bad, accent or empty."""
    return _badge(look, picture, text)


def _badge(look: str, picture: str, text: str) -> str:
    return format_html('<span class="badge {}">{}{}</span>', look, icon(picture), text)


@register.simple_tag
def bar(share: float, fill: str = "accent") -> str:
    """A bar of `share` (0 to 1) of its track. The figure stands beside it, so it is decoration."""
    width = round(max(0.0, min(1.0, share)) * 100, 2)
    return format_html(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="fill-track" width="100" height="8"/><rect class="fill-{}" width="{}" height="8"/></svg>',
        fill,
        width,
    )


@register.simple_tag
def stars(count: int | None) -> str:
    """One to five stars, with the figure for screen readers."""
    if count is None:
        return figures.ABSENT
    return format_html(
        '<span class="stars" role="img" aria-label="{} of 5 stars">{}<span class="off">{}</span></span>',
        count,
        "★" * count,
        "★" * (5 - count),
    )


@register.simple_tag
def form_key() -> str:
    """A new one-time key: the same form sent twice is done once (sent_forms.py)."""
    return secrets.token_urlsafe(16)


@register.inclusion_tag("portal/parts/field.html")
def field(bound: Any, *, hint: str = "") -> dict[str, Any]:
    """A labeled control with its help and its errors."""
    return {"field": bound, "hint": hint}
