"""A small reference client of the appliance's side of the API: enrol, upload, retry, never lose, never count twice.

A batch is written to a spool before it is sent and deleted once the hub has acknowledged it; a retry, even after a
crash, sends the same bytes under the same idempotency key, so the hub can tell that it has them already.
"""

import gzip
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
from msgspec import Struct

from migrate_hub.local.demo.private_files import write_private
from migrate_hub.local.demo.spool import Batch, Spool
from migrate_hub.local.demo.wire import (
    InventoryUpload,
    Machine,
    MachinePoints,
    PerformanceUpload,
    encode,
    instant,
)

VERSION = "1.0.0"
RETRY_STATUSES = {429, 502, 503, 504}
MUST_ENROL_AGAIN = {401, 403}
LONGEST_PAUSE_SECONDS = 30.0
ROTATE_BEFORE = timedelta(days=7)
T = TypeVar("T")
InventoryOf = Callable[[Sequence[str]], list[Machine]]


class Refused(Exception):
    """The hub refused a request for good: sending it again would not help."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        self.code = str(problem.get("code", "")) if isinstance(problem, dict) else ""
        detail = str(problem.get("detail", "")) if isinstance(problem, dict) else ""
        super().__init__(f"{response.request.url.path} answered {self.status} {self.code}: {detail}")


class Unreachable(Exception):
    """The hub did not take the batch within the client's patience; the batch stays in the spool."""


class Stopped(Exception):
    """The program is ending; the batch stays in the spool."""


class Limits(Struct, frozen=True):
    """What the hub announced at registration."""

    interval_seconds: int
    max_machines_performance: int
    max_machines_inventory: int
    max_bytes: int
    max_inflated_bytes: int


class Registration(Struct):
    """The answer to a registration, and the number of the next batch. Kept in a file that only its owner may read."""

    appliance: str
    token: str
    token_expires_at: datetime
    epoch: int
    upload: Limits
    next_sequence: int = 1


class Rejection(Struct, frozen=True):
    """One machine that the hub did not take, while it took the others."""

    source_id: str
    code: str
    message: str
    retryable: bool = False


class Answer(Struct):
    """What became of one upload."""

    accepted: int
    rejected: list[Rejection] = []

    def add(self, other: "Answer") -> None:
        self.accepted += other.accepted
        self.rejected.extend(other.rejected)


class BatchTooLarge(Exception):
    """The encoded batch is over the announced limits; nothing was sent."""


class Appliance:
    """One appliance with its folder: the registration and the spool. Used by one thread at a time."""

    def __init__(
        self, *, http: httpx.Client, folder: Path, stop: threading.Event, patience_seconds: float = 300
    ) -> None:
        self.http = http
        self.folder = folder
        self.stop = stop
        self.patience_seconds = patience_seconds
        self.spool = Spool(folder / "spool")
        self.registration = self._load()

    # --- enrolment ---------------------------------------------------------------------------------------------------

    def register(self, *, registration_key: str, hostname: str) -> Registration:
        """Exchanges a one-time key for a token. Repeating it after a lost answer is safe."""
        body = {"registration_key": registration_key, "hostname": hostname, "version": VERSION}
        response = self._send("/api/v1/appliances/register/", msgspec.json.encode(body), {})
        for batch in self.spool.batches():
            batch.delete()  # sealed with the sequence of an earlier registration; the caller sends that data anew
        self.registration = msgspec.json.decode(response.content, type=Registration)
        self._save()
        return self.registration

    def rotate_token(self) -> None:
        """Takes a new token; the old one lives until the new one is first used."""
        registration = self._registered()
        response = self._send("/api/v1/appliances/token/", b"{}", self._authorization())
        answer = msgspec.json.decode(response.content, type=dict[str, object])
        registration.token = str(answer["token"])
        registration.token_expires_at = datetime.fromisoformat(str(answer["token_expires_at"]))
        self._save()

    def heartbeat(self, *, errors: Sequence[str] = ()) -> None:
        """Says that the appliance lives; rotates the token when it nears its end."""
        body = {"version": VERSION, "health": "ok" if not errors else "degraded", "errors": list(errors)}
        self._send("/api/v1/ingest/heartbeat/", msgspec.json.encode(body), self._authorization())
        if self._registered().token_expires_at - datetime.now(UTC) < ROTATE_BEFORE:
            self.rotate_token()

    # --- uploads -----------------------------------------------------------------------------------------------------

    def send_spooled(self) -> int:
        """Sends what an earlier run left behind, oldest first; returns how many batches that were."""
        left = self.spool.batches()
        for batch in left:
            self._deliver(batch)
        return len(left)

    def send_inventory(self, machines: list[Machine], *, snapshot: bool, collected_at: datetime) -> Answer:
        """One inventory upload; changes that are too many for one are sent in several, a snapshot never is."""

        def body(sequence: int, part: list[Machine]) -> bytes:
            upload = InventoryUpload(
                sequence=sequence, snapshot=snapshot, collected_at=instant(collected_at), machines=part, removed=[]
            )
            return encode(upload)

        limit = self._registered().upload.max_machines_inventory
        if snapshot and len(machines) > limit:
            raise BatchTooLarge(f"a snapshot of {len(machines)} machines is over the limit of {limit}")
        return self._send_parts("inventory", machines, limit, body, divisible=not snapshot)

    def send_performance(
        self, machines: list[MachinePoints], *, interval_seconds: int, inventory_of: InventoryOf
    ) -> Answer:
        """Points of machines, in as few uploads as the limits allow; what the hub does not know it is told first."""
        answer = self._send_points(machines, interval_seconds)
        unknown = {rejection.source_id for rejection in answer.rejected if rejection.code == "unknown_machine"}
        if unknown:
            answer.rejected = [rejection for rejection in answer.rejected if rejection.source_id not in unknown]
            told = inventory_of(sorted(unknown))
            answer.rejected += self.send_inventory(told, snapshot=False, collected_at=datetime.now(UTC)).rejected
            answer.add(self._send_points([one for one in machines if one.source_id in unknown], interval_seconds))
        return answer

    def _send_points(self, machines: list[MachinePoints], interval_seconds: int) -> Answer:
        def body(sequence: int, part: list[MachinePoints]) -> bytes:
            sent_at = instant(datetime.now(UTC))
            upload = PerformanceUpload(
                sequence=sequence, sent_at=sent_at, interval_seconds=interval_seconds, machines=part
            )
            return encode(upload)

        limit = self._registered().upload.max_machines_performance
        return self._send_parts("performance", machines, limit, body, divisible=True)

    def _send_parts(
        self, kind: str, machines: list[T], limit: int, body: Callable[[int, list[T]], bytes], *, divisible: bool
    ) -> Answer:
        answer = Answer(accepted=0)
        waiting = [machines[first : first + limit] for first in range(0, len(machines), limit)]
        while waiting:
            part = waiting.pop(0)
            sequence = self._registered().next_sequence
            inflated = body(sequence, part)
            compressed = gzip.compress(inflated, compresslevel=1, mtime=0)
            if self._fits(inflated, compressed):
                self._take_sequence()
                answer.add(self._deliver(self.spool.add(kind=kind, sequence=sequence, body=compressed)))
            elif divisible and len(part) > 1:
                half = len(part) // 2
                waiting[:0] = [part[:half], part[half:]]
            else:
                raise BatchTooLarge(f"{kind} of {len(part)} machines: {len(inflated)} bytes")
        return answer

    def _fits(self, inflated: bytes, compressed: bytes) -> bool:
        limits = self._registered().upload
        return len(compressed) <= limits.max_bytes and len(inflated) <= limits.max_inflated_bytes

    def _deliver(self, batch: Batch) -> Answer:
        headers = self._authorization() | {
            "Idempotency-Key": batch.idempotency_key,
            "Content-Encoding": "gzip",
        }
        try:
            response = self._send(f"/api/v1/ingest/{batch.kind}/", batch.body(), headers)
        except Refused as refusal:
            if refusal.status not in MUST_ENROL_AGAIN:
                batch.set_aside()
            raise
        batch.delete()
        return msgspec.json.decode(response.content, type=Answer)

    # --- sending -----------------------------------------------------------------------------------------------------

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """POSTs until there is a final answer: the same bytes, with growing, jittered pauses in between."""
        headers = headers | {"Content-Type": "application/json"}
        for pause in self._pauses():
            if self.stop.is_set():
                raise Stopped
            try:
                response = self.http.post(path, content=body, headers=headers)
            except httpx.TransportError:
                wait = pause
            else:
                if response.is_success:
                    return response
                if response.status_code not in RETRY_STATUSES:
                    raise Refused(response)
                wait = max(pause, retry_after_seconds(response))
            self.stop.wait(wait)
        raise Unreachable(f"the hub did not take {path} in {self.patience_seconds:.0f} s")

    def _pauses(self) -> Iterator[float]:
        """Pauses between attempts, with full jitter, until the patience is used up."""
        deadline = datetime.now(UTC) + timedelta(seconds=self.patience_seconds)
        longest = 0.5
        while datetime.now(UTC) < deadline:
            yield random.uniform(0.1, longest)  # noqa: S311  jitter, not a secret
            longest = min(longest * 2, LONGEST_PAUSE_SECONDS)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._registered().token}"}

    # --- what is kept ------------------------------------------------------------------------------------------------

    def _registered(self) -> Registration:
        if self.registration is None:
            raise RuntimeError("register first")
        return self.registration

    def _take_sequence(self) -> None:
        self._registered().next_sequence += 1
        self._save()

    def _load(self) -> Registration | None:
        path = self.folder / "registration.json"
        return msgspec.json.decode(path.read_bytes(), type=Registration) if path.exists() else None

    def _save(self) -> None:
        write_private(self.folder / "registration.json", msgspec.json.encode(self._registered()))


def retry_after_seconds(response: httpx.Response) -> float:
    """The header in its form of seconds, which is the one the hub sends; 0 without it."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
