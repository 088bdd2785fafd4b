"""When confidence reaches each star: of a machine, a group and an appliance."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assessments.forecast import History, appliance_machines, machine_history, machines_history, shown
from groups.membership import members_of
from groups.models import Group
from ingest.models import Appliance, Machine
from migrate_hub.tenants.api import ProjectViewSet


class ReachOut(serializers.Serializer[Any]):
    stars = serializers.IntegerField(min_value=1, max_value=5)
    at = serializers.DateTimeField()
    message = serializers.CharField()


class CoveredOut(serializers.Serializer[Any]):
    percent = serializers.FloatField()
    at = serializers.DateTimeField()
    message = serializers.CharField()


class LimitOut(serializers.Serializer[Any]):
    stars = serializers.IntegerField(help_text="As many it has or reaches, no more.")
    reason = serializers.ChoiceField(
        choices=["too_few_points", "machine_off", "machine_removed", "imported", "silent", "no_machines"],
        help_text="Why it will not have five.",
    )
    message = serializers.CharField()


class WindowForecast(serializers.Serializer[Any]):
    percent = serializers.FloatField(help_text="Share of the window's points that are there now.")
    stars = serializers.IntegerField(min_value=1, max_value=5)
    reaches = ReachOut(many=True, help_text="The stars above that it reaches, and when.")
    covered = CoveredOut(required=False, help_text="When 95 % of a window's points are there; absent if never.")
    falls = ReachOut(required=False, help_text="Present when fewer stars are left of a whole window at this rate.")
    limit = LimitOut(required=False, help_text="Present when five stars are not reached.")


class WindowsForecast(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # Field names that start with a digit are no Python names.
        return {name: WindowForecast() for name in ("1_day", "1_week", "1_month")}


class ForecastOut(serializers.Serializer[Any]):
    """The confidence rating by window if points keep coming as in the last day."""

    from_at = serializers.DateTimeField(help_text="The last full hour, at which a window of a run made now would end.")
    arriving_percent = serializers.FloatField(help_text="Share of the points that came in the last day.")
    machines = serializers.IntegerField(required=False)
    machines_imported = serializers.IntegerField(required=False, help_text="Without a rating, so left out.")
    machines_off = serializers.IntegerField(required=False, help_text="Off or suspended: they have no points.")
    reason = serializers.CharField(required=False, help_text="Why nothing comes, where nothing comes.")
    message = serializers.CharField(required=False)
    windows = WindowsForecast()


@extend_schema(tags=["confidence"], responses=ForecastOut)
class ForecastView(ProjectViewSet):
    model = Machine

    def of_machine(self, request: Request, project: str, machine: str) -> Response:
        """When the confidence rating of a machine reaches each star, exact to the hour."""
        return self._shown(machine_history(self.find(self.get_queryset(), machine), timezone.now()))

    def of_group(self, request: Request, project: str, group: str) -> Response:
        """When the confidence rating of an assessment of this group would reach each star, exact to the day."""
        found = self.find(Group.objects.filter(project=self.project, deleted_at=None), group)
        return self._shown(machines_history(members_of(found), timezone.now()))

    def of_appliance(self, request: Request, project: str, appliance: str) -> Response:
        """When the confidence rating of all machines of an appliance would reach each star, exact to the day."""
        found = self.find(Appliance.objects.filter(project=self.project), appliance)
        return self._shown(machines_history(appliance_machines(found), timezone.now()))

    def _shown(self, history: History) -> Response:
        return Response(ForecastOut(shown(history, timezone.now())).data)
