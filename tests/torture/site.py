"""An appliance as the contract wants it: a batch is kept until it is acknowledged, and retried as the same bytes."""

import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.torture.hub import Hub
from tests.torture.model import HOURS, INTERVAL_SECONDS, Model, Rank, last_hour, random_points

RETRIED = {429, 503, 507}
# Below what Retry-After says: an impatient crowd is the harder one.
LONGEST_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Upload:
    """A batch: what is sent, again and again, until it is acknowledged."""

    kind: str
    rank: Rank
    machines: int
    body: bytes
    key: str = field(default_factory=lambda: str(uuid4()))


class ContractBrokenError(AssertionError):
    """The hub answered an appliance as it never should."""


class Site:
    """One appliance and its machines. Not for several threads at once, except `outcomes`, which is only counted."""

    def __init__(self, hub: Hub, number: int, *, machines: int) -> None:
        self.hub, self.number = hub, number
        self.dice = random.Random(number)
        self.source_ids = [f"site{number}-vm{i:04}" for i in range(machines)]
        self.http = hub.client(None)
        made = hub.post("appliances/", {"name": f"site {number}", "kind": "vmware"})
        self.id: str = made["id"]
        self.model = Model()
        self.made: dict[str, Upload] = {}
        self.acknowledged: dict[str, Any] = {}
        self.outcomes: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._register(made["registration_key"])

    def _register(self, key: str) -> None:
        body = {"registration_key": key, "hostname": f"collector-{self.number}", "version": "1"}
        enrolled = self.hub.ok(self.http.post("appliances/register/", json=body))
        self.token, self.epoch, self.sequence = enrolled["token"], enrolled["epoch"], 0

    def register_again(self) -> None:
        """After a loss: the appliance starts a higher epoch and counts from the beginning."""
        self._register(self.hub.post(f"appliances/{self.id}/registration-key/", {})["registration_key"])

    # --- making batches ---

    def inventory(self, *, snapshot: bool = False) -> Upload:
        """A snapshot of all machines, or a change of the memory of some; each upload brings values of its own."""
        chosen = self.source_ids if snapshot else self.dice.sample(self.source_ids, 3)
        memory_mb = self.sequence + 1001 + 100_000 * self.epoch
        for source_id in chosen:
            self.model.memory_mb.setdefault(source_id, []).append(memory_mb)
        machines = [self._machine(source_id, memory_mb) for source_id in chosen]
        return self._batch("inventory", machines, {"snapshot": snapshot})

    def _machine(self, source_id: str, memory_mb: int) -> dict[str, Any]:
        disks = [{"source_id": "scsi0:0", "name": "Hard disk 1", "size_gb": 80.0}]
        named = {"source_id": source_id, "name": source_id, "power_state": "on"}
        system = {"operating_system": "Microsoft Windows Server 2019 (64-bit)", "boot_type": "uefi"}
        return named | system | {"cores": 4, "memory_mb": memory_mb, "disks": disks, "nics": []}

    def performance(self, hours_ago: int | None = None) -> Upload:
        """An hour of all machines: the one asked for, or any, so that hours come late and again and again."""
        ago = self.dice.randrange(1, HOURS) if hours_ago is None else hours_ago
        start_at = last_hour() - timedelta(hours=ago)
        machines = [random_points(self.dice, source_id, start_at) for source_id in self.source_ids]
        upload = self._batch("performance", machines, {"interval_seconds": INTERVAL_SECONDS})
        self.model.add_points(upload.rank, machines)
        return upload

    def _batch(self, kind: str, machines: list[dict[str, Any]], envelope: dict[str, Any]) -> Upload:
        self.sequence += 1
        body = {"sequence": self.sequence, "machines": machines, **envelope}
        upload = Upload(kind, (self.epoch, self.sequence), len(machines), gzip.compress(json.dumps(body).encode(), 1))
        self.made[upload.key] = upload
        return upload

    # --- sending them ---

    def send(self, upload: Upload) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Idempotency-Key": upload.key,
        }
        return self.http.post(f"ingest/{upload.kind}/", content=upload.body, headers=headers)

    def deliver(self, upload: Upload, *, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Sends a batch until it is acknowledged; False when `give_up()` says so first."""
        for attempt in range(10_000):
            if self._is_acknowledged(upload):
                return True
            if give_up():
                break
            time.sleep(self.dice.uniform(0, min(LONGEST_WAIT_SECONDS, 0.02 * 2**attempt)))
        return False

    def _is_acknowledged(self, upload: Upload) -> bool:
        started = time.perf_counter()
        try:
            response = self.send(upload)
        except httpx.TransportError:
            self.outcomes["lost"] += 1
            return False
        self.seconds.append(time.perf_counter() - started)
        if response.status_code == 200:
            self._keep(upload, response.json())
            return True
        self.outcomes[_code_of_refusal(response)] += 1
        return False

    def _keep(self, upload: Upload, answer: Any) -> None:
        self.outcomes["acknowledged"] += 1
        before = self.acknowledged.setdefault(upload.key, answer)
        if answer != before or answer["accepted"] != upload.machines:
            raise ContractBrokenError(f"{answer} to {upload.kind} {upload.rank}, which was answered {before}")


def _code_of_refusal(response: httpx.Response) -> str:
    """The code of an answer that asks for another try; everything else breaks the contract."""
    if response.status_code not in RETRIED or int(response.headers.get("Retry-After", 0)) < 1:
        raise ContractBrokenError(f"{response.status_code} {dict(response.headers)}: {response.text[:500]}")
    return str(response.json()["code"])
