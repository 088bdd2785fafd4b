"""What the demo remembers between runs, so that a second run finds everything there and an interrupted one goes on."""

import threading
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from migrate_hub.local.demo.private_files import write_private
from migrate_hub.local.demo.trace import TraceCounts

T = TypeVar("T")


class TenantState(Struct):
    """A tenant and its owner, who plays the story."""

    tenant: str
    access_token: str


class SiteState(Struct):
    """How far the story of one site got: ids of what was made, and the number of uploads acknowledged."""

    ends_at: datetime
    project: str = ""
    appliance: str = ""
    batch_machines: int = 0
    steps_done: int = 0
    steps: int = 0
    machines: int = 0
    values_sent: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    assessments: dict[str, str] = field(default_factory=dict)
    report: str = ""

    @property
    def is_uploaded(self) -> bool:
        return 0 < self.steps == self.steps_done


class DemoState(Struct):
    """Tenants by name; sites by estate and number; what was counted in a recording, by estate."""

    tenants: dict[str, TenantState] = field(default_factory=dict)
    sites: dict[str, SiteState] = field(default_factory=dict)
    trace_counts: dict[str, TraceCounts] = field(default_factory=dict)


class StateFile:
    """The state on disk. It holds tokens: only its owner may read it. Threads may save at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self.state = self._load()

    def _load(self) -> DemoState:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=DemoState)
        except (FileNotFoundError, msgspec.DecodeError):
            return DemoState()  # what exists is found again by its name

    def save(self) -> None:
        with self._lock:
            write_private(self.path, msgspec.json.encode(self.state))
