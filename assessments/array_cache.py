"""Arrays of finished runs, kept in the process for the next question: the last used ones, within a budget of bytes.

A finished run never changes, so what was read once stays right. Keys start with the tenant.

Reading tens of thousands of machines takes seconds: a page has it done behind its answer and asks again, so that nobody
looks at a page that does not come.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import RLock
from typing import Generic, Protocol, TypeVar

from django.db import connection

from migrate_hub.tenants.row_level_security import tenant_context

KEPT_BYTES = 128 * 1024 * 1024
# How long the answer to a person waits for what is read behind it: small runs are there by then.
PATIENCE_SECONDS = 0.1
# One at a time: each takes a core, and the memory of a whole run.
READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="arrays")


class HasSize(Protocol):
    """Whatever knows how much memory it takes."""

    @property
    def nbytes(self) -> int: ...


Kept = TypeVar("Kept", bound=HasSize)


class ArrayCache(Generic[Kept]):
    """What was used last, up to `max_bytes`; the newest is kept whatever its size."""

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[object, ...], Kept] = OrderedDict()
        self._reading: dict[tuple[object, ...], Future[Kept]] = {}
        self._lock = RLock()

    def get(self, key: tuple[object, ...], load: Callable[[], Kept]) -> Kept:
        """The kept value, or what `load` gives. Two threads that miss at once both load: neither waits for another."""
        found = self._found(key)
        if found is not None:
            return found
        loaded = load()
        with self._lock:
            self._kept[key] = loaded
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(value.nbytes for value in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)
        return loaded

    def soon(
        self, tenant_id: int, key: tuple[object, ...], load: Callable[[], Kept], *, patience_seconds: float
    ) -> Kept | None:
        """The kept value; None while another thread, in a transaction of its own, still does what `load` does.

        `key` is as in `get`. What `load` raises is raised by the next call.
        """
        found = self._found(key)
        if found is not None:
            return found
        with self._lock:
            reading = self._reading.get(key)
            if reading is None:
                reading = self._reading[key] = READER.submit(_in_tenant, tenant_id, lambda: self.get(key, load))
                reading.add_done_callback(lambda done: self._forget(key, done))
        wait([reading], patience_seconds)
        if not reading.done():
            return None
        self._reading.pop(key, None)
        return reading.result()

    def _found(self, key: tuple[object, ...]) -> Kept | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _forget(self, key: tuple[object, ...], reading: "Future[Kept]") -> None:
        """What was read is kept among the others; a failure waits to be raised."""
        if reading.exception() is None:
            self._reading.pop(key, None)


def _in_tenant(tenant_id: int, load: Callable[[], Kept]) -> Kept:
    try:
        with tenant_context(tenant_id):
            return load()
    finally:
        connection.close()
