"""The reference appliance: the same bytes and key on each retry, nothing lost, nothing sent twice as something new."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from migrate_hub.local.demo.appliance import Appliance, BatchTooLarge, Refused, Stopped, Unreachable
from migrate_hub.local.demo.wire import Machine, MachinePoints
from tests.local.scripted_hub import CUT, REGISTERED, UPLOAD_LIMITS, Reply, ScriptedHub, problem, scripted_hub

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def hub() -> Iterator[ScriptedHub]:
    with scripted_hub() as hub:
        yield hub


@pytest.fixture
def http(hub: ScriptedHub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub.url) as client:
        yield client


def appliance(http: httpx.Client, folder: Path, *, patience_seconds: float = 30) -> Appliance:
    return Appliance(http=http, folder=folder, stop=threading.Event(), patience_seconds=patience_seconds)


def enrolled(http: httpx.Client, folder: Path, *, patience_seconds: float = 30) -> Appliance:
    one = appliance(http, folder, patience_seconds=patience_seconds)
    one.register(registration_key="key", hostname="host")
    return one


def with_limits(hub: ScriptedHub, **limits: int) -> None:
    hub.replies.append((201, {}, REGISTERED | {"upload": UPLOAD_LIMITS | limits}))


def machine(source_id: str) -> Machine:
    return Machine(
        source_id=source_id, name=source_id, path="DC", host="h", cluster="c", power_state="on",
        operating_system="Linux", boot_type="bios", cores=1, memory_mb=1024, cpu_model=None, disks=(), nics=(),
    )  # fmt: skip


def points(source_id: str, *, count: int = 1) -> MachinePoints:
    return MachinePoints(
        source_id=source_id, start_at="2026-11-22T09:00:00Z", cpu_percent=[1.5] * count, memory_percent=[None] * count,
        disks={}, nics={},
    )  # fmt: skip


def send(one: Appliance, *source_ids: str, count: int = 1) -> int:
    machines = [points(source_id, count=count) for source_id in source_ids]
    return one.send_performance(
        machines, interval_seconds=600, inventory_of=lambda ids: [machine(source_id) for source_id in ids]
    ).accepted


def test_an_upload_carries_token_key_and_rising_sequence(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    one = enrolled(http, tmp_path)
    one.send_inventory([machine("a")], snapshot=True, collected_at=NOW)
    send(one, "a")
    inventory, performance = hub.requests[1:]
    assert [request.path for request in hub.requests[1:]] == [
        "/api/v1/ingest/inventory/",
        "/api/v1/ingest/performance/",
    ]
    assert inventory.headers["authorization"] == "Bearer appliance-token"
    assert [inventory.body["sequence"], performance.body["sequence"]] == [1, 2]
    assert inventory.headers["idempotency-key"] != performance.headers["idempotency-key"]
    assert inventory.body["machines"][0]["source_id"] == "a"


@pytest.mark.parametrize(
    "trouble", [problem(503, "database_unavailable"), problem(429, "rate_limited"), problem(502, ""), CUT]
)
def test_a_retry_sends_the_same_bytes_under_the_same_key(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path, trouble: Reply | str
) -> None:
    one = enrolled(http, tmp_path)
    hub.replies.append(trouble)
    assert send(one, "a", "b") == 2
    first, second = hub.requests[1:]
    assert first.raw == second.raw
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert one.spool.batches() == []


def test_a_retry_waits_as_long_as_the_hub_says(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    one = enrolled(http, tmp_path)
    hub.replies.append(problem(429, "rate_limited", Retry_After="2"))
    before = datetime.now(UTC)
    send(one, "a")
    assert (datetime.now(UTC) - before).total_seconds() >= 2


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_batch_refused_for_good_is_not_retried_and_set_aside(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path, status: int
) -> None:
    one = enrolled(http, tmp_path)
    hub.replies.append(problem(status, "some_code"))
    with pytest.raises(Refused, match="some_code"):
        send(one, "a")
    assert len(hub.requests) == 2
    assert one.spool.batches() == []
    assert len(list(one.spool.folder.glob("*.refused"))) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_without_a_valid_token_the_batch_waits(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path, status: int
) -> None:
    one = enrolled(http, tmp_path)
    hub.replies.append(problem(status, "unauthenticated"))
    with pytest.raises(Refused):
        send(one, "a")
    assert len(hub.requests) == 2
    assert len(one.spool.batches()) == 1


def test_what_was_not_acknowledged_is_sent_after_a_restart_as_it_was(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path
) -> None:
    one = enrolled(http, tmp_path, patience_seconds=0.3)
    hub.replies += [problem(503, "away")] * 20
    with pytest.raises(Unreachable):
        send(one, "a")
    lost = hub.requests[-1]
    hub.replies.clear()
    restarted = appliance(http, tmp_path)
    assert restarted.send_spooled() == 1
    assert (hub.requests[-1].raw, hub.requests[-1].headers["idempotency-key"]) == (
        lost.raw, lost.headers["idempotency-key"],
    )  # fmt: skip
    send(restarted, "b")
    assert hub.requests[-1].body["sequence"] == lost.body["sequence"] + 1


def test_a_stopped_program_keeps_its_batch(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    one = enrolled(http, tmp_path)
    hub.replies.append(problem(503, "away"))
    one.stop.set()
    with pytest.raises(Stopped):
        send(one, "a")
    assert len(one.spool.batches()) == 1


def test_uploads_keep_to_the_announced_number_of_machines(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    with_limits(hub, max_machines_performance=2)
    assert send(enrolled(http, tmp_path), "a", "b", "c", "d", "e") == 5
    assert [len(request.body["machines"]) for request in hub.requests[1:]] == [2, 2, 1]


def test_uploads_keep_to_the_announced_size(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    with_limits(hub, max_inflated_bytes=6000)
    assert send(enrolled(http, tmp_path), "a", "b", "c", "d", count=288) == 4
    sent = [machine["source_id"] for request in hub.requests[1:] for machine in request.body["machines"]]
    assert sent == ["a", "b", "c", "d"]
    assert [request.body["sequence"] for request in hub.requests[1:]] == [1, 2]


def test_what_fits_in_no_upload_is_refused_before_it_is_sent(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path
) -> None:
    with_limits(hub, max_bytes=50, max_machines_inventory=1)
    one = enrolled(http, tmp_path)
    with pytest.raises(BatchTooLarge):
        send(one, "a")
    with pytest.raises(BatchTooLarge):
        one.send_inventory([machine("a"), machine("b")], snapshot=True, collected_at=NOW)
    assert len(hub.requests) == 1


def test_a_machine_the_hub_does_not_know_is_told_and_its_points_sent_anew(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path
) -> None:
    one = enrolled(http, tmp_path)
    unknown = {"source_id": "b", "code": "unknown_machine", "message": "", "retryable": True}
    hub.replies.append((200, {}, {"accepted": 1, "rejected": [unknown]}))
    assert send(one, "a", "b") == 2
    first, told, again = hub.requests[1:]
    assert [one["source_id"] for one in told.body["machines"]] == ["b"]
    assert told.body["snapshot"] is False
    assert [one["source_id"] for one in again.body["machines"]] == ["b"]
    assert again.body["sequence"] > first.body["sequence"]
    assert again.headers["idempotency-key"] != first.headers["idempotency-key"]


def test_a_machine_refused_for_another_reason_is_reported(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    one = enrolled(http, tmp_path)
    off_grid = {"source_id": "b", "code": "off_grid", "message": "", "retryable": False}
    hub.replies.append((200, {}, {"accepted": 1, "rejected": [off_grid]}))
    answer = one.send_performance([points("a"), points("b")], interval_seconds=600, inventory_of=lambda ids: [])
    assert [(rejection.source_id, rejection.code) for rejection in answer.rejected] == [("b", "off_grid")]
    assert len(hub.requests) == 2


def test_a_new_registration_forgets_batches_of_the_one_before(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path
) -> None:
    one = enrolled(http, tmp_path)
    hub.replies.append(problem(401, "unauthenticated"))
    with pytest.raises(Refused):
        send(one, "a")
    one.register(registration_key="another", hostname="host")
    assert one.spool.batches() == []


def test_a_token_near_its_end_is_rotated_with_the_heartbeat(
    hub: ScriptedHub, http: httpx.Client, tmp_path: Path
) -> None:
    hub.replies += [
        (201, {}, REGISTERED | {"token_expires_at": "2020-01-01T00:00:00Z"}),
        (200, {}, {}),
        (200, {}, {"token": "new-token", "token_expires_at": "2099-01-01T00:00:00Z"}),
    ]
    enrolled(http, tmp_path).heartbeat()
    send(appliance(http, tmp_path), "a")
    assert hub.requests[-1].headers["authorization"] == "Bearer new-token"


def test_secrets_are_readable_for_their_owner_only(hub: ScriptedHub, http: httpx.Client, tmp_path: Path) -> None:
    enrolled(http, tmp_path / "appliance")
    assert (tmp_path / "appliance" / "registration.json").stat().st_mode & 0o777 == 0o600
