"""PostgreSQL goes away and comes back under load, in order and not: uploads wait, the web process stays."""

import contextlib
import os
import signal
from collections.abc import Callable

import pytest

from tests.conftest import wait_until
from tests.torture.fleet import uploading
from tests.torture.hub import Hub, times

pytestmark = pytest.mark.torture


def stop_fast(hub: Hub) -> None:
    hub.postgres.stop(mode="fast")


def stop_immediately(hub: Hub) -> None:
    hub.postgres.stop(mode="immediate")


def kill_postmaster(hub: Hub) -> None:
    """kill -9 of the server's first process alone: the others find out by themselves."""
    os.kill(_postmaster(hub), signal.SIGKILL)


def kill_a_writer(hub: Hub) -> None:
    """kill -9 of a backend: the server throws out all sessions and recovers from its log by itself."""
    for process_id in hub.backends():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)
            return


def _postmaster(hub: Hub) -> int:
    return int((hub.postgres.cluster / "postmaster.pid").read_text().split()[0])


WAYS: list[Callable[[Hub], None]] = [stop_fast, stop_immediately, kill_postmaster]


def test_uploads_wait_for_postgres_and_the_web_process_recovers_by_itself(hub: Hub) -> None:
    web = hub.processes["web"]
    with uploading(hub) as fleet:
        for _ in range(times(1, 5)):
            for stop in WAYS:
                stop(hub)
                fleet.wait_for("database_unavailable", 8)
                hub.postgres.start()
                fleet.wait_for("acknowledged", 8)
                fleet.must_be_whole()
        assert fleet.count("lost") == 0, "the web process closed connections without an answer"
    assert web.poll() is None
    wait_until(hub.is_ready, what="readiness")


def test_a_killed_backend_costs_nobody_more_than_a_retry(hub: Hub) -> None:
    with uploading(hub) as fleet:
        for _ in range(times(3, 20)):
            kill_a_writer(hub)
            fleet.wait_for("acknowledged", 4)
        assert fleet.count("lost") == 0
