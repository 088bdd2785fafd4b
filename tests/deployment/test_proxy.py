"""The proxy: TLS, limits, whole requests, and nothing from the outside believed."""

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port, wait_until
from tests.deployment.conftest import Installation
from tests.deployment.proxy import Proxy, nginx

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def proxy(production: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with nginx(production, tmp_path_factory.mktemp("proxy")) as started:
        yield started


def test_plain_http_is_sent_to_https(proxy: Proxy) -> None:
    answer = httpx.get(f"http://127.0.0.1:{proxy.http_port}/x?y=1", headers={"Host": "hub.example.com"})
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://hub.example.com/x?y=1")


def test_the_application_answers_over_tls_with_the_certificate_made_for_it(proxy: Proxy) -> None:
    answer = proxy.request("GET", "/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.headers["Strict-Transport-Security"]


def test_a_second_start_keeps_the_certificate(proxy: Proxy, production: Installation) -> None:
    before = proxy.certificate.read_bytes()
    again = production.run("sh", "deploy/make-certificate.sh", str(proxy.certificate.parent))
    assert again.stdout.startswith("using the certificate")
    assert proxy.certificate.read_bytes() == before


@pytest.mark.parametrize("beginning", ["/invitations/", "/reset-password/abc/", "/api/v1/report-downloads/"])
def test_no_secret_of_a_link_is_in_the_log(beginning: str, proxy: Proxy) -> None:
    before = len(proxy.log.read_text())
    answer = proxy.request("GET", f"{beginning}s3cret/?q=s3cret", headers={"Referer": f"https://x{beginning}s3cret"})
    request_id = answer.headers["X-Request-Id"]
    wait_until(lambda: request_id in proxy.log.read_text(), what="the line of the request")
    assert "s3cret" not in proxy.log.read_text()[before:]


def test_metrics_stay_inside(proxy: Proxy) -> None:
    assert proxy.request("GET", "/metrics").status_code == 404


def test_an_upload_over_the_limit_is_refused_with_a_problem_document(proxy: Proxy) -> None:
    answer = proxy.request("POST", "/api/v1/ingest/inventory/", content=b"x" * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "body_too_large"


def test_an_import_may_be_larger_than_an_upload(proxy: Proxy) -> None:
    answer = proxy.request("POST", "/api/v1/projects/x/imports/", content=b"x" * (100 * 1024 * 1024))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_slow_sender_does_not_reach_the_application_before_its_body_is_whole(
    proxy: Proxy, production: Installation
) -> None:
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    with (
        socket.create_connection(("127.0.0.1", proxy.https_port)) as plain,
        context.wrap_socket(plain, server_hostname="hub.example.com") as connection,
    ):
        head = "POST /api/v1/ingest/inventory/ HTTP/1.1\r\nHost: hub.example.com\r\nContent-Length: 4\r\n\r\n"
        connection.sendall(head.encode() + b"{")
        connection.settimeout(1)
        with pytest.raises(TimeoutError):  # the gate would have refused the missing token at once
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(b"}  ")
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_a_forged_scheme_is_not_believed(proxy: Proxy) -> None:
    assert proxy.request("GET", "/api/docs/", headers={"X-Forwarded-Proto": "http"}).status_code == 200


def test_a_forged_address_is_not_believed(proxy: Proxy, production: Installation) -> None:
    command = ("python", "manage.py", "create_tenant", "forger", "--owner-email", "f@example.com", "--json")
    token = json.loads(production.run(*command).stdout)["access_token"]
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "198.51.100.1"}
    body = {"name": "p", "target_region": "westeurope", "currency": "USD"}
    assert proxy.request("POST", "/api/v1/projects/", headers=headers, json=body).status_code == 201
    events = proxy.request("GET", "/api/v1/audit/", headers=headers).json()["results"]
    assert [event["ip_address"] for event in events if event["action"] == "project.create"] == ["127.0.0.1"]


def test_without_the_application_the_proxy_asks_for_another_try(installation: Installation, tmp_path: Path) -> None:
    with nginx(replace(installation, port=free_port()), tmp_path) as proxy:
        answer = proxy.request("GET", "/api/v1/projects/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json"
