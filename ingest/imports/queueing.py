"""Taking a file in, cancelling its import, asking for it to be undone: the row first, the work in the background."""

import hashlib
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

from ingest.bulk import run
from ingest.imports.models import FileImport, ImportFormat, ImportStatus
from ingest.text import shown
from migrate_hub.errors import DomainError
from migrate_hub.files.models import StoredFile
from migrate_hub.files.storage import store_file
from migrate_hub.jobs.queueing import cancel_jobs, enqueue
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor, current_tenant_id
from migrate_hub.tenants.models import Project

IMPORT_TASK = "ingest.import"
UNDO_TASK = "ingest.undo_import"
UNFINISHED = (ImportStatus.CREATED, ImportStatus.RUNNING)
MAX_IMPORTS = 10_000
MAX_UNFINISHED = 20
# The file is needed until the import has ended, and after a dry run for as long as a person thinks about it.
FILE_KEPT = timedelta(days=7)
DRY_RUN_KEPT = timedelta(days=1)
PIECE_BYTES = 1024 * 1024


def receive_import(
    *,
    project: Project,
    file: IO[bytes],
    file_name: str,
    file_format: str,
    dry_run: bool,
    shift_to_now: bool,
    zone: str,
    key: UUID | None,
    now: datetime,
) -> FileImport:
    """Stores the file and queues its import. The same key with the same request gives the import that it made before.

    Raises DomainError: idempotency_key_reused, limit_reached, quota_exceeded, invalid (an option of another format).
    """
    if shift_to_now and file_format != ImportFormat.PERFORMANCE_CSV:
        raise DomainError(code="invalid", detail="shift_to_now is for performance_csv only: nothing else has instants.")
    if zone and file_format != ImportFormat.PERFORMANCE_CSV:
        raise DomainError(code="invalid", detail="timezone is for performance_csv only: nothing else has instants.")
    sha256 = _sha256(file)
    wanted = {
        "format": file_format,
        "dry_run": dry_run,
        "shift_to_now": shift_to_now,
        "time_zone": zone,
        "sha256": sha256,
    }
    earlier = _earlier(project, key, wanted)
    if earlier is not None:
        return earlier
    _refuse_too_many()
    stored = store_file(
        file, name=safe_name(file_name), content_type="application/octet-stream", expires_at=now + FILE_KEPT
    )
    return _queue(project, stored, file_name=safe_name(file_name), key=key, now=now, **wanted)


def safe_name(file_name: str) -> str:
    """A file's name, safe to show and to send in a header."""
    return shown(file_name).replace('"', "'").replace("\\", "/").rpartition("/")[2] or "file"


def _sha256(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in iter(lambda: file.read(PIECE_BYTES), b""):
        digest.update(piece)
    file.seek(0)
    return digest.digest()


def _earlier(project: Project, key: UUID | None, wanted: dict[str, object]) -> FileImport | None:
    """The import that this key made, if it asked for the same; holds the key until the transaction ends."""
    if key is None:
        return None
    run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"import:{project.id}:{key}"])
    earlier: FileImport | None = FileImport.objects.filter(project=project, key=key).first()
    if earlier is None:
        return None
    if {**wanted} != {name: _plain(getattr(earlier, name)) for name in wanted}:
        raise DomainError(
            code="idempotency_key_reused",
            status=409,
            detail="This Idempotency-Key came before, with another file or other options. Make a key for each import.",
        )
    return earlier


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _refuse_too_many() -> None:
    """Raises 409 when the tenant has too many. Imports that were undone or forgotten are history and cost next to
    nothing; nobody could delete them.
    """
    if FileImport.objects.filter(status__in=UNFINISHED).count() >= MAX_UNFINISHED:
        raise DomainError(
            code="limit_reached", status=409, detail=f"{MAX_UNFINISHED} imports are not finished. Wait for some."
        )
    if FileImport.objects.filter(forgotten_at=None).exclude(status=ImportStatus.UNDONE).count() >= MAX_IMPORTS:
        raise DomainError(
            code="limit_reached",
            status=409,
            detail=f"A tenant keeps at most {MAX_IMPORTS} imports that can be undone. Delete dry runs and failed ones.",
        )


def _refuse_too_many_at_once() -> None:
    """As _refuse_too_many, but what others queue meanwhile waits until this transaction ends, and is counted then."""
    run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"imports:{current_tenant_id()}"])
    _refuse_too_many()


def _queue(project: Project, stored: StoredFile, *, now: datetime, **fields: object) -> FileImport:
    _refuse_too_many_at_once()
    file_import: FileImport = FileImport.objects.create(
        project=project,
        file=stored,
        size_bytes=stored.size_bytes,
        sequence=int(now.timestamp() * 1_000_000),
        created_by=current_actor.get().user_id,
        created_at=now,
        **fields,
    )
    enqueue(IMPORT_TASK, file_import.id, queue="bulk")
    audit.record(
        "import.create",
        file_import,
        format=file_import.format,
        dry_run=file_import.dry_run,
        sha256=bytes(file_import.sha256).hex(),
    )
    return file_import


def confirm_import(tried: FileImport, now: datetime) -> FileImport:
    """Does for real what a dry run tried, with the file that is still here. 409 when there is none any more."""
    if not tried.dry_run or tried.status != ImportStatus.COMPLETED:
        raise DomainError(code="no_dry_run", status=409, detail="Only a completed dry run can be confirmed.")
    stored = StoredFile.objects.filter(id=tried.file_id).first()
    # Two may confirm at once: the one that takes the file from the dry run makes the import.
    if stored is None or not FileImport.objects.filter(id=tried.id, file_id=stored.id).update(file=None):
        raise DomainError(code="file_gone", status=409, detail="The file was deleted meanwhile. Send it again.")
    StoredFile.objects.filter(id=stored.id).update(expires_at=now + FILE_KEPT)
    return _queue(
        tried.project,
        stored,
        now=now,
        file_name=tried.file_name,
        format=tried.format,
        dry_run=False,
        shift_to_now=tried.shift_to_now,
        time_zone=tried.time_zone,
        sha256=bytes(tried.sha256),
    )


def cancel_import(file_import: FileImport, now: datetime) -> None:
    """Ends an import that is not finished: nothing of it is stored. One that has ended stays as it is."""
    ended = FileImport.objects.filter(id=file_import.id, status__in=UNFINISHED).update(
        status=ImportStatus.CANCELLED, finished_at=now
    )
    if ended:
        cancel_jobs(file_import.id)
        forget_file(file_import.id)
        audit.record("import.cancel", file_import)
    file_import.refresh_from_db()


def take_back(file_import: FileImport, now: datetime) -> bool:
    """What DELETE means: cancels what runs, queues the undoing of what changed something, forgets what did not.

    True when the row is gone. Asked again it does nothing new. Raises DomainError 409 too_late_to_undo.
    """
    locked: FileImport = FileImport.objects.select_for_update().get(id=file_import.id)
    if locked.status in UNFINISHED:
        cancel_import(file_import, now)
        return False
    if can_undo(locked):
        _refuse_too_late(locked, now)
        FileImport.objects.filter(id=locked.id).update(status=ImportStatus.UNDOING)
        enqueue(UNDO_TASK, locked.id, queue="bulk")
        audit.record("import.undo", locked)
    elif locked.status not in (ImportStatus.UNDOING, ImportStatus.UNDONE):
        forget_file(locked.id)
        audit.record("import.delete", locked)
        locked.delete()
        return True
    file_import.refresh_from_db()
    return False


def can_undo(file_import: FileImport) -> bool:
    """Whether it changed anything."""
    return file_import.status == ImportStatus.COMPLETED and not file_import.dry_run


def _refuse_too_late(file_import: FileImport, now: datetime) -> None:
    if now >= file_import.kept_until:
        raise DomainError(
            code="too_late_to_undo",
            status=409,
            detail=f"This import could be undone until {file_import.kept_until:%Y-%m-%d}: how the machines were before "
            "is no longer known. Import a file that says how they are now.",
        )


def forget_file(import_id: UUID) -> None:
    """Deletes the stored file of an import that has ended: its space counts for the tenant."""
    file_id = FileImport.objects.filter(id=import_id).values_list("file_id", flat=True).first()
    if file_id is not None:
        FileImport.objects.filter(id=import_id).update(file=None)
        StoredFile.objects.filter(id=file_id).delete()
