"""Arrays of finished runs, kept in the process for the next question: the last used ones, within a budget of bytes.

A finished run never changes, so what was read once stays right. Keys start with the tenant.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

KEPT_BYTES = 128 * 1024 * 1024


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
        self._lock = Lock()

    def get(self, key: tuple[object, ...], load: Callable[[], Kept]) -> Kept:
        """The kept value, or what `load` gives. Two threads that miss at once both load: neither waits for another."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        loaded = load()
        with self._lock:
            self._kept[key] = loaded
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(value.nbytes for value in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)
        return loaded
