"""A text that changes with each upload and import of a project: answers about its machines are kept under it."""

import hashlib
from uuid import UUID

from django.db.models import Max

from ingest.imports.models import FileImport
from ingest.models import Appliance


def inventory_version(project_id: UUID) -> str:
    """The same text again means the same machines with the same history; two queries."""
    uploads = Appliance.objects.filter(project_id=project_id).order_by("id").values_list("id", "last_upload_at")
    imports = FileImport.objects.filter(project_id=project_id)
    ended = imports.aggregate(finished=Max("finished_at"), undone=Max("undone_at"))
    return hashlib.sha256(repr((project_id, list(uploads), ended)).encode()).hexdigest()
