"""An installation in production mode, made by the same scripts that the containers run, on the servers of the tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate_hub.local.processes import start_process, stop_process
from tests.conftest import PROJECT_DIR, Servers, free_port, wait_until

PUBLIC_URL = "https://hub.example.com"
SECRET_KEY = "5f1c0d6b7e8a4923" * 4


@dataclass(frozen=True)
class Installation:
    """The environment of its processes, and the port of its web process."""

    environment: dict[str, str]
    folder: Path
    port: int

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=PROJECT_DIR,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    @contextmanager
    def running(self, script: str) -> Iterator["subprocess.Popen[bytes]"]:
        """One of the deployment's scripts, for as long as a test needs it."""
        log = self.folder / f"{script}.log"
        process = start_process(["sh", str(PROJECT_DIR / "deploy" / script)], log=log, environment=self.environment)
        try:
            yield process
        finally:
            stop_process(process)


def _environment(servers: Servers, folder: Path, port: int) -> dict[str, str]:
    def database_url(role: str) -> str:
        return servers.postgres.data_dir.database_url(role, "a1b2c3", "deployed")

    superuser = servers.postgres.data_dir.secrets["superuser_password"]
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
        "PYTHONPATH": str(PROJECT_DIR),
        "SECRET_KEY": SECRET_KEY,
        "PUBLIC_URL": PUBLIC_URL,
        "PLAIN_HTTP": "",
        "LOG_LEVEL": "INFO",
        "TRUSTED_PROXY_COUNT": "1",
        "DATABASE_URL": database_url("deployed_runtime"),
        "DATABASE_OWNER_URL": database_url("deployed_owner"),
        "SUPERUSER_URL": servers.postgres.data_dir.database_url("postgres", superuser, "postgres"),
        "REDIS_URL": os.environ["REDIS_URL"],
        "STATIC_ROOT": str(folder / "static"),
        "WEB_HOST": "127.0.0.1",
        "WEB_PORT": str(port),
        "BEAT_SCHEDULE": str(folder / "beat"),
    }


@pytest.fixture(scope="session")
def installation(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Prepared as the preparing job does it, with the static files of the image."""
    folder, port = tmp_path_factory.mktemp("deployed"), free_port()
    made = Installation(_environment(servers, folder, port), folder, port)
    for command in (["sh", "deploy/prepare.sh"], ["python", "manage.py", "collectstatic", "--noinput"]):
        done = made.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="session")
def production(installation: Installation) -> Iterator[Installation]:
    """The installation with its web process answering."""
    with installation.running("web.sh") as process:

        def healthy() -> bool:
            return installation.run("python", "deploy/healthcheck.py").returncode == 0

        wait_until(lambda: process.poll() is not None or healthy(), what="the web process")
        assert process.poll() is None, (installation.folder / "web.sh.log").read_text()
        yield installation
