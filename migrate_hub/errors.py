"""Problems told to callers: DomainError, and the one exception handler that makes RFC 9457 documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, DataError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5
PROBLEM_TYPE = "urn:migrate-hub:problem:"
PROBLEM_CONTENT_TYPE = "application/problem+json"
MAX_FIELD_ERRORS = 100


@dataclass(frozen=True)
class FieldProblem:
    """One field that is wrong: a dotted path into the body, a stable code, a sentence."""

    field: str
    code: str
    message: str


class DomainError(Exception):
    """An expected refusal: a stable `code`, the HTTP `status`, and a `detail` that says what to do."""

    def __init__(
        self,
        *,
        code: str,
        detail: str,
        status: int = 400,
        errors: Iterable[FieldProblem] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


TITLES = {
    400: "The request is not valid",
    401: "Authentication is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    410: "No longer there",
    413: "Too large",
    415: "Unsupported media type",
    429: "Too many requests",
    503: "Temporarily unavailable",
}

NOT_FOUND_DETAIL = "There is nothing here, or it is not yours."


def problem_document(error: DomainError) -> dict[str, Any]:
    """The RFC 9457 members of an error, ready for JSON."""
    document: dict[str, Any] = {
        "type": PROBLEM_TYPE + error.code,
        "title": TITLES.get(error.status, "Error"),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    if error.errors:
        document["errors"] = [
            {"field": problem.field, "code": problem.code, "message": problem.message}
            for problem in error.errors[:MAX_FIELD_ERRORS]
        ]
    return document


def problem_headers(error: DomainError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def problem_response(error: DomainError) -> HttpResponse:
    """A problem document outside of DRF: middleware, error pages under /api/."""
    return JsonResponse(
        problem_document(error), status=error.status, headers=problem_headers(error), content_type=PROBLEM_CONTENT_TYPE
    )


def database_away() -> DomainError:
    return DomainError(
        code="database_unavailable",
        status=503,
        detail="The database is not reachable. Send the same request again later; an upload with the same "
        "Idempotency-Key is stored once, however often it comes.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def disk_full() -> DomainError:
    return DomainError(
        code="disk_full",
        status=503,
        detail="The server's disk is full. Nothing was stored; send the same request again later.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


# query_canceled (statement_timeout), lock_not_available (lock_timeout), idle_in_transaction_session_timeout
TOOK_TOO_LONG = frozenset({"57014", "55P03", "25P03"})
DISK_FULL = "53100"


def took_too_long() -> DomainError:
    return DomainError(
        code="timeout",
        status=503,
        detail="This took too long and was stopped. Nothing was stored; try again, with fewer machines if you can.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def not_found() -> DomainError:
    return DomainError(code="not_found", status=404, detail=NOT_FOUND_DETAIL)


def field_problems(detail: Any, path: str = "") -> list[FieldProblem]:
    """DRF's nested ValidationError detail as a flat list; list items carry their index in the path."""
    if isinstance(detail, Mapping):
        return [
            problem
            for key, value in detail.items()
            for problem in field_problems(value, path if key == "non_field_errors" else _join(path, str(key)))
        ]
    if isinstance(detail, list):
        if all(isinstance(item, exceptions.ErrorDetail) for item in detail):
            return [FieldProblem(path, str(item.code), str(item)) for item in detail]
        return [problem for i, item in enumerate(detail) for problem in field_problems(item, _join(path, str(i)))]
    return [FieldProblem(path, str(getattr(detail, "code", "invalid")), str(detail))]


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _from_validation_error(error: exceptions.ValidationError) -> DomainError:
    problems = field_problems(error.detail)
    first = problems[0] if problems else FieldProblem("", "invalid", "The request is not valid.")
    where = f"{first.field}: " if first.field else ""
    return DomainError(code="invalid", status=400, detail=f"{where}{first.message}", errors=problems)


def as_domain_error(error: Exception) -> DomainError | None:
    """What a caller is told about an exception; None for what we did not expect."""
    match error:
        case DomainError():
            return error
        case Http404() | exceptions.NotFound():
            return not_found()
        case exceptions.ValidationError():
            return _from_validation_error(error)
        case exceptions.Throttled():
            wait = int(getattr(error, "wait", None) or RETRY_AFTER_SECONDS)
            return DomainError(code="rate_limited", status=429, detail=str(error.detail), retry_after_seconds=wait)
        case PermissionDenied():
            return DomainError(code="permission_denied", status=403, detail="Your role does not allow this.")
        case exceptions.APIException():
            return DomainError(code=_code_of(error), status=error.status_code, detail=str(error.detail))
        case RequestDataTooBig():
            return DomainError(code="body_too_large", status=413, detail="The body is larger than this call accepts.")
        case RecursionError():
            return DomainError(code="nesting_too_deep", status=400, detail="The body is nested too deeply.")
        case DataError():
            return DomainError(code="invalid", status=400, detail="A value does not fit what can be stored.")
        case DatabaseError() | InterfaceError():
            return _from_database_error(error)
    return None


def _from_database_error(error: DatabaseError | InterfaceError) -> DomainError | None:
    """A 503 for what passes, None for what is a mistake of ours."""
    sqlstate = getattr(error.__cause__, "pgcode", None)
    if sqlstate in TOOK_TOO_LONG:
        return took_too_long()
    if sqlstate == DISK_FULL:
        return disk_full()
    # psycopg2 raises the base class itself, without an SQLSTATE, when the server vanishes under a query.
    is_away = isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError
    return database_away() if is_away else None


def _code_of(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else "invalid"


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """The DRF exception handler: everything expected becomes a problem document, and its transaction is rolled back."""
    error = as_domain_error(exception)
    if error is None:
        return None
    if isinstance(exception, DatabaseError):
        log.warning("database_error", error=type(exception).__name__)
    if connection.in_atomic_block:
        connection.set_rollback(True)
    response = Response(problem_document(error), status=error.status)
    for name, value in problem_headers(error).items():
        response[name] = value
    response.content_type = PROBLEM_CONTENT_TYPE
    return response


def unexpected_error() -> DomainError:
    return DomainError(
        code="internal_error",
        status=500,
        detail="This is our mistake, it has been logged. Try again; if it stays, tell the operator the request id.",
    )


def is_api_request(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
