"""Housekeeping of what appliances sent: partitions made ahead and dropped, old receipts and rejections deleted."""

from datetime import UTC, date, datetime, timedelta

from celery import shared_task
from django.db import models, transaction
from django.utils import timezone

from ingest.limits import RECEIPTS_KEPT, REJECTIONS_KEPT, RETENTION
from ingest.models import RejectedRecord, UploadReceipt
from ingest.partitions import drop_partition, make_partitions, partition_days
from ingest.rollup_jobs import REFRESH_TASK, leave_stale, plan_refreshes, refresh_slice
from migrate_hub.jobs.handlers import register
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

BATCH = 10_000
DAYS_AHEAD = 3


@every_hour
def keep_partitions() -> None:
    """Makes the partitions of the retention and some days ahead; drops those that are wholly past it."""
    keep_partitions_around(datetime.now(UTC).date())


def keep_partitions_around(today: date) -> None:
    with transaction.atomic():
        make_partitions(today + timedelta(days=n) for n in range(-RETENTION.days, DAYS_AHEAD + 1))
    for day in partition_days():
        if day < today - RETENTION - timedelta(days=1):
            with transaction.atomic():
                drop_partition(day)


@shared_task(name="ingest.refresh_rollups")
def refresh_rollups() -> None:
    plan_refreshes(timezone.now())


register(REFRESH_TASK, run=refresh_slice, on_failed=leave_stale)


@every_hour
def forget_old_receipts() -> None:
    _delete_old(UploadReceipt, "created_at", timezone.now() - RECEIPTS_KEPT)


@every_hour
def forget_old_rejections() -> None:
    _delete_old(RejectedRecord, "last_rejected_at", timezone.now() - REJECTIONS_KEPT)


def _delete_old(model: type[UploadReceipt | RejectedRecord], field: str, before: datetime) -> None:
    """Deletes rows whose time has passed, one tenant and one batch at a time."""
    for tenant_id in Tenant.objects.order_by("id").values_list("id", flat=True):
        while _delete_batch(tenant_id, model, models.Q(**{f"{field}__lt": before})) == BATCH:
            pass


def _delete_batch(tenant_id: int, model: type[UploadReceipt | RejectedRecord], old: models.Q) -> int:
    with tenant_context(tenant_id):
        ids = list(model.objects.filter(old).values_list("id", flat=True)[:BATCH])
        model.objects.filter(id__in=ids).delete()
    return len(ids)
