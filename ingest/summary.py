"""What some machines are together: how many, and how much of everything."""

from typing import Any

from django.db.models import Count, QuerySet, Sum

from ingest.models import Machine


def machines_summary(machines: "QuerySet[Machine]") -> dict[str, Any]:
    """`machine_count`, and the sums of what is known of the others; one query."""
    return machines.aggregate(
        machine_count=Count("id"),
        cores=Sum("cores", default=0),
        memory_mb=Sum("memory_mb", default=0),
        disk_count=Sum("disk_count", default=0),
        storage_gb=Sum("storage_gb", default=0.0),
    )
