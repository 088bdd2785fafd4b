"""What is kept for a time goes when its time is over."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, connections
from django.utils import timezone

from ingest.models import RejectedRecord, UploadReceipt
from ingest.partitions import partition_days
from ingest.tasks import forget_old_receipts, forget_old_rejections, keep_partitions_around
from migrate_hub.jobs import tasks
from migrate_hub.tenants.row_level_security import isolation_faults, tenant_context
from tests.ingest import estates


def _partition(day: date) -> str:
    return f"ingest_performanceblock_{day:%Y%m%d}"


def _make_past_partition(day: date) -> None:
    """As the owner would have made it when the day was new."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_partition(day)} (LIKE ingest_performanceblock INCLUDING ALL)")
        cursor.execute(f"ALTER TABLE {_partition(day)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        cursor.execute(
            f"ALTER TABLE ingest_performanceblock ATTACH PARTITION {_partition(day)} FOR VALUES FROM (%s) TO (%s)",
            [f"{day} 00:00+00", f"{day + timedelta(days=1)} 00:00+00"],
        )


def test_partitions_past_the_retention_are_dropped_and_the_rest_is_there() -> None:
    today = datetime.now(UTC).date()
    _make_past_partition(today - timedelta(days=37))
    keep_partitions_around(today)
    assert partition_days()[:2] == [today - timedelta(days=35), today - timedelta(days=34)]
    assert set(partition_days()) >= {today + timedelta(days=n) for n in range(4)}
    assert isolation_faults() == []


def test_a_dropped_day_leaves_no_table_behind() -> None:
    today = datetime.now(UTC).date()
    _make_past_partition(today - timedelta(days=40))
    keep_partitions_around(today)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [_partition(today - timedelta(days=40))])
        assert cursor.fetchone() == (None,)


def test_old_receipts_and_rejections_are_deleted_and_new_ones_kept() -> None:
    site = estates.appliance()
    for _ in range(2):
        site.inventory(estates.machine(), {"source_id": "bad"})
    with tenant_context(estates.shared().tenant.id):
        receipts = UploadReceipt.objects.filter(appliance_id=site.id)
        UploadReceipt.objects.filter(id=receipts[0].id).update(created_at=timezone.now() - timedelta(days=31))
        records = RejectedRecord.objects.filter(appliance_id=site.id)
        records.update(last_rejected_at=timezone.now() - timedelta(days=36))
    forget_old_receipts()
    forget_old_rejections()
    with tenant_context(estates.shared().tenant.id):
        assert (receipts.count(), records.count()) == (1, 0)


def test_the_housekeepers_run_every_hour() -> None:
    names = {function.__name__ for function in tasks._housekeepers}
    assert {"keep_partitions", "forget_old_receipts", "forget_old_rejections"} <= names
    assert {"fold_closed_days", "give_back_space"} <= names
