"""Rolled-up rows of performance. ingest/models.py names the model."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from migrate_hub.tenants.models import Tenant, TenantManager


class Rollup(models.Model):
    """The menu percentiles of one machine over one menu window, as its points were when they were read.

    True only for the window that ends at `end_at`, and only while the fingerprint of the points in it is the same
    (ingest/history_version.py). `values` is a little-endian float32 array of shape (series of the layout, MENU), NaN
    where a series has no point; `points` an int32 a series: how many intervals it covers. `extras` is msgpack of what
    else was made of the same points, by the names in `extra_names`. A row lives while runs use it: `used_at`.
    """

    pk = models.CompositePrimaryKey("tenant", "machine_id", "window_name")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    machine_id = models.UUIDField()
    window_name = models.CharField(max_length=16)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    fingerprint = models.BinaryField(max_length=24)
    interval_seconds = models.PositiveIntegerField()
    layout_id = models.UUIDField()
    values = models.BinaryField()
    points = models.BinaryField()
    extra_names = ArrayField(models.CharField(max_length=64), default=list)
    extras = models.BinaryField(default=b"")
    used_at = models.DateTimeField()

    objects: ClassVar[TenantManager] = TenantManager()

    def __str__(self) -> str:
        return f"{self.machine_id} {self.window_name}"
