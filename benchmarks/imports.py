"""File imports from the first byte sent to the commit: RVTools and performance CSV, with the memory of every process.

    python benchmarks/imports.py [--machines 20000] [--rows 10000000]

Starts its own PostgreSQL, Redis, web server and one worker in a temporary folder and stops them. The workbook has three
disks, a NIC and a partition a machine, and further columns as RVTools writes them. The history has 8 series of 5-minute
points a machine: once machine by machine, once instant by instant, which is the harder order, both gzipped.
"""

import argparse
import gzip
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # this folder has a module named as one of our packages

import httpx  # noqa: E402
import xlsxwriter  # noqa: E402

from benchmarks.ingest import PROJECT_DIR, Site, inventory, server, tenant  # noqa: E402
from migrate_hub.local.processes import start_process, stop_process  # noqa: E402

WANTED_SECONDS, MEMORY_MIB = 60, 500
SERIES = (
    ("cpu_percent", ""), ("memory_percent", ""), ("disk_read_mbps", "scsi0:0"), ("disk_write_mbps", "scsi0:0"),
    ("disk_read_iops", "scsi0:0"), ("disk_write_iops", "scsi0:0"), ("nic_received_mbps", "4000"),
    ("nic_transmitted_mbps", "4000"),
)  # fmt: skip
STEP = timedelta(minutes=5)
DAYS = 17
DISKS = 3
# Further columns, so that 20,000 machines inflate to about 150 MB, as a real export does.
FURTHER = {"vInfo": 45, "vDisk": 14, "vNetwork": 6, "vPartition": 6}
FINAL = {"completed", "failed", "cancelled"}


class Watch:
    """The largest memory of a worker and of the child that reads a file, and their processor time; 20 looks a second.

    On a machine that does other things as well, the processor time is what can be compared.
    """

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.worker_mib = self.child_mib = 0.0
        self._seconds: dict[int, tuple[float, float]] = {}

    @property
    def processor_seconds(self) -> float:
        """What all processes used since the first look at each."""
        return sum(last - first for first, last in self._seconds.values())

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            for process in self._descendants(self._worker):
                try:
                    is_child = b"ingest.imports.child" in Path(f"/proc/{process}/cmdline").read_bytes()
                    mib, seconds = _resident_mib(process), _processor_seconds(process)
                except (OSError, StopIteration):
                    continue
                first, _ = self._seconds.get(process, (0.0 if is_child else seconds, 0.0))
                self._seconds[process] = first, seconds
                if is_child:
                    self.child_mib = max(self.child_mib, mib)
                else:
                    self.worker_mib = max(self.worker_mib, mib)

    def _descendants(self, process: int) -> Iterator[int]:
        yield process
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        except OSError:
            return
        for child in children:
            yield from self._descendants(int(child))


def _resident_mib(process: int) -> float:
    """What a process holds now. VmHWM would also count what it shared with its parent before it was another program."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _processor_seconds(process: int) -> float:
    user, system = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def worker(folder: Path) -> Iterator[int]:
    """One Celery worker with one process, as the services start it; yields its id."""
    command = ["celery", "--app", "migrate_hub", "--workdir", str(PROJECT_DIR), "worker", "--loglevel", "warning"]
    command += [
        "--concurrency",
        "1",
        "--queues",
        "interactive,bulk,maintenance",
        "--without-gossip",
        "--without-mingle",
    ]
    longer = {"STATEMENT_TIMEOUT_SECONDS": "600"}
    process = start_process([sys.executable, "-m", *command], log=folder / "worker.log", environment=longer)
    try:
        yield process.pid
    finally:
        stop_process(process)


def rvtools(path: Path, machines: int) -> None:
    """A 4.x export. Every text is written where it stands, as RVTools does: no machine is like another."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    _sheet(book, "vInfo", _info, machines)
    _sheet(book, "vDisk", _disk, machines * DISKS)
    _sheet(book, "vNetwork", _nic, machines)
    _sheet(book, "vPartition", _partition, machines)
    book.close()


def _sheet(book: Any, name: str, row_of: Callable[[int], dict[str, Any]], rows: int) -> None:
    sheet = book.add_worksheet(name)
    further = [f"Column {number}" for number in range(FURTHER[name])]
    sheet.write_row(0, 0, [*row_of(0), *further])
    for number in range(rows):
        values = [
            *row_of(number).values(),
            *(f"text {number % 97}.{at}" if at % 2 else number * at for at in range(len(further))),
        ]
        sheet.write_row(number + 1, 0, values)


def _uuid(number: int, kind: int) -> str:
    return f"{kind:x}0{number:06x}-1111-2222-3333-444455556666"


def _address(number: int) -> str:
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def _info(number: int) -> dict[str, Any]:
    return {
        "VM": f"machine-{number:06}", "Powerstate": "poweredOn", "Template": "False", "SRM Placeholder": "False",
        "CPUs": 4, "Memory": 16384, "NICs": 1, "Disks": DISKS, "Primary IP Address": _address(number),
        "Folder": "/Prod", "Provisioned MiB": 320000, "In Use MiB": 100000, "Firmware": "efi", "Datacenter": "DC1",
        "Cluster": f"Cluster-{number % 20}", "Host": f"esx-{number % 300:03}",
        "OS according to the configuration file": "Microsoft Windows Server 2016 (64-bit)",
        "OS according to the VMware Tools": "Microsoft Windows Server 2019 (64-bit)", "VM ID": f"vm-{number}",
        "SMBIOS UUID": _uuid(number, 4), "VM UUID": _uuid(number, 5), "VI SDK UUID": _uuid(1, 9),
    }  # fmt: skip


def _disk(row: int) -> dict[str, Any]:
    number, unit = divmod(row, DISKS)
    return {
        "VM": f"machine-{number:06}", "Powerstate": "poweredOn", "Template": "False", "SRM Placeholder": "False",
        "Disk": f"Hard disk {unit + 1}", "Disk Key": str(2000 + unit), "Capacity MiB": 102400 * (unit + 1),
        "Thin": "True", "Controller": "VMware paravirtual SCSI", "Label": "SCSI controller 0", "Unit #": unit,
        "VM ID": f"vm-{number}",
        "VM UUID": _uuid(number, 5),
    }  # fmt: skip


def _nic(number: int) -> dict[str, Any]:
    address = f"00:50:56:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    return {
        "VM": f"machine-{number:06}", "NIC label": "Network adapter 1", "Adapter": "Vmxnet3", "Network": "VM Network",
        "Mac Address": address, "IPv4 Address": _address(number),
        "VM ID": f"vm-{number}", "VM UUID": _uuid(number, 5),
    }  # fmt: skip


def _partition(number: int) -> dict[str, Any]:
    return {
        "VM": f"machine-{number:06}", "Disk": "C:\\", "Capacity MiB": 102000, "Consumed MiB": 50000, "Free MiB": 52000,
        "VM ID": f"vm-{number}", "VM UUID": _uuid(number, 5),
    }  # fmt: skip


def machines_of(rows: int) -> int:
    """How many machines have about so many rows."""
    return -(-rows // (DAYS * 288 * len(SERIES)))


def history(path: Path, rows: int, *, by_instant: bool) -> None:
    """A performance CSV of at least so many rows, gzipped."""
    instants = DAYS * 288
    machines = machines_of(rows)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    stamps = [(start + number * STEP).strftime("%Y-%m-%dT%H:%M:%SZ") for number in range(instants)]
    dice = random.Random(7)
    values = [f"{dice.uniform(0, 100):.2f}" for _ in range(100_003)]
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("machine,timestamp,metric,device,value\n")
        write = _by_instant if by_instant else _by_machine
        write(file, machines, stamps, values)


def _by_machine(file: IO[str], machines: int, stamps: Sequence[str], values: Sequence[str]) -> None:
    for machine in range(machines):
        for at, (metric, device) in enumerate(SERIES):
            first = (machine * 8 + at) * len(stamps)
            file.writelines(
                f"machine-{machine},{stamp},{metric},{device},{values[(first + i) % len(values)]}\n"
                for i, stamp in enumerate(stamps)
            )


def _by_instant(file: IO[str], machines: int, stamps: Sequence[str], values: Sequence[str]) -> None:
    for i, stamp in enumerate(stamps):
        file.writelines(
            f"machine-{machine},{stamp},{metric},{device},{values[(i * 7919 + machine * 8 + at) % len(values)]}\n"
            for machine in range(machines)
            for at, (metric, device) in enumerate(SERIES)
        )


class Client:
    """Sends files and waits for their imports."""

    def __init__(self, url: str, token: str, project: str) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/api/v1/projects/{project}/", timeout=600, headers={"Authorization": f"Bearer {token}"}
        )

    def imported(self, path: Path, file_format: str) -> tuple[float, float, Any]:
        """Seconds to the answer that the file is taken, seconds from there to the commit, and the import."""
        started = time.perf_counter()
        with path.open("rb") as file:
            sent = self._http.post("imports/", data={"format": file_format}, files={"file": (path.name, file)})
        taken = time.perf_counter()
        if sent.status_code != 202:
            sys.exit(f"{sent.status_code}: {sent.text[:500]}")
        while (found := self._http.get(f"imports/{sent.json()['id']}/").json())["status"] not in FINAL:
            time.sleep(0.1)
        if found["status"] != "completed":
            sys.exit(f"{found['status']}: {found['failure']}")
        return taken - started, time.perf_counter() - taken, found

    def undone(self, import_id: str) -> float:
        """Seconds until an import is undone."""
        started = time.perf_counter()
        self._http.delete(f"imports/{import_id}/")
        while self._http.get(f"imports/{import_id}/").json()["status"] != "undone":
            time.sleep(0.1)
        return time.perf_counter() - started


def report(title: str, path: Path, *, worker_id: int, client: Client, file_format: str) -> Any:
    """Imports a file and prints what it took; returns the import."""
    with Watch(worker_id) as watch:
        upload, work, found = client.imported(path, file_format)
    counts = {name: count for name, count in found["counts"].items() if isinstance(count, int) and count}
    print(f"{title}, {path.stat().st_size / 1e6:,.1f} MB on the wire")
    print(f"  upload {upload:.1f} s, import to the commit {work:.1f} s; wanted together: {WANTED_SECONDS}")
    load = os.getloadavg()[0]
    print(f"  processor time of child and worker {watch.processor_seconds:.1f} s, load of the machine {load:.1f}")
    print(f"  most memory: child {watch.child_mib:.0f} MiB, worker {watch.worker_mib:.0f} MiB; wanted: {MEMORY_MIB}")
    print(f"  {counts}")
    return found


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mh-bench-")))
        url, web = stack.enter_context(server())
        process = stack.enter_context(worker(folder))
        _, token, project = tenant(url)
        client = Client(url, token, project)
        workbook, csv = folder / "rvtools.xlsx", folder / "history.csv.gz"
        rvtools(workbook, asked.machines)
        title = f"RVTools with {asked.machines:,} machines and {asked.machines * DISKS:,} disks"
        for suffix in ("", ", again"):
            report(title + suffix, workbook, worker_id=process, client=client, file_format="rvtools")
        with_history(url, token, worker_id=process, path=csv, rows=asked.rows)
        print(f"most memory of the web process: {_high_water_mib(web):.0f} MiB")


def with_history(url: str, token: str, *, worker_id: int, path: Path, rows: int) -> None:
    """The performance CSV in both orders, each undone again."""
    project = httpx.post(
        f"{url}/api/v1/projects/",
        json={"name": "history", "target_region": "westeurope"},
        headers={"Authorization": f"Bearer {token}"},
    ).json()["id"]
    client = Client(url, token, project)
    machines = machines_of(rows)
    Site(url, token, project).send("inventory", gzip.compress(inventory(machines, 1)))
    for order in ("machine by machine", "instant by instant"):
        history(path, rows, by_instant=order == "instant by instant")
        title = f"performance CSV of {machines:,} machines and {DAYS} days, {order}"
        found = report(title, path, worker_id=worker_id, client=client, file_format="performance_csv")
        print(f"  undone in {client.undone(found['id']):.1f} s")


def _high_water_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    os.environ.setdefault("REQUESTS_A_MINUTE_PER_TOKEN", "100000")
    os.environ.setdefault("REQUESTS_A_MINUTE_PER_TENANT", "100000")
    main(sys.argv[1:])
