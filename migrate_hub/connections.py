"""uvicorn's connections with what they lack: a limit of time and of bytes for the head of a request."""

import asyncio
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024


class LimitedConnection(HttpToolsProtocol):
    """Closes a connection whose sender is too slow, or too long, with the head of a request or with trailers.

    `uvicorn --http migrate_hub.connections:LimitedConnection`. Bodies are the gate's business.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_body = False
        self._bytes_for_nothing = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._in_body:
            self._expect_head()
        self._bytes_for_nothing += len(data)
        super().data_received(data)
        if self._bytes_for_nothing > MAX_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._in_body, self._bytes_for_nothing = True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes_for_nothing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body, self._bytes_for_nothing = False, 0
        super().on_message_complete()

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(settings.HEAD_SECONDS, self._head_is_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._is_answering():
            self._expect_head()  # the next request may wait until this one is answered
        else:
            self._refuse(b"408 Request Timeout")

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: bytes) -> None:
        """Tells the sender, unless an answer is under way or nothing was sent, and closes."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self._bytes_for_nothing and not self._is_answering():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()
