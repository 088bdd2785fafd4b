"""The job of an import: the file is parsed wholly by a child, then stored in one transaction that also ends the job.

Killed at any point it starts over, and nothing of it was seen. While it works, progress is told by transactions of
their own; one that finds the import cancelled ends the work.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from ingest.imports.child import parsed_chunks, scratch_folder
from ingest.imports.models import FileImport, ImportStatus
from ingest.imports.parsed import Chunk, Options, ParsedMachine, Problem, UnreadableFileError
from ingest.imports.points import PointStore
from ingest.imports.problems import keep_problems
from ingest.imports.queueing import DRY_RUN_KEPT, UNFINISHED, forget_file
from ingest.imports.room import NO_SPACE, keep_reserve, no_room
from ingest.imports.storing import MACHINES_A_STATEMENT, ImportStore
from ingest.retention import RETENTION
from migrate_hub.errors import DomainError
from migrate_hub.files.models import StoredFile
from migrate_hub.files.storage import read_chunk
from migrate_hub.jobs.claiming import Claim, LeaseLostError
from migrate_hub.tenants.row_level_security import tenant_context

PROGRESS_TOTAL = 100
PARSED_AT = 60
TELL_EVERY_SECONDS = 1.0
LENGTH_BYTES = 4


def run_import(claim: Claim) -> None:
    """Imports the file of the job. What is wrong with the file ends the import as failed, with a reason for people."""
    with tenant_context(claim.tenant_id):
        file_import = _started(claim)
    try:
        with scratch_folder() as folder, Progress(claim.tenant_id, file_import.id) as progress:
            path = _fetched(file_import, folder)
            options = Options(
                now=file_import.created_at,
                shift_to_now=file_import.shift_to_now,
                timezone=file_import.time_zone,
                retention_days=RETENTION.days,
            )
            with (folder / "parsed").open("w+b") as spool:
                _parse(file_import, path, options, spool, progress)
                with tenant_context(claim.tenant_id):
                    _store(file_import, spool, progress)
                    claim.finish()
    except UnreadableFileError as error:
        _refuse(claim, error.code, error.detail)
    except DomainError as error:
        _refuse(claim, error.code, error.detail)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        refusal = no_room(Path(tempfile.gettempdir()))
        _refuse(claim, refusal.code, refusal.detail)


def _started(claim: Claim) -> FileImport:
    wanted = FileImport.objects.filter(id=claim.object_id, status__in=UNFINISHED, project__deleted_at=None)
    started = wanted.update(
        status=ImportStatus.RUNNING, started_at=timezone.now(), progress_done=0, progress_total=PROGRESS_TOTAL
    )
    if not started:
        raise LeaseLostError(f"import {claim.object_id} is no longer wanted")
    return FileImport.objects.get(id=claim.object_id)  # type: ignore[no-any-return]


def _fetched(file_import: FileImport, folder: Path) -> Path:
    """A copy of the stored file for the child, read in short transactions. Raises UnreadableFileError no_room."""
    path, number = folder / "file", 0
    keep_reserve(folder, file_import.size_bytes)
    assert file_import.file_id is not None
    with path.open("wb") as file:
        while (data := read_chunk(file_import.tenant_id, file_import.file_id, number)) is not None:
            file.write(data)
            number += 1
    return path


class Progress:
    """Tells how far an import is, from a thread with its own connection, so that an open transaction hides nothing."""

    def __init__(self, tenant_id: int, import_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.import_id = import_id
        self.executor = ThreadPoolExecutor(1, "import-progress")
        self.pending: Future[bool] | None = None
        self.told_at = 0.0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        self.executor.submit(connection.close)
        self.executor.shutdown()

    def tell(self, done: float) -> None:
        """At most once a second. Raises LeaseLostError when the import was cancelled."""
        if self.pending is not None and self.pending.done():
            still_wanted = self.pending.result()
            self.pending = None
            if not still_wanted:
                raise LeaseLostError(f"import {self.import_id} was cancelled")
        if self.pending is None and time.monotonic() - self.told_at >= TELL_EVERY_SECONDS:
            self.told_at = time.monotonic()
            self.pending = self.executor.submit(self._write, int(done))

    def _write(self, done: int) -> bool:
        with tenant_context(self.tenant_id):
            running = FileImport.objects.filter(id=self.import_id, status=ImportStatus.RUNNING)
            return bool(running.update(progress_done=done))


def _parse(file_import: FileImport, path: Path, options: Options, spool: IO[bytes], progress: Progress) -> None:
    """Runs the child and keeps what it yields in a file of frames."""
    encoder = msgspec.msgpack.Encoder()
    for chunk in parsed_chunks(file_import.format, path, options):
        frame = encoder.encode(chunk)
        keep_reserve(path.parent, len(frame))
        spool.write(len(frame).to_bytes(LENGTH_BYTES, "big") + frame)
        progress.tell(PARSED_AT * chunk.done / chunk.total if chunk.total else 0)


def _frames(spool: IO[bytes]) -> Iterator[tuple[Chunk, float]]:
    """The chunks again, with the share of the spool that is read."""
    decoder, size = msgspec.msgpack.Decoder(Chunk), max(1, spool.tell())
    spool.seek(0)
    while header := spool.read(LENGTH_BYTES):
        yield decoder.decode(spool.read(int.from_bytes(header, "big"))), spool.tell() / size


class Totals:
    """Problems and counts of a whole import; problems are stored as they come."""

    def __init__(self, file_import: FileImport) -> None:
        self.file_import = file_import
        self.problems: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def add(self, chunk: Chunk) -> None:
        self.tell(chunk.problems)
        self.skipped.update(chunk.skipped)
        self.counts.update(chunk.counts)

    def tell(self, problems: list[Problem]) -> None:
        keep_problems(self.file_import.id, problems, after=self.problems.total())
        self.problems.update(problem.severity for problem in problems)


def _store(file_import: FileImport, spool: IO[bytes], progress: Progress) -> None:
    now, totals = timezone.now(), Totals(file_import)
    store, points = ImportStore(file_import, now), PointStore(file_import, now)
    waiting: list[ParsedMachine] = []
    for chunk, share in _frames(spool):
        totals.add(chunk)
        totals.tell(points.add(chunk))
        waiting += chunk.machines
        if len(waiting) >= MACHINES_A_STATEMENT:
            store.add(waiting)
            waiting = []
        progress.tell(PARSED_AT + (PROGRESS_TOTAL - PARSED_AT) * share)
    store.add(waiting)
    totals.tell(store.problems)
    totals.counts.update(points.counts)
    _end(file_import, store, totals, now)


def _end(file_import: FileImport, store: ImportStore, totals: Totals, now: datetime) -> None:
    """The last write of an import, in the transaction of its effects; rolls them back when it was cancelled."""
    counts = {
        **totals.counts,
        "created": store.tally.created,
        "updated": store.tally.updated,
        "unchanged": store.tally.unchanged,
        "skipped": {name: count for name, count in (totals.skipped + store.tally.skipped).items() if count},
        "not_in_file": store.not_in_file(),
        "errors": totals.problems["error"],
        "warnings": totals.problems["warning"],
    }
    ended = FileImport.objects.filter(id=file_import.id, status=ImportStatus.RUNNING).update(
        status=ImportStatus.COMPLETED, counts=counts, progress_done=PROGRESS_TOTAL, finished_at=now
    )
    if not ended:
        raise LeaseLostError(f"import {file_import.id} was cancelled")
    if file_import.dry_run:
        StoredFile.objects.filter(id=file_import.file_id).update(expires_at=now + DRY_RUN_KEPT)
    else:
        forget_file(file_import.id)


def _refuse(claim: Claim, code: str, detail: str) -> None:
    """The file is at fault: no second try would go better."""
    with tenant_context(claim.tenant_id):
        _fail(claim.object_id, code, detail)
        claim.finish()


def _fail(import_id: UUID, code: str, detail: str) -> None:
    FileImport.objects.filter(id=import_id, status__in=UNFINISHED).update(
        status=ImportStatus.FAILED, failure_code=code, failure_detail=detail[:500], finished_at=timezone.now()
    )
    forget_file(import_id)


def fail_import(import_id: UUID, failure: str) -> None:
    """Tells the user that the import could not be made. Runs inside the tenant."""
    detail = "Nothing was changed. Send the file again; if it fails again tell the operator the id of the import."
    _fail(import_id, "import_failed", detail)
