"""Shapes of reports on the wire."""

from typing import Any

from rest_framework import serializers

from assessments.models import RunStatus
from assessments.serializers import FailureOut
from assessments.settings import choices
from migrate_hub.tenants.api import StrictSerializer
from reports.models import ReportFormat, ReportKind
from reports.queueing import MAX_ASSESSMENTS
from reports.sharing import DEFAULT_LIFETIME_HOURS, MAX_LIFETIME_HOURS
from reports.workbook import LAYOUTS, MAX_REFUSED_SHOWN, NEWEST_LAYOUT, REFUSED_SHOWN

KINDS = choices(*ReportKind.values)


class ReportIn(StrictSerializer):
    template = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="A report template: its sheets, columns, look and own workbook, and what is not given here; of a "
        "difference its look alone. Without "
        "it the tenant's default template counts, if there is one; null for none.",
    )
    format = serializers.ChoiceField(
        choices=ReportFormat.choices, required=False, help_text="By default that of the template, or xlsx."
    )
    layout = serializers.ChoiceField(
        choices=choices(*LAYOUTS), required=False, help_text=f"By default that of the template, or {NEWEST_LAYOUT}."
    )
    refused_shown = serializers.IntegerField(
        min_value=1,
        max_value=MAX_REFUSED_SHOWN,
        required=False,
        help_text="How many of the cheaper sizes, or disks, that were refused `Decision_Trace` tells of each machine "
        "and disk: those nearest in price. All are counted, and the API tells all of one machine. By default that of "
        f"the template, or {REFUSED_SHOWN}.",
    )
    run = serializers.UUIDField(
        required=False, help_text="A completed run of the assessment; by default the published one."
    )
    before_run = serializers.UUIDField(
        required=False,
        help_text="Makes a report of the difference from this run of the project to the one that is shown.",
    )


class ProjectReportIn(StrictSerializer):
    template = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="A report template: its name, logo and colors. Without it the tenant's default; null for none.",
    )
    format = serializers.ChoiceField(choices=ReportFormat.choices, default=ReportFormat.XLSX)
    assessments = serializers.ListField(
        child=serializers.UUIDField(),
        allow_empty=False,
        max_length=MAX_ASSESSMENTS,
        required=False,
        help_text="Which assessments; by default all that have results, if those are at most 1,000.",
    )


class ReportQuery(serializers.Serializer[Any]):
    """Which reports of a project are listed."""

    assessment = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=RunStatus.choices, required=False)
    kind = serializers.ChoiceField(choices=KINDS, required=False)


class PinnedRunOut(serializers.Serializer[Any]):
    assessment = serializers.UUIDField()
    assessment_name = serializers.CharField()
    run = serializers.UUIDField()
    run_number = serializers.IntegerField()


class LinkIn(StrictSerializer):
    lifetime_hours = serializers.IntegerField(
        min_value=1, max_value=MAX_LIFETIME_HOURS, default=DEFAULT_LIFETIME_HOURS, help_text="At most 30 days."
    )


class LinkOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField(required=False, help_text="While the link works; whoever has it needs no token.")
    created_by_email = serializers.EmailField(allow_null=True, help_text="Null when it is no member any more.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)


class UsedTemplateOut(serializers.Serializer[Any]):
    """What the template of a report was when it was asked for; it may have changed or gone since."""

    id = serializers.CharField(source="template")
    name = serializers.CharField()


class ReportOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    format = serializers.ChoiceField(choices=ReportFormat.choices)
    layout = serializers.ChoiceField(choices=choices(*LAYOUTS))
    refused_shown = serializers.IntegerField()
    template = UsedTemplateOut(allow_null=True)
    status = serializers.ChoiceField(choices=RunStatus.choices)
    kind = serializers.ChoiceField(choices=KINDS)
    assessment = serializers.UUIDField(source="assessment_id", allow_null=True)
    assessment_name = serializers.CharField(allow_null=True)
    run = serializers.UUIDField(
        source="run_id",
        allow_null=True,
        help_text="The run that the report shows; null for one of several assessments.",
    )
    before_run = serializers.UUIDField(
        source="before_run_id", allow_null=True, help_text="Where a difference starts; null for a report of one run."
    )
    run_number = serializers.IntegerField(
        allow_null=True, help_text="The number of `run` among the runs of the assessment."
    )
    is_current_run = serializers.BooleanField(help_text="False once a newer run of something in it was published.")
    runs = PinnedRunOut(
        many=True, required=False, help_text="What a report of several assessments shows, if asked alone."
    )
    machines_done = serializers.IntegerField(help_text="How far the making is.")
    machines = serializers.IntegerField(help_text="How many machines the report is about.")
    size_bytes = serializers.IntegerField(required=False)
    download_url = serializers.CharField(required=False, help_text="Needs no token; expires after ten minutes.")
    failure = FailureOut(required=False)
    created_by = serializers.UUIDField(allow_null=True)
    created_by_email = serializers.EmailField(allow_null=True, help_text="Null when it is no member any more.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
