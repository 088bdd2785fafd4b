"""The gate before Django: a sender that writes its whole body before it reads still gets the answer."""

import socket
from urllib.parse import urlparse

MIB = 1024 * 1024


def sent_whole(web: str, path: str, size_bytes: int) -> bytes:
    """Sends all of a body without a token, then reads the status line: what a proxy with request buffering does."""
    address = urlparse(web)
    head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {size_bytes}\r\n\r\n"
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60) as connection:
        connection.sendall(head.encode())
        for _ in range(size_bytes // MIB):
            connection.sendall(bytes(MIB))
        return connection.makefile("rb").readline()


def test_a_refusal_reaches_a_sender_that_reads_only_after_it_has_sent_everything(web: str) -> None:
    assert sent_whole(web, "/api/v1/ingest/inventory/", 16 * MIB) == b"HTTP/1.1 401 Unauthorized\r\n"


def test_a_body_over_the_limit_is_refused_while_the_sender_still_sends(web: str) -> None:
    assert sent_whole(web, "/api/v1/ingest/inventory/", 200 * MIB).startswith(b"HTTP/1.1 413 ")
