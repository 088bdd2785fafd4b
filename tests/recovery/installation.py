"""A whole installation of its own, that a test may break: servers, web, worker and beat as separate processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from migrate_hub.local.environment import open_data_dir
from migrate_hub.local.postgres import EmbeddedPostgres
from migrate_hub.local.processes import start_process, stop_process
from migrate_hub.local.redis import EmbeddedRedis
from migrate_hub.local.services import WEB_MEMORY
from tests.conftest import PROJECT_DIR, free_port, wait_until

SHORT_TIMES = {
    "JOB_LEASE_SECONDS": "3",
    "SWEEP_SECONDS": "1",
    "REQUESTS_A_MINUTE_PER_TOKEN": "100000",
    "REQUESTS_A_MINUTE_PER_TENANT": "100000",
}


class Installation:
    """Processes by name; each can be killed for real and started again.

    `prepared` is the data folder of a stopped installation: this one begins with a copy of it.
    """

    def __init__(self, prepared: Path | None = None, **environment: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mh-recovery-"))
        self.folder.chmod(0o755)
        if prepared:
            subprocess.run(["cp", "-a", f"{prepared}/.", self.folder], check=True)
        self.data_dir = open_data_dir(self.folder)
        self.postgres, self.redis = EmbeddedPostgres(self.data_dir), EmbeddedRedis(self.data_dir)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {**self.data_dir.variables(self.url), **SHORT_TIMES, **environment}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.clients: list[httpx.Client] = []

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str) -> None:
        limited = ["--lifespan", "off", "--http", "migrate_hub.connections:LimitedConnection"]
        commands = {
            "web": ["uvicorn", "migrate_hub.asgi:application", "--port", str(self.port), *limited],
            "worker": ["celery", "-A", "migrate_hub", "worker", "-c", "1", "-Q", "interactive,bulk,maintenance"],
            "beat": ["celery", "-A", "migrate_hub", "beat", "-s", str(self.folder / "beat")],
        }
        self.processes[name] = start_process(
            [sys.executable, "-m", *commands[name]],
            log=self.folder / f"{name}.log",
            environment={**self.environment, **(WEB_MEMORY if name == "web" else {}), "PYTHONPATH": str(PROJECT_DIR)},
        )

    def kill(self, name: str) -> None:
        """kill -9 of the process and its children, as the kernel does when memory is short."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)

    def empty_redis(self) -> None:
        """Redis dies and comes back knowing nothing."""
        assert self.redis.process is not None
        self.redis.process.kill()
        self.redis.process.wait(timeout=10)
        for left in self.redis.home.glob("appendonly*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        self.redis.start()

    def start_web(self) -> None:
        self.start("web")
        wait_until(self.is_ready, what="the web server")

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def client(self, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=60)
        self.clients.append(client)
        return client

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        for process in self.processes.values():
            stop_process(process)
        self.redis.stop()
        self.postgres.stop(mode="immediate")
        shutil.rmtree(self.postgres.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def installation() -> Iterator[Installation]:
    """Servers and web are up; the test starts worker and beat when it wants them."""
    made = Installation()
    with ExitStack() as stack:
        stack.callback(made.stop)
        made.postgres.start()
        made.redis.start()
        made.manage("migrate", "--database", "owner", "--verbosity", "0")
        made.manage("load_catalog")
        made.start_web()
        yield made


def create_tenant(made: Installation, name: str) -> str:
    """The owner's access token of a new tenant."""
    answer: dict[str, Any] = json.loads(made.manage("create_tenant", name, "--owner-email", "o@example.com", "--json"))
    return str(answer["access_token"])
