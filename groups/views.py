"""Groups of a project and their members."""

from dataclasses import asdict
from typing import Any

from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from groups import membership
from groups.filters import matching_machines
from groups.models import Group, GroupMember
from groups.serializers import (
    GroupChange,
    GroupConversion,
    GroupCopy,
    GroupIn,
    GroupOut,
    MembersChange,
    MembersChanged,
)
from ingest.filters import Machines, counted_machines
from ingest.models import Machine
from migrate_hub.tenants.api import ProjectViewSet


def with_machine_count(groups: models.QuerySet[Group]) -> models.QuerySet[Group]:
    """Adds `machine_count` of static groups in the same query."""
    members = GroupMember.objects.filter(
        group=OuterRef("id"), machine__removed_at=None, machine__duplicate_of=None
    ).order_by()
    counted = members.values("group").annotate(count=Count("id")).values("count")
    return groups.annotate(machine_count=Coalesce(Subquery(counted), 0))


@extend_schema(tags=["groups"])
class GroupsView(ProjectViewSet):
    model = Group
    serializer_class = GroupOut
    ordering = ("name", "id")

    def get_queryset(self) -> models.QuerySet[Group]:
        return with_machine_count(super().get_queryset().filter(deleted_at=None))

    @extend_schema(responses=GroupOut(many=True))
    def list(self, request: Request, project: str) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        membership.count_by_filter(page)
        assert self.paginator is not None
        return self.paginator.get_paginated_response(GroupOut(page, many=True).data)

    @extend_schema(request=GroupIn, responses={201: GroupOut})
    def create(self, request: Request, project: str) -> Response:
        body = GroupIn(data=request.data)
        body.is_valid(raise_exception=True)
        group = membership.create_group(project=self.project, **body.validated_data)
        return Response(self._shown(group), status=status.HTTP_201_CREATED)

    @extend_schema(responses=GroupOut)
    def retrieve(self, request: Request, project: str, group: str) -> Response:
        return Response(self._shown(self.find(self.get_queryset(), group)))

    @extend_schema(request=GroupChange, responses=GroupOut)
    def partial_update(self, request: Request, project: str, group: str) -> Response:
        found = self.find(self.get_queryset(), group)
        body = GroupChange(data=request.data)
        body.is_valid(raise_exception=True)
        if "name" in body.validated_data:
            membership.rename_group(found, body.validated_data["name"])
        if "filter" in body.validated_data:
            membership.change_filter(found, body.validated_data["filter"])
        return Response(self._shown(found))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str, group: str) -> Response:
        membership.delete_group(self.find(self.get_queryset(), group), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=MembersChange, responses=MembersChanged)
    def machines(self, request: Request, project: str, group: str) -> Response:
        """Adds and removes machines, all or nothing: by up to 35,000 ids, or all that match."""
        found = self.find(self.get_queryset(), group)
        body = MembersChange(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        if "add_matching" in asked or "remove_matching" in asked:
            changed = membership.change_matching(
                found,
                add=self._selected(asked.get("add_matching")),
                remove=self._selected(asked.get("remove_matching"), of_all=True),
            )
        else:
            changed = membership.change_members(found, add=asked["add"], remove=asked["remove"])
        done = {name: count for name, count in asdict(changed).items() if name != "count"}
        found.machine_count = changed.count
        return Response({**GroupOut(found).data, **done})

    @extend_schema(request=GroupCopy, responses={201: GroupOut})
    def copy(self, request: Request, project: str, group: str) -> Response:
        """Another group with the same members, or the same filter."""
        body = GroupCopy(data=request.data)
        body.is_valid(raise_exception=True)
        copied = membership.copy_group(self.find(self.get_queryset(), group), body.validated_data["name"])
        return Response(self._shown(copied), status=status.HTTP_201_CREATED)

    @extend_schema(request=GroupConversion, responses=GroupOut)
    def convert(self, request: Request, project: str, group: str) -> Response:
        """Turns a group by filter into a list of its members, or a list into a group by filter."""
        found = self.find(self.get_queryset(), group)
        body = GroupConversion(data=request.data)
        body.is_valid(raise_exception=True)
        if "filter" in body.validated_data:
            membership.follow_filter(found, body.validated_data["filter"])
        else:
            membership.list_members(found)
        return Response(self._shown(found))

    def _shown(self, group: Group) -> dict[str, Any]:
        group.machine_count = membership.member_count(group)  # type: ignore[attr-defined]
        return dict(GroupOut(group).data)

    def _selected(self, conditions: dict[str, Any] | None, *, of_all: bool = False) -> Machines | None:
        """The machines that a selection names: those that count, or any that may be in a group."""
        if conditions is None:
            return None
        rows = Machine.objects.filter(project=self.project) if of_all else counted_machines(self.project.id)
        return matching_machines(rows, conditions)
