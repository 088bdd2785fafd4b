"""Real PostgreSQL and Redis for the session, reached as the runtime role; two tenants that must never meet.

Nothing is rolled back or truncated: every test commits for real and makes tenants of its own, so row-level security
and jobs are tested as they run in production. Set DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL to test against
servers of your own.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import pytest

from migrate_hub.local.environment import open_data_dir
from migrate_hub.local.postgres import EmbeddedPostgres
from migrate_hub.local.processes import start_process, stop_process
from migrate_hub.local.redis import EmbeddedRedis

PROJECT_DIR = Path(__file__).resolve().parent.parent
SHORT_TIMES = {
    "LOG_LEVEL": "WARNING",
    "JOB_LEASE_SECONDS": "3",
    "SWEEP_SECONDS": "1",
    "REQUESTS_A_MINUTE_PER_TOKEN": "100000",
    "REQUESTS_A_MINUTE_PER_TENANT": "100000",
}


@dataclass
class Servers:
    """The servers under test, for tests that stop, kill or empty them."""

    folder: Path
    variables: dict[str, str]
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis


def _start_servers() -> Servers:
    folder = Path(tempfile.mkdtemp(prefix="mh-test-"))
    folder.chmod(0o755)  # as root, PostgreSQL's own user must walk through it
    data_dir = open_data_dir(folder)
    variables = data_dir.variables("http://testserver")
    started = Servers(folder, variables, EmbeddedPostgres(data_dir), EmbeddedRedis(data_dir))
    started.postgres.start()
    started.redis.start()
    os.environ.update(variables)
    return started


_servers = None if "DATABASE_URL" in os.environ else _start_servers()
os.environ.update(SHORT_TIMES)
os.environ["DJANGO_SETTINGS_MODULE"] = "migrate_hub.settings"
django.setup()


def pytest_xdist_setupnodes() -> None:
    """Each process of `-n 2` starts servers of its own: it must not find those of the process that starts it."""
    if _servers:
        for name in [*_servers.variables, "DJANGO_SETTINGS_MODULE"]:
            os.environ.pop(name, None)


def pytest_unconfigure() -> None:
    if _servers:
        _servers.redis.stop()
        _servers.postgres.stop(mode="immediate")
        shutil.rmtree(_servers.postgres.home, ignore_errors=True)
        shutil.rmtree(_servers.folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def database(django_db_blocker: Any) -> Iterator[None]:
    """Migrated by the owner, used by the runtime role, committed to for real."""
    from django.core.management import call_command

    with django_db_blocker.unblock():
        call_command("migrate", database="owner", verbosity=0)
        yield


@pytest.fixture(scope="session")
def servers() -> Servers:
    if _servers is None:
        pytest.fail("this test stops its servers: unset DATABASE_URL, so that it may use embedded ones")
    return _servers


@pytest.fixture(scope="session")
def catalog(database: None) -> None:
    """The bundled catalog is loaded (the second time this does nothing)."""
    from django.core.management import call_command

    call_command("load_catalog", verbosity=0)


def wait_until(condition: Any, *, seconds: float = 30, what: str = "the condition") -> Any:
    """Polls until `condition()` is true and returns its value; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"{what} did not come true in {seconds} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], name: str, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One of our own processes, for as long as a test needs it."""
    log = Path(tempfile.gettempdir()) / f"mh-test-{os.getpid()}-{name}.log"
    process = start_process([sys.executable, "-m", *command], log=log, environment=environment)
    try:
        yield process
    finally:
        stop_process(process)
        log.unlink(missing_ok=True)


@contextmanager
def celery_worker(name: str = "worker", *, concurrency: int = 1) -> Iterator["subprocess.Popen[bytes]"]:
    """A real Celery worker process on the real broker."""
    command = ["celery", "--app", "migrate_hub", "worker", "--concurrency", str(concurrency), "--loglevel", "warning"]
    queues = ["--queues", "interactive,bulk,maintenance", "--without-gossip", "--without-mingle", "-n", f"{name}@%h"]
    with running([*command, *queues], name) as process:
        yield process


@contextmanager
def celery_beat() -> Iterator["subprocess.Popen[bytes]"]:
    """Beat, which makes the sweeper sweep."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["celery", "--app", "migrate_hub", "beat", "--loglevel", "warning", "--schedule", f"{folder}/beat"]
        with running(command, "beat") as process:
            yield process


@pytest.fixture(scope="session")
def background(database: None) -> Iterator[None]:
    """A worker and beat for the tests that need work done but do not break it."""
    with celery_worker("shared", concurrency=1), celery_beat():
        yield


@contextmanager
def web_server(**environment: str) -> Iterator[str]:
    """The real ASGI server with its gate; yields its URL."""
    port = free_port()
    command = ["uvicorn", "migrate_hub.asgi:application", "--port", str(port), "--no-access-log", "--lifespan", "off"]
    command += ["--http", "migrate_hub.connections:LimitedConnection"]
    with running([*command, "--app-dir", str(PROJECT_DIR)], f"web-{port}", **environment) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: process.poll() is not None or _answers(url), what="the web server")
        assert process.poll() is None, "the web server ended"
        yield url


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


@pytest.fixture(scope="session")
def web(database: None) -> Iterator[str]:
    """One web server for the session."""
    with web_server() as url:
        yield url
