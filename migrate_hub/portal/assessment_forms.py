"""The form of an assessment: every setting of the API with its default, explained as a person chooses it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from assessments.engine.rule_sets import RULE_SETS
from assessments.preview_serializers import PreviewIn
from assessments.serializers import AssessmentIn, with_defaults
from assessments.settings import DISK_TYPES, PERCENTILES
from ingest.percentiles import WINDOWS
from migrate_hub.portal import choices, wording
from migrate_hub.portal.forms import DomainForm
from migrate_hub.tenants.api import StrictSerializer
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
    """A name and the settings. `project` gives the defaults of region and currency, `stored` the settings to change.

    The help of a field says in one sentence what its default does and what changes with another value.
    """

    serializer: ClassVar[type[StrictSerializer]] = AssessmentIn
    name = forms.CharField(max_length=200, help_text="What you will find it by.")
    sizing_criterion = forms.CharField(
        label="Size machines",
        widget=select(("performance_based", "By what they used"), ("as_on_premises", "As they are on premises")),
        help_text="By what they used, idle machines become small ones; as they are, each gets a size like its own.",
    )
    performance_window = forms.CharField(
        label="Performance history",
        widget=forms.Select(choices=[(name, wording.window_in_words(name).capitalize()) for name in WINDOWS]),
        help_text="How far to look back. The longer, the more peaks count, and the more history is needed.",
    )
    percentile = forms.CharField(
        label="Percentile of utilization",
        widget=select(*((str(value), f"{value}th") for value in PERCENTILES)),
        help_text="The 95th leaves out the highest 5 % of the points, so that short peaks size nothing; "
        "the 99th sizes for nearly all of them and costs more.",
    )
    comfort_factor = forms.CharField(
        widget=short(min="1", max="2", step="0.05"),
        help_text="Headroom: with 1.3 a size offers 30 % more than was used, so that it is 77 % busy at most "
        "at the percentile; with 1 it may be 100 % busy.",
    )
    target_region = forms.CharField(max_length=64, help_text="Where they will run: it decides sizes and prices.")
    currency = forms.CharField(max_length=3, help_text="Prices are converted at the catalog's rate of its day.")
    offer = forms.CharField(
        widget=select(("pay_as_you_go", "Pay as you go"), ("dev_test", "Dev/Test")),
        help_text="Pay as you go is the published price. Dev/Test charges no Windows license, and may run nothing "
        "that your customers use.",
    )
    commitment = forms.CharField(
        widget=select(
            ("none", "None"),
            ("reservation_1y", "Reserved for 1 year"),
            ("reservation_3y", "Reserved for 3 years"),
            ("savings_plan_1y", "Savings plan, 1 year"),
            ("savings_plan_3y", "Savings plan, 3 years"),
        ),
        help_text="Only what the headline shows: every term is computed in the same run, and all are compared.",
    )
    hybrid_benefit = forms.CharField(
        label="Licenses you bring (hybrid benefit)",
        widget=select(("windows", "Windows Server"), ("none", "None"), ("windows_and_linux", "Windows and Linux")),
        help_text="Windows Server: you own the licenses, so they are not in the cost. None adds them.",
    )
    discount_percent = forms.CharField(
        label="Discount (%)",
        widget=short(min="0", max="100", step="0.5"),
        help_text="Your agreed discount, taken off what is paid as you go. 0 shows published prices.",
    )
    days_per_month = forms.CharField(
        label="Running days a month",
        widget=short(min="1", max="31"),
        help_text="31 is always on; fewer make compute cheaper, disks cost the same.",
    )
    hours_per_day = forms.CharField(
        label="Running hours a day",
        widget=short(min="1", max="24"),
        help_text="24 is always on; 10 suit machines that are off at night.",
    )
    price_sheet = forms.CharField(
        label="Prices of your own",
        required=False,
        help_text="Published prices, or those of your price sheet where it has some.",
    )
    catalog = forms.CharField(
        label="Catalog",
        required=False,
        help_text="The newest published prices; an older catalog repeats an older estimate.",
    )
    sku_families = forms.CharField(
        label="Allowed series",
        required=False,
        help_text="Empty allows all, which is the cheapest. Else names separated by commas, such as dsv5, esv5.",
    )
    disk_types = forms.MultipleChoiceField(
        choices=[(each, wording.DISK_TYPES[each]) for each in DISK_TYPES],
        widget=forms.CheckboxSelectMultiple,
        help_text="Automatic takes the cheapest of Standard HDD, Standard SSD and Premium SSD that fits.",
    )
    rule_set = forms.CharField(
        label="Rules",
        widget=select(*((name, name) for name in RULE_SETS)),
        help_text="The newest rules of readiness and sizing; older ones repeat what was said then.",
    )
    commitment_rule = forms.CharField(
        label="A commitment together with a discount, less uptime or Dev/Test",
        widget=select(("strict", "Is refused"), ("combine", "Is combined")),
        help_text="Refused, because a published commitment is paid whether a machine runs or not; combined suits "
        "negotiated prices.",
    )
    unknown_disk_limits = forms.CharField(
        label="Sizes whose disk limits are not published",
        widget=select(*UNKNOWN_LIMITS),
        help_text="Refused, so that no machine gets disks slower than it needs; accepted, more sizes fit.",
    )
    unknown_network_limits = forms.CharField(
        label="Sizes whose network limits are not published",
        widget=select(*UNKNOWN_LIMITS),
        help_text="Accepted with a remark at the machine; refused, fewer sizes fit.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        project: Project,
        stored: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.project, self.stored = project, stored
        start = {**values_of(stored or defaults(project)), **(initial or {})}
        super().__init__(data, initial=start)
        offered = {
            "target_region": choices.regions(),
            "currency": choices.currencies(),
            "price_sheet": choices.price_sheets(),
            "catalog": choices.catalogs(),
        }
        for name, found in offered.items():
            value = start.get(name) or (found[0][0] if found else "")
            self.initial[name] = value
            self.fields[name].widget = forms.Select(choices=with_current(found, value))
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
            elif name not in ("name", "group", "catalog"):
                settings[name] = value
        settings["sku_families"] = [each.strip() for each in settings["sku_families"].split(",") if each.strip()]
        settings["price_sheet"] = settings["price_sheet"] or None
        if self.cleaned_data["catalog"]:
            settings["catalog"] = self.cleaned_data["catalog"]
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

    def label_of(self, name: str) -> str:
        """The words of the choice that is made of a list."""
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        value = str(self[name].value() or "")
        return next((str(words) for offered, words in widget.choices if str(offered) == value), value)


class PreviewForm(AssessmentForm):
    """The settings as they stand while they are being chosen: no name is asked for yet."""

    serializer = PreviewIn
    name = forms.CharField(max_length=200, required=False, help_text=AssessmentForm.base_fields["name"].help_text)

    def body(self) -> dict[str, Any]:
        return {"settings": super().body()["settings"]}


def defaults(project: Project) -> dict[str, Any]:
    """The settings of the API when nothing is given."""
    return {"target_region": project.target_region, "currency": project.currency, **with_defaults({})}


def typed_values(data: QueryDict) -> dict[str, Any]:
    """What was typed into the form, as values to start another one with."""
    values: dict[str, Any] = {name: data[name] for name in [*AssessmentForm.base_fields, "group"] if name in data}
    if "disk_types" in data:
        values["disk_types"] = data.getlist("disk_types")
    return values


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
