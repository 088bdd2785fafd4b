"""Writing and reading stored files in chunks, with a quota per tenant."""

import hashlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from functools import partial
from typing import IO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.files.models import FileChunk, StoredFile
from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.quotas import count_alone, quotas_of
from migrate_hub.tenants.row_level_security import tenant_context

CHUNK_BYTES = 1024 * 1024
# Files may be large: a transaction deletes few, and one tenant keeps those of others for minutes at most.
FILES_A_BATCH = 100
BATCHES_AN_HOUR = 10


def stored_bytes() -> int:
    """How much the files of the current tenant take."""
    return int(StoredFile.objects.aggregate(used=Sum("size_bytes"))["used"] or 0)


def store_file(stream: IO[bytes], *, name: str, content_type: str, expires_at: datetime | None) -> StoredFile:
    """Stores a stream as a file of the current tenant, in the caller's transaction.

    Raises DomainError 409 quota_exceeded when the tenant has no room; the caller's transaction must roll back.
    """
    limit = quotas_of(current_tenant_id()).stored_bytes
    room = limit - stored_bytes()
    file = StoredFile.new(name=name, content_type=content_type, size_bytes=0, sha256=b"", expires_at=expires_at)
    file.save(force_insert=True)
    digest, size = hashlib.sha256(), 0
    for number, data in enumerate(iter(lambda: stream.read(CHUNK_BYTES), b"")):
        size += len(data)
        if size > room:
            raise _no_room()
        digest.update(data)
        FileChunk.objects.create(file=file, number=number, data=data)
    file.size_bytes, file.sha256 = size, digest.digest()
    file.save(update_fields=["size_bytes", "sha256"])
    # Others may have stored files meanwhile. Asked last: nobody waits while a large file is written.
    count_alone("files", current_tenant_id())
    if stored_bytes() > limit:
        raise _no_room()
    return file


def _no_room() -> DomainError:
    return DomainError(
        code="quota_exceeded",
        status=409,
        detail="The tenant's space for files is used up. Delete old reports or imports.",
    )


def read_chunk(tenant_id: int, file_id: UUID, number: int) -> bytes | None:
    """One chunk of a file, None after the last, read in a short transaction."""
    with tenant_context(tenant_id):
        data = FileChunk.objects.filter(file_id=file_id, number=number).values_list("data", flat=True).first()
    return None if data is None else bytes(data)


def _read_and_let_go(tenant_id: int, file_id: UUID, number: int) -> bytes | None:
    """Reads a chunk and closes the connection: the next chunk may be wanted in minutes, by a slow reader."""
    try:
        return read_chunk(tenant_id, file_id, number)
    finally:
        if not connection.in_atomic_block:
            connection.close()


def file_response(request: HttpRequest, file: StoredFile) -> StreamingHttpResponse:
    """The file, streamed; nothing but its headers to HEAD.

    Under ASGI by an asynchronous iterator: a synchronous one would be read into memory first.
    """
    response = StreamingHttpResponse(_content(request, file), content_type=file.content_type)
    response["Content-Length"] = str(file.size_bytes)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Cache-Control"] = "private, no-store"
    return response


class _SpoolResponse(StreamingHttpResponse):
    """Streams a temporary file and closes it, also when the reader left early."""

    def __init__(self, request: HttpRequest, spool: IO[bytes], *, content_type: str) -> None:
        self._spool = spool
        content = _chunks_async(self._piece) if isinstance(request, ASGIRequest) else _chunks(self._piece)
        super().__init__(content, content_type=content_type)

    def _piece(self, number: int) -> bytes | None:
        return self._spool.read(CHUNK_BYTES) or None

    def close(self) -> None:
        super().close()
        self._spool.close()


def spool_response(request: HttpRequest, spool: IO[bytes], *, content_type: str) -> HttpResponseBase:
    """What was written to a temporary file: at once while it is small, in pieces when not. Closes the file."""
    size = spool.tell()
    spool.seek(0)
    if size > CHUNK_BYTES:
        response = _SpoolResponse(request, spool, content_type=content_type)
        response["Content-Length"] = str(size)
        return response
    with spool:
        return HttpResponse(spool.read(), content_type=content_type)


def _content(request: HttpRequest, file: StoredFile) -> Iterator[bytes] | AsyncIterator[bytes]:
    if request.method == "HEAD":
        return iter(())
    if isinstance(request, ASGIRequest):
        return _chunks_async(partial(_read_and_let_go, file.tenant_id, file.id))
    return _chunks(partial(read_chunk, file.tenant_id, file.id))


def _chunks(read: Callable[[int], bytes | None]) -> Iterator[bytes]:
    for number in itertools.count():
        data = read(number)
        if data is None:
            return
        yield data


async def _chunks_async(read: Callable[[int], bytes | None]) -> AsyncIterator[bytes]:
    for number in itertools.count():
        data = await sync_to_async(read)(number)
        if data is None:
            return
        yield data


@every_hour
def delete_expired_files() -> None:
    """Removes files past their retention, one tenant at a time; of each so many an hour, the others have their turn."""
    each_tenant(_delete_expired)


def _delete_expired(tenant: Tenant) -> None:
    for _ in range(BATCHES_AN_HOUR):
        with tenant_context(tenant.id):
            expired = StoredFile.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")
            ids = list(expired.values_list("id", flat=True)[:FILES_A_BATCH])
            FileChunk.objects.filter(file_id__in=ids).delete()
            StoredFile.objects.filter(id__in=ids).delete()
        if len(ids) < FILES_A_BATCH:
            return
