"""/healthz (is the process safe to serve), /readyz (can it serve now), /metrics."""

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from migrate_hub.tenants.row_level_security import isolation_faults


@transaction.non_atomic_requests
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process may serve tenants; 503 when its role or a table would let tenants see one another."""
    try:
        faults = isolation_faults()
    except DatabaseError:
        # An absent database is no reason to restart the process: /readyz reports it.
        return JsonResponse({"status": "ok", "database": "unavailable"})
    if faults:
        return JsonResponse({"status": "unsafe", "faults": faults}, status=503)
    return JsonResponse({"status": "ok"})


@transaction.non_atomic_requests
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, migrations and Redis are there; 503 names what is not."""
    checks = {"database": _database_state(), "redis": _redis_state()}
    ready = all(state == "ok" for state in checks.values())
    return JsonResponse({"status": "ready" if ready else "not_ready", **checks}, status=200 if ready else 503)


def _database_state() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unavailable"
    return "migrations_pending" if pending else "ok"


def _redis_state() -> str:
    try:
        cache.set("readyz", 1, 10)
    except (RedisError, OSError):
        return "unavailable"
    return "ok"


@transaction.non_atomic_requests
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters of this process in Prometheus' text form; the proxy keeps it from the outside."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
