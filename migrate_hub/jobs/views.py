"""The tenant's background work: listed in one order, and cancelled."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from migrate_hub.errors import DomainError
from migrate_hub.jobs.models import Job
from migrate_hub.jobs.serializers import JobOut
from migrate_hub.jobs.work import Wanted, cancel_work, find_work, work_of_tenant
from migrate_hub.tenants.api import CursorPages, TenantViewSet, as_uuid
from migrate_hub.tenants.keyset import read_cursor, write_cursor

STATE = {"unfinished": True, "finished": False}
ORDER = ("-id",)


class WorkPages(CursorPages):
    """Pages of work, which comes from several tables, in the order of its ids."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """`queryset` is a function of (behind, size)."""
        size, cursor = self.get_page_size(request), request.query_params.get("cursor")
        behind = None if cursor is None else read_cursor(cursor, Job.objects.all(), ORDER)[0]
        found = queryset(behind, size + 1)
        if len(found) > size:
            place = write_cursor(found[size - 1], ORDER)
            self.following = replace_query_param(request.build_absolute_uri(), "cursor", place)
        return list(found[:size])


@extend_schema(tags=["jobs"])
class JobsView(TenantViewSet):
    model: ClassVar[Any] = Job
    serializer_class = JobOut
    pagination_class = WorkPages

    @extend_schema(
        parameters=[
            OpenApiParameter("state", enum=list(STATE)),
            OpenApiParameter("project", OpenApiTypes.UUID, description="Only what is about this project."),
        ],
        responses=JobOut(many=True),
    )
    def list(self, request: Request) -> Response:
        """Runs, sensitivity, imports and reports, newest first. Upkeep, which nobody asked for, is not among them."""
        state, project = request.query_params.get("state"), request.query_params.get("project")
        if state is not None and state not in STATE:
            raise DomainError(code="invalid", detail=f"state must be one of {', '.join(STATE)}.")
        project_id = None if project is None else as_uuid(project)

        def found(behind: UUID | None, size: int) -> Any:
            unfinished = None if state is None else STATE[state]
            return work_of_tenant(Wanted(unfinished=unfinished, project_id=project_id, behind=behind), size)

        pages = WorkPages()
        page = pages.paginate_queryset(found, request)
        return pages.get_paginated_response(JobOut(page, many=True).data)

    @extend_schema(responses=JobOut)
    def retrieve(self, request: Request, job: str) -> Response:
        return Response(JobOut(find_work(as_uuid(job))).data)

    @extend_schema(request=None, responses=JobOut)
    def cancel(self, request: Request, job: str) -> Response:
        """Ends unfinished work; 409 where it has ended, or is of a kind that runs to its end."""
        cancel_work(as_uuid(job), timezone.now())
        return Response(JobOut(find_work(as_uuid(job))).data)
