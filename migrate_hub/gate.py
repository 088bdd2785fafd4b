"""The gate before Django: reads bodies under limits before any view or thread is taken.

A slow upload costs a coroutine and a temporary file, not a thread; an unauthenticated one is refused before its body
is read; a body over the limit is refused while it streams. Only whole requests are admitted to the synchronous views.
"""

import asyncio
import contextlib
import errno
import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.http import HttpResponse, parse_cookie
from django.utils import timezone

from migrate_hub import metrics
from migrate_hub.bodies import MAX_WIRE_BYTES, is_large, too_large
from migrate_hub.errors import DomainError, as_domain_error, database_away, disk_full, problem_response
from migrate_hub.middleware import CONTENT_SECURITY_POLICY, request_id_from
from migrate_hub.tenants.authentication import bearer, check_token, role_needed, unauthenticated
from migrate_hub.tenants.models import Role, TokenKind
from migrate_hub.tenants.sessions import SessionStore
from migrate_hub.tenants.tokens import current_role

log = structlog.get_logger(__name__)
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

READING = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = READING | {"POST", "PUT", "PATCH", "DELETE"}
HEALTH = frozenset({"/healthz", "/readyz"})
API = "/api/v1/"
PROJECTS = "/projects/"
PRICE_SHEETS = "/price-sheets/"
REPORT_TEMPLATES = "/report-templates/"
INGEST = "/api/v1/ingest/"
REGISTER = "/api/v1/appliances/register/"
ROTATE = "/api/v1/appliances/token/"
SMALL_BODY_BYTES = 64 * 1024
IMPORT_BYTES = 512 * 1024 * 1024
# Bodies over MAX_WIRE_BYTES, which only imports may have, that one process keeps on disk at a time.
LARGE_FILES = 4
LARGE_FILES_OF_A_TENANT = 2
MEMORY_BYTES = 1024 * 1024
HEALTH_PLACES = 2
ADMISSION_SECONDS = 5
LARGE_FILE_RETRY_SECONDS = 30
BODY_SECONDS = 300
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
DISCARD_SECONDS = 30
AUTHENTICATED_SECONDS = 10
MAX_REMEMBERED = 10_000


def body_limit_bytes(method: str, path: str) -> int:
    """The largest body that a method and path accept."""
    if method in READING:
        return SMALL_BODY_BYTES
    if path == REGISTER or not path.startswith(API):
        return SMALL_BODY_BYTES if path == REGISTER else MEMORY_BYTES
    if method == "POST" and path.endswith("/imports/"):
        return IMPORT_BYTES
    return MAX_WIRE_BYTES


def is_portal_upload(method: str, path: str) -> bool:
    """Whether a person sends a file from a page of the portal: more than a form, for those who are signed in."""
    is_import = path.startswith(PROJECTS) and path.endswith("/imports/")
    is_template_file = path.startswith(REPORT_TEMPLATES) and path.endswith(("/logo/", "/workbook/"))
    return method == "POST" and (is_import or is_template_file or path == PRICE_SHEETS)


def token_kind(path: str) -> TokenKind | None:
    """Which token must be shown before the body of this path is read; None for what carries its own proof."""
    if path == REGISTER or not path.startswith(API):
        return None
    return TokenKind.APPLIANCE if path.startswith(INGEST) or path == ROTATE else TokenKind.ACCESS


class Body:
    """A request body, in memory while small and in an unnamed temporary file when not."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  closed by the gate
        self.size = 0
        self.is_whole = False
        # Where a large one has to ask, and for which tenant.
        self.needs: tuple[LargeFiles, int] | None = None
        self._has_claimed = False

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > MAX_WIRE_BYTES:
            self.claim()
        self.file.write(chunk)

    def claim(self) -> None:
        """Takes what a large body needs, once; raises 503 busy when others have it."""
        if self.needs is not None and not self._has_claimed:
            self.needs[0].take(self.needs[1])
            self._has_claimed = True

    def close(self) -> None:
        """Gives back the disk, then the right to use so much of it."""
        with contextlib.suppress(OSError):  # what could not be written is written again on closing
            self.file.close()
        if self.needs is not None and self._has_claimed:
            self._has_claimed = False
            self.needs[0].leave(self.needs[1])

    def is_large(self) -> bool:
        self.file.seek(0)
        first_two = self.file.read(2)
        self.file.seek(max(0, self.size - 4))
        return is_large(self.size, first_two, self.file.read(4))

    def replay(self, receive: Receive) -> Receive:
        """A `receive` that gives the stored body, then whatever the connection says."""
        self.file.seek(0)
        finished = False

        async def replayed() -> Message:
            nonlocal finished
            if finished:
                return await receive()
            chunk = self.file.read(MEMORY_BYTES)
            finished = self.file.tell() >= self.size
            return {"type": "http.request", "body": chunk, "more_body": not finished}

        return replayed


@dataclass(frozen=True)
class Sender:
    """Who shows a token, and whether that may bring a file to import."""

    tenant_id: int
    may_import: bool


class LargeFiles:
    """How many large bodies are on disk at a time, in all and of each tenant."""

    def __init__(self) -> None:
        self._of_tenant: Counter[int] = Counter()

    def take(self, tenant_id: int) -> None:
        """Raises 503 busy when there are too many already."""
        if self._of_tenant.total() >= LARGE_FILES or self._of_tenant[tenant_id] >= LARGE_FILES_OF_A_TENANT:
            raise _busy("Other large files are on their way. Send the same request again.", LARGE_FILE_RETRY_SECONDS)
        self._of_tenant[tenant_id] += 1

    def leave(self, tenant_id: int) -> None:
        self._of_tenant[tenant_id] -= 1


def _busy(detail: str, retry_after_seconds: int) -> DomainError:
    return DomainError(code="busy", status=503, detail=detail, retry_after_seconds=retry_after_seconds)


class Place:
    """Places in the synchronous part, given back when the answer starts: a slow reader of it holds nothing."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[asyncio.Semaphore] = []

    async def take(self, places: asyncio.Semaphore, wait_seconds: float) -> None:
        """Waits for a place; raises 503 busy when there is none in time."""
        try:
            await asyncio.wait_for(places.acquire(), wait_seconds)
        except TimeoutError:
            raise _busy("The server is busy. Send the same request again.", 5) from None
        self._held.append(places)

    async def send(self, message: Message) -> None:
        self.leave()
        await self._send(message)

    def leave(self) -> None:
        while self._held:
            self._held.pop().release()


class Gate:
    """Limits, early authentication and a bounded number of requests in the synchronous part."""

    def __init__(
        self,
        application: Callable[..., Awaitable[None]],
        *,
        places: int,
        large_uploads: int,
        admission_seconds: float = ADMISSION_SECONDS,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.application = application
        self.places = asyncio.Semaphore(places)
        self.large_uploads = asyncio.Semaphore(large_uploads)
        self.health_places = asyncio.Semaphore(HEALTH_PLACES)
        self.admission_seconds = admission_seconds
        self.body_seconds = body_seconds
        self.large_files = LargeFiles()
        self.seen: dict[bytes, tuple[float, Sender]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, started = Body(), time.perf_counter()
        try:
            await self._serve(scope, receive, send, body)
        except (DomainError, OSError) as error:
            problem = _problem(error)
            response = problem_response(problem)
            _report(scope, response, problem, time.perf_counter() - started)
            await _refuse(response, receive, send, body)
        finally:
            body.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send, body: Body) -> None:
        method, path, headers = scope["method"], scope["path"], _headers(scope)
        limit = body_limit_bytes(method, path)
        if is_portal_upload(method, path):
            cookies = headers.get(b"cookie", b"").decode("latin-1")
            if await sync_to_async(_is_signed_in, thread_sensitive=False)(cookies):
                limit = MAX_WIRE_BYTES
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise too_large("on the wire", limit)
        if method not in READING or b"transfer-encoding" in headers or declared.strip(b"0"):
            sender = await self._authenticate(path, headers, is_import=limit == IMPORT_BYTES)
            if sender is not None:
                body.needs = self.large_files, sender.tenant_id
        if declared.isdigit() and int(declared) > MAX_WIRE_BYTES:
            body.claim()
        if not await _read_body(receive, body, limit, self.body_seconds):
            return
        place = Place(send)
        try:
            await self._admit(place, path, body)
            await self.application(scope, body.replay(receive), place.send)
        finally:
            place.leave()

    async def _admit(self, place: Place, path: str, body: Body) -> None:
        if path in HEALTH:
            await place.take(self.health_places, self.admission_seconds)
            return
        if path.startswith(INGEST) and body.is_large():
            await place.take(self.large_uploads, self.admission_seconds)
        await place.take(self.places, self.admission_seconds)

    async def _authenticate(self, path: str, headers: dict[bytes, bytes], *, is_import: bool) -> Sender | None:
        """Refuses a body whose sender has no valid token, and a file of one that may not import.

        A success is remembered for seconds, a failure never.
        """
        kind = token_kind(path)
        if kind is None:
            return None
        wire = bearer(headers.get(b"authorization", b"").decode("latin-1"))
        if not wire:
            raise unauthenticated("Send the header `Authorization: Bearer <token>`.")
        key, now = hashlib.sha256(f"{kind}{wire}".encode()).digest(), time.monotonic()
        until, sender = self.seen.get(key, (0.0, None))
        if sender is not None and until > now and (sender.may_import or not is_import):
            return sender
        sender = await sync_to_async(_check, thread_sensitive=False)(wire, kind)
        if is_import and not sender.may_import:
            raise role_needed(Role.CONTRIBUTOR)
        if len(self.seen) >= MAX_REMEMBERED:
            self.seen.clear()
        self.seen[key] = now + AUTHENTICATED_SECONDS, sender
        return sender


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope["headers"]}


def _is_signed_in(cookies: str) -> bool:
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    try:
        return SESSION_KEY in SessionStore(key)
    except (DatabaseError, InterfaceError) as error:
        raise as_domain_error(error) or database_away() from error
    finally:
        connection.close()


def _check(wire: str, kind: TokenKind) -> Sender:
    try:
        with transaction.atomic():
            token = check_token(wire, kind, timezone.now())
            role = current_role(token)
            return Sender(token.tenant_id, may_import=role is not None and role.includes(Role.CONTRIBUTOR))
    except (DatabaseError, InterfaceError) as error:
        raise as_domain_error(error) or database_away() from error
    finally:
        connection.close()


def _problem(error: DomainError | OSError) -> DomainError:
    """A refusal as it is; bodies are kept in temporary files, here and in Django, so a full disk is one too."""
    if isinstance(error, DomainError):
        return error
    if error.errno in NO_SPACE:
        return disk_full()
    raise error


async def _read_body(receive: Receive, body: Body, limit: int, seconds: float) -> bool:
    """Reads the whole body; False when the sender left first. Raises 413 over the limit, 408 when too slow."""
    async with asyncio.timeout(seconds) as timer:
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return False
                body.add(message.get("body", b""))
                if body.size > limit:
                    raise too_large("on the wire", limit)
                if not message.get("more_body"):
                    body.is_whole = True
                    return True
        except asyncio.CancelledError:
            if timer.expired():
                raise DomainError(code="too_slow", status=408, detail="The body took too long to arrive.") from None
            raise


def _report(scope: Scope, response: HttpResponse, error: DomainError, seconds: float) -> None:
    """Stamps, logs and counts a refusal, which no middleware sees; of its path only a prefix that is ours."""
    request_id = request_id_from(_headers(scope).get(b"x-request-id", b"").decode("latin-1"))
    response["X-Request-Id"] = request_id
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    method = scope["method"] if scope["method"] in METHODS else "other"
    metrics.REQUESTS.labels(method, "unknown", response.status_code).inc()
    log.info(
        "request",
        method=method,
        route="unknown",
        prefix=next((prefix for prefix in (INGEST, API) if scope["path"].startswith(prefix)), "/"),
        status=response.status_code,
        code=error.code,
        milliseconds=round(seconds * 1000),
        request_id=request_id,
    )


async def _refuse(response: HttpResponse, receive: Receive, send: Send, body: Body) -> None:
    """Answers at once, then lets the sender finish: closing under it would reset the connection and lose the answer."""
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers += [(b"content-length", str(len(response.content)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content, "more_body": True})
    if not body.is_whole:
        await _discard(receive)
    await send({"type": "http.response.body", "body": b""})


async def _discard(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
