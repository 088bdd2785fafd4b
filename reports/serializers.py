"""Shapes of reports on the wire."""

from typing import Any

from rest_framework import serializers

from assessments.models import RunStatus
from assessments.serializers import FailureOut
from assessments.settings import choices
from migrate_hub.tenants.api import StrictSerializer
from reports.models import ReportFormat
from reports.workbook import LAYOUTS, MAX_REFUSED_SHOWN, NEWEST_LAYOUT, REFUSED_SHOWN


class ReportIn(StrictSerializer):
    format = serializers.ChoiceField(choices=ReportFormat.choices, default=ReportFormat.XLSX)
    layout = serializers.ChoiceField(choices=choices(*LAYOUTS), default=NEWEST_LAYOUT)
    refused_shown = serializers.IntegerField(
        min_value=1,
        max_value=MAX_REFUSED_SHOWN,
        default=REFUSED_SHOWN,
        help_text="How many of the cheaper sizes, or disks, that were refused `Decision_Trace` tells of each machine "
        "and disk: those nearest in price. All are counted, and the API tells all of one machine.",
    )
    before_run = serializers.UUIDField(
        required=False,
        help_text="Makes a workbook of the difference from this run to the published one.",
    )


class ReportOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    format = serializers.ChoiceField(choices=ReportFormat.choices)
    layout = serializers.ChoiceField(choices=choices(*LAYOUTS))
    refused_shown = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RunStatus.choices)
    run = serializers.UUIDField(source="run_id", help_text="The run that the report shows.")
    before_run = serializers.UUIDField(
        source="before_run_id", allow_null=True, help_text="Where a difference starts; null for a report of one run."
    )
    run_number = serializers.IntegerField(help_text="Its number among the runs of the assessment.")
    is_current_run = serializers.BooleanField(help_text="False once a newer run has been published.")
    machines_done = serializers.IntegerField(help_text="How far the making is.")
    machines = serializers.IntegerField(help_text="How many machines the report is about.")
    size_bytes = serializers.IntegerField(required=False)
    download_url = serializers.CharField(required=False, help_text="Needs no token; expires after ten minutes.")
    failure = FailureOut(required=False)
    created_by = serializers.UUIDField(allow_null=True)
    created_by_email = serializers.EmailField(allow_null=True, help_text="Null when it is no member any more.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
