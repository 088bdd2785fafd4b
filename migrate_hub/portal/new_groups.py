"""Groups made or changed from a choice of machines: those ticked, those that match, or whoever will match."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from groups import membership
from groups.filters import MachineFilter, matching_machines
from groups.models import Group
from groups.serializers import GroupIn
from ingest.filters import counted_machines
from ingest.models import Machine
from ingest.summary import machines_summary
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.machine_filters import FilterForm, InventoryForm, appliance_names, filter_form
from migrate_hub.portal.wording import conditions_in_words, counted
from migrate_hub.tenants.models import Project, Role

MAX_OFFERED = 500
MAX_NAMES_SHOWN = 8
NEW_GROUP = ""
PUT, TAKE = "put", "take"


def uuids(texts: list[str]) -> list[UUID]:
    """Ids of a form; one that is no id is a machine that is not there."""
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise Http404 from None


def told(group: Group, changed: membership.Changed) -> str:
    """What became of a group, in a sentence or two."""
    sentences = []
    if changed.removed:
        sentences.append(f"Taken out: {counted(changed.removed, 'machine')}.")
    if changed.added or changed.already_members:
        was = f"; {changed.already_members:,} {'was' if changed.already_members == 1 else 'were'} in it already"
        sentences.append(f"Put in: {counted(changed.added, 'machine')}{was if changed.already_members else ''}.")
    if not sentences:
        sentences.append("Nothing changed.")
    return f"{group.name} holds {counted(changed.count, 'machine')} now. {' '.join(sentences)}"


class GroupForm(DomainForm):
    """What to make of a choice of machines: a new group, or members of one that exists, or no longer."""

    serializer = GroupIn
    action = forms.ChoiceField(required=False, choices=[(PUT, ""), (TAKE, "")])
    group = forms.CharField(label="Group", required=False)
    name = forms.CharField(label="Name of the new group", max_length=200, required=False)
    chosen = forms.ChoiceField(
        label="Machines", choices=[("selected", ""), ("matching", ""), ("filter", "")], widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, existing: list[Group], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(str(group.id), group.name) for group in existing]
        self.fields["group"].widget = forms.Select(choices=[(NEW_GROUP, "A new group"), *offered])

    def clean(self) -> dict[str, Any]:
        """A new group's name is checked as the API does; for members of an existing group there is nothing to name."""
        if self.errors or self.cleaned_data["group"]:
            return self.cleaned_data
        if self.cleaned_data["action"] == TAKE:
            self.add_error("group", "Choose the group to take them out of.")
            return self.cleaned_data
        name = super().clean().get("name", "")
        return {**self.cleaned_data, "name": name}

    def body(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"]}


class NewGroupView(ProjectPortalView):
    """The machines come from the inventory: `machine` ids that were ticked, and the filter that was set there."""

    section = "groups"
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        chosen = "selected" if request.GET.getlist("machine") and request.GET.get("all") is None else "matching"
        initial = {"chosen": chosen, "group": request.GET.get("group", "")}
        return self._page(GroupForm(initial=initial, existing=self._existing()), request.GET)

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form = GroupForm(request.POST, existing=self._existing())
        if form.is_valid():
            with refusals_in(form):
                group, changed = self._make(form.cleaned_data, request.POST)
                messages.success(request, told(group, changed))
                return redirect("portal:group", self.project.id, group.id)
        return self._page(form, request.POST, status=400)

    def _make(self, asked: dict[str, Any], parameters: Any) -> tuple[Group, membership.Changed]:
        conditions = self._conditions(parameters)
        if asked["group"]:
            group: Group = found(Group.objects.filter(project=self.project, deleted_at=None), asked["group"])
        elif asked["chosen"] == "filter":
            group = membership.create_group(project=self.project, name=asked["name"], filter=_lasting(conditions))
            return group, membership.Changed(membership.member_count(group))
        else:
            group = membership.create_group(project=self.project, name=asked["name"])
        side = "remove" if asked["action"] == TAKE else "add"
        if asked["chosen"] == "selected":
            return group, membership.change_members(group, **{side: uuids(parameters.getlist("machine"))})
        return group, membership.change_matching(group, **{side: self._counted(conditions)})

    def _conditions(self, parameters: Any) -> dict[str, Any]:
        return filter_form(parameters, appliance_names(self.project), InventoryForm).conditions

    def _counted(self, conditions: dict[str, Any]) -> "QuerySet[Machine]":
        return matching_machines(counted_machines(self.project.id), conditions)

    def _existing(self) -> list[Group]:
        """Groups that machines can be added to by hand."""
        groups = Group.objects.filter(project=self.project, deleted_at=None, filter__isnull=True)
        return list(groups.order_by("name", "id")[:MAX_OFFERED])

    def _page(self, form: GroupForm, parameters: Any, *, status: int = 200) -> HttpResponse:
        appliances = appliance_names(self.project)
        conditions = filter_form(parameters, appliances, InventoryForm).conditions
        ticked = Machine.objects.filter(project=self.project, removed_at=None)
        context = {
            "form": form,
            "filter_conditions": conditions,
            "conditions": conditions_in_words(conditions, appliances),
            "can_follow": _lasting(conditions) == conditions,
            "matching": self._counted(conditions).count(),
            "selected": ticked.filter(id__in=uuids(parameters.getlist("machine"))).order_by("name_lower"),
        }
        return self.page("portal/group_new.html", context, status=status)


def _lasting(conditions: dict[str, Any]) -> dict[str, Any]:
    """Those conditions that a group can follow."""
    return {name: value for name, value in conditions.items() if name in MachineFilter().fields}


def preview_of(project: Project, form: FilterForm) -> dict[str, Any]:
    """What a group by this filter would hold now: sums and the first names; a wrong filter holds nothing."""
    if not form.is_valid():
        return {"filter": form, "is_wrong": True}
    matching = matching_machines(counted_machines(project.id), form.conditions)
    return {
        "filter": form,
        "summary": machines_summary(matching),
        "first": matching.order_by("name_lower", "id").only("id", "tenant", "name")[:MAX_NAMES_SHOWN],
    }


class GroupPreviewView(ProjectPortalView):
    """The part of a page that shows whom a filter would take, while it is typed."""

    section = "groups"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        form = filter_form(request.GET, appliance_names(self.project))
        return self.page("portal/parts/group_preview.html", preview_of(self.project, form))


class NameForm(DomainForm):
    serializer = GroupIn
    name = forms.CharField(max_length=200)


class FilterGroupView(ProjectPortalView):
    """A new group of whoever matches a filter, shown while it is typed."""

    section = "groups"
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self._page(NameForm(), filter_form(request.GET, appliance_names(self.project)))

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form, filtered = NameForm(request.POST), filter_form(request.POST, appliance_names(self.project))
        if form.is_valid() and filtered.is_valid():
            with refusals_in(form):
                group = membership.create_group(
                    project=self.project, name=form.cleaned_data["name"], filter=filtered.conditions
                )
                messages.success(request, told(group, membership.Changed(membership.member_count(group))))
                return redirect("portal:group", self.project.id, group.id)
        return self._page(form, filtered, status=400)

    def _page(self, form: NameForm, filtered: FilterForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, **preview_of(self.project, filtered)}
        return self.page("portal/group_filter.html", context, status=status)
