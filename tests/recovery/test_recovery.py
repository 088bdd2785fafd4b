"""Killed for real: the worker in the middle of an assessment, and Redis with everything in it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import wait_until
from tests.estate import machine
from tests.recovery.installation import Installation, create_tenant, installation

MACHINES = 3000  # six shards


@pytest.fixture(scope="module")
def broken() -> Iterator[Installation]:
    with installation() as made:
        yield made


class Story:
    """A tenant with an estate and an assessment of it, over HTTP."""

    def __init__(self, made: Installation, name: str) -> None:
        self.api = made.client(create_tenant(made, name))
        body = {"name": "p", "target_region": "westeurope", "currency": "USD"}
        self.project = self.send("projects/", body)["id"]
        key = self.send(f"projects/{self.project}/appliances/", {"name": "a", "kind": "vmware"})["registration_key"]
        register = {"registration_key": key, "hostname": "h", "version": "1"}
        token = made.client(None).post("appliances/register/", json=register).json()["token"]
        inventory = {
            "sequence": 1,
            "snapshot": True,
            "collected_at": "2026-11-22T10:00:00Z",
            "machines": [machine(f"m-{number:05}") for number in range(MACHINES)],
            "removed": [],
        }
        headers = {"Idempotency-Key": "0192d1f0-0000-7000-8000-000000000001"}
        answer = made.client(token).post("ingest/inventory/", json=inventory, headers=headers)
        assert answer.json()["accepted"] == MACHINES, answer.text
        group = self.send(f"projects/{self.project}/groups/", {"name": "all", "filter": {}})["id"]
        settings = {"sizing_criterion": "as_on_premises"}
        asked = {"name": name, "settings": settings}
        self.assessment = self.send(f"projects/{self.project}/groups/{group}/assessments/", asked)["id"]
        self.path = f"projects/{self.project}/assessments/{self.assessment}/"

    def send(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.api.post(path, json=body)
        assert answer.status_code in (201, 202), answer.text
        return answer.json()

    def state(self) -> Any:
        return self.api.get(self.path).json()

    def is_halfway(self) -> bool:
        progress = self.state()["progress"]
        return bool(0 < progress["done"] < progress["total"])

    def is_completed(self) -> bool:
        state = self.state()
        assert state["status"] != "failed", state
        return bool(state["status"] == "completed")

    def machines(self) -> list[str]:
        """Names of all rows, page by page."""
        url, names = self.path + "machines/?page_size=1000", []
        while url:
            page = self.api.get(url).json()
            names += [row["name"] for row in page["results"]]
            url = page["next"]
        return names

    def must_be_done_once(self) -> None:
        names = self.machines()
        assert len(names) == len(set(names)) == MACHINES
        state = self.state()
        assert state["run"]["number"] == 1
        assert state["summary"]["machines"] == MACHINES


def test_an_assessment_survives_its_worker_and_redis_and_is_done_once(broken: Installation) -> None:
    story = Story(broken, "killed")
    broken.start("beat")
    broken.start("worker")
    wait_until(story.is_halfway, seconds=60, what="the first shard")
    broken.kill("worker")
    broken.empty_redis()
    assert story.state()["status"] == "running"
    broken.start("worker")
    wait_until(story.is_completed, seconds=120, what="the assessment")
    story.must_be_done_once()


def test_what_is_asked_for_while_redis_is_away_is_done_when_it_is_back(broken: Installation) -> None:
    assert broken.redis.process is not None
    broken.redis.process.kill()
    broken.redis.process.wait(timeout=10)
    story = Story(broken, "asked without a broker")
    broken.redis.start()
    wait_until(story.is_completed, seconds=120, what="the assessment")
    story.must_be_done_once()


def test_a_database_that_is_away_is_503_with_retry_after(broken: Installation) -> None:
    token = create_tenant(broken, "patient")
    broken.postgres.stop()
    try:
        answer = broken.client(token).get("projects/")
        page = httpx.get(f"{broken.url}/sign-in/")
    finally:
        broken.postgres.start()
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert httpx.get(f"{broken.url}/readyz").status_code == 200
