"""Log lines as JSON: ids only, no bodies, no tokens; each with tenant and request id."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from migrate_hub.tenants.context import current_actor, current_tenant

NOISY_LOGGERS = ("httpx", "httpcore", "uvicorn.access", "amqp", "django.request")
# Django's lines about requests that it refused.
REFUSALS = ("django.request", "django.security.csrf")


def add_tenant_and_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Stamps a line with whom it concerns."""
    tenant_id = current_tenant.get()
    if tenant_id is not None:
        event["tenant"] = tenant_id
    request_id = current_actor.get().request_id
    if request_id:
        event["request_id"] = request_id
    return event


class WithoutPath(logging.Filter):
    """Tells the route in place of the path: that of an invitation or a new password is a secret while it is good."""

    def filter(self, record: logging.LogRecord) -> bool:
        request: Any = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            route = request.resolver_match.route if request.resolver_match else "unknown"
            record.args = tuple(route if each == request.path else each for each in record.args)
        return True


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    add_tenant_and_request,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: everything, ours and the libraries', as one JSON object a line on standard error."""
    formatter = structlog.stdlib.ProcessorFormatter(
        processor=structlog.processors.JSONRenderer(), foreign_pre_chain=SHARED_PROCESSORS
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config["level"])
    logging.captureWarnings(capture=True)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in REFUSALS:
        logging.getLogger(name).addFilter(WithoutPath())
    # Scanners ask for any host name: the line of the request with its 400 says enough.
    logging.getLogger("django.security.DisallowedHost").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
