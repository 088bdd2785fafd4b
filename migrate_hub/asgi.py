"""The ASGI application: Django behind a gate that reads bodies under limits before any view or thread is taken.

A slow upload costs a coroutine and a temporary file, not a thread; an unauthenticated one is refused before its body
is read; a body over the limit is refused while it streams. Only whole requests are admitted to the synchronous views.
"""

import asyncio
import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "migrate_hub.settings")

from django.core.asgi import get_asgi_application

from migrate_hub.refusals import told_in_one_line

with told_in_one_line():
    django_application = get_asgi_application()

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from migrate_hub.bodies import MAX_WIRE_BYTES, too_large
from migrate_hub.errors import DomainError, database_away, problem_response
from migrate_hub.tenants.authentication import bearer, check_token, unauthenticated
from migrate_hub.tenants.models import TokenKind
from migrate_hub.tenants.startup import refuse_unsafe_database

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

API = "/api/v1/"
INGEST = "/api/v1/ingest/"
REGISTER = "/api/v1/appliances/register/"
ROTATE = "/api/v1/appliances/token/"
SMALL_BODY_BYTES = 64 * 1024
IMPORT_BYTES = 512 * 1024 * 1024
MEMORY_BYTES = 1024 * 1024
ADMISSION_SECONDS = 5
BODY_SECONDS = 300
DISCARD_SECONDS = 30
AUTHENTICATED_SECONDS = 10
MAX_REMEMBERED = 10_000


def body_limit_bytes(path: str) -> int:
    """The largest body that a path accepts."""
    if path == REGISTER or not path.startswith(API):
        return SMALL_BODY_BYTES if path == REGISTER else MEMORY_BYTES
    if path.endswith("/imports/"):
        return IMPORT_BYTES
    return MAX_WIRE_BYTES


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

    def add(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.size += len(chunk)

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


class Place:
    """A place in the synchronous part, given back when the answer starts: a slow reader of it holds nothing."""

    def __init__(self, places: asyncio.Semaphore, send: Send) -> None:
        self.places = places
        self._send = send
        self.taken = True

    async def send(self, message: Message) -> None:
        self.leave()
        await self._send(message)

    def leave(self) -> None:
        if self.taken:
            self.taken = False
            self.places.release()


class Gate:
    """Limits, early authentication and a bounded number of requests in the synchronous part."""

    def __init__(self, application: Callable[..., Awaitable[None]], *, places: int) -> None:
        self.application = application
        self.places = asyncio.Semaphore(places)
        self.seen: dict[bytes, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = Body()
        try:
            await self._serve(scope, receive, send, body)
        except DomainError as error:
            await _refuse(problem_response(error), receive, send, body)
        finally:
            body.file.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send, body: Body) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        limit = body_limit_bytes(scope["path"])
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            raise too_large("on the wire", limit)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            await self._authenticate(scope["path"], headers)
        if not await _read_body(receive, body, limit):
            return
        await self._admit()
        place = Place(self.places, send)
        try:
            await self.application(scope, body.replay(receive), place.send)
        finally:
            place.leave()

    async def _admit(self) -> None:
        try:
            await asyncio.wait_for(self.places.acquire(), ADMISSION_SECONDS)
        except TimeoutError:
            raise DomainError(
                code="busy",
                status=503,
                detail="The server is busy. Send the same request again.",
                retry_after_seconds=5,
            ) from None

    async def _authenticate(self, path: str, headers: dict[bytes, bytes]) -> None:
        """Refuses a body whose sender has no valid token. A success is remembered for seconds, a failure never."""
        kind = token_kind(path)
        if kind is None:
            return
        wire = bearer(headers.get(b"authorization", b"").decode("latin-1"))
        if not wire:
            raise unauthenticated("Send the header `Authorization: Bearer <token>`.")
        key, now = hashlib.sha256(f"{kind}{wire}".encode()).digest(), time.monotonic()
        if self.seen.get(key, 0) > now:
            return
        await sync_to_async(_check, thread_sensitive=False)(wire, kind)
        if len(self.seen) >= MAX_REMEMBERED:
            self.seen.clear()
        self.seen[key] = now + AUTHENTICATED_SECONDS


def _check(wire: str, kind: TokenKind) -> None:
    try:
        with transaction.atomic():
            check_token(wire, kind, timezone.now())
    except DatabaseError as error:
        raise database_away() from error
    finally:
        connection.close()


async def _read_body(receive: Receive, body: Body, limit: int) -> bool:
    """Reads the whole body; False when the sender left first. Raises 413 over the limit, 408 when too slow."""
    async with asyncio.timeout(BODY_SECONDS) as timer:
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


refuse_unsafe_database()
application = Gate(django_application, places=settings.MAX_CONCURRENT_REQUESTS)
