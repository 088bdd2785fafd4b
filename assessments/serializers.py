"""Shapes of assessments on the wire."""

from typing import Any

from rest_framework import serializers

from assessments.engine.issues import READINESS
from assessments.models import RunStatus
from assessments.settings import SettingsIn, choices
from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.serializers import NameField


class AssessmentIn(StrictSerializer):
    name = NameField()
    settings = SettingsIn(default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["settings"]:
            attrs["settings"] = with_defaults({})
        return attrs


class AssessmentChange(StrictSerializer):
    name = NameField(required=False)
    settings = SettingsIn(required=False, help_text="Settings that are not named keep their values.")


def with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """Settings of the wire, checked, with the defaults of what is not given."""
    body = SettingsIn(data=given)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class ProgressOut(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class FailureOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class IssueOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    remedy = serializers.CharField()


class IssueCountOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    machines = serializers.IntegerField()


class ReadinessCounts(serializers.Serializer[Any]):
    ready = serializers.IntegerField()
    ready_with_conditions = serializers.IntegerField()
    not_ready = serializers.IntegerField()
    unknown = serializers.IntegerField()


class MonthlyCost(serializers.Serializer[Any]):
    compute = serializers.CharField()
    storage = serializers.CharField()
    total = serializers.CharField()
    storage_by_type = serializers.DictField(child=serializers.CharField())
    bandwidth_apart = serializers.CharField(required=False, help_text="Outbound traffic, in no total.")
    priced_machines = serializers.IntegerField()
    storage_priced_machines = serializers.IntegerField()


class ScenarioTotal(serializers.Serializer[Any]):
    priced_machines = serializers.IntegerField()
    priced_set = serializers.CharField(
        required=False,
        help_text="Which machines have a price, as a fingerprint: only totals of a run where it is the same compare.",
    )
    machines = serializers.IntegerField()
    without_price = serializers.IntegerField()
    priced_sizes = serializers.IntegerField(
        help_text="Sizes with a price in this scenario; where they are few, machines get what is priced, not what fits."
    )
    sizes = serializers.IntegerField(help_text="Sizes that could be chosen in the region.")
    monthly_compute_cost = serializers.CharField(required=False)


class ConfidenceOut(serializers.Serializer[Any]):
    applicable = serializers.BooleanField()
    percent = serializers.FloatField(required=False)
    stars = serializers.IntegerField(required=False)
    reason = serializers.CharField(required=False)
    machines = serializers.IntegerField(required=False)


class LeftOutMachine(serializers.Serializer[Any]):
    machine = serializers.UUIDField()
    name = serializers.CharField()
    duplicate_of = serializers.UUIDField(help_text="The machine that it is, seen by another appliance or a file.")
    duplicate_of_name = serializers.CharField()
    assessed = serializers.BooleanField(help_text="Whether that machine is in the run.")


class LeftOut(serializers.Serializer[Any]):
    duplicates = serializers.IntegerField(help_text="Machines of the group that are another machine, seen twice.")
    machines = LeftOutMachine(many=True, help_text="The first 100 of them by name.")


class SummaryOut(serializers.Serializer[Any]):
    machines = serializers.IntegerField()
    readiness = ReadinessCounts()
    currency = serializers.CharField()
    monthly_cost = MonthlyCost()
    scenarios = serializers.DictField(child=ScenarioTotal())
    issues = IssueCountOut(many=True)
    confidence = ConfidenceOut()
    left_out = LeftOut(required=False)


class FreshnessReason(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    machine = serializers.UUIDField(required=False)
    name = serializers.CharField(required=False)
    duplicate_of = serializers.UUIDField(required=False)
    property = serializers.CharField(required=False)
    old = serializers.JSONField(required=False)
    new = serializers.JSONField(required=False)
    at = serializers.DateTimeField(required=False)


class RunOut(serializers.Serializer[Any]):
    """What a published run pinned."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    settings = SettingsIn()
    catalog = serializers.UUIDField(source="catalog_id")
    prices_as_of = serializers.DateField(source="catalog.as_of")
    performance_start_at = serializers.DateTimeField()
    performance_end_at = serializers.DateTimeField()
    machine_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField()


class AssessmentOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    group = serializers.UUIDField(source="group_id")
    settings = SettingsIn()
    status = serializers.ChoiceField(choices=RunStatus.choices, help_text="Of the newest run.")
    progress = ProgressOut(help_text="Machines of the newest run.")
    failure = FailureOut(required=False, help_text="Why the newest run failed.")
    run = RunOut(required=False, help_text="The published run; absent until one completed.")
    created_at = serializers.DateTimeField()


class AssessmentDetail(AssessmentOut):
    freshness = serializers.ChoiceField(choices=choices("current", "out_of_sync", "outdated"), required=False)
    freshness_reasons = FreshnessReason(many=True, required=False)
    summary = SummaryOut(required=False, help_text="Of the published run; absent until one completed.")


class ScenarioOut(serializers.Serializer[Any]):
    sku = serializers.CharField(required=False)
    monthly_compute_cost = serializers.CharField(required=False)
    unpriced = serializers.CharField(required=False)


class MachineRow(serializers.Serializer[Any]):
    machine = serializers.UUIDField()
    name = serializers.CharField()
    readiness = serializers.ChoiceField(choices=choices(*READINESS))
    issues = IssueOut(many=True)
    recommended_sku = serializers.CharField(required=False)
    currency = serializers.CharField()
    monthly_compute_cost = serializers.CharField(required=False)
    monthly_storage_cost = serializers.CharField(required=False)
    scenarios = serializers.DictField(child=ScenarioOut())
    observed = serializers.DictField(child=serializers.FloatField())
    required = serializers.DictField(child=serializers.FloatField())  # type: ignore[assignment]  # the wire's name
    confidence = ConfidenceOut()
    data_issues = IssueOut(many=True)


class DiskRow(serializers.Serializer[Any]):
    source_id = serializers.CharField()
    name = serializers.CharField()
    size_gb = serializers.FloatField()
    observed = serializers.DictField(child=serializers.FloatField())
    recommended_sku = serializers.CharField(required=False)
    recommended_type = serializers.CharField(required=False)
    recommended_size_gib = serializers.FloatField(required=False)
    provisioned_iops = serializers.FloatField(required=False)
    provisioned_mbps = serializers.FloatField(required=False)
    monthly_cost = serializers.CharField(required=False)
    issues = IssueOut(many=True)
    data_issues = IssueOut(many=True)


class NicRow(serializers.Serializer[Any]):
    source_id = serializers.CharField()
    mac_address = serializers.CharField(allow_null=True)
    ip_addresses = serializers.ListField(child=serializers.CharField())
    network = serializers.CharField(allow_null=True)
    observed = serializers.DictField(child=serializers.FloatField())


class MachineDetail(MachineRow):
    disks = DiskRow(many=True)
    nics = NicRow(many=True)
    security_readiness = serializers.CharField()
    trace = serializers.DictField(
        help_text="The decision trace: docs/api-guide.md explains it. Its `series` list each series of the machine, "
        "its disks and its network adapters with points, expected_points, p50, p90, p95, p99 and maximum over the "
        "run's window. A job reads them after the run was published: absent until then, for windows of one's own, "
        "and for sizing as on-premises."
    )
