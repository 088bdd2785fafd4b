"""Downloads from the real server: a slow reader holds no database connection, HEAD tells the size."""

import io
import os
import socket
from typing import Any
from urllib.parse import urlparse

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from migrate_hub.files.storage import store_file
from migrate_hub.tenants.row_level_security import tenant_context
from reports.models import Report
from tests import make
from tests.conftest import wait_until
from tests.estate import assessed, enrolled, group_of_all, machine, reported

pytestmark = pytest.mark.usefixtures("catalog", "background")
SIZE_BYTES = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def link(catalog: None, background: None) -> str:
    """The path of a signed link to a file that is far larger than what sockets hold."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("vm-1", name="vm-1")])
    group = group_of_all(cast.bob, project)
    assessment = assessed(cast.bob, project, group, sizing_criterion="as_on_premises")
    report = reported(cast.bob, project, assessment["id"])
    with tenant_context(cast.tenant.id):
        large = io.BytesIO(os.urandom(SIZE_BYTES))
        file = store_file(large, name="large.xlsx", content_type="application/octet-stream", expires_at=None)
        Report.objects.filter(id=report["id"]).update(file=file)
    return str(report["download_url"]).replace("http://testserver", "")


def connections_since(instant: Any) -> int:
    """How many connections of the runtime role were opened after an instant and are still there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid() AND backend_start > %s",
            [instant],
        )
        return int(cursor.fetchone()[0])


def test_a_slow_reader_holds_no_database_connection(web: str, link: str) -> None:
    address = urlparse(web)
    request = f"GET {link} HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n".encode()
    started_at = timezone.now()
    where = str(address.hostname), int(address.port or 0)
    with socket.create_connection(where, timeout=30) as reader, reader.makefile("rb") as answer:
        reader.sendall(request)
        assert b" 200 " in answer.readline()
        wait_until(lambda: not connections_since(started_at), seconds=10, what="a download without a connection")
        body = answer.read().partition(b"\r\n\r\n")[2]
    assert len(body) == SIZE_BYTES


def test_head_tells_the_size_and_sends_nothing(web: str, link: str) -> None:
    answer = httpx.head(web + link, headers={"Host": "testserver"})
    assert (answer.status_code, answer.headers["Content-Length"], answer.content) == (200, str(SIZE_BYTES), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_link_is_for_reading(link: str, method: str) -> None:
    assert make.Api(None).call(method, link).status_code == 405
