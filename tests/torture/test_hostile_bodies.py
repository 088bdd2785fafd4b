"""Bodies and connections made to hurt: each gets its answer, and the web process stays small."""

import contextlib
import gzip
import socket
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.torture.hub import Hub, times
from tests.torture.proof import must_have_memory, must_have_points
from tests.torture.site import Site

pytestmark = pytest.mark.torture

MIB = 1024 * 1024
MAX_WEB_MEMORY_MIB = 400
ENVELOPE = b'{"sequence":1,"interval_seconds":600,"machines":['


def zeros(size: int) -> bytes:
    """`size` bytes of spaces as gzip, without holding them."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(b" " * MIB) for _ in range(size // MIB)), packer.flush()])


def flood(item: bytes, count: int) -> bytes:
    """An upload whose `machines` are one thing again and again."""
    return gzip.compress(ENVELOPE + b",".join([item] * count) + b"]}", 1)


def machines_of(item: str, count: int) -> bytes:
    """Many machines that differ only in their names."""
    items = ",".join(item.replace("NAME", f"m{i}") for i in range(count))
    return gzip.compress(ENVELOPE + items.encode() + b"]}", 1)


START = '"start_at":"2026-11-01T00:00:00Z"'
EMPTY_DISKS = ",".join(f'"d{i}":{{}}' for i in range(250))

# Name, body (gzip), and the answers that are right.
BODIES: dict[str, tuple[Callable[[], bytes], set[int]]] = {
    "a bomb of a gigabyte": (lambda: zeros(1024 * MIB), {413}),
    "a bomb of many members": (lambda: zeros(2 * MIB) * 60, {400}),
    "more members than anybody needs": (lambda: gzip.compress(b"{}") * 100_000, {400}),
    "a million levels of nesting": (lambda: gzip.compress(b"[" * 10**6), {400}),
    "nesting inside a machine": (lambda: flood(b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}", 10), {400}),
    "20 million empty lists": (lambda: gzip.compress(b"[" + b"[]," * 20_000_000 + b"[]]", 1), {413}),
    "a million machines that are lists": (lambda: flood(b"[]", 1_400_000), {400, 413}),
    "a million machines without anything": (lambda: flood(b"{}", 1_400_000), {200, 400, 413}),
    "a million machines that are numbers": (lambda: flood(b"1", 2_900_000), {400, 413}),
    "a million wrong machines with long names": (
        lambda: machines_of('{"source_id":"NAME' + "x" * 40 + '","start_at":7}', 400_000),
        {400, 413},
    ),
    "machines with hundreds of empty disks": (
        lambda: machines_of(f'{{"source_id":"NAME",{START},"disks":{{{EMPTY_DISKS}}}}}', 1500),
        {200},
    ),
    "as many objects as are allowed": (lambda: machines_of(f'{{"source_id":"NAME",{START}}}', 499_000), {413}),
    "a million objects": (lambda: machines_of(f'{{"source_id":"NAME",{START}}}', 700_000), {413}),
    "machines with long arrays of null": (
        lambda: machines_of(f'{{"source_id":"NAME",{START},"cpu_percent":[{",".join(["null"] * 280)}]}}', 9900),
        {200},
    ),
    "arrays that are far too long": (
        lambda: machines_of(f'{{"source_id":"NAME",{START},"cpu_percent":[{",".join(["1"] * 500_000)}]}}', 5),
        {200},
    ),
    "one name of sixty million letters": (lambda: flood(b'{"source_id":"' + b"x" * 60 * MIB + b'"}', 1), {200, 400}),
    "a number of a million digits": (lambda: gzip.compress(b'{"sequence":' + b"9" * 10**6 + b"}"), {400}),
    "sixty million escapes": (lambda: flood(b'{"source_id":"' + b"\\u0041" * 10**7 + b'"}', 1), {200, 400}),
    "sixty million brackets in a text": (lambda: flood(b'{"source_id":"' + b"]" * 60 * MIB + b'"}', 1), {200, 400}),
    "random bytes": (lambda: gzip.compress(bytes(range(256)) * 4000), {400}),
    "gzip of gzip of nothing": (lambda: gzip.compress(gzip.compress(b"")), {400}),
}


HEAD = "POST /api/v1/ingest/performance/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer TOKEN\r\n"
JSON = "Content-Type: application/json\r\nIdempotency-Key: 0192d1f0-0000-7000-8000-000000000001\r\n"
CHUNKED = HEAD + JSON + "Transfer-Encoding: chunked\r\n\r\n"

# What is sent on a connection of its own, and how the answer must begin; "" where the hub may just close: who still
# sends when it does so does not see what it said.
CONNECTIONS = {
    "a body longer than announced": (HEAD + JSON + "Content-Length: 2\r\n\r\n{}GARBAGE\r\n\r\n", "400"),
    "a body shorter than announced": (HEAD + JSON + "Content-Length: 9\r\n\r\n{}", ""),
    "a negative length": (HEAD + JSON + "Content-Length: -2\r\n\r\n{}", "400"),
    "a length in words": (HEAD + JSON + "Content-Length: two\r\n\r\n{}", "400"),
    "a length of many digits": (HEAD + JSON + f"Content-Length: {'9' * 40}\r\n\r\n{{}}", "400"),
    "two lengths": (HEAD + JSON + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "400"),
    "length and chunks": (HEAD + JSON + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
    "an unknown transfer encoding": (HEAD + JSON + "Transfer-Encoding: smuggled\r\n\r\n{}", "400"),
    "a chunk that is no number": (CHUNKED + "zz\r\n{}\r\n0\r\n\r\n", "400"),
    "a chunk larger than the world": (CHUNKED + "FFFFFFFFFFFFFFFFF\r\n{}", "400"),
    "a body that never ends": (CHUNKED + "100000\r\n" + " " * MIB, ""),
    "a head of a megabyte": (HEAD + "X: " + "x" * MIB, ""),
    "a hundred thousand headers": (HEAD + "X: y\r\n" * 100_000, ""),
    "trailers without end": (CHUNKED + "2\r\n{}\r\n0\r\n" + "X: y\r\n" * 100_000, ""),
    "an address without end": ("GET /" + "x" * MIB, ""),
    "no HTTP at all": ("\x16\x03\x01" + "hello" * 100, "400"),
    "nothing": ("", ""),
}


@pytest.fixture
def site(hub: Hub) -> Site:
    made = Site(hub, 1, machines=20)
    assert made.deliver(made.inventory(snapshot=True))
    return made


def test_hostile_bodies_are_answered_and_the_web_process_stays_small(hub: Hub, site: Site) -> None:
    packed = {name: make() for name, (make, _) in BODIES.items()}
    for _ in range(times(1, 3)):
        for name, (_, right) in BODIES.items():
            status = sent(hub, site, packed[name])
            print(f"{name}: {status}, at most {hub.web_memory_mib():.0f} MiB")
            assert status in right, name
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda body: sent(hub, site, body), packed.values()))
    assert set(together) <= {200, 400, 413, 503}
    print(f"all at once: at most {hub.web_memory_mib():.0f} MiB")
    assert hub.web_memory_mib() < MAX_WEB_MEMORY_MIB
    must_go_on(hub, site)


def sent(hub: Hub, site: Site, packed: bytes) -> int:
    """The status of an upload under a key of its own."""
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    headers |= {"Content-Encoding": "gzip", "Idempotency-Key": str(uuid4())}
    answer = hub.client(None).post("ingest/performance/", content=packed, headers=headers)
    assert answer.is_success or answer.json()["code"]
    return answer.status_code


def must_go_on(hub: Hub, site: Site) -> None:
    """The hub serves as before, and holds nothing but what the well-behaved appliance sent."""
    for _ in range(3):
        assert site.deliver(site.performance())
    must_have_points(hub, [site])
    must_have_memory(hub, [site])


@pytest.mark.parametrize("leave", ["half-closed", "closed", "reset"])
def test_hostile_connections_are_answered_or_closed(hub: Hub, site: Site, leave: str) -> None:
    for _ in range(times(1, 10)):
        for name, (text, status) in CONNECTIONS.items():
            answer = spoken(hub, text.replace("TOKEN", site.token).encode("latin-1"), leave)
            if leave == "half-closed" and status:
                assert f"HTTP/1.1 {status}" in answer, name
            assert " 500 " not in answer, name
    assert hub.web_memory_mib() < MAX_WEB_MEMORY_MIB
    must_go_on(hub, site)


def spoken(hub: Hub, said: bytes, leave: str) -> str:
    """What comes back on a connection that says something and then closes its half, closes, or breaks off."""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=30) as connection:
        if leave == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(ConnectionError):
            connection.sendall(said)
            if leave != "half-closed":
                return ""
            answer = all_of(connection)
            connection.shutdown(socket.SHUT_WR)
            return (answer + all_of(connection)).decode("latin-1")
    return ""


def all_of(connection: socket.socket) -> bytes:
    """What comes within a second, or until the other side closes."""
    connection.settimeout(1)
    answer = b""
    with contextlib.suppress(TimeoutError):
        while chunk := connection.recv(65536):
            answer += chunk
    return answer
