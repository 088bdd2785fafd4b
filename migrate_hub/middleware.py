"""What happens around every request: its id and actor, security headers, and problem documents for what escapes."""

import re
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.template import loader

from migrate_hub import metrics
from migrate_hub.errors import (
    RETRY_AFTER_SECONDS,
    as_domain_error,
    is_api_request,
    not_found,
    problem_response,
    unexpected_error,
)
from migrate_hub.tenants.context import Actor, current_actor, current_tenant

log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def client_address(request: HttpRequest) -> str | None:
    """The address of the caller, believing only as many X-Forwarded-For entries as there are proxies of ours."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    count: int = settings.TRUSTED_PROXY_COUNT
    if count and len(forwarded) >= count and forwarded[-count].strip():
        return forwarded[-count].strip()
    return request.META.get("REMOTE_ADDR") or None


def request_id_from(header: str) -> str:
    """The caller's id of a request when it is a plain one, else a fresh one."""
    return header if REQUEST_ID.fullmatch(header) else uuid4().hex


class RequestContextMiddleware:
    """Gives each request an id (the caller's, when it is a plain one), logs and counts it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_from(request.headers.get("X-Request-Id", ""))
        current_tenant.set(None)
        token = current_actor.set(Actor(ip_address=client_address(request), request_id=request_id))
        started = time.perf_counter()
        try:
            response = self.get_response(request)
        finally:
            current_actor.reset(token)
        response["X-Request-Id"] = request_id
        self._report(request, response, time.perf_counter() - started, request_id)
        return response

    @staticmethod
    def _report(request: HttpRequest, response: HttpResponse, seconds: float, request_id: str) -> None:
        route = request.resolver_match.route if request.resolver_match else "unknown"
        metrics.REQUESTS.labels(request.method, route, response.status_code).inc()
        metrics.REQUEST_SECONDS.labels(request.method, route).observe(seconds)
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000),
            request_id=request_id,
            tenant=getattr(request, "tenant_id", None),
        )


class SecurityHeadersMiddleware:
    """A strict Content-Security-Policy without inline anything. Django 6.0 has this built in, 5.2 does not."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if is_api_request(request):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ProblemMiddleware:
    """Turns what no view caught into an answer: 503 when the database is away, problem documents under /api/."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 404 and is_api_request(request) and not _is_problem(response):
            return problem_response(not_found())
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        problem = as_domain_error(exception) if isinstance(exception, DatabaseError | InterfaceError) else None
        if problem is not None and problem.status == 503:
            log.warning(problem.code, error=type(exception).__name__)
            return problem_response(problem) if is_api_request(request) else _away_page()
        if is_api_request(request):
            log.error("unexpected_error", exc_info=exception)
            return problem_response(unexpected_error())
        return None


def _away_page() -> HttpResponse:
    """For people: rendered without the request, whose session and user stand in the database that is away."""
    page = HttpResponse(loader.render_to_string("503.html"), status=503)
    page["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return page


def _is_problem(response: HttpResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("application/problem+json")
