"""Background work on the wire."""

from typing import Any

from rest_framework import serializers

from migrate_hub.jobs.work import STATES

KINDS = ("assessment", "percentiles", "sensitivity", "report", "import", "import_dry_run", "import_undo")


class JobProgress(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField(help_text="0 where it is not known.")
    unit = serializers.ChoiceField(choices=["machines", "positions", "percent"])


class JobOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    state = serializers.ChoiceField(choices=list(STATES))
    project = serializers.UUIDField(source="project_id")
    subject = serializers.CharField(help_text="The name of the assessment, the project or the file.")
    subject_id = serializers.UUIDField(allow_null=True, help_text="Of the assessment or import; null: of the project.")
    progress = JobProgress(source="*")
    attempt = serializers.IntegerField(help_text="How often the most tried part of it was tried; 0: not yet.")
    created_at = serializers.DateTimeField()
    created_by = serializers.UUIDField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    failure = serializers.CharField(help_text="Why it failed, in words; empty where it did not.")
    can_cancel = serializers.BooleanField()
