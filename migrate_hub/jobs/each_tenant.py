"""Work for every tenant in turn: one that fails keeps none of the others, and their jobs start apart."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections
from django.db.models import QuerySet

from migrate_hub.tenants.models import Tenant

log = structlog.get_logger(__name__)
# Jobs start one after the other, so that those of a thousand tenants do not stand before everything else.
APART = timedelta(seconds=2)
START_WITHIN = timedelta(minutes=45)


def each_tenant(work: Callable[[Tenant], object], tenants: "QuerySet[Tenant] | None" = None) -> None:
    """Calls `work` for each tenant, which it enters itself; what is missed for one is logged and has its next turn."""
    for tenant in (Tenant.objects.all() if tenants is None else tenants).order_by("id"):
        try:
            work(tenant)
        except Exception:
            log.exception("tenant_failed", work=getattr(work, "__qualname__", repr(work)), tenant=tenant.id)
            close_old_connections()


def start_times(now: datetime) -> Iterator[datetime]:
    """When the jobs of one round start: two seconds apart, or less where there are very many tenants."""
    apart = min(APART, START_WITHIN / max(Tenant.objects.count(), 1))
    while True:
        yield now
        now += apart
