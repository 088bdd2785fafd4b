"""Groups: listed, made from selected or matching machines, looked at, changed, deleted."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from assessments.models import Assessment
from assessments.views import with_progress
from groups import membership
from groups.filters import matching_machines
from groups.models import Group
from groups.serializers import GroupIn
from groups.views import with_machine_count
from ingest.filters import counted_machines
from ingest.models import Machine
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import DomainForm, refusals_in
from migrate_hub.portal.machines import FilterForm, filter_form, machines_of, with_disks
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.wording import conditions_in_words, counted
from migrate_hub.tenants.models import Role

MAX_OFFERED = 500
MAX_ASSESSMENTS_SHOWN = 50
NEW_GROUP = ""


class GroupForm(DomainForm):
    """What to make of a choice of machines: a new group, or members of one that exists."""

    serializer = GroupIn
    group = forms.CharField(label="Into", required=False)
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
        name = super().clean().get("name", "")
        return {**self.cleaned_data, "name": name}

    def body(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"]}


class GroupsView(ProjectPortalView):
    section = "groups"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        groups = with_machine_count(Group.objects.filter(project=self.project, deleted_at=None))
        page = page_of(groups, request, order_by="name")
        rows = [(group, conditions_in_words(group.filter)) for group in page.rows]
        return self.page("portal/groups.html", {"page": page, "rows": rows})


class NewGroupView(ProjectPortalView):
    """The machines come from the inventory: `machine` ids that were ticked, and the filter that was set there."""

    section = "groups"
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        chosen = "selected" if request.GET.getlist("machine") and request.GET.get("all") is None else "matching"
        return self._page(GroupForm(initial={"chosen": chosen}, existing=self._existing()), request.GET)

    def post(self, request: HttpRequest, project: str) -> HttpResponse:
        form = GroupForm(request.POST, existing=self._existing())
        if form.is_valid():
            with refusals_in(form):
                group = self._make(form.cleaned_data, request.POST)
                messages.success(
                    request, f"{group.name} holds {counted(membership.member_count(group), 'machine')} now."
                )
                return redirect("portal:group", self.project.id, group.id)
        return self._page(form, request.POST, status=400)

    def _make(self, chosen: dict[str, Any], parameters: Any) -> Group:
        if chosen["group"]:
            group: Group = found(Group.objects.filter(project=self.project, deleted_at=None), chosen["group"])
        elif chosen["chosen"] == "filter":
            return membership.create_group(
                project=self.project, name=chosen["name"], filter=filter_form(parameters).conditions
            )
        else:
            group = membership.create_group(project=self.project, name=chosen["name"])
        ids = self._selected(parameters) if chosen["chosen"] == "selected" else self._matching(parameters)
        for start in range(0, len(ids), membership.MAX_MACHINES_A_CALL):
            membership.change_members(group, add=ids[start : start + membership.MAX_MACHINES_A_CALL])
        return group

    def _selected(self, parameters: Any) -> list[UUID]:
        return uuids(parameters.getlist("machine"))

    def _matching(self, parameters: Any) -> list[UUID]:
        conditions = filter_form(parameters).conditions
        return list(self._counted(conditions).values_list("id", flat=True))

    def _counted(self, conditions: dict[str, Any]) -> "QuerySet[Machine]":
        return matching_machines(counted_machines(self.project.id), conditions)

    def _existing(self) -> list[Group]:
        """Groups that machines can be added to by hand."""
        groups = Group.objects.filter(project=self.project, deleted_at=None, filter=None)
        return list(groups.order_by("name", "id")[:MAX_OFFERED])

    def _page(self, form: GroupForm, parameters: Any, *, status: int = 200) -> HttpResponse:
        filtered = filter_form(parameters)
        selected = self._selected(parameters)
        context = {
            "form": form,
            "filter": filtered,
            "conditions": conditions_in_words(filtered.conditions),
            "matching": self._counted(filtered.conditions).count(),
            "selected": machines_of(self.project).filter(id__in=selected).order_by("name_lower"),
        }
        return self.page("portal/group_new.html", context, status=status)


def uuids(texts: list[str]) -> list[UUID]:
    """Ids of a form; one that is no id is a machine that is not there."""
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise Http404 from None


class OneGroupView(ProjectPortalView):
    """A page of one group; one that is not yours or not there is 404."""

    section = "groups"
    group: Group

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        self.group = found(Group.objects.filter(project=self.project, deleted_at=None), kwargs["group"])
        self.group.project = self.project

    def frame(self) -> dict[str, Any]:
        return {**super().frame(), "group": self.group}


class GroupView(OneGroupView):
    def get(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        members: QuerySet[Machine] = membership.members_of(self.group)
        page = page_of(members, request, order_by="name_lower")
        assessments = Assessment.objects.filter(group=self.group, deleted_at=None).select_related(
            "latest_run", "current_run"
        )
        context = {
            "page": page,
            "rows": with_disks(page.rows),
            "count": members.count(),
            "conditions": conditions_in_words(self.group.filter),
            "assessments": with_progress(assessments).order_by("-created_at", "id")[:MAX_ASSESSMENTS_SHOWN],
        }
        return self.page("portal/group.html", context)

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        """Takes the ticked machines out of the group."""
        ids = uuids(request.POST.getlist("machine"))
        membership.change_members(self.group, remove=ids)
        messages.success(request, f"Taken out of the group: {counted(len(ids), 'machine')}.")
        return redirect("portal:group", self.project.id, self.group.id)


class NameForm(DomainForm):
    serializer = GroupIn
    name = forms.CharField(max_length=200)


class GroupSettingsView(OneGroupView):
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        return self._page(NameForm(initial={"name": self.group.name}), filter_form(self.group.filter or {}))

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        form, filtered = NameForm(request.POST), filter_form(request.POST)
        if form.is_valid() and filtered.is_valid():
            with refusals_in(form):
                if form.cleaned_data["name"] != self.group.name:
                    membership.rename_group(self.group, form.cleaned_data["name"])
                if self.group.filter is not None and filtered.conditions != self.group.filter:
                    membership.change_filter(self.group, filtered.conditions)
                messages.success(request, "The group was saved.")
                return redirect("portal:group", self.project.id, self.group.id)
            self.group.refresh_from_db()
        return self._page(form, filtered, status=400)

    def _page(self, form: NameForm, filtered: FilterForm, *, status: int = 200) -> HttpResponse:
        return self.page("portal/group_settings.html", {"form": form, "filter": filtered}, status=status)


class DeleteGroupView(OneGroupView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        membership.delete_group(self.group, timezone.now())
        messages.success(request, f"The group {self.group.name} was deleted. Its assessments stay readable.")
        return redirect("portal:groups", self.project.id)
