"""How fast uploads go through HTTP into a committed transaction, beside decoding the same JSON alone, in one run.

    python benchmarks/ingest.py [--machines 10000] [--uploads 5] [--inventory 35000]

Starts its own PostgreSQL, Redis and web server in a temporary folder and stops them. An upload has 12 series of 6
points a machine (CPU, memory, two disks, one NIC), gzip, sent over a loopback connection.
"""

import argparse
import gzip
import json
import os
import random
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from migrate_hub.local.environment import open_data_dir
from migrate_hub.local.postgres import EmbeddedPostgres
from migrate_hub.local.processes import start_process, stop_process
from migrate_hub.local.redis import EmbeddedRedis
from migrate_hub.local.services import WEB_MEMORY

PROJECT_DIR = Path(__file__).resolve().parent.parent
POINTS, SERIES = 6, 12
DISK_SERIES = ("read_mbps", "write_mbps", "read_iops", "write_iops")
NIC_SERIES = ("received_mbps", "transmitted_mbps")
APPLIANCES, SMALL_UPLOAD, SMALL_UPLOADS = 4, 1000, 25
GROWTH, GROWTH_UPLOADS = (500, 1000, 2000, 4000), 9


class Site:
    """An enrolled appliance over HTTP."""

    def __init__(self, url: str, people_token: str, project: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1/", timeout=120)
        body = {"name": f"appliance {uuid4()}", "kind": "vmware"}
        headers = {"Authorization": f"Bearer {people_token}"}
        made = self._ok(self.http.post(f"projects/{project}/appliances/", json=body, headers=headers))
        enrol = {"registration_key": made["registration_key"], "hostname": "bench", "version": "1"}
        self.token = self._ok(self.http.post("appliances/register/", json=enrol))["token"]

    def send(self, path: str, packed: bytes) -> tuple[float, Any]:
        """Seconds from the first byte sent to the answer, which comes after the commit, and the answer."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Idempotency-Key": str(uuid4()),
        }
        started = time.perf_counter()
        response = self.http.post(f"ingest/{path}/", content=packed, headers=headers)
        return time.perf_counter() - started, self._ok(response)

    @staticmethod
    def _ok(response: httpx.Response) -> Any:
        if response.is_error:
            sys.exit(f"{response.status_code}: {response.text[:500]}")
        return response.json()


def inventory(count: int, sequence: int, prefix: str = "vm", *, disks: int = 2) -> bytes:
    machines = [
        {
            "source_id": f"{prefix}-{i:08}",
            "name": f"machine-{i}",
            "power_state": "on",
            "operating_system": "Microsoft Windows Server 2016 (64-bit)",
            "cores": 4,
            "memory_mb": 16384,
            "disks": [{"source_id": f"scsi0:{d}", "name": f"Hard disk {d}", "size_gb": 80.0} for d in range(disks)],
            "nics": [{"source_id": "4000", "mac_address": "00:50:56:82:d0:3c", "ip_addresses": ["10.0.0.7"]}],
        }
        for i in range(count)
    ]
    return json.dumps({"sequence": sequence, "snapshot": True, "machines": machines}, separators=(",", ":")).encode()


def performance(count: int, sequence: int, start_at: datetime, prefix: str = "vm", *, points: int = POINTS) -> bytes:
    dice = random.Random(sequence)

    def array(top: float) -> list[float]:
        return [round(dice.uniform(0, top), 2) for _ in range(points)]

    machines = [
        {
            "source_id": f"{prefix}-{i:08}",
            "start_at": start_at.isoformat(),
            "cpu_percent": array(100),
            "memory_percent": array(100),
            "disks": {f"scsi0:{d}": {name: array(500) for name in DISK_SERIES} for d in range(2)},
            "nics": {"4000": {name: array(100) for name in NIC_SERIES}},
        }
        for i in range(count)
    ]
    body = {"sequence": sequence, "interval_seconds": 600, "machines": machines}
    return json.dumps(body, separators=(",", ":")).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """Yields the URL of a real web server on embedded PostgreSQL and Redis, and its process id."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="mh-bench-"))
        folder.chmod(0o755)  # as root, PostgreSQL's own user must walk through it
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        data_dir, port = open_data_dir(folder), free_port()
        url = f"http://127.0.0.1:{port}"
        os.environ.update(data_dir.variables(url))
        os.environ.update(DJANGO_SETTINGS_MODULE="migrate_hub.settings", LOG_LEVEL="WARNING")
        for embedded in (EmbeddedPostgres(data_dir), EmbeddedRedis(data_dir)):
            stack.callback(embedded.stop)
            embedded.start()
        _migrate()
        command = ["uvicorn", "migrate_hub.asgi:application", "--port", str(port), "--no-access-log"]
        command += ["--lifespan", "off", "--app-dir", str(PROJECT_DIR)]
        command += ["--http", "migrate_hub.connections:LimitedConnection"]
        web = start_process([sys.executable, "-m", *command], log=folder / "web.log", environment=WEB_MEMORY)
        stack.callback(stop_process, web)
        _wait(url)
        yield url, web.pid


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", database="owner", verbosity=0)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    sys.exit("the web server did not start")


def tenant(url: str) -> tuple[int, str, str]:
    """A tenant's internal id, its owner's token, and a project."""
    from django.utils import timezone

    from migrate_hub.tenants.models import Membership, Role
    from migrate_hub.tenants.people import create_tenant, make_access_token
    from migrate_hub.tenants.row_level_security import tenant_context

    made, user = create_tenant(name="bench", owner_email="bench@example.com")
    with tenant_context(made.id):
        membership = Membership.objects.select_related("tenant", "user").get(tenant=made, user=user)
        token = make_access_token(membership=membership, role=Role.OWNER, name="bench", now=timezone.now()).wire
    body = {"name": "bench", "target_region": "westeurope"}
    response = httpx.post(f"{url}/api/v1/projects/", json=body, headers={"Authorization": f"Bearer {token}"})
    return made.id, token, str(Site._ok(response)["id"])


def seconds_of(function: Callable[[], Any]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def large_uploads(site: Site, machines: int, uploads: int, last_hour: datetime) -> None:
    """Uploads one after the other, each beside the decoding of the same body."""
    import msgspec

    from ingest.uploads import PerformanceUpload

    typed, untyped = msgspec.json.Decoder(PerformanceUpload), msgspec.json.Decoder()
    sent, as_structs, as_objects = [], [], []
    for number in range(uploads + 1):
        body = performance(machines, number + 10, last_hour - timedelta(hours=number))
        packed = gzip.compress(body, 6)
        seconds, answer = site.send("performance", packed)
        assert answer["accepted"] == machines, answer
        if number:  # the first one warms up
            sent.append(seconds)
            as_structs.append(seconds_of(lambda body=body: typed.decode(body)))  # type: ignore[misc]
            as_objects.append(seconds_of(lambda body=body: untyped.decode(body)))  # type: ignore[misc]
    values = machines * POINTS * SERIES
    upload, structs, objects = (statistics.median(seconds) for seconds in (sent, as_structs, as_objects))
    print(f"upload of {machines:,} machines, {values:,} values, {len(body):,} bytes of JSON, {len(packed):,} gzipped")
    print(f"  HTTP to committed        {upload:6.3f} s  {values / upload / 1e6:5.2f} M values/s")
    print(f"  decoding into structs    {structs:6.3f} s  {values / structs / 1e6:5.2f} M values/s")
    print(f"  decoding into objects    {objects:6.3f} s  {values / objects / 1e6:5.2f} M values/s")
    print(
        f"  ratio to decoding alone  {structs / upload:.2f} (structs), {objects / upload:.2f} (objects); wanted: 0.40"
    )


def parallel_uploads(url: str, people_token: str, project: str, last_hour: datetime) -> None:
    """Four appliances at once, 1,000 machines an upload."""
    sites = [Site(url, people_token, project) for _ in range(APPLIANCES)]
    seconds: list[float] = []

    def send(site: Site, prefix: str) -> None:
        site.send("inventory", gzip.compress(inventory(SMALL_UPLOAD, 1, prefix)))
        packed = [
            gzip.compress(performance(SMALL_UPLOAD, number + 2, last_hour - timedelta(hours=number), prefix))
            for number in range(SMALL_UPLOADS)
        ]
        start.wait()
        seconds.extend(site.send("performance", body)[0] for body in packed)

    start = threading.Barrier(APPLIANCES)
    threads = [threading.Thread(target=send, args=(site, f"p{i}")) for i, site in enumerate(sites)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(seconds)
    p99 = ordered[-max(1, len(ordered) // 100) - 1]
    print(f"{APPLIANCES} appliances at once, {SMALL_UPLOAD:,} machines an upload, {len(ordered)} uploads")
    print(f"  median {statistics.median(ordered):.3f} s, p99 {p99:.3f} s; wanted: 0.500")


def growth(site: Site, last_hour: datetime) -> None:
    """Uploads of more and more machines, in turns, so that a busy moment of the machine falls on all sizes alike."""
    site.send("inventory", gzip.compress(inventory(max(GROWTH), 1, "g")))
    seconds: dict[int, list[float]] = {machines: [] for machines in GROWTH}
    for number in range(GROWTH_UPLOADS):
        for place, machines in enumerate(GROWTH):
            sequence = 2 + number * len(GROWTH) + place
            body = performance(machines, sequence, last_hour - timedelta(hours=number), "g")
            seconds[machines].append(site.send("performance", gzip.compress(body))[0])
    print(f"growth: one appliance, the median of {GROWTH_UPLOADS} uploads each; wanted: constant cost a machine")
    for machines in GROWTH:
        upload = statistics.median(seconds[machines])
        print(f"  {machines:5,} machines  {upload:.3f} s  {upload / machines * 1e6:4.0f} us a machine")


def snapshots(site: Site, machines: int) -> None:
    """A whole estate in one snapshot: new, then again unchanged."""
    seconds = [site.send("inventory", gzip.compress(inventory(machines, number, "s", disks=3)))[0] for number in (1, 2)]
    print(f"snapshot of {machines:,} machines with {machines * 3:,} disks")
    print(f"  new {seconds[0]:.2f} s, unchanged {seconds[1]:.2f} s")


def reading(tenant_id: int, last_hour: datetime, hours: int) -> None:
    """utilization() of all machines from the blocks, in this process."""
    from ingest.models import Machine
    from ingest.utilization import utilization
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(tenant_id):
        machines: list[UUID] = list(Machine.objects.filter(source_id__startswith="vm").values_list("id", flat=True))
        window = last_hour - timedelta(hours=hours), last_hour + timedelta(hours=1)
        seconds = seconds_of(lambda: utilization(machines, *window, 95))
    values = len(machines) * SERIES * POINTS * (hours + 1)
    print(f"percentiles of {len(machines):,} machines from {hours + 1} hours of blocks")
    print(f"  {seconds:.2f} s, {len(machines) / seconds:,.0f} machines/s, {values / seconds / 1e6:.1f} M values/s")


def peak_memory_mib(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=10_000)
    parser.add_argument("--uploads", type=int, default=5)
    parser.add_argument("--inventory", type=int, default=35_000)
    asked = parser.parse_args(arguments)
    last_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    with server() as (url, web):
        tenant_id, token, project = tenant(url)
        site = Site(url, token, project)
        site.send("inventory", gzip.compress(inventory(asked.machines, 1)))
        large_uploads(site, asked.machines, asked.uploads, last_hour)
        reading(tenant_id, last_hour, asked.uploads)
        parallel_uploads(url, token, project, last_hour)
        growth(Site(url, token, project), last_hour)
        print(f"peak memory of the web process after performance uploads: {peak_memory_mib(web):.0f} MiB; wanted: 400")
        snapshots(Site(url, token, project), asked.inventory)
        print(f"peak memory of the web process after the snapshots: {peak_memory_mib(web):.0f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
