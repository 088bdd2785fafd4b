"""Housekeeping of what appliances sent: closed days folded, partitions made and dropped, old receipts deleted."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import structlog
from celery import shared_task
from django.db import OperationalError, models, transaction
from django.utils import timezone

from ingest.coverage_jobs import COVERAGE_TASK, count_in_turns, leave_uncounted, queue_counts
from ingest.fold_jobs import FOLD_TASK, FORGET_TASK, fold_failed, fold_in_turns, queue_folds
from ingest.forgetting import forget_project
from ingest.limits import RECEIPTS_KEPT, REJECTIONS_KEPT
from ingest.models import RejectedRecord, UploadReceipt
from ingest.partitions import BLOCKS, DAILY, FOLDED, drop_partition, make_partitions, partition_days, reclaim_partition
from ingest.retention import DAILY_KEPT_MONTHS, RETENTION
from ingest.rollup_jobs import REFRESH_TASK, leave_stale, plan_refreshes, refresh_slice
from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.handlers import register
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context

log = structlog.get_logger(__name__)
BATCH = 10_000
DAYS_AHEAD = 3


@every_hour
def keep_partitions() -> None:
    """Makes the partitions of the retention and some days ahead; drops those that are wholly past it."""
    keep_partitions_around(datetime.now(UTC).date())


def keep_partitions_around(today: date) -> None:
    with transaction.atomic():
        make_partitions(today + timedelta(days=n) for n in range(-RETENTION.days, DAYS_AHEAD + 1))
    oldest_day = today - RETENTION - timedelta(days=1)
    months = today.year * 12 + today.month - 1 - DAILY_KEPT_MONTHS
    oldest_month = date(months // 12, months % 12 + 1, 1)
    for table, oldest in ((BLOCKS, oldest_day), (FOLDED, oldest_day), (DAILY, oldest_month)):
        for day in partition_days(table):
            if day < oldest:
                _unless_locked(drop_partition, table, day)


def _unless_locked(change: Callable[..., object], *arguments: object) -> None:
    """Changes a partition in a transaction of its own; one that is in use has its turn in an hour."""
    try:
        with transaction.atomic():
            change(*arguments)
    except OperationalError as error:
        log.warning("partition_in_use", change=change.__name__, arguments=str(arguments), error=str(error))


@every_hour
def give_back_space() -> None:
    """Shrinks the indexes of closed days that folding has emptied."""
    for day in partition_days():
        if day < datetime.now(UTC).date():
            _unless_locked(reclaim_partition, day)


@every_hour
def fold_closed_days() -> None:
    queue_folds(timezone.now())


register(FOLD_TASK, run=fold_in_turns, on_failed=fold_failed)
register(FORGET_TASK, run=forget_project, on_failed=fold_failed)


@shared_task(name="ingest.refresh_rollups")
def refresh_rollups() -> None:
    plan_refreshes(timezone.now())


register(REFRESH_TASK, run=refresh_slice, on_failed=leave_stale)


@every_hour
def count_coverage() -> None:
    """Has the points counted of the days that brought new ones, and of the hours that have passed."""
    queue_counts(timezone.now())


register(COVERAGE_TASK, run=count_in_turns, on_failed=leave_uncounted)


@every_hour
def forget_old_receipts() -> None:
    _delete_old(UploadReceipt, "created_at", timezone.now() - RECEIPTS_KEPT)


@every_hour
def forget_old_rejections() -> None:
    _delete_old(RejectedRecord, "last_rejected_at", timezone.now() - REJECTIONS_KEPT)


def _delete_old(model: type[UploadReceipt | RejectedRecord], field: str, before: datetime) -> None:
    """Deletes rows whose time has passed, one tenant and one batch at a time."""
    old = models.Q(**{f"{field}__lt": before})

    def delete(tenant: Tenant) -> None:
        while _delete_batch(tenant.id, model, old) == BATCH:
            pass

    each_tenant(delete)


def _delete_batch(tenant_id: int, model: type[UploadReceipt | RejectedRecord], old: models.Q) -> int:
    with tenant_context(tenant_id):
        ids = list(model.objects.filter(old).values_list("id", flat=True)[:BATCH])
        model.objects.filter(id__in=ids).delete()
    return len(ids)
