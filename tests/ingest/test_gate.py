"""Uploads through the real server: limits and authentication before a body is read."""

import gzip
import json
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

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
