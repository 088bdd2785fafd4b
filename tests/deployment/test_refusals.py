"""A process with missing or unsafe settings ends with one sentence that says which and where to read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from migrate_hub.refusals import (
    UnusableSettingsError,
    refuse_insecure,
    refuse_missing,
    refuse_unreadable_urls,
)
from tests.conftest import PROJECT_DIR

GOOD = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "PUBLIC_URL": "https://hub.example.com",
    "DATABASE_URL": "postgres://runtime:secret@127.0.0.1:1/hub",
    "REDIS_URL": "redis://127.0.0.1:1",
}
PROCESSES = {
    "a command": [str(PROJECT_DIR / "manage.py"), "migrate"],
    "an unknown command": [str(PROJECT_DIR / "manage.py"), "nonsense"],
    "web": ["-m", "uvicorn", "migrate_hub.asgi:application", "--port", "1"],
    "worker": ["-m", "celery", "--app", "migrate_hub", "worker"],
    "beat": ["-m", "celery", "--app", "migrate_hub", "beat"],
}


def started(process: list[str], folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT_DIR), "MIGRATE_HUB_DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, *process],
        cwd=folder,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())
def test_a_process_without_a_secret_key_ends_with_one_line_that_names_it(process: list[str], tmp_path: Path) -> None:
    done = started(process, tmp_path, **{name: value for name, value in GOOD.items() if name != "SECRET_KEY"})
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "migrate_hub does not start: SECRET_KEY is not set. docs/operators-guide.md lists every setting."
    ]


def test_a_number_that_is_none_is_named(tmp_path: Path) -> None:
    done = started([str(PROJECT_DIR / "manage.py"), "check"], tmp_path, **GOOD, SWEEP_SECONDS="often")
    assert done.returncode == 1
    assert done.stderr.startswith("migrate_hub does not start: SWEEP_SECONDS is not of the right kind")


@pytest.mark.parametrize("name", GOOD)
def test_each_required_setting_is_missed(name: str) -> None:
    with pytest.raises(UnusableSettingsError, match=f"^{name} is not set"):
        refuse_missing(GOOD | {name: ""})


def test_all_missing_settings_are_named_at_once() -> None:
    with pytest.raises(UnusableSettingsError, match="SECRET_KEY, PUBLIC_URL, DATABASE_URL, REDIS_URL are not set"):
        refuse_missing({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "hub.example.com"),
        ("PUBLIC_URL", "https://"),
        ("DATABASE_URL", "mysql://user:hidden@host/name"),
        ("DATABASE_URL", "postgres://user:hidden@host:port/name"),
        ("DATABASE_OWNER_URL", "hidden"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("REDIS_URL", "unix://user:hidden@"),
    ],
)
def test_an_address_of_the_wrong_form_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(UnusableSettingsError, match=f"^{name} must look like") as refusal:
        refuse_unreadable_urls(GOOD | {name: value})
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize("secret_key", ["short", "a" * 80, "0123" * 12])
def test_production_refuses_a_weak_secret_key(secret_key: str) -> None:
    with pytest.raises(UnusableSettingsError, match=r"^SECRET_KEY is too weak"):
        refuse_insecure(secret_key=secret_key, public_url=GOOD["PUBLIC_URL"])


def test_production_refuses_a_public_address_without_tls() -> None:
    with pytest.raises(UnusableSettingsError, match=r"^PUBLIC_URL must start with https://"):
        refuse_insecure(secret_key=GOOD["SECRET_KEY"], public_url="http://hub.example.com")
