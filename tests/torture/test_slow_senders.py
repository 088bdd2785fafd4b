"""200 senders that are slow on purpose: they are cut off, and do not keep others from being answered."""

import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.torture.fleet import uploading
from tests.torture.hub import Hub, Prepared, running_hub
from tests.torture.site import Site

pytestmark = pytest.mark.torture

SLOW_EACH = 100
HEAD_SECONDS, BODY_SECONDS = 3, 4


@pytest.fixture
def hub(prepared: Prepared) -> Iterator[Hub]:
    with running_hub(prepared, HEAD_SECONDS=str(HEAD_SECONDS), BODY_SECONDS=str(BODY_SECONDS)) as started:
        yield started


@dataclass
class SlowSender:
    """A connection that sends a byte now and then; `answer` is what came back until it was closed."""

    connection: socket.socket
    drip: bytes
    answer: bytes = b""
    is_cut_off: bool = field(default=False)

    @classmethod
    def to(cls, hub: Hub, start: bytes, drip: bytes) -> "SlowSender":
        connection = socket.create_connection(("127.0.0.1", hub.port), timeout=30)
        connection.sendall(start)
        connection.setblocking(False)
        return cls(connection, drip)

    def go_on(self) -> None:
        """Sends one more byte and reads what is there."""
        try:
            self.connection.send(self.drip)
            self.answer += self.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            self.is_cut_off = True
        self.is_cut_off = self.is_cut_off or b" 408 " in self.answer


def slow_heads(hub: Hub) -> list[SlowSender]:
    return [SlowSender.to(hub, b"POST /api/v1/ingest/performance/ HTTP/1.1\r\nX: ", b"x") for _ in range(SLOW_EACH)]


def slow_bodies(hub: Hub, site: Site) -> list[SlowSender]:
    """Uploads with a valid token, whose body takes days."""
    head = (
        f"POST /api/v1/ingest/performance/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {site.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {1024 * 1024}\r\n\r\n"
    )
    return [SlowSender.to(hub, head.encode(), b" ") for _ in range(SLOW_EACH)]


def test_slow_senders_are_cut_off_and_starve_nobody(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    with uploading(hub) as fleet:
        for site in fleet.sites:
            site.seconds.clear()
        crowd = slow_heads(hub) + slow_bodies(hub, fleet.sites[0])
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not all(sender.is_cut_off for sender in crowd):
                for sender in crowd:
                    if not sender.is_cut_off:
                        sender.go_on()
                assert httpx.get(f"{hub.url}/healthz", timeout=30).status_code == 200
                time.sleep(0.2)
        finally:
            for sender in crowd:
                sender.connection.close()
        fleet.wait_for("acknowledged", 4)
        assert fleet.count("lost") == 0
    assert all(sender.is_cut_off for sender in crowd)
    seconds = [one for site in fleet.sites for one in site.seconds]
    with capsys.disabled():
        print(f"\np95 of {len(seconds)} uploads beside {len(crowd)} slow senders: {p95(seconds) * 1000:.0f} ms")


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]
