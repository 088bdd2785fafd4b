"""What each task name means: the function that does the work, and the one that tells the user it failed for good."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from migrate_hub.jobs.claiming import Claim


@dataclass(frozen=True)
class Handler:
    """`run(claim)` enters the tenant itself and calls `claim.finish()`, or `claim.put_off()` when there is more to do.

    `on_failed(object_id, failure)` runs inside the tenant.
    """

    run: Callable[[Claim], None]
    on_failed: Callable[[UUID, str], None]


_handlers: dict[str, Handler] = {}


def register(task: str, *, run: Callable[[Claim], None], on_failed: Callable[[UUID, str], None]) -> None:
    """Called once a task by the `tasks.py` of an app."""
    _handlers[task] = Handler(run=run, on_failed=on_failed)


def handler(task: str) -> Handler:
    return _handlers[task]
