"""Requests a minute per token and per tenant, counted in Redis; when Redis is away uploads and reads go through."""

import time

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from migrate_hub.errors import DomainError
from migrate_hub.tenants.authentication import Principal

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
# A Redis that hangs costs a request its socket timeout: after one such wait the next ones do not ask it for a while.
AWAY_SECONDS = 10

_asked_again_at = 0.0


def count_request(principal: Principal) -> None:
    """Counts one request of a token and its tenant; raises 429 with Retry-After over the limit."""
    global _asked_again_at  # noqa: PLW0603  one Redis a process, known to be away or not
    if time.monotonic() < _asked_again_at:
        return
    try:
        _count(f"token:{principal.token.id}", settings.REQUESTS_A_MINUTE_PER_TOKEN)
        _count(f"tenant:{principal.tenant_id}", settings.REQUESTS_A_MINUTE_PER_TENANT)
    except (RedisError, OSError):
        log.warning("rate_limits_unavailable")
        _asked_again_at = time.monotonic() + AWAY_SECONDS


def _count(key: str, limit: int) -> None:
    window, elapsed = divmod(int(time.time()), WINDOW_SECONDS)
    name = f"rate:{key}:{window}"
    try:
        count = 1 if cache.add(name, 1, WINDOW_SECONDS * 2) else cache.incr(name)
    except ValueError:
        return  # expired between the two calls
    if count > limit:
        raise DomainError(
            code="rate_limited",
            status=429,
            detail=f"More than {limit} requests a minute. Wait, then go on.",
            retry_after_seconds=WINDOW_SECONDS - elapsed,
        )
