"""The filter of machines as a form, as chips that can be taken away, and in words."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from groups.filters import MachineFilter, MachineSelection
from ingest.models import Appliance, DiscoveredBy, PowerState
from migrate_hub.portal.forms import DomainForm
from migrate_hub.portal.wording import condition_in_words
from migrate_hub.tenants.models import Project

MAX_OFFERED = 500
POWER_STATES = (
    ("", "Any"),
    (PowerState.ON, "On"),
    (PowerState.OFF, "Off"),
    (PowerState.SUSPENDED, "Suspended"),
    (PowerState.UNKNOWN, "Unknown"),
)
SOURCES = (("", "Any"), (DiscoveredBy.APPLIANCE, "An appliance"), (DiscoveredBy.IMPORT, "A file"))
HISTORIES = (("", "Any"), ("some", "Has some"), ("none", "Has none"))
TWICE = (("", "Both"), ("exclude", "Seen once"), ("only", "Seen twice"))
REMOVED = (("", "There now"), ("true", "Removed"), ("all", "Both"))
# What leads to another page of the same rows, or to none.
PLACES = ("after", "before")


def _search(label: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"type": "search"})
    return forms.CharField(label=label, required=False, max_length=255, widget=widget)


def _choice(label: str, choices: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=forms.Select(choices=choices))


class FilterForm(DomainForm):
    """The conditions of a machine filter; what is left empty is no condition."""

    serializer = MachineFilter
    search = _search("Name begins with")
    os = _search("Operating system contains")
    power_state = _choice("Power", POWER_STATES)
    cluster = _search("Cluster, in full")
    host = _search("Host, in full")
    discovered_by = _choice("Known from", SOURCES)
    appliance = _choice("Listed by", ())

    def __init__(self, *args: Any, appliances: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["appliance"].widget = forms.Select(choices=[("", "Any appliance"), *appliances.items()])

    @property
    def conditions(self) -> dict[str, Any]:
        """The checked conditions; none where the form has errors."""
        return self.cleaned_data if self.is_valid() else {}


class InventoryForm(FilterForm):
    """What the inventory can be asked for besides: none of it can make a group that follows its filter."""

    serializer = MachineSelection
    history = _choice("History", HISTORIES)
    duplicates = _choice("Two appliances", TWICE)
    removed = _choice("Still there", REMOVED)


def appliance_names(project: Project) -> dict[str, str]:
    """Names of the project's appliances by id, for choices and words."""
    rows = Appliance.objects.filter(project=project).order_by("name").values_list("id", "name")
    return {str(id): name for id, name in rows[:MAX_OFFERED]}


def filter_form(parameters: Any, appliances: Mapping[str, str], form: type[FilterForm] = FilterForm) -> FilterForm:
    """The filter that a query string or a form names. Ids of controls are kept apart from those of other forms."""
    data = {name: parameters.get(name, "") for name in form.base_fields}
    return form(data, appliances=appliances, auto_id="filter_%s")


def query_without(parameters: QueryDict, *names: str, **instead: str) -> str:
    """A query string without some parameters and without a place in the pages; `instead` is added."""
    left_out = {*names, *instead, *PLACES}
    kept = [(key, item) for key, items in parameters.lists() if key not in left_out for item in items if item]
    return "?" + urlencode([*kept, *instead.items()])


def chips_of(
    parameters: QueryDict, conditions: Mapping[str, Any], appliances: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Each condition in words, and the query without it."""
    return [
        (condition_in_words(name, value, appliances), query_without(parameters, name))
        for name, value in conditions.items()
    ]
