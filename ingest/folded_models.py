"""What is kept of closed days: the folded points of a machine's day, and its statistics."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from migrate_hub.tenants.models import Tenant, TenantManager


class FoldedDay(models.Model):
    """One UTC day of one machine and interval as the fold left it: what the best blocks of that day said.

    `values` holds one value a series of the layout and slot of the day (ingest/folded_values.py). `ranks` tells for
    each of them which block it came from, so that a block that comes late counts as if it had come in time
    (ingest/folded_ranks.py). `version` is new with each write. Partitioned by `day`; the migration makes
    the table, Django only knows its shape.
    """

    pk = models.CompositePrimaryKey("tenant", "machine_id", "day", "interval_seconds")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    machine_id = models.UUIDField()
    day = models.DateField()
    interval_seconds = models.PositiveSmallIntegerField()
    layout_id = models.UUIDField()
    version = models.UUIDField()
    folded_at = models.DateTimeField(default=timezone.now)
    ranks = models.BinaryField()
    values = models.BinaryField()

    objects: ClassVar[TenantManager] = TenantManager()

    def __str__(self) -> str:
        return f"{self.machine_id} {self.day}"


class DailyStatistics(models.Model):
    """What one UTC day of one machine was, series by series: kept long after its points are gone.

    `values` is a little-endian float32 array of shape (series of the layout, 8): see ingest/daily.py. The layout lists
    the peaks only. Partitioned by month; the migration makes the table, Django only knows its shape.
    """

    pk = models.CompositePrimaryKey("tenant", "machine_id", "day")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    machine_id = models.UUIDField()
    day = models.DateField()
    interval_seconds = models.PositiveSmallIntegerField()
    layout_id = models.UUIDField()
    values = models.BinaryField()

    objects: ClassVar[TenantManager] = TenantManager()

    class Meta:
        verbose_name_plural = "daily statistics"

    def __str__(self) -> str:
        return f"{self.machine_id} {self.day}"
