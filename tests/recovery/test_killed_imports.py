"""Imports whose worker is killed for real, and imports that are cancelled while they run."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tests.conftest import wait_until
from tests.ingest.imports.files import disk, info, rvtools
from tests.recovery.installation import Installation, create_tenant, installation

MACHINES = 1500


@pytest.fixture(scope="module")
def broken() -> Iterator[Installation]:
    with installation() as made:
        made.start("beat")
        yield made


@pytest.fixture(scope="module")
def file() -> bytes:
    return rvtools(MACHINES)


class Estate:
    """A project of a tenant of its own, over HTTP."""

    def __init__(self, made: Installation, name: str) -> None:
        self.api = made.client(create_tenant(made, name))
        body = {"name": "p", "target_region": "westeurope", "currency": "USD"}
        self.path = f"projects/{self.api.post('projects/', json=body).json()['id']}/"

    def send(self, content: bytes) -> str:
        answer = self.api.post(f"{self.path}imports/", data={"format": "rvtools"}, files={"file": ("x.xlsx", content)})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def read(self, file_import: str) -> Any:
        return self.api.get(f"{self.path}imports/{file_import}/").json()

    def wait_for(self, file_import: str, *states: str, progress: int = 0) -> Any:
        def reached() -> Any:
            found = self.read(file_import)
            return found if found["status"] in states and found["progress"]["done"] >= progress else None

        return wait_until(reached, seconds=60, what=f"{states} of the import")

    def machines(self) -> dict[str, Any]:
        found, following = [], f"{self.path}machines/?page_size=1000"
        while following:
            page = self.api.get(following).json()
            found += page["results"]
            following = page["next"]
        assert len({row["name"] for row in found}) == len(found)
        return {row["name"]: row for row in found}


@pytest.mark.parametrize("progress", [0, 10])
def test_a_killed_worker_starts_over_and_doubles_nothing(progress: int, broken: Installation, file: bytes) -> None:
    estate = Estate(broken, f"killed at {progress}")
    broken.start("worker")
    sent = estate.send(file)
    estate.wait_for(sent, "running", progress=progress)
    broken.kill("worker")
    assert estate.machines() == {}
    broken.start("worker")
    done = estate.wait_for(sent, "completed")
    broken.kill("worker")
    assert (done["counts"]["created"], done["counts"]["updated"], done["counts"]["errors"]) == (MACHINES, 0, 0)
    assert len(estate.machines()) == MACHINES


def test_a_worker_killed_in_the_middle_of_storing_leaves_nothing_half(broken: Installation) -> None:
    """Somebody holds the row of a machine that the import updates after it has inserted all the others."""
    estate = Estate(broken, "killed while storing")
    broken.start("worker")
    estate.wait_for(estate.send(rvtools(1)), "completed")
    before = estate.machines()
    changed = rvtools(MACHINES, vInfo=[info(number, CPUs=16) for number in range(1, MACHINES + 1)])
    with closing(superuser(broken)) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT 1 FROM ingest_machine WHERE id = %s FOR UPDATE", [before["vm-1"]["id"]])
        sent = estate.send(changed)
        waiting = wait_until(lambda: waiting_statement(broken), seconds=60, what="the import that waits for the row")
        assert "UPDATE ingest_machine t SET\n    name = m.name" in waiting
        broken.kill("worker")
        assert estate.machines() == before
        told = estate.read(sent)
        assert (told["status"], told["counts"]["created"], told["problems"]) == ("running", 0, [])
    broken.start("worker")
    done = estate.wait_for(sent, "completed")
    broken.kill("worker")
    assert (done["counts"]["created"], done["counts"]["updated"], done["counts"]["errors"]) == (MACHINES - 1, 1, 0)
    after = estate.machines()
    assert {row["cores"] for row in after.values()} == {16}
    assert len(after) == MACHINES
    changes = estate.api.get(f"{estate.path}machines/{before['vm-1']['id']}/").json()["changes"]
    assert [(change["property"], change["file_import"]) for change in changes] == [("cores", sent)]


def superuser(made: Installation) -> "psycopg2.extensions.connection":
    return psycopg2.connect(made.data_dir.database_url("postgres", made.data_dir.secrets["superuser_password"]))


def waiting_statement(made: Installation) -> str | None:
    """What a backend waits for a lock with, or None."""
    with closing(superuser(made)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE NOT granted")
        found = cursor.fetchone()
    return str(found[0]) if found else None


def test_a_killed_undoing_starts_over(broken: Installation, file: bytes) -> None:
    estate = Estate(broken, "undone")
    broken.start("worker")
    estate.wait_for(estate.send(rvtools(2)), "completed")
    before = estate.machines()
    later = rvtools(MACHINES, vInfo=[info(number, CPUs=16) for number in range(1, MACHINES + 1)], vDisk=[disk(1, 0)])
    sent = estate.send(later)
    estate.wait_for(sent, "completed")
    estate.api.delete(f"{estate.path}imports/{sent}/")
    broken.kill("worker")
    assert {row["cores"] for row in estate.machines().values()} == {16}
    broken.start("worker")
    undone = estate.wait_for(sent, "undone")
    broken.kill("worker")
    assert undone["counts"]["undo"] == {"removed": MACHINES - 2, "restored": 2, "kept": 0}
    assert {name: row["cores"] for name, row in estate.machines().items()} == dict.fromkeys(before, 4)


@pytest.mark.parametrize("progress", [0, 10])
def test_a_cancelled_import_ends_at_once_and_leaves_nothing(progress: int, broken: Installation, file: bytes) -> None:
    estate = Estate(broken, f"cancelled at {progress}")
    broken.start("worker")
    sent = estate.send(file)
    estate.wait_for(sent, "running", progress=progress)
    answer = estate.api.post(f"{estate.path}imports/{sent}/cancel/")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    again = estate.send(rvtools(1))
    assert estate.wait_for(again, "completed")["counts"]["not_in_file"] == 0
    broken.kill("worker")
    assert estate.read(sent)["status"] == "cancelled"
    assert set(estate.machines()) == {"vm-1"}
