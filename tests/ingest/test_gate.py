"""Uploads through the real server: limits and authentication before a body is read."""

import asyncio
import errno
import gzip
import json
import socket
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from migrate_hub.gate import LARGE_FILES, Gate
from tests import make
from tests.ingest import estates

MIB = 1024 * 1024


def _send(web: str, path: str, body: bytes, token: str | None, **headers: str) -> tuple[int, dict[str, str]]:
    url = f"{web}/api/v1/{path}"
    sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())} | headers
    if token:
        sent["Authorization"] = f"Bearer {token}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, sent), timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def site() -> estates.ApplianceApi:
    made = estates.appliance()
    made.inventory(estates.machine("vm-1"))
    return made


def test_an_upload_goes_through_the_real_server(web: str, site: estates.ApplianceApi) -> None:
    body = estates.gzipped({"sequence": 5, "interval_seconds": 600, "machines": [estates.points()]})
    status, answer = _send(web, estates.PERFORMANCE, body, site.token, **{"Content-Encoding": "gzip"})
    assert (status, answer) == (200, {"accepted": 1, "rejected": []})


def test_a_body_over_the_limit_is_refused_by_its_length_alone(web: str, site: estates.ApplianceApi) -> None:
    head = (
        f"POST /api/v1/{estates.PERFORMANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {site.token}\r\nContent-Length: {200 * MIB}\r\n\r\n"
    )
    assert b" 413 " in _first_line(web, head.encode())


def test_without_a_token_the_body_is_not_read(web: str) -> None:
    head = f"POST /api/v1/{estates.INVENTORY} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MIB}\r\n\r\n"
    assert b" 401 " in _first_line(web, head.encode())


def _first_line(web: str, head: bytes) -> bytes:
    """The first line of the answer to a request whose body is never sent."""
    server = urlsplit(web)
    with socket.create_connection((server.hostname, server.port), timeout=10) as connection:
        connection.sendall(head)
        return connection.recv(4096).split(b"\r\n")[0]


def test_a_body_that_grows_over_the_limit_is_refused_while_it_streams(web: str, site: estates.ApplianceApi) -> None:
    server = urlsplit(web)
    head = (
        f"POST /api/v1/{estates.PERFORMANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {site.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = f"{MIB:x}\r\n".encode() + b" " * MIB + b"\r\n"
    with socket.create_connection((server.hostname, server.port), timeout=10) as connection:
        connection.sendall(head.encode())
        for _ in range(17):
            connection.sendall(chunk)
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]


def test_a_gzip_bomb_is_refused(web: str, site: estates.ApplianceApi) -> None:
    bomb = gzip.compress(b" " * 100 * MIB)
    status, problem = _send(web, estates.PERFORMANCE, bomb, site.token, **{"Content-Encoding": "gzip"})
    assert (status, problem["code"]) == (413, "body_too_large")


def test_a_persons_token_opens_no_upload(web: str) -> None:
    status, problem = _send(web, estates.PERFORMANCE, b"{}", estates.shared().alice.token)
    assert (status, problem["code"]) == (401, "token_unknown")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_only_reads_brings_no_large_body(web: str, site: estates.ApplianceApi, method: str) -> None:
    head = f"{method} /api/v1/projects/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {64 * 1024 + 1}\r\n\r\n"
    assert b" 413 " in _first_line(web, head.encode())


@pytest.mark.parametrize("length", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_no_body_of_an_unknown_sender_is_read_whatever_the_method(web: str, length: str) -> None:
    head = f"GET /api/v1/projects/ HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n"
    assert b" 401 " in _first_line(web, head.encode())


def test_only_post_may_bring_as_much_as_an_import(web: str) -> None:
    token = estates.shared().alice.token
    lines = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {17 * MIB}\r\n\r\n"
    assert b" 413 " in _first_line(web, f"PUT /api/v1/projects/x/imports/ HTTP/1.1\r\n{lines}".encode())


def _counted(web: str, status: int) -> float:
    """How many POST requests of unknown route were answered like this, as /metrics says."""
    label = f'migrate_hub_requests_total{{method="POST",route="unknown",status="{status}"}} '
    lines = httpx.get(f"{web}/metrics").text.splitlines()
    return next((float(line.removeprefix(label)) for line in lines if line.startswith(label)), 0)


def test_a_refusal_carries_an_id_and_the_security_headers_and_is_counted(web: str) -> None:
    before = _counted(web, 401)
    answer = httpx.post(f"{web}/api/v1/{estates.INVENTORY}", content=b"{}", headers={"X-Request-Id": "mine-7"})
    assert answer.status_code == 401
    assert answer.headers["X-Request-Id"] == "mine-7"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert _counted(web, 401) == before + 1


def test_a_refusal_is_logged_in_one_line_without_what_follows_the_prefix(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="migrate_hub.gate")
    answer = asyncio.run(Crowd().ask("/api/v1/ingest/some-secret/", b"{}", None))
    assert answer["status"] == "401"
    lines = [record.getMessage() for record in caplog.records if record.name == "migrate_hub.gate"]
    assert len(lines) == 1
    assert "not_authenticated" in lines[0]
    assert "some-secret" not in lines[0]


class Crowd:
    """A gate before an application that answers nobody until `opened`."""

    def __init__(self, **places: int) -> None:
        self.gate = Gate(self._answer, **{"places": 4, "large_uploads": 1} | places, admission_seconds=0.3)
        self.opened = asyncio.Event()
        self.entered = asyncio.Event()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.entered.set()
        await self.opened.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(self, path: str, body: bytes, token: str | None) -> dict[str, str]:
        """The status and headers of the answer to one request."""
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {"type": "http", "method": "POST" if body else "GET", "path": path, "headers": headers}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.gate(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return {"status": str(sent[0]["status"]), **told}

    async def while_inside(self, inside: tuple[str, bytes], *later: tuple[str, bytes], token: str | None) -> list[str]:
        """The statuses of requests that come while one is inside; those which enter leave when the others are told."""
        first = asyncio.create_task(self.ask(*inside, token))
        await self.entered.wait()
        rest = [asyncio.create_task(self.ask(*request, token)) for request in later]
        await asyncio.sleep(1)
        self.opened.set()
        answers = await asyncio.gather(first, *rest)
        assert all(answer["retry-after"] == "5" for answer in answers if answer["status"] == "503")
        return [answer["status"] for answer in answers]


PATH = f"/api/v1/{estates.PERFORMANCE}"
LARGE = (PATH, bytes(MIB + 1))


def test_large_uploads_enter_a_few_at_a_time_and_the_others_are_told_to_wait(site: estates.ApplianceApi) -> None:
    async def crowd() -> list[str]:
        small, inflates = (PATH, bytes(300 * 1024)), (PATH, gzip.compress(bytes(9 * MIB)))
        return await Crowd().while_inside(LARGE, LARGE, small, inflates, token=site.token)

    assert asyncio.run(crowd()) == ["200", "503", "200", "503"]


def test_a_disk_without_room_for_bodies_is_503(site: estates.ApplianceApi) -> None:
    async def cannot_write(scope: Any, receive: Any, send: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    crowd = Crowd()
    crowd.gate.application = cannot_write  # as Django's handler, which keeps bodies in temporary files too
    answer = asyncio.run(crowd.ask(*LARGE, site.token))
    assert (answer["status"], answer["retry-after"]) == ("503", "5")


def test_a_large_upload_leaves_its_place_to_the_next(site: estates.ApplianceApi) -> None:
    async def one_after_another() -> list[str]:
        crowd = Crowd()
        crowd.opened.set()
        return [(await crowd.ask(*LARGE, site.token))["status"] for _ in range(3)]

    assert asyncio.run(one_after_another()) == ["200"] * 3


def test_a_body_that_is_only_the_start_of_gzip_is_answered(web: str, site: estates.ApplianceApi) -> None:
    status, problem = _send(web, estates.PERFORMANCE, b"\x1f\x8b", site.token, **{"Content-Encoding": "gzip"})
    assert (status, problem["code"]) == (400, "invalid_gzip")


def test_health_does_not_wait_behind_requests(site: estates.ApplianceApi) -> None:
    async def crowd() -> list[str]:
        requests = (PATH, b"{}"), ("/healthz", b""), ("/readyz", b""), ("/", b"")
        return await Crowd(places=1).while_inside((PATH, b"{}"), *requests, token=site.token)

    assert asyncio.run(crowd()) == ["200", "503", "200", "200", "503"]


IMPORTS = "/api/v1/projects/x/imports/"
HUGE = (IMPORTS, bytes(17 * MIB))


def test_large_files_of_a_tenant_come_two_at_a_time_and_small_ones_beside_them() -> None:
    cast, stranger = make.cast(), make.stranger()

    async def crowd() -> list[str]:
        gate = Crowd(places=20)
        first = [asyncio.create_task(gate.ask(*HUGE, cast.bob.token)) for _ in range(2)]
        await asyncio.sleep(1)
        refused = await gate.ask(*HUGE, cast.alice.token)
        assert (refused["status"], refused["retry-after"]) == ("503", "30")
        rest = [
            asyncio.create_task(gate.ask(*request, token))
            for request, token in (((IMPORTS, bytes(MIB)), cast.bob.token), (HUGE, stranger.token))
        ]
        await asyncio.sleep(1)
        gate.opened.set()
        answers = await asyncio.gather(*first, *rest)
        again = await gate.ask(*HUGE, cast.alice.token)
        return [answer["status"] for answer in (*answers, again)]

    assert asyncio.run(crowd()) == ["200"] * 5


def test_large_files_of_all_tenants_are_bounded() -> None:
    tokens = [make.cast().bob.token for _ in range(LARGE_FILES + 1)]

    async def crowd() -> list[str]:
        gate = Crowd(places=20)
        inside = [asyncio.create_task(gate.ask(*HUGE, token)) for token in tokens[:-1]]
        await asyncio.sleep(1)
        last = await gate.ask(*HUGE, tokens[-1])
        gate.opened.set()
        return [answer["status"] for answer in (*await asyncio.gather(*inside), last)]

    assert asyncio.run(crowd()) == [*["200"] * LARGE_FILES, "503"]


def test_no_file_of_a_reader_or_an_appliance_is_read(web: str, site: estates.ApplianceApi) -> None:
    for token, answer in ((estates.shared().rita.token, b" 403 "), (site.token, b" 401 ")):
        head = f"POST {IMPORTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        assert answer in _first_line(web, f"{head}Content-Length: {MIB}\r\n\r\n".encode())
