"""docker-compose.yml as docker-compose resolves it: nothing secret has a default, nothing inside is published."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT_DIR

OURS = ("prepare", "web", "worker", "beat", "certificate")
SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "OWNER_PASSWORD", "RUNTIME_PASSWORD", "REDIS_PASSWORD")
# What a process of ours reads but an installation with containers does not choose.
FIXED_IN_CONTAINERS = {"PLAIN_HTTP", "STATIC_ROOT", "DATABASE_OWNER_URL"}


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the operator makes in the first step."""
    made = run("sh", "deploy/new-env.sh", "https://hub.example.com")
    assert made.returncode == 0, made.stderr
    path = tmp_path_factory.mktemp("compose") / "env"
    path.write_text(made.stdout)
    return path


def compose(env_file: Path, *files: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("docker-compose")
    assert program, "docker-compose is missing. Install it: apt-get install docker-compose"
    return run(program, *files, "--env-file", str(env_file), "config")


@pytest.fixture(scope="module")
def resolved(env_file: Path) -> dict[str, Any]:
    done = compose(env_file)
    assert done.returncode == 0, done.stderr
    assert "not set" not in done.stderr
    configuration: dict[str, Any] = yaml.safe_load(done.stdout)
    return configuration


def test_a_new_env_file_has_a_fresh_secret_of_each_kind(env_file: Path) -> None:
    values = dict(re.findall(r"^(\w+)=(.+)$", env_file.read_text(), re.MULTILINE))
    assert values["PUBLIC_URL"] == "https://hub.example.com"
    assert all(re.fullmatch(r"[0-9a-f]{64}", values[name]) for name in SECRETS)
    assert len({values[name] for name in SECRETS}) == len(SECRETS)


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["PUBLIC_URL", *SECRETS])
def test_each_secret_is_asked_for(env_file: Path, tmp_path: Path, name: str) -> None:
    without = tmp_path / "env"
    without.write_text(re.sub(rf"^{name}=.*$", "", env_file.read_text(), flags=re.MULTILINE))
    done = compose(without)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


@pytest.mark.e2e
def test_only_the_proxy_is_reachable(resolved: dict[str, Any]) -> None:
    services = resolved["services"]
    assert {name for name, service in services.items() if service.get("ports")} == {"proxy"}
    assert {name for name, service in services.items() if "outside" in service["networks"]} == {"proxy"}
    assert resolved["networks"]["inside"]["internal"] is True


@pytest.mark.e2e
def test_only_the_preparing_job_knows_the_owner_and_the_superuser(resolved: dict[str, Any], env_file: Path) -> None:
    values = dict(re.findall(r"^(\w+)=(.+)$", env_file.read_text(), re.MULTILINE))

    def knows(service: dict[str, Any], name: str) -> bool:
        return any(values[name] in str(value) for value in service.get("environment", {}).values())

    services = resolved["services"]
    assert {name for name, service in services.items() if knows(service, "OWNER_PASSWORD")} == {"prepare"}
    assert {name for name, service in services.items() if knows(service, "POSTGRES_PASSWORD")} == {
        "prepare",
        "postgres",
    }


@pytest.mark.e2e
def test_our_containers_have_no_rights_and_bounded_memory(resolved: dict[str, Any]) -> None:
    for name in OURS:
        service = resolved["services"][name]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["cap_drop"] == ([] if name == "certificate" else ["ALL"])
    assert all("mem_limit" in service for service in resolved["services"].values())


@pytest.mark.e2e
def test_everything_that_stays_is_watched_and_waits_for_what_it_needs(resolved: dict[str, Any]) -> None:
    services = resolved["services"]
    assert {name for name, service in services.items() if "healthcheck" not in service} == {
        "prepare",
        "certificate",
        "beat",
    }
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["prepare"]["condition"] == "service_completed_successfully"
        assert services[name]["depends_on"]["redis"]["condition"] == "service_healthy"


@pytest.mark.e2e
def test_background_work_may_run_longer_statements_than_web(resolved: dict[str, Any]) -> None:
    seconds = {
        name: resolved["services"][name]["environment"]["STATEMENT_TIMEOUT_SECONDS"]
        for name in ("web", "worker", "beat")
    }
    assert seconds == {"web": None, "worker": "600", "beat": "600"}


@pytest.mark.e2e
def test_every_setting_can_be_given_in_the_env_file(resolved: dict[str, Any]) -> None:
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (PROJECT_DIR / "migrate_hub" / "settings.py").read_text()))
    assert read - FIXED_IN_CONTAINERS == set(resolved["services"]["web"]["environment"])


@pytest.mark.e2e
def test_the_guides_override_gives_web_and_worker_a_way_out_and_nothing_else(
    resolved: dict[str, Any], env_file: Path, tmp_path: Path
) -> None:
    guide = (PROJECT_DIR / "docs" / "operators-guide.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    override = tmp_path / "docker-compose.override.yml"
    override.write_text(next(block for block in blocks if "egress" in block))
    done = compose(env_file, "-f", "docker-compose.yml", "-f", str(override))
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    out = {name for name, network in found["networks"].items() if not (network or {}).get("internal")}
    reach = {name for name, service in found["services"].items() if out & set(service.get("networks", {}))}
    before = {name for name, service in resolved["services"].items() if "outside" in service.get("networks", {})}
    assert reach == before | {"web", "worker"}
    assert all("inside" in found["services"][name]["networks"] for name in ("web", "worker"))


def test_the_image_takes_the_steps_of_make() -> None:
    install = re.compile(r"-m pip install (.*-r requirements/runtime\.txt)")
    made = [
        set(found.group(1).split()) - {"--no-cache-dir"}
        for name in ("Makefile", "Dockerfile")
        if (found := install.search((PROJECT_DIR / name).read_text()))
    ]
    assert len(made) == 2
    assert made[0] == made[1]


def test_what_the_image_copies_is_let_through_by_dockerignore() -> None:
    copied = re.findall(r"^COPY (\S+) ", (PROJECT_DIR / "Dockerfile").read_text(), re.MULTILINE)
    allowed = {line[1:] for line in (PROJECT_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    assert all((PROJECT_DIR / name).exists() for name in copied)
