"""Redis is emptied, killed and frozen under load: uploads go on, and what people asked for is done."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.conftest import wait_until
from tests.torture.fleet import Fleet, uploading
from tests.torture.hub import Hub

pytestmark = pytest.mark.torture


@contextmanager
def emptied(hub: Hub) -> Iterator[None]:
    hub.empty_redis()
    yield


@contextmanager
def killed(hub: Hub) -> Iterator[None]:
    assert hub.redis.process is not None
    hub.redis.process.kill()
    hub.redis.process.wait(timeout=10)
    yield
    hub.redis.start()


@contextmanager
def frozen(hub: Hub) -> Iterator[None]:
    """Redis takes connections and answers nothing."""
    assert hub.redis.process is not None
    os.kill(hub.redis.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(hub.redis.process.pid, signal.SIGCONT)


SENT = "SELECT id FROM jobs_job WHERE state = 'queued' AND sent_at IS NOT NULL"


class Asked:
    """An assessment that somebody asked for."""

    def __init__(self, hub: Hub, group: str, name: str) -> None:
        body = {"name": name, "settings": {"sizing_criterion": "as_on_premises"}}
        made = hub.post(f"groups/{group}/assessments/", body)
        self.hub, self.path = hub, f"assessments/{made['id']}/"

    def is_done(self) -> bool:
        state = self.hub.get(self.path)
        assert state["status"] != "failed", state
        return bool(state["status"] == "completed")

    def must_be_done_once(self, machines: int) -> None:
        wait_until(self.is_done, seconds=120, what="the assessment")
        state = self.hub.get(self.path)
        assert (state["run"]["number"], state["summary"]["machines"]) == (1, machines)


def group_of_all(hub: Hub, fleet: Fleet) -> str:
    """A static group of every machine, of which uploads change only the size."""
    ids = list(hub.machine_ids().values())
    assert len(ids) == sum(len(site.source_ids) for site in fleet.sites)
    return str(hub.post("groups/", {"name": "all", "machines": ids})["id"])


@pytest.mark.parametrize("lost", [emptied, killed, frozen])
def test_uploads_go_on_without_redis_and_jobs_get_done(
    hub: Hub, lost: Callable[[Hub], AbstractContextManager[None]]
) -> None:
    hub.start("worker")
    hub.start("beat")
    with uploading(hub) as fleet:
        group, refused = group_of_all(hub, fleet), set()
        with lost(hub):
            fleet.wait_for("acknowledged", 12)
            asked = Asked(hub, group, "asked without Redis")
            assert lost is emptied or not hub.rows(SENT)[0], "a job is called sent that no broker took"
        fleet.wait_for("acknowledged", 4)
        refused = {outcome for site in fleet.sites for outcome in site.outcomes} - {"acknowledged"}
    assert not refused
    asked.must_be_done_once(machines=len(hub.machine_ids()))
