"""What the demo plays: a generated estate or a recorded one, split over the two tenants."""

import hashlib
import threading
from datetime import datetime
from pathlib import Path
from typing import Protocol

from migrate_hub.local.demo.estate import INTERVAL_SECONDS as GENERATED_INTERVAL_SECONDS
from migrate_hub.local.demo.estate import generate_site
from migrate_hub.local.demo.site import Site
from migrate_hub.local.demo.trace import INTERVAL_SECONDS as RECORDED_INTERVAL_SECONDS
from migrate_hub.local.demo.trace import Recording, TraceCounts, TraceError, read_recording


class Estate(Protocol):
    """`key` names the estate in the demo's notes; the same key always gives the same machines."""

    key: str
    interval_seconds: int

    def title(self, number: int, city: str) -> str:
        """The name of the project of tenant 0 or 1."""
        ...

    def site(self, number: int, ends_at: datetime) -> Site:
        """The share of tenant 0 or 1, with its history up to `ends_at`."""
        ...


class GeneratedEstate:
    """The estate made up for the demo."""

    interval_seconds = GENERATED_INTERVAL_SECONDS

    def __init__(self, machine_count: int) -> None:
        self.machine_count = machine_count
        self.key = f"generated-{machine_count}"

    def title(self, number: int, city: str) -> str:
        return f"{city}, {self._share(number)} machines"

    def site(self, number: int, ends_at: datetime) -> Site:
        return generate_site(number=number, machine_count=self._share(number), ends_at=ends_at)

    def _share(self, number: int) -> int:
        return (self.machine_count + 1 - number) // 2


class RecordedEstate:
    """A recording from a file. It is read only when something is left to upload; threads may share it."""

    interval_seconds = RECORDED_INTERVAL_SECONDS

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise TraceError(f"{path} cannot be read: {error.strerror}") from error
        self.key = f"trace-{digest[:16]}"
        self._lock = threading.Lock()
        self._recording: Recording | None = None

    @property
    def counts(self) -> TraceCounts | None:
        """What was repaired; None as long as nobody had to read the file."""
        return self._recording.counts if self._recording else None

    def title(self, number: int, city: str) -> str:
        return f"{city}, {self.path.name.partition('.')[0]}"

    def site(self, number: int, ends_at: datetime) -> Site:
        with self._lock:
            self._recording = self._recording or read_recording(self.path)
        return self._recording.site(number=number, ends_at=ends_at)
