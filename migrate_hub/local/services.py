"""All of migrate_hub in one terminal: embedded servers where none are named, migrations, catalog, web, worker, beat."""

import fcntl
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from migrate_hub.local.environment import DataDir, forget_running, open_data_dir, remember_running
from migrate_hub.local.postgres import EmbeddedPostgres
from migrate_hub.local.processes import start_process, stop_process
from migrate_hub.local.redis import EmbeddedRedis

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 60
WORKER_STATEMENT_SECONDS = "600"
# glibc keeps what is freed, for each thread: after a few large uploads a web process would stay hundreds of MiB larger.
WEB_MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "1048576"}
Say = Callable[[str], None]


class ServiceFailedError(RuntimeError):
    """A process ended or did not answer in time; the message says which, and where its log is."""


class LocalServices:
    """Starts everything on `__enter__`, stops what it started on `__exit__`, in the opposite order."""

    def __init__(self, *, data_dir: Path, port: int, workers: int, say: Say) -> None:
        self.data_dir: DataDir = open_data_dir(data_dir)
        self.port = port
        self.workers = workers
        self.say = say
        self.url = f"http://127.0.0.1:{port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._lock())
            self._refuse_used_port()
            self._start_servers(stack)
            self._run_command("migrate", "--database", "owner", "--verbosity", "0")
            self._run_command("load_catalog")
            if not os.environ.get("PLAIN_HTTP"):
                self._run_command("collectstatic", "--noinput", "--verbosity", "0")
            self._start_ours(stack)
            self._wait_until_ready()
            remember_running(self.data_dir.path, self.url)
            stack.callback(forget_running)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def _lock(self) -> IO[str]:
        file = (self.data_dir.path / "lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ServiceFailedError(
                f"migrate_hub already runs with the data folder {self.data_dir.path}. "
                "Stop it first, or name another --data-dir."
            ) from None
        return file

    def _refuse_used_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise ServiceFailedError(f"Port {self.port} is in use. Name another one with --port.") from None

    def _start_servers(self, stack: ExitStack) -> None:
        """The embedded servers, unless the environment named others."""
        if os.environ["DATABASE_URL"] == self.data_dir.variables(self.url)["DATABASE_URL"]:
            postgres = EmbeddedPostgres(self.data_dir)
            self.say("starting PostgreSQL")
            stack.callback(postgres.stop)
            postgres.start()
        if os.environ["REDIS_URL"] == self.data_dir.variables(self.url)["REDIS_URL"]:
            redis = EmbeddedRedis(self.data_dir)
            self.say("starting Redis")
            stack.callback(redis.stop)
            redis.start()

    def _run_command(self, *arguments: str) -> None:
        self.say(f"running {arguments[0]}")
        done = subprocess.run(
            [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise ServiceFailedError(f"`manage.py {' '.join(arguments)}` failed:\n{done.stdout}")

    def _start_ours(self, stack: ExitStack) -> None:
        logs = self.data_dir.path / "logs"
        logs.mkdir(exist_ok=True)
        celery = [sys.executable, "-m", "celery", "--app", "migrate_hub", "--workdir", str(PROJECT_DIR)]
        commands = {
            "beat": [*celery, "beat", "--loglevel", "warning", "--schedule", str(self.data_dir.path / "beat-schedule")],
            "worker": [
                *celery, "worker", "--loglevel", "warning", "--concurrency", str(self.workers),
                "--queues", "interactive,bulk,maintenance", "--without-gossip", "--without-mingle",
            ],
            "web": [
                sys.executable, "-m", "uvicorn", "migrate_hub.asgi:application", "--app-dir", str(PROJECT_DIR),
                "--host", "127.0.0.1", "--port", str(self.port), "--no-access-log", "--log-level", "warning",
                "--lifespan", "off", "--http", "migrate_hub.connections:LimitedConnection",
            ],
        }  # fmt: skip
        for name, command in commands.items():
            self.say(f"starting {name}")
            own = WEB_MEMORY if name == "web" else {"STATEMENT_TIMEOUT_SECONDS": WORKER_STATEMENT_SECONDS}
            process = start_process(command, log=logs / f"{name}.log", environment=own)
            self.processes[name] = process
            stack.callback(stop_process, process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):  # noqa: S310  our own loopback address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise ServiceFailedError(
            f"{self.url}/readyz did not answer in {READY_SECONDS} s; see {self.data_dir.path}/logs"
        )

    def check_alive(self) -> None:
        """Raises ServiceFailedError when one of our processes has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = self.data_dir.path / "logs" / f"{name}.log"
                end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise ServiceFailedError(f"{name} ended with status {process.returncode}:\n{end}\n(all of it: {log})")
