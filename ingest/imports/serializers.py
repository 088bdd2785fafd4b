"""Shapes of file imports on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingest.imports.instants import is_zone
from ingest.imports.models import FileImport, ImportFormat, ImportProblem, ImportStatus
from migrate_hub.tenants.api import StrictSerializer


class ImportIn(StrictSerializer):
    """The parts of a multipart body."""

    file = serializers.FileField(help_text="The file as it was exported; performance_csv may be gzipped.")
    format = serializers.ChoiceField(choices=ImportFormat.choices)
    dry_run = serializers.BooleanField(
        default=False, help_text="Only tell what an import would change; confirm it later without a second upload."
    )
    shift_to_now = serializers.BooleanField(
        default=False, help_text="performance_csv only: moves all points so that the last one ends now."
    )
    timezone = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=64,
        help_text="performance_csv only: IANA name of the zone of timestamps that name none, e.g. Europe/Berlin. "
        "Without it they are refused.",
    )

    def validate_timezone(self, name: str) -> str:
        if name and not is_zone(name):
            raise serializers.ValidationError("This is no IANA time zone.", code="unknown_timezone")
        return name


class ImportProgressOut(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class ImportFailureOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class ImportProblemOut(serializers.ModelSerializer[ImportProblem]):
    class Meta:
        model = ImportProblem
        fields = ["severity", "code", "sheet", "row", "column", "message"]
        read_only_fields = fields


class ImportUndoOut(serializers.Serializer[Any]):
    """What undoing did. Machines that somebody else has spoken of since stay as they are: `kept`."""

    removed = serializers.IntegerField(help_text="Machines that the import had made.")
    restored = serializers.IntegerField(help_text="Machines that are as they were before.")
    kept = serializers.IntegerField(help_text="Machines that an appliance or a later import has spoken of since.")


class ImportCounts(serializers.Serializer[Any]):
    """Of a dry run: what the import would do. Further counts by format, e.g. `points` of performance_csv."""

    created = serializers.IntegerField(help_text="Machines that the project did not have.")
    updated = serializers.IntegerField(help_text="Machines of which something changed.")
    unchanged = serializers.IntegerField(help_text="Machines that are as the file says already.")
    skipped = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Rows left out without being wrong, by reason: template, srm_placeholder, phantom_row, blank_row, "
        "known_from_appliance (an appliance lists the machine, its data counts), newer_import.",
    )
    not_in_file = serializers.IntegerField(
        help_text="Machines of earlier imports that this file does not list. They are left as they are."
    )
    errors = serializers.IntegerField(  # type: ignore[assignment]  # a field, although serializers have such a property
        help_text="Problems that cost their row."
    )
    warnings = serializers.IntegerField()
    undo = ImportUndoOut(required=False)


NOTHING: dict[str, Any] = dict.fromkeys(("created", "updated", "unchanged", "not_in_file", "errors", "warnings"), 0)
NOTHING["skipped"] = {}


class ImportOut(serializers.ModelSerializer[FileImport]):
    status = serializers.ChoiceField(choices=ImportStatus.choices)
    progress = serializers.SerializerMethodField()
    timezone = serializers.CharField(source="time_zone")
    counts = serializers.SerializerMethodField(help_text="All 0 until the import is completed.")
    failure = serializers.SerializerMethodField(help_text="Why a failed import failed, or null.")
    kept_until = serializers.DateTimeField(
        read_only=True, help_text="Until then the import can be undone and its problems can be read."
    )

    class Meta:
        model = FileImport
        fields = [
            "id", "format", "status", "dry_run", "shift_to_now", "timezone", "file_name", "size_bytes", "progress",
            "counts", "failure", "created_by", "created_at", "started_at", "finished_at", "undone_at",
            "kept_until",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ImportProgressOut)
    def get_progress(self, row: FileImport) -> Any:
        return {"done": row.progress_done, "total": row.progress_total}

    @extend_schema_field(ImportCounts)
    def get_counts(self, row: FileImport) -> Any:
        return NOTHING | row.counts

    @extend_schema_field(ImportFailureOut(allow_null=True))
    def get_failure(self, row: FileImport) -> Any:
        return {"code": row.failure_code, "detail": row.failure_detail} if row.failure_code else None


class ImportDetailOut(ImportOut):
    problems = ImportProblemOut(many=True, source="first_problems", help_text="The first 100; all are in errors.csv.")

    class Meta(ImportOut.Meta):
        fields = [*ImportOut.Meta.fields, "problems"]
        read_only_fields = fields
