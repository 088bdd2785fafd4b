"""The gate before Django: a sender that writes its whole body before it reads still gets the answer."""

import socket
from urllib.parse import urlparse
from uuid import uuid4

import httpx
import pytest

from tests import make
from tests.portal.browsing import sign_in

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


@pytest.mark.parametrize("part", ["logo", "workbook"])
def test_files_of_a_report_template_may_be_as_large_as_their_form_says(part: str, web: str) -> None:
    url, content = f"{web}/report-templates/{uuid4()}/{part}/", bytes(10 * MIB)
    cookies = {"sessionid": sign_in(make.cast()).client.cookies["sessionid"].value}
    refused = httpx.post(url, content=content, cookies=cookies, timeout=60)
    assert refused.status_code == 403  # by the page, which asks for its form's token
    assert httpx.post(url, content=content, timeout=60).status_code == 413  # by the gate, which asks who it is
