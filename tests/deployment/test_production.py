"""Production mode, as the containers run it: TLS only, strict headers, compressed static files, separate processes."""

import gzip
import json
import re

import httpx
import pytest

from tests.conftest import wait_until
from tests.deployment.conftest import PUBLIC_URL, Installation

BEHIND_TLS = {"Host": "hub.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}


def get(production: Installation, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{production.port}{path}", headers=BEHIND_TLS | headers)


def test_preparing_again_changes_nothing(installation: Installation) -> None:
    again = installation.run("sh", "deploy/prepare.sh")
    assert again.returncode == 0, again.stderr
    assert "No migrations to apply." in again.stdout


def test_djangos_deployment_checks_have_nothing_to_say(installation: Installation) -> None:
    checked = installation.run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_the_web_process_refuses_a_role_that_row_level_security_does_not_bind(
    installation: Installation, role: str
) -> None:
    name = {"owner": "DATABASE_OWNER_URL", "superuser": "SUPERUSER_URL"}[role]
    url = installation.environment[name].removesuffix("/postgres").removesuffix("/deployed") + "/deployed"
    ended = installation.run("sh", "deploy/web.sh", DATABASE_URL=url)
    assert ended.returncode == 3
    assert "refuses to start" in ended.stderr


def test_plain_http_is_sent_to_https(production: Installation) -> None:
    answer = get(production, "/api/docs/", **{"X-Forwarded-Proto": "http"})
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{PUBLIC_URL}/api/docs/")


def test_answers_carry_strict_headers(production: Installation) -> None:
    headers = get(production, "/api/docs/").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Server" not in headers


def test_cookies_travel_over_tls_only(production: Installation) -> None:
    cookies = get(production, "/sign-in/").headers.get_list("Set-Cookie")
    assert cookies
    assert all("Secure" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_another_host_name_is_refused(production: Installation) -> None:
    assert get(production, "/api/docs/", Host="evil.example.com").status_code == 400


def test_static_files_are_compressed_and_named_by_their_content(production: Installation) -> None:
    page = get(production, "/api/docs/").text
    (path,) = re.findall(r'"(/static/[^"]*swagger-ui-bundle\.[0-9a-f]{12}\.js)"', page)
    headers = BEHIND_TLS | {"Accept-Encoding": "gzip"}
    with httpx.stream("GET", f"http://127.0.0.1:{production.port}{path}", headers=headers) as answer:
        raw = b"".join(answer.iter_raw())
    assert "max-age=315360000" in answer.headers["Cache-Control"]
    assert b"SwaggerUIBundle" in gzip.decompress(raw)


def test_health_and_readiness_answer_without_tls_and_readiness_names_its_parts(production: Installation) -> None:
    answers = [get(production, path, **{"X-Forwarded-Proto": "http"}) for path in ("/healthz", "/readyz")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json() == {"status": "ready", "database": "ok", "redis": "ok"}


def test_the_health_check_of_the_container_fails_where_nothing_answers(installation: Installation) -> None:
    checked = installation.run("python", "deploy/healthcheck.py", WEB_PORT="1")
    assert checked.returncode == 1
    assert "refused" in checked.stderr


def test_metrics_count_requests_by_route(production: Installation) -> None:
    get(production, "/api/docs/")
    counters = get(production, "/metrics").text
    assert 'migrate_hub_requests_total{method="GET",route="api/docs/",status="200"}' in counters


def test_every_line_of_the_log_is_a_json_object_with_the_callers_request_id(production: Installation) -> None:
    get(production, "/api/docs/", **{"X-Request-Id": "a-caller-s-own"})
    get(production, "/api/docs/", Host="scanner.example.com")
    second = production.run("sh", "deploy/web.sh")  # the port is taken
    lines = (production.folder / "web.sh.log").read_text().splitlines() + second.stderr.splitlines()
    events = [json.loads(line) for line in lines]
    (asked,) = [event for event in events if event.get("request_id") == "a-caller-s-own"]
    assert (asked["event"], asked["route"], asked["status"]) == ("request", "api/docs/", 200)
    assert "address already in use" in events[-1]["event"]
    assert not any("exception" in event for event in events)


def test_worker_and_beat_start_and_the_worker_answers_its_health_check(installation: Installation) -> None:
    ping = ("python", "-m", "celery", "--app", "migrate_hub", "inspect", "ping")
    with installation.running("worker.sh") as worker, installation.running("beat.sh") as beat:
        wait_until(
            lambda: worker.poll() is not None or installation.run(*ping).returncode == 0, what="the worker's answer"
        )
        assert (worker.poll(), beat.poll()) == (None, None), (installation.folder / "worker.sh.log").read_text()
