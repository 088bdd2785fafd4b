"""A preview of settings on a sample of a group."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.preview import preview
from assessments.preview_serializers import PreviewIn, PreviewOut
from groups.models import Group
from migrate_hub.tenants.api import ProjectViewSet


@extend_schema(tags=["assessments"])
class PreviewView(ProjectViewSet):
    model = Group

    @extend_schema(request=PreviewIn, responses=PreviewOut)
    def compute(self, request: Request, project: str, group: str) -> Response:
        """What an assessment with these settings would say of a sample of the group; nothing is written."""
        found: Group = self.find(self.get_queryset().filter(deleted_at=None), group)
        found.project = self.project
        body = PreviewIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        answer = preview(found, settings=asked["settings"], now=timezone.now(), size=asked["sample"])
        return Response(PreviewOut(answer).data)
