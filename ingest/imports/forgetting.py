"""Forgetting what an import keeps beside its effects, once its time is over: problems, and how machines were before."""

from datetime import datetime, timedelta
from uuid import UUID

from ingest.imports.models import FileImport, ImportedMachine, ImportProblem, ImportStatus
from ingest.imports.queueing import UNFINISHED
from ingest.retention import RETENTION
from migrate_hub.tenants.row_level_security import tenant_context

ROWS_A_BATCH = 5000
# What is left has its turn in an hour: one tenant's old imports do not keep those of others.
BATCHES_AN_HOUR = 200
# Undoing that was asked for in the last minute has long ended by then.
GRACE = timedelta(days=1)


def forget_old_imports(tenant_id: int, now: datetime) -> None:
    """Deletes what a tenant's old imports keep, the oldest first, a batch a transaction. The imports stay."""
    for _ in range(BATCHES_AN_HOUR):
        with tenant_context(tenant_id):
            oldest = _oldest(now)
            if oldest is None:
                return
            if not _forget_batch(oldest):
                FileImport.objects.filter(id=oldest).update(forgotten_at=now)


def _oldest(now: datetime) -> UUID | None:
    due = FileImport.objects.filter(forgotten_at=None, created_at__lt=now - RETENTION - GRACE)
    still = due.exclude(status__in=[*UNFINISHED, ImportStatus.UNDOING])
    oldest: UUID | None = still.order_by("created_at").values_list("id", flat=True).first()
    return oldest


def _forget_batch(file_import: UUID) -> bool:
    """Deletes some rows; whether there were any."""
    for model in (ImportedMachine, ImportProblem):
        batch = list(model.objects.filter(file_import=file_import).values_list("id", flat=True)[:ROWS_A_BATCH])
        if batch:
            model.objects.filter(id__in=batch).delete()
            return True
    return False
