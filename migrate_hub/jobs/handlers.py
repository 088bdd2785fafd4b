"""What each task name means: the function that does the work, and the one that tells the user it failed for good."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from celery import current_app

from migrate_hub.jobs.claiming import Claim


@dataclass(frozen=True)
class Handler:
    """`run(claim)` enters the tenant itself and calls `claim.finish()`, or `claim.put_off()` when there is more to do.

    `on_failed(object_id, failure)` runs inside the tenant, and so does `again(object_id, now)`, which has failed work
    that people asked for done anew; without it a failed job simply gets its attempts back. Where `ends_for_good`, what
    the work needs is gone once it failed, so that only whoever asked for it can ask anew.
    """

    run: Callable[[Claim], None]
    on_failed: Callable[[UUID, str], None]
    again: Callable[[UUID, datetime], None] | None = None
    ends_for_good: bool = False


_handlers: dict[str, Handler] = {}


def register(
    task: str,
    *,
    run: Callable[[Claim], None],
    on_failed: Callable[[UUID, str], None],
    again: Callable[[UUID, datetime], None] | None = None,
    ends_for_good: bool = False,
) -> None:
    """Called once a task by the `tasks.py` of an app."""
    _handlers[task] = Handler(run=run, on_failed=on_failed, again=again, ends_for_good=ends_for_good)


def known_tasks() -> list[str]:
    """The names of all tasks, also in a process that is no worker and has loaded none or some of them."""
    _load_all()
    return sorted(_handlers)


@cache
def _load_all() -> None:
    current_app.loader.import_default_modules()


def handler(task: str) -> Handler:
    return _handlers[task]
