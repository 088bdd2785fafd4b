"""Groups: listed, looked at, changed, copied, turned from a list into a filter and back, deleted."""

from typing import Any

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from assessments.models import Assessment
from assessments.views import with_progress
from groups import membership
from groups.models import Group, GroupMember
from groups.serializers import GroupCopy
from groups.views import with_machine_count
from ingest.filters import by_search, counted_machines, possible_text
from ingest.models import Machine
from ingest.summary import machines_summary
from migrate_hub.errors import DomainError
from migrate_hub.portal.access import ProjectPortalView, found
from migrate_hub.portal.forms import refusals_in
from migrate_hub.portal.machine_filters import FilterForm, appliance_names, filter_form
from migrate_hub.portal.machine_table import MEMBER_COLUMNS, headings_of, rows_of
from migrate_hub.portal.new_groups import NameForm, preview_of, told, uuids
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.wording import conditions_in_words
from migrate_hub.tenants.models import Role

MAX_ASSESSMENTS_SHOWN = 50
MAX_FOUND_SHOWN = 20


class GroupsView(ProjectPortalView):
    section = "groups"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        groups = with_machine_count(Group.objects.filter(project=self.project, deleted_at=None))
        page, appliances = page_of(groups, request, order_by="name"), appliance_names(self.project)
        rows = [(group, conditions_in_words(group.filter, appliances)) for group in page.rows]
        return self.page("portal/groups.html", {"page": page, "rows": rows})


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

    def back(self) -> HttpResponse:
        return redirect("portal:group", self.project.id, self.group.id)


class GroupView(OneGroupView):
    def get(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        members: QuerySet[Machine] = membership.members_of(self.group)
        page = page_of(members, request, order_by="name_lower")
        assessments = Assessment.objects.filter(group=self.group, deleted_at=None).select_related(
            "latest_run", "current_run"
        )
        summary = machines_summary(members)
        context = {
            "page": page,
            "rows": rows_of(page.rows, MEMBER_COLUMNS),
            "headings": headings_of(MEMBER_COLUMNS, request.GET, ""),
            "count": summary["machine_count"],
            "summary": summary,
            "conditions": conditions_in_words(self.group.filter, appliance_names(self.project)),
            "assessments": with_progress(assessments).order_by("-created_at", "id")[:MAX_ASSESSMENTS_SHOWN],
            **self._found(request.GET.get("find", "")),
        }
        return self.page("portal/group.html", context)

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        """Takes the ticked machines out of the group, puts them in, or all whose name begins with what was typed."""
        ticked = uuids(request.POST.getlist("machine"))
        asked = request.POST.get("do", "remove")
        try:
            if asked == "add-found":
                changed = membership.change_matching(self.group, add=self._named(request.POST.get("find", "")))
            else:
                changed = membership.change_members(self.group, **{"add" if asked == "add" else "remove": ticked})
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            messages.success(request, told(self.group, changed))
        return self.back()

    def _named(self, text: str) -> "QuerySet[Machine]":
        return by_search(counted_machines(self.project.id), possible_text("find", text))

    def _found(self, text: str) -> dict[str, Any]:
        """The first machines with this name that are not in the group, and how many there are."""
        if not text or self.group.filter is not None:
            return {"find": ""}
        listed = GroupMember.objects.filter(group=self.group).values("machine_id")
        others = self._named(text).exclude(id__any_of=ArraySubquery(listed))
        first = others.order_by("name_lower", "id")[:MAX_FOUND_SHOWN]
        return {"find": text, "found": rows_of(first, MEMBER_COLUMNS), "found_count": others.count()}


class GroupSettingsView(OneGroupView):
    reads_need = Role.CONTRIBUTOR

    def get(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        return self._page(NameForm(initial={"name": self.group.name}), self._filter(self.group.filter or {}))

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        form, filtered = NameForm(request.POST), self._filter(request.POST)
        if form.is_valid() and filtered.is_valid():
            with refusals_in(form):
                if form.cleaned_data["name"] != self.group.name:
                    membership.rename_group(self.group, form.cleaned_data["name"])
                if self.group.filter is not None and filtered.conditions != self.group.filter:
                    membership.change_filter(self.group, filtered.conditions)
                messages.success(request, "The group was saved.")
                return self.back()
            self.group.refresh_from_db()
        return self._page(form, filtered, status=400)

    def _filter(self, parameters: Any) -> FilterForm:
        return filter_form(parameters, appliance_names(self.project))

    def _page(self, form: NameForm, filtered: FilterForm, *, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "copy_name": f"Copy of {self.group.name}"[: NameForm.base_fields["name"].max_length],  # type: ignore[attr-defined]
            "assessment_count": Assessment.objects.filter(group=self.group, deleted_at=None).count(),
            **preview_of(self.project, filtered),
        }
        return self.page("portal/group_settings.html", context, status=status)


class CopyGroupView(OneGroupView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        body = GroupCopy(data={"name": request.POST.get("name", "")})
        try:
            body.is_valid(raise_exception=True)
            self.group = membership.copy_group(self.group, body.validated_data["name"])
        except DomainError as error:
            messages.error(request, error.detail)
            return redirect("portal:group-settings", self.project.id, self.group.id)
        messages.success(request, f"{self.group.name} was made.")
        return self.back()


class ConvertGroupView(OneGroupView):
    """Lists who matches now instead of following a filter, or the other way round."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        filtered = filter_form(request.POST, appliance_names(self.project))
        if self.group.filter is not None:
            membership.list_members(self.group)
            messages.success(request, "The group lists its machines now; new ones do not join by themselves.")
        elif filtered.is_valid():
            membership.follow_filter(self.group, filtered.conditions)
            messages.success(request, "The group follows its filter now; new machines that match join by themselves.")
        else:
            messages.error(request, "This filter cannot be; nothing was changed.")
            return redirect("portal:group-settings", self.project.id, self.group.id)
        return self.back()


class DeleteGroupView(OneGroupView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, project: str, group: str) -> HttpResponse:
        membership.delete_group(self.group, timezone.now())
        messages.success(request, f"The group {self.group.name} was deleted. Its assessments stay readable.")
        return redirect("portal:groups", self.project.id)
