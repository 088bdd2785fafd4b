"""Writing and reading stored files in chunks, with a quota per tenant."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.files.models import FileChunk, StoredFile
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

CHUNK_BYTES = 1024 * 1024


def store_file(stream: IO[bytes], *, name: str, content_type: str, expires_at: datetime | None) -> StoredFile:
    """Stores a stream as a file of the current tenant, in the caller's transaction.

    Raises DomainError 409 quota_exceeded when the tenant has no room; the caller's transaction must roll back.
    """
    room = settings.STORED_BYTES_PER_TENANT - (StoredFile.objects.aggregate(used=Sum("size_bytes"))["used"] or 0)
    file = StoredFile.new(name=name, content_type=content_type, size_bytes=0, sha256=b"", expires_at=expires_at)
    file.save(force_insert=True)
    digest, size = hashlib.sha256(), 0
    for number, data in enumerate(iter(lambda: stream.read(CHUNK_BYTES), b"")):
        size += len(data)
        if size > room:
            raise DomainError(
                code="quota_exceeded",
                status=409,
                detail="The tenant's space for files is used up. Delete old reports or imports.",
            )
        digest.update(data)
        FileChunk.objects.create(file=file, number=number, data=data)
    file.size_bytes, file.sha256 = size, digest.digest()
    file.save(update_fields=["size_bytes", "sha256"])
    return file


def read_file(tenant_id: int, file_id: UUID) -> Iterator[bytes]:
    """The chunks of a file in order, each read in its own short transaction, so that a slow reader holds nothing."""
    number = 0
    while True:
        with tenant_context(tenant_id):
            data = FileChunk.objects.filter(file_id=file_id, number=number).values_list("data", flat=True).first()
        if data is None:
            return
        yield bytes(data)
        number += 1


@every_hour
def delete_expired_files() -> None:
    """Removes files past their retention, one tenant at a time."""
    for tenant_id in Tenant.objects.values_list("id", flat=True).order_by("id").iterator():
        with tenant_context(tenant_id):
            expired = StoredFile.objects.filter(expires_at__lt=timezone.now()).values_list("id", flat=True)[:1000]
            FileChunk.objects.filter(file_id__in=list(expired)).delete()
            StoredFile.objects.filter(id__in=list(expired)).delete()
