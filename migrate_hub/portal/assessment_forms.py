"""The form of an assessment: every setting of the API, with its default, as a person chooses it."""

from collections.abc import Mapping
from typing import Any

from django import forms

from assessments.engine.rule_sets import RULE_SETS
from assessments.serializers import AssessmentIn, with_defaults
from assessments.settings import DISK_TYPES, PERCENTILES
from ingest.percentiles import WINDOWS
from migrate_hub.portal import choices, wording
from migrate_hub.portal.forms import DomainForm
from migrate_hub.tenants.models import Project

NESTED = {
    "days_per_month": "uptime",
    "hours_per_day": "uptime",
    "unknown_disk_limits": "unknown_limits",
    "unknown_network_limits": "unknown_limits",
}
MEMBERS = {"unknown_disk_limits": "disk", "unknown_network_limits": "network"}
UNKNOWN_LIMITS = (
    ("refuse", "Refuse the size"),
    ("accept_with_issue", "Accept it, and say so"),
)


def select(*pairs: tuple[Any, str]) -> forms.Select:
    return forms.Select(choices=pairs)


def short(**attributes: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "short", **attributes})


class AssessmentForm(DomainForm):
    """A name and the settings. `project` gives the defaults of region and currency, `stored` the settings to change."""

    serializer = AssessmentIn
    name = forms.CharField(max_length=200)
    sizing_criterion = forms.CharField(
        label="Size machines",
        widget=select(("performance_based", "By what they used"), ("as_on_premises", "As they are on premises")),
        help_text="By performance, a machine gets what it needed in its history; else what it has now.",
    )
    performance_window = forms.CharField(
        label="Performance history",
        widget=forms.Select(choices=[(name, wording.window_in_words(name).capitalize()) for name in WINDOWS]),
        help_text="Which part of the history counts.",
    )
    percentile = forms.CharField(
        label="Percentile of utilization",
        widget=select(*((str(value), f"{value}th") for value in PERCENTILES)),
        help_text="The 95th leaves out the highest 5 % of the points.",
    )
    comfort_factor = forms.CharField(
        widget=short(min="1", max="2", step="0.05"),
        help_text="Headroom: 1.3 asks for 30 % more than was used.",
    )
    target_region = forms.CharField(max_length=64)
    currency = forms.CharField(max_length=3)
    offer = forms.CharField(
        widget=select(("pay_as_you_go", "Pay as you go"), ("dev_test", "Dev/Test")),
    )
    commitment = forms.CharField(
        widget=select(
            ("none", "None"),
            ("reservation_1y", "Reserved for 1 year"),
            ("reservation_3y", "Reserved for 3 years"),
            ("savings_plan_1y", "Savings plan, 1 year"),
            ("savings_plan_3y", "Savings plan, 3 years"),
        ),
        help_text="Only the headline: every scenario is computed in the same run.",
    )
    hybrid_benefit = forms.CharField(
        label="Licenses you bring (hybrid benefit)",
        widget=select(("windows", "Windows Server"), ("none", "None"), ("windows_and_linux", "Windows and Linux")),
    )
    discount_percent = forms.CharField(
        label="Discount (%)", widget=short(min="0", max="100", step="0.5"), help_text="Your agreed discount."
    )
    days_per_month = forms.CharField(label="Running days a month", widget=short(min="1", max="31"))
    hours_per_day = forms.CharField(label="Running hours a day", widget=short(min="1", max="24"))
    sku_families = forms.CharField(
        label="Allowed series",
        required=False,
        help_text="Separated by commas, such as dsv5, esv5. Empty: all.",
    )
    disk_types = forms.MultipleChoiceField(
        choices=[(each, wording.DISK_TYPES[each]) for each in DISK_TYPES],
        widget=forms.CheckboxSelectMultiple,
        help_text="Automatic takes the cheapest of Standard HDD, Standard SSD and Premium SSD that fits.",
    )
    rule_set = forms.CharField(label="Rules", widget=select(*((name, name) for name in RULE_SETS)))
    commitment_rule = forms.CharField(
        label="A commitment together with a discount, less uptime or Dev/Test",
        widget=select(("strict", "Is refused"), ("combine", "Is combined")),
    )
    unknown_disk_limits = forms.CharField(
        label="Sizes whose disk limits are not published", widget=select(*UNKNOWN_LIMITS)
    )
    unknown_network_limits = forms.CharField(
        label="Sizes whose network limits are not published", widget=select(*UNKNOWN_LIMITS)
    )

    def __init__(
        self,
        data: Any = None,
        *,
        project: Project,
        stored: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.stored = stored
        start = {**values_of(stored or defaults(project)), **(initial or {})}
        super().__init__(data, initial=start)
        for name, offered in (("target_region", choices.regions()), ("currency", choices.currencies())):
            self.fields[name].widget = forms.Select(choices=with_current(offered, start[name]))
        if isinstance((stored or {}).get("performance_window"), dict):
            self._keep_own_window()

    def _keep_own_window(self) -> None:
        """A window of instants was set over the API: it stays unless another one is chosen."""
        widget = self.fields["performance_window"].widget
        assert isinstance(widget, forms.Select)
        assert self.stored is not None
        words = wording.window_in_words(self.stored["performance_window"])
        widget.choices = [("own", words), *widget.choices]

    def body(self) -> dict[str, Any]:
        """The body that the API would have been sent."""
        settings: dict[str, Any] = {}
        for name, value in self.cleaned_data.items():
            if name in NESTED:
                settings.setdefault(NESTED[name], {})[MEMBERS.get(name, name)] = value
            elif name not in ("name", "group"):
                settings[name] = value
        settings["sku_families"] = [each.strip() for each in settings["sku_families"].split(",") if each.strip()]
        if settings["performance_window"] == "own" and self.stored is not None:
            settings["performance_window"] = self.stored["performance_window"]
        return {"name": self.cleaned_data["name"], "settings": settings}

    def field_of(self, path: str) -> str | None:
        """settings.uptime.hours_per_day -> hours_per_day; settings.uptime -> days_per_month."""
        parts = path.split(".")
        for part in reversed(parts):
            if part in self.fields:
                return part
        nested = {f"{group}.{MEMBERS.get(name, name)}": name for name, group in NESTED.items()}
        found = nested.get(".".join(parts[1:3]))
        return found or next((name for name, group in NESTED.items() if group in parts), None)


def defaults(project: Project) -> dict[str, Any]:
    """The settings of the API when nothing is given."""
    return {"target_region": project.target_region, "currency": project.currency, **with_defaults({})}


def values_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as values of the form's fields."""
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name in ("uptime", "unknown_limits"):
            members = {member: field for field, member in MEMBERS.items()}
            values |= {members.get(member, member): each for member, each in value.items()}
        elif name == "sku_families":
            values[name] = ", ".join(value)
        elif name == "performance_window":
            values[name] = "own" if isinstance(value, dict) else value
        elif name in ("comfort_factor", "discount_percent"):
            values[name] = f"{float(value):g}"
        else:
            values[name] = value
    return values


def with_current(offered: choices.Choices, current: str) -> choices.Choices:
    """The choices, and the value that is set where it is none of them."""
    if any(value == current for value, _ in offered):
        return offered
    return [(current, current), *offered]
