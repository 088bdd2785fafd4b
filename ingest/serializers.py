"""Shapes of appliances and machines on the wire, for people. The bodies of appliances are structs: uploads.py."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingest.health import HEALTHS, clock_warning, health_of
from ingest.models import (
    Appliance,
    ApplianceKind,
    Disk,
    HeldSnapshot,
    Machine,
    MachineChange,
    Nic,
    PowerState,
    RejectedRecord,
)
from ingest.snapshots import UUID_BYTES
from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.serializers import NameField


class ApplianceIn(StrictSerializer):
    name = NameField()
    kind = serializers.ChoiceField(choices=ApplianceKind.choices)


class HeldSnapshotOut(serializers.ModelSerializer[HeldSnapshot]):
    removes = serializers.SerializerMethodField(help_text="How many machines would be removed.")

    class Meta:
        model = HeldSnapshot
        fields = ["removes", "known_machines", "agreeing", "held_at", "confirmed_at"]
        read_only_fields = fields

    def get_removes(self, held: HeldSnapshot) -> int:
        return len(held.removes) // UUID_BYTES


class ApplianceOut(serializers.ModelSerializer[Appliance]):
    machine_count = serializers.IntegerField(help_text="Machines that it listed last and that are not removed.")
    duplicate_count = serializers.IntegerField(help_text="Those of them that count as another appliance's or a file's.")
    rejected_last_day = serializers.IntegerField(help_text="Machines and reasons refused within the last 24 hours.")
    last_points_at = serializers.DateTimeField(allow_null=True, help_text="When an upload last brought points.")
    health = serializers.SerializerMethodField(
        help_text="late: alive, but what it should send is missing; silent: not heard of; failing: it says so itself, "
        "or somebody has to decide."
    )
    health_reason = serializers.SerializerMethodField(help_text="Why, in words; empty where all is well.")
    what_to_do = serializers.SerializerMethodField(help_text="Empty where all is well.")
    clock_skew_seconds = serializers.FloatField(
        allow_null=True,
        help_text="How far its clock is behind ours, negative when ahead, from the newest batch that said when it was "
        "sent; a batch that had to wait at the appliance makes it look behind until the next.",
    )
    clock_warning = serializers.SerializerMethodField(help_text="Null unless the clock is over 5 minutes off.")
    held_snapshot = serializers.SerializerMethodField(
        help_text="A snapshot that would remove too much and waits for a person, or null."
    )

    class Meta:
        model = Appliance
        fields = [
            "id", "name", "kind", "hostname", "version", "created_at", "registered_at", "last_seen_at",
            "last_upload_at", "last_points_at", "machine_count", "duplicate_count", "rejected_last_day", "health",
            "health_reason", "what_to_do", "reported_health", "errors", "clock_skew_seconds", "clock_warning",
            "held_snapshot",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=HEALTHS))
    def get_health(self, appliance: Appliance) -> str:
        return health_of(appliance, timezone.now()).state

    def get_health_reason(self, appliance: Appliance) -> str:
        return health_of(appliance, timezone.now()).reason

    def get_what_to_do(self, appliance: Appliance) -> str:
        return health_of(appliance, timezone.now()).remedy

    def get_clock_warning(self, appliance: Appliance) -> str | None:
        return clock_warning(appliance)

    @extend_schema_field(HeldSnapshotOut(allow_null=True))
    def get_held_snapshot(self, appliance: Appliance) -> Any:
        held = list(appliance.held_snapshots.all())
        return HeldSnapshotOut(held[0]).data if held else None


class RegistrationKeyOut(serializers.Serializer[Any]):
    registration_key = serializers.CharField(help_text="Shown this one time; enrols the appliance once.")
    registration_key_expires_at = serializers.DateTimeField()


class ApplianceCreated(ApplianceOut):
    registration_key = serializers.CharField(help_text="Shown this one time; enrols the appliance once.")
    registration_key_expires_at = serializers.DateTimeField()

    class Meta(ApplianceOut.Meta):
        fields = [*ApplianceOut.Meta.fields, "registration_key", "registration_key_expires_at"]
        read_only_fields = fields


class RevokedOut(serializers.Serializer[Any]):
    revoked = serializers.IntegerField(help_text="How many tokens and unused keys were revoked.")


class RejectedOut(serializers.ModelSerializer[RejectedRecord]):
    class Meta:
        model = RejectedRecord
        fields = [
            "id", "kind", "source_id", "code", "message", "retryable", "occurrences", "first_rejected_at",
            "last_rejected_at",
        ]  # fmt: skip
        read_only_fields = fields


class MachineOut(serializers.ModelSerializer[Machine]):
    appliance = serializers.UUIDField(source="appliance_id", allow_null=True)
    duplicate_of = serializers.UUIDField(
        source="duplicate_of_id",
        allow_null=True,
        help_text="The machine that this one is, seen by another appliance or a file; only that one counts.",
    )

    class Meta:
        model = Machine
        fields = [
            "id", "source_id", "name", "path", "host", "cluster", "power_state", "operating_system", "boot_type",
            "cores", "memory_mb", "disk_count", "storage_gb", "cpu_model", "instance_uuid", "bios_uuid",
            "discovered_by", "appliance", "duplicate_of", "configuration_version", "first_seen_at", "last_seen_at",
            "removed_at",
        ]  # fmt: skip
        read_only_fields = fields


class MachinesSummaryOut(serializers.Serializer[Any]):
    machine_count = serializers.IntegerField()
    cores = serializers.IntegerField()
    memory_mb = serializers.IntegerField()
    disk_count = serializers.IntegerField()
    storage_gb = serializers.FloatField()


class CountedOut(serializers.Serializer[Any]):
    expected = serializers.IntegerField(help_text="(2 + 4 x disks + 2 x NICs) points an interval.")
    received = serializers.IntegerField()
    percent = serializers.FloatField(allow_null=True, help_text="Null where nothing was expected.")


class ApplianceDayOut(CountedOut):
    day = serializers.DateField(help_text="A UTC day; the last one as far as the last full hour.")
    machines = serializers.IntegerField()


class GapOut(CountedOut):
    machine = serializers.UUIDField()
    name = serializers.CharField()
    power_state = serializers.ChoiceField(choices=PowerState.choices)
    first_seen_at = serializers.DateTimeField()
    removed_at = serializers.DateTimeField(allow_null=True)


class ApplianceCoverageOut(serializers.Serializer[Any]):
    """What came of what should have come, a day at a time, and which machines have gaps."""

    days = ApplianceDayOut(many=True)
    machines_with_gaps = serializers.IntegerField()
    machines = GapOut(many=True, help_text="The first 100 machines with gaps, those that miss most first.")
    counted_at = serializers.DateTimeField(
        allow_null=True, help_text="When the oldest of these counts was made; large sites are counted once an hour."
    )


class MachineDayOut(CountedOut):
    day = serializers.DateField()
    cpu = CountedOut()
    memory = CountedOut()
    disk = CountedOut()
    network = CountedOut()


class MachineCoverageOut(serializers.Serializer[Any]):
    """What came of what should have come of one machine, a day at a time and for each kind of series."""

    interval_seconds = serializers.IntegerField()
    days = MachineDayOut(many=True)


class DiskOut(serializers.ModelSerializer[Disk]):
    class Meta:
        model = Disk
        fields = ["source_id", "name", "size_gb", "position"]
        read_only_fields = fields


class NicOut(serializers.ModelSerializer[Nic]):
    ip_addresses = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Nic
        fields = ["source_id", "mac_address", "ip_addresses", "network", "position"]
        read_only_fields = fields


class ChangeOut(serializers.ModelSerializer[MachineChange]):
    appliance = serializers.UUIDField(source="appliance_id", allow_null=True)
    file_import = serializers.UUIDField(
        source="file_import_id", allow_null=True, help_text="The import that told of it, when no appliance did."
    )
    old = serializers.JSONField(source="old_value")
    new = serializers.JSONField(source="new_value")

    class Meta:
        model = MachineChange
        fields = ["at", "property", "old", "new", "configuration_version", "appliance", "file_import"]
        read_only_fields = fields


class MachineDetailOut(MachineOut):
    disks = DiskOut(many=True)
    nics = NicOut(many=True)
    changes = ChangeOut(many=True, source="shown_changes", help_text="Newest first, the last 1,000.")

    class Meta(MachineOut.Meta):
        fields = [*MachineOut.Meta.fields, "disks", "nics", "changes"]
        read_only_fields = fields


class DailyField(serializers.ListField):
    child = serializers.FloatField(allow_null=True)


class StatisticsOut(serializers.Serializer[Any]):
    minimum = serializers.ListField(child=serializers.FloatField(allow_null=True))
    average = serializers.ListField(child=serializers.FloatField(allow_null=True))
    maximum = serializers.ListField(child=serializers.FloatField(allow_null=True))
    average_of = serializers.ChoiceField(
        choices=["averages", "points", "mixed"],
        required=False,
        help_text="With source daily: made of the interval averages that were sent, or of the points (the peaks).",
    )
    median = DailyField(required=False, help_text="With source daily and one day a bucket, as p95 and p99.")
    p95 = DailyField(required=False)
    p99 = DailyField(required=False)
    percentile = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="The one asked for, over the whole window; null where it cannot be told.",
    )


class ChartOut(serializers.Serializer[Any]):
    """Arrays of buckets of `bucket_seconds` each, from `start_at` on; null where there is no data.

    `source` is points, or daily where the window begins before the points that are kept: whole UTC days then.
    """

    start_at = serializers.DateTimeField()
    end_at = serializers.DateTimeField()
    source = serializers.ChoiceField(choices=["points", "daily"])  # type: ignore[assignment]  # DRF takes it out
    interval_seconds = serializers.IntegerField()
    bucket_seconds = serializers.IntegerField()
    cpu_percent = StatisticsOut(required=False)
    memory_percent = StatisticsOut(required=False)
    disks = serializers.DictField(child=serializers.DictField(child=StatisticsOut()))
    nics = serializers.DictField(child=serializers.DictField(child=StatisticsOut()))
