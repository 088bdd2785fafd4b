"""The embedded Redis: its one user runs Celery, and nothing that opens the server or its Lua sandbox."""

from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings
from kombu.transport.redis import REFRESH_BINDING  # type: ignore[attr-defined]  # newer than the stubs
from redis.exceptions import NoPermissionError

from tests.conftest import celery_worker, wait_until

FORBIDDEN = [
    ("EVAL", "return 1", "0"),
    ("SCRIPT", "LOAD", "return 1"),
    ("SCRIPT", "FLUSH"),
    ("CONFIG", "GET", "*"),
    ("MODULE", "LIST"),
    ("DEBUG", "SLEEP", "0"),
    ("ACL", "LIST"),
    ("FLUSHALL",),
    ("MONITOR",),
    ("REPLICAOF", "NO", "ONE"),
    ("SHUTDOWN",),
]


@pytest.fixture
def client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL)


@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_the_user_may_not_run(client: Any, command: tuple[str, ...]) -> None:
    with pytest.raises(NoPermissionError):
        client.execute_command(*command)


def test_the_brokers_lock_is_released_by_the_script_loaded_at_start(client: Any) -> None:
    lock = client.lock("a test's lock", timeout=60)
    assert lock.acquire(blocking=False)
    lock.release()
    assert not client.exists("a test's lock")


def test_the_scripts_of_the_transport_are_there_after_the_database_was_emptied(client: Any) -> None:
    client.flushdb()
    binding = client.register_script(REFRESH_BINDING)
    assert client.script_exists(binding.sha) == [True]


def test_a_worker_answers_over_this_redis(database: None) -> None:
    with celery_worker("limits"):
        answer = wait_until(lambda: current_app.control.ping(timeout=1), what="the worker's answer")
    assert [list(reply.values()) for reply in answer] == [[{"ok": "pong"}]]
