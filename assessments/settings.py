"""Settings of an assessment on the wire: checked, completed with defaults, stored as JSON, given to the engine."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assessments.catalog.models import Catalog, Sku
from assessments.catalog.price_sheet_store import find_price_sheet
from assessments.catalog.selection import load_conversion, resolve_region
from assessments.engine import settings as engine
from assessments.engine.rule_sets import RULE_SETS
from ingest.percentiles import WINDOWS
from ingest.retention import RETENTION
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.models import Project

LONGEST_WINDOW = RETENTION
OLDEST_START = RETENTION + timedelta(days=1)
AUTOMATIC = "automatic"
DISK_TYPES = (AUTOMATIC, "standard_hdd", "standard_ssd", "premium_ssd", "premium_ssd_v2", "ultra")
SETTINGS = (
    "target_region", "sizing_criterion", "performance_window", "percentile", "comfort_factor", "sku_families",
    "disk_types", "offer", "commitment", "hybrid_benefit", "currency", "discount_percent", "uptime", "rule_set",
    "catalog", "price_sheet", "commitment_rule", "unknown_limits",
)  # fmt: skip
PERCENTILES = (50, 90, 95, 99)
MAX_FAMILIES = 300


def choices(*values: Any) -> list[tuple[Any, Any]]:
    return [(value, value) for value in values]


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": list(WINDOWS)},
            {
                "type": "object",
                "required": ["start", "end"],
                "properties": {
                    "start": {"type": "string", "format": "date-time"},
                    "end": {"type": "string", "format": "date-time"},
                },
            },
        ]
    }
)
class WindowField(serializers.Field):  # type: ignore[type-arg]  # generic only in the stubs
    """A named window that ends with the last full hour, or `{start, end}` with instants in UTC."""

    default_error_messages = {
        "invalid": f"Give one of {', '.join(WINDOWS)}, or an object with start and end, both with a time zone.",
        "order": "start must be before end.",
        "too_long": f"A window is at most {LONGEST_WINDOW.days} days long; older points are not kept.",
        "in_future": "end lies in the future: name a window that is over.",
        "too_old": f"start lies before what is kept of the history ({RETENTION.days} days).",
        "off_hour": "start and end must be full hours in UTC.",
    }

    def to_internal_value(self, data: Any) -> str | dict[str, str]:
        if isinstance(data, str) and data in WINDOWS:
            return data
        if not isinstance(data, dict) or set(data) != {"start", "end"}:
            self.fail("invalid")
        start, end = (self._instant(data[name]) for name in ("start", "end"))
        if start >= end:
            self.fail("order")
        if end - start > LONGEST_WINDOW:
            self.fail("too_long")
        now = timezone.now()
        if end > now:
            self.fail("in_future")
        if start < now - OLDEST_START:
            self.fail("too_old")
        return {"start": start.isoformat(), "end": end.isoformat()}

    def _instant(self, text: Any) -> datetime:
        try:
            instant = parse_datetime(text) if isinstance(text, str) else None
            in_utc = instant.astimezone(UTC) if instant is not None and instant.tzinfo is not None else None
        except (ValueError, OverflowError):
            in_utc = None
        if in_utc is None:
            self.fail("invalid")
        instant = in_utc
        if instant.minute or instant.second or instant.microsecond:
            self.fail("off_hour")
        return instant

    def to_representation(self, value: Any) -> Any:
        return value


class UptimeIn(StrictSerializer):
    days_per_month = serializers.IntegerField(min_value=1, max_value=31, default=31)
    hours_per_day = serializers.IntegerField(min_value=1, max_value=24, default=24)


class UnknownLimitsIn(StrictSerializer):
    disk = serializers.ChoiceField(choices=choices("refuse", "accept_with_issue"), default="refuse")
    network = serializers.ChoiceField(choices=choices("refuse", "accept_with_issue"), default="accept_with_issue")


class SettingsIn(StrictSerializer):
    """Every setting is optional; an unknown one is an error."""

    target_region = serializers.RegexField(
        r"^[A-Za-z0-9 ()._-]+$", max_length=64, required=False, help_text="Default: the project's."
    )
    sizing_criterion = serializers.ChoiceField(
        choices=choices("performance_based", "as_on_premises"), default="performance_based"
    )
    performance_window = WindowField(default="1_day")
    percentile = serializers.ChoiceField(choices=choices(*PERCENTILES), default=95)
    comfort_factor = serializers.DecimalField(
        max_digits=6, decimal_places=4, min_value=Decimal(1), max_value=Decimal(2), default=Decimal("1.3"),
        coerce_to_string=False,
    )  # fmt: skip
    sku_families = serializers.ListField(
        child=serializers.RegexField(r"^[A-Za-z0-9_ .-]+$", max_length=64),
        max_length=MAX_FAMILIES,
        default=list,
        help_text='Series such as "dsv5"; the order breaks ties of price. Empty: all.',
    )
    disk_types = serializers.ListField(
        child=serializers.ChoiceField(choices=choices(*DISK_TYPES)), min_length=1, max_length=5, default=[AUTOMATIC]
    )
    offer = serializers.ChoiceField(choices=choices("pay_as_you_go", "dev_test"), default="pay_as_you_go")
    commitment = serializers.ChoiceField(
        choices=choices("none", "reservation_1y", "reservation_3y", "savings_plan_1y", "savings_plan_3y"),
        default="none",
    )
    hybrid_benefit = serializers.ChoiceField(choices=choices("windows", "none", "windows_and_linux"), default="windows")
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, help_text="Default: the project's.")
    discount_percent = serializers.DecimalField(
        max_digits=7, decimal_places=4, min_value=Decimal(0), max_value=Decimal(100), default=Decimal(0),
        coerce_to_string=False,
    )  # fmt: skip
    uptime = UptimeIn(default={"days_per_month": 31, "hours_per_day": 24})
    rule_set = serializers.ChoiceField(choices=choices(*RULE_SETS), default="am-2025")
    catalog = serializers.UUIDField(required=False, help_text="Default: the newest.")
    price_sheet = serializers.UUIDField(
        default=None, allow_null=True, help_text="The tenant's own prices, laid over the catalog's."
    )
    commitment_rule = serializers.ChoiceField(choices=choices("strict", "combine"), default="strict")
    unknown_limits = UnknownLimitsIn(default={"disk": "refuse", "network": "accept_with_issue"})

    def validate_disk_types(self, value: list[str]) -> list[str]:
        if AUTOMATIC in value and len(value) > 1:
            raise serializers.ValidationError("automatic cannot be combined with other types.", "invalid")
        return list(dict.fromkeys(value))

    def validate_sku_families(self, value: list[str]) -> list[str]:
        return list(dict.fromkeys(name.lower().removesuffix("_series").removesuffix("-series") for name in value))


def complete_settings(
    project: Project, given: dict[str, Any], *, changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Checked settings with every default filled in, as they are stored and shown.

    `given` are settings of the wire, or stored ones to which `changes` are made. A price sheet that was deleted since
    may stay, but not be chosen. Raises DomainError 400: unknown catalog, price sheet, region, currency or family, or
    settings that exclude each other.
    """
    chosen = given if changes is None else changes
    settings = {"target_region": project.target_region, "currency": project.currency, **merged(given, changes or {})}
    for name in ("comfort_factor", "discount_percent"):
        settings[name] = float(settings[name])  # at most four decimals, so the float prints as the same decimal
    catalog = find_catalog(settings.get("catalog"))
    settings["catalog"] = str(catalog.id)
    if chosen.get("price_sheet"):
        settings["price_sheet"] = str(find_price_sheet(settings["price_sheet"]).id)
    settings["target_region"] = resolve_region(catalog, settings["target_region"])
    load_conversion(catalog, settings["currency"])
    _refuse_unknown_families(catalog, settings["sku_families"])
    _refuse_conflicts(engine_settings(settings))
    return {name: settings[name] for name in SETTINGS}


def merged(stored: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Stored settings with changes; of a nested setting only the named members change, a window changes whole."""
    nested: dict[str, Any] = {
        name: {**stored[name], **changes[name]} for name in ("uptime", "unknown_limits") if name in changes
    }
    return {**stored, **changes, **nested}


def find_catalog(catalog_id: Any) -> Catalog:
    """The named catalog, or the newest."""
    found = Catalog.objects.filter(id=catalog_id).first() if catalog_id else Catalog.objects.current()
    if found is None and catalog_id:
        raise DomainError(code="unknown_catalog", detail="There is no such catalog. GET /api/v1/catalogs/ lists them.")
    if found is None:
        raise DomainError(
            code="no_catalog", status=409, detail="No catalog is loaded. The operator runs `manage.py load_catalog`."
        )
    return found


def _refuse_unknown_families(catalog: Catalog, families: list[str]) -> None:
    known = set(Sku.objects.filter(catalog=catalog, series__in=families).values_list("series", flat=True))
    unknown = [name for name in families if name not in known]
    if unknown:
        raise DomainError(
            code="unknown_sku_family",
            detail=f"The catalog has no series {unknown[0]!r}. GET /api/v1/catalogs/<id>/skus/ lists them.",
            errors=[FieldProblem("settings.sku_families", "unknown_sku_family", name) for name in unknown],
        )


def _refuse_conflicts(settings: engine.Settings) -> None:
    found = engine.conflicts(settings, RULE_SETS[settings.rule_set].disk_types)
    if found:
        raise DomainError(
            code=found[0].code,
            detail=found[0].message,
            errors=[
                FieldProblem(f"settings.{name}", conflict.code, conflict.message)
                for conflict in found
                for name in (conflict.first, conflict.second)
            ],
        )


def engine_settings(stored: dict[str, Any]) -> engine.Settings:
    """The engine's settings of a stored, complete JSON object."""
    disk_types = [name for name in stored["disk_types"] if name != AUTOMATIC]
    return engine.Settings(
        sizing_criterion=stored["sizing_criterion"],
        comfort_factor=Decimal(str(stored["comfort_factor"])),
        percentile=Decimal(stored["percentile"]),
        sku_families=tuple(stored["sku_families"]),
        disk_types=tuple(disk_types),
        offer=stored["offer"],
        commitment=stored["commitment"],
        hybrid_benefit=stored["hybrid_benefit"],
        currency=stored["currency"],
        discount_percent=Decimal(str(stored["discount_percent"])),
        uptime=engine.Uptime(**stored["uptime"]),
        commitment_rule=stored["commitment_rule"],
        unknown_limits=engine.UnknownLimits(**stored["unknown_limits"]),
        rule_set=stored["rule_set"],
    )


def pinned_window(stored: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the performance history of a run created now: named windows end with the last full hour.

    Raises DomainError 400 `window_too_old` for a window of its own whose points are not kept any more.
    """
    window = stored["performance_window"]
    if isinstance(window, dict):
        start_at, end_at = datetime.fromisoformat(window["start"]), datetime.fromisoformat(window["end"])
        if start_at < now - OLDEST_START:
            raise DomainError(
                code="window_too_old",
                detail=f"The history of {start_at:%Y-%m-%d} is not kept any more ({RETENTION.days} days are). Change "
                "performance_window, or repeat the run that read it.",
                errors=[FieldProblem("settings.performance_window", "window_too_old", "The history is not kept.")],
            )
        return start_at, end_at
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return end - WINDOWS[window], end
