"""The embedded mode's data folder and the environment that points at its services.

Runs before Django's settings are read. `DATABASE_URL` and `REDIS_URL` of the caller win: then nothing is embedded.
"""

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
DEFAULT_DATA_DIR = PROJECT_DIR / ".data"
RUNNING_FILE = PROJECT_DIR / ".data" / "running.json"
STARTS_SERVICES = {"local", "demo"}
DATABASE_NAME = "migrate_hub"
OWNER_ROLE = "migrate_hub_owner"
RUNTIME_ROLE = "migrate_hub_runtime"
# sun_path holds 108 bytes; PostgreSQL appends "/.s.PGSQL.5432" to its folder.
LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class DataDir:
    """The paths and secrets of one embedded installation."""

    path: Path
    secrets: dict[str, str]

    @property
    def postgres_socket_dir(self) -> Path:
        return short_folder(postgres_home(self.path), "socket")

    @property
    def redis_socket(self) -> Path:
        return short_folder(self.path / "redis", "socket") / "redis.sock"

    def database_url(self, role: str, password: str, database: str = DATABASE_NAME) -> str:
        return f"postgres://{role}:{password}@{quote(str(self.postgres_socket_dir), safe='')}:5432/{database}"

    def variables(self, public_url: str) -> dict[str, str]:
        """The environment of every process of this installation."""
        return {
            "SECRET_KEY": self.secrets["secret_key"],
            "DATABASE_URL": self.database_url(RUNTIME_ROLE, self.secrets["runtime_password"]),
            "DATABASE_OWNER_URL": self.database_url(OWNER_ROLE, self.secrets["owner_password"]),
            "REDIS_URL": f"unix://migrate_hub:{self.secrets['redis_password']}@{self.redis_socket}",
            "PUBLIC_URL": public_url,
            "PLAIN_HTTP": "1",
        }


def short_folder(parent: Path, name: str) -> Path:
    """parent/name, or a folder in the system's temporary directory where that is too long for a socket."""
    wanted = parent / name
    if len(str(wanted)) <= LONGEST_SOCKET_FOLDER:
        return wanted
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"migrate-hub-{os.getuid()}-{digest}"


def postgres_home(data_dir: Path) -> Path:
    """Where PostgreSQL keeps its cluster: in the data folder, unless root may not let another user walk there."""
    if os.getuid() != 0 or is_open_to_others(data_dir):
        return data_dir / "postgres"
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path("/var/lib/migrate_hub") / digest


def is_open_to_others(folder: Path) -> bool:
    """Whether any user may walk to this folder (which need not exist yet). The parents' modes are never changed."""
    return all(parent.stat().st_mode & 0o001 for parent in [folder, *folder.parents] if parent.exists())


def open_data_dir(path: Path) -> DataDir:
    """Makes the folder and its secrets where they are missing."""
    path = path.resolve()
    path.mkdir(parents=True, exist_ok=True)
    secrets_file = path / "secrets.json"
    if not secrets_file.exists():
        names = ("secret_key", "superuser_password", "owner_password", "runtime_password", "redis_password")
        _write_private(secrets_file, json.dumps({name: secrets.token_hex(32) for name in names}))
    return DataDir(path=path, secrets=json.loads(secrets_file.read_text()))


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def remember_running(data_dir: Path, public_url: str) -> None:
    """Lets other commands of this checkout find the installation that runs now."""
    RUNNING_FILE.parent.mkdir(exist_ok=True)
    _write_private(
        RUNNING_FILE, json.dumps({"data_dir": str(data_dir), "public_url": public_url, "process": os.getpid()})
    )


def forget_running() -> None:
    RUNNING_FILE.unlink(missing_ok=True)


def running_installation() -> tuple[Path, str] | None:
    """Data folder and URL of the `manage.py local` that runs from this checkout; None when none does."""
    try:
        known = json.loads(RUNNING_FILE.read_text())
        os.kill(known["process"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return Path(known["data_dir"]), known["public_url"]


def _option(arguments: Sequence[str], name: str) -> str | None:
    for i, argument in enumerate(arguments):
        if argument == name and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith(name + "="):
            return argument.partition("=")[2]
    return None


def data_dir_of(arguments: Sequence[str]) -> Path:
    """The data folder a command means: its option, MIGRATE_HUB_DATA_DIR, or the default beside the code."""
    named = _option(arguments, "--data-dir") or os.environ.get("MIGRATE_HUB_DATA_DIR")
    return Path(named).resolve() if named else DEFAULT_DATA_DIR


def prepare_environment(arguments: Sequence[str]) -> None:
    """Fills in what the settings need when the caller named no services of their own."""
    if "DATABASE_URL" in os.environ:
        return
    if len(arguments) > 1 and arguments[1] in STARTS_SERVICES:
        path, public_url = data_dir_of(arguments), f"http://127.0.0.1:{_option(arguments, '--port') or 8000}"
    else:
        path, public_url = _installation_for(arguments)
        if not (path / "secrets.json").exists():
            return  # the settings name what is missing
    for name, value in open_data_dir(path).variables(public_url).items():
        os.environ.setdefault(name, value)


def _installation_for(arguments: Sequence[str]) -> tuple[Path, str]:
    named = _option(arguments, "--data-dir") or os.environ.get("MIGRATE_HUB_DATA_DIR")
    running = running_installation()
    if running and (not named or Path(named).resolve() == running[0]):
        return running
    return data_dir_of(arguments), "http://127.0.0.1:8000"
