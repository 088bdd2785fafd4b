"""Appliances, their rejected records, and machines: the people's side."""

import re
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Prefetch
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from ingest import appliances
from ingest.charts import MAX_POINTS, chart, chart_window
from ingest.coverage import DEFAULT_DAYS, appliance_coverage, asked_days, machine_coverage
from ingest.filters import filtered_machines
from ingest.health import with_health
from ingest.machine_columns import COLUMNS, chosen_columns, machines_csv
from ingest.models import Appliance, DiscoveredBy, Disk, Machine, Nic, PowerState, RejectedRecord
from ingest.percentiles import MAXIMUM
from ingest.rejections import rejected_csv, with_code
from ingest.serializers import (
    ApplianceCoverageOut,
    ApplianceCreated,
    ApplianceIn,
    ApplianceOut,
    ChartOut,
    HeldSnapshotOut,
    MachineCoverageOut,
    MachineDetailOut,
    MachineOut,
    MachinesSummaryOut,
    RegistrationKeyOut,
    RejectedOut,
    RevokedOut,
)
from ingest.sorting import SORTS, machine_order
from ingest.summary import machines_summary
from migrate_hub.errors import DomainError
from migrate_hub.tenants.api import ProjectViewSet
from migrate_hub.tenants.keyset import Order
from migrate_hub.tenants.tokens import Issued

MAX_CHANGES_SHOWN = 1000
LONGEST_PERCENTILE = 8


def _key_of(issued: Issued) -> dict[str, Any]:
    return {"registration_key": issued.wire, "registration_key_expires_at": issued.token.expires_at}


def _query(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, description=description, **more)


DAYS_QUERY = [_query("days", f"How many UTC days, today included; {DEFAULT_DAYS} when absent.", type=OpenApiTypes.INT)]


@extend_schema(tags=["appliances"])
class AppliancesView(ProjectViewSet):
    model = Appliance
    serializer_class = ApplianceOut

    def get_queryset(self) -> models.QuerySet[Appliance]:
        return with_health(super().get_queryset(), timezone.now())

    @extend_schema(responses=ApplianceOut(many=True))
    def list(self, request: Request, project: str) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(request=ApplianceIn, responses={201: ApplianceCreated})
    def create(self, request: Request, project: str) -> Response:
        body = ApplianceIn(data=request.data)
        body.is_valid(raise_exception=True)
        made, key = appliances.create_appliance(project=self.project, now=timezone.now(), **body.validated_data)
        shown = ApplianceOut(self.get_queryset().get(id=made.id)).data
        return Response({**shown, **_key_of(key)}, status=status.HTTP_201_CREATED)

    @extend_schema(responses=ApplianceOut)
    def retrieve(self, request: Request, project: str, appliance: str) -> Response:
        return Response(ApplianceOut(self.find(self.get_queryset(), appliance)).data)

    @extend_schema(request=None, responses={201: RegistrationKeyOut})
    def registration_key(self, request: Request, project: str, appliance: str) -> Response:
        """A new key for the same appliance; its old tokens die when the new one is first used."""
        issued = appliances.renew_registration_key(self.find(self.get_queryset(), appliance), timezone.now())
        return Response(_key_of(issued), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=RevokedOut)
    def revoke_tokens(self, request: Request, project: str, appliance: str) -> Response:
        """Shuts an appliance out at once; it can enrol again with a new registration key."""
        revoked = appliances.revoke_tokens(self.find(self.get_queryset(), appliance), timezone.now())
        return Response({"revoked": revoked})

    @extend_schema(request=None, responses=HeldSnapshotOut)
    def confirm_snapshot(self, request: Request, project: str, appliance: str) -> Response:
        """Says that the machines which a held snapshot no longer lists are really gone."""
        held = appliances.confirm_snapshot(self.find(self.get_queryset(), appliance), timezone.now())
        return Response(HeldSnapshotOut(held).data)


@extend_schema(tags=["appliances"])
class ApplianceCoverageView(ProjectViewSet):
    model = Appliance

    @extend_schema(parameters=DAYS_QUERY, responses=ApplianceCoverageOut)
    def retrieve(self, request: Request, project: str, appliance: str) -> Response:
        """Points expected and received a day, and the machines with gaps, worst first."""
        found = self.find(self.get_queryset(), appliance)
        answer = appliance_coverage(found, asked_days(request.query_params), timezone.now())
        return Response(ApplianceCoverageOut(answer).data)


@extend_schema(tags=["appliances"])
class RejectedView(ProjectViewSet):
    model = RejectedRecord
    serializer_class = RejectedOut
    appliance: Appliance

    def enter(self, **kwargs: Any) -> None:
        super().enter(**kwargs)
        self.appliance = self.find(Appliance.objects.filter(project=self.project), kwargs["appliance"])

    def get_queryset(self) -> models.QuerySet[RejectedRecord]:
        rows: models.QuerySet[RejectedRecord] = RejectedRecord.objects.filter(appliance=self.appliance)
        return rows

    @extend_schema(parameters=[_query("code", "Only those with this code.")], responses=RejectedOut(many=True))
    def list(self, request: Request, project: str, appliance: str) -> Response:
        """Records refused, one row for a machine and a reason however often it happened."""
        return self.paged(with_code(self.get_queryset(), request.query_params.get("code", "")))

    @extend_schema(
        parameters=[_query("code", "Only those with this code.")],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        summary="Read the refused records as CSV",
    )
    def export(self, request: Request, project: str, appliance: str) -> HttpResponseBase:
        """All records refused, newest first."""
        return rejected_csv(request._request, self.get_queryset(), code=request.query_params.get("code", ""))


MACHINE_QUERY = [
    _query("search", "The start of the name, whatever the case."),
    _query("group", "Only the machines of this group.", type=OpenApiTypes.UUID),
    _query("os", "A part of the operating system's name."),
    _query("power_state", "Only machines in this state.", enum=PowerState.values),
    _query("removed", "Whether to list machines that vanished.", enum=["true", "false", "all"]),
    _query("cluster", "Only the machines of this cluster."),
    _query("host", "Only the machines on this host."),
    _query("appliance", "Only the machines that this appliance lists.", type=OpenApiTypes.UUID),
    _query("discovered_by", "Only what an appliance, or only what a file speaks of.", enum=DiscoveredBy.values),
    _query("history", "Machines without any point of the last month, or only those with some.", enum=["none", "some"]),
    _query(
        "duplicates",
        "Whether to list machines that are another one, seen by a second appliance or a file.",
        enum=["include", "exclude", "only"],
    ),
]
SORT_QUERY = [_query("sort", "The order; a minus turns it. What is unknown counts as least.", enum=SORTS)]
EXPORT_QUERY = [_query("columns", f"Which columns, separated by commas: {', '.join(COLUMNS)}. All when absent.")]
CHART_QUERY = [
    _query("start", "ISO 8601 with a time zone; a day before the end when absent.", type=OpenApiTypes.DATETIME),
    _query("end", "ISO 8601 with a time zone; now when absent.", type=OpenApiTypes.DATETIME),
    _query("points", f"At most so many buckets, such as the width in pixels; {MAX_POINTS} when absent.", type=int),
    _query("percentile", "Adds this percentile over the window to each series: above 0, at most 100.", type=float),
]


@extend_schema(tags=["machines"])
class MachinesView(ProjectViewSet):
    model = Machine
    serializer_class = MachineOut

    @property
    def ordering(self) -> Order:  # type: ignore[override]  # the request decides
        sort = self.request.query_params.get("sort")
        return machine_order(sort) if sort else ("id",)

    @extend_schema(parameters=[*MACHINE_QUERY, *SORT_QUERY], responses=MachineOut(many=True))
    def list(self, request: Request, project: str) -> Response:
        return self.paged(filtered_machines(self.get_queryset(), request.query_params))

    @extend_schema(parameters=MACHINE_QUERY, responses=MachinesSummaryOut)
    def summary(self, request: Request, project: str) -> Response:
        """How many machines these are, and their sums; what is not known of a machine counts as nothing."""
        found = filtered_machines(self.get_queryset(), request.query_params)
        return Response(MachinesSummaryOut(machines_summary(found)).data)

    @extend_schema(
        parameters=[*MACHINE_QUERY, *SORT_QUERY, *EXPORT_QUERY],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        summary="Read the machines as CSV",
    )
    def export(self, request: Request, project: str) -> HttpResponseBase:
        """All machines that the filters leave, however many, in one file."""
        found = filtered_machines(self.get_queryset(), request.query_params)
        columns = chosen_columns(request.query_params.get("columns", ""))
        return machines_csv(request._request, found, columns=columns, order=self.ordering)

    @extend_schema(responses=MachineDetailOut)
    def retrieve(self, request: Request, project: str, machine: str) -> Response:
        parts = (Prefetch(name, model.objects.order_by("position")) for name, model in (("disks", Disk), ("nics", Nic)))
        found: Machine = self.find(self.get_queryset().prefetch_related(*parts), machine)
        found.shown_changes = list(found.changes.order_by("-at", "-id")[:MAX_CHANGES_SHOWN])  # type: ignore[attr-defined]
        return Response(MachineDetailOut(found).data)

    @extend_schema(parameters=DAYS_QUERY, responses=MachineCoverageOut)
    def coverage(self, request: Request, project: str, machine: str) -> Response:
        """Points expected and received a day, for each kind of series."""
        found = self.find(self.get_queryset(), machine)
        answer = machine_coverage(found, asked_days(request.query_params), timezone.now())
        return Response(MachineCoverageOut(answer).data)

    @extend_schema(parameters=CHART_QUERY, responses=ChartOut)
    def performance(self, request: Request, project: str, machine: str) -> Response:
        """Series for a chart, down-sampled to at most `points` buckets; minimum, average and maximum are kept.

        A machine with more than 100 series gets fewer, longer buckets: 100,000 in all, as `bucket_seconds` says.
        A window that begins before the points that are kept is answered from the daily statistics, up to 13 months.
        """
        found = self.find(self.get_queryset(), machine)
        start, end = (_instant(request, name) for name in ("start", "end"))
        now, points, percentile = timezone.now(), _points(request), _percentile(request)
        window = chart_window(start, end, now)
        return Response(chart(found.id, *window, now=now, points=points, percentile=percentile))


def _points(request: Request) -> int:
    text = request.query_params.get("points") or str(MAX_POINTS)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_POINTS):
        raise DomainError(code="invalid", detail=f"points must be a number from 1 to {MAX_POINTS}.")
    return int(text)


def _percentile(request: Request) -> float | None:
    text = request.query_params.get("percentile")
    if not text:
        return None
    if len(text) > LONGEST_PERCENTILE or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 < float(text) <= MAXIMUM:
        raise DomainError(code="invalid", detail="percentile must be a number above 0 and at most 100.")
    return float(text)


def _instant(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        instant = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not 1970 < instant.year < 9999:
        raise DomainError(code="invalid", detail=f"{name} must be an ISO 8601 instant with a time zone.")
    return instant
