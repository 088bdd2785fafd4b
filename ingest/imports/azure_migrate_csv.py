"""Azure Migrate's server import template: one server a row, with single values of utilization. Rules, section 1.7.

The name is the id: the same name again is an update. Older headings without units are understood, and up to 20 disks.
A boot type that is not stated stays unknown here; the rule set decides what that means.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ingest.imports import cells
from ingest.imports.checking import Findings, valid_record
from ingest.imports.delimited import FALLBACK, encoding_of, table
from ingest.imports.parsed import (
    MACHINES_A_CHUNK,
    Chunk,
    DiskRates,
    Options,
    ParsedMachine,
    UnreadableFileError,
    Utilization,
)
from ingest.limits import MAX_IP_ADDRESSES, MAX_MACHINES_INVENTORY, MAX_NICS
from ingest.records import DiskRecord, MachineRecord, NicRecord

MAX_DISK_COLUMNS = 20
MANDATORY = ("server name", "cores", "memory", "os name")
PARENTHESES = re.compile(r"\([^)]*\)")
NO_WORD = re.compile(r"[^a-z0-9]+")
DISK_COLUMN = re.compile(r"disk (\d{1,3}) (size|read throughput|write throughput|read ops|write ops)")
ALIASES = {
    "ip address": "ip addresses",
    "firmware type": "boot type",
    "cpu utilization percentage": "cpu utilization",
    "memory utilization percentage": "memory utilization",
    "network in": "network in throughput",
    "network out": "network out throughput",
    "total disk read throughput": "total disks read throughput",
    "total disk write throughput": "total disks write throughput",
    "total disk read ops": "total disks read ops",
    "total disk write ops": "total disks write ops",
    "number of network adapters": "network adapters",
}
RATES = {
    "read_mbps": "read throughput",
    "write_mbps": "write throughput",
    "read_iops": "read ops",
    "write_iops": "write ops",
}
TOTALS = {name: f"total disks {column}" for name, column in RATES.items()}
PERCENTS = {"cpu_percent": "cpu utilization", "memory_percent": "memory utilization"}
NETWORK = {"received_mbps": "network in throughput", "transmitted_mbps": "network out throughput"}
OTHERS = (
    "ip addresses", "os version", "os architecture", "server type", "hypervisor", "network adapters", "boot type",
    "mac address", "number of disks", "storage in use",
)  # fmt: skip
KNOWN = frozenset([*MANDATORY, *OTHERS, *TOTALS.values(), *PERCENTS.values(), *NETWORK.values()])
ARCHITECTURES = {
    "x64": "64-bit", "amd64": "64-bit", "x86_64": "64-bit", "64-bit": "64-bit", "64bit": "64-bit",
    "x86": "32-bit", "i386": "32-bit", "i686": "32-bit", "32-bit": "32-bit", "32bit": "32-bit",
}  # fmt: skip
BOOT_TYPES = {"bios": "bios", "uefi": "uefi", "efi": "uefi"}


def parse(path: Path, options: Options) -> Iterator[Chunk]:
    """The servers of a CSV. Raises UnreadableFileError when the mandatory columns are not there."""
    encoding = encoding_of(path)
    lines = table(path, encoding=encoding, known=lambda headings: len(KNOWN & {*map(heading, headings)}))
    findings = Findings()
    if encoding == FALLBACK:
        message = "The file is not UTF-8; it is read as Windows-1252. Check names with accents."
        findings.warning("not_utf8", message)
    first = next((line for line in lines if any(map(str.strip, line[1]))), (1, ()))
    columns = _columns(first[1], findings)
    yield from _servers(lines, columns, findings, path.stat().st_size)


def heading(written: str) -> str:
    """The normal form of a heading: no asterisk, capitals or unit, one word for each idea."""
    plain = NO_WORD.sub(" ", PARENTHESES.sub(" ", written.lower())).strip()
    return ALIASES.get(plain, plain)


def _columns(headings: Sequence[str], findings: Findings) -> dict[str, int]:
    columns: dict[str, int] = {}
    for place, written in enumerate(headings):
        columns.setdefault(heading(written), place)
    missing = [name for name in MANDATORY if name not in columns]
    if missing:
        raise UnreadableFileError(
            "missing_column",
            f"The first line lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}. Use the headings of "
            "Azure Migrate's import template, separated by commas.",
        )
    for name in columns.keys() - KNOWN - {""}:
        disk = DISK_COLUMN.fullmatch(name)
        if disk is None or not 1 <= int(disk[1]) <= MAX_DISK_COLUMNS:
            findings.warning(
                "unknown_column", "The column is not used.", row=1, column=cells.text(headings[columns[name]])[:255]
            )
    return columns


class Server:
    """One row: its cells by heading, its place, and what is wrong with it."""

    def __init__(self, number: int, values: Sequence[str], columns: Mapping[str, int], findings: Findings) -> None:
        self.number = number
        self.values = values
        self.columns = columns
        self.findings = findings

    def cell(self, name: str) -> str:
        place = self.columns.get(name)
        return self.values[place] if place is not None and place < len(self.values) else ""

    def text(self, name: str) -> str:
        return cells.text(self.cell(name))

    def whole(self, name: str) -> int | None:
        return self.findings.read(cells.whole_number, self.cell(name), row=self.number, column=name)

    def rate(self, name: str, *, highest: float = 1e9) -> float | None:
        """A number of 0 or more; a percent sign is allowed."""
        value = self.findings.read(cells.number, self.cell(name).replace("%", ""), row=self.number, column=name)
        if value is not None and not 0 <= value <= highest:
            self.warn("out_of_range", f"{value:g} cannot be true. The value is taken as missing.", name)
            return None
        return value

    def warn(self, code: str, message: str, column: str = "") -> None:
        self.findings.warning(code, message, row=self.number, column=column)


def _servers(
    lines: Iterator[tuple[int, Sequence[str]]], columns: Mapping[str, int], findings: Findings, size_bytes: int
) -> Iterator[Chunk]:
    ready: list[ParsedMachine] = []
    seen: dict[str, int] = {}
    done = 0
    for number, values in lines:
        done += sum(map(len, values)) + len(values)
        if not any(map(str.strip, values)):
            findings.skipped["blank_row"] += 1
            continue
        machine = _checked(Server(number, values, columns, findings), seen)
        if machine is not None:
            ready.append(machine)
        if len(seen) > MAX_MACHINES_INVENTORY:
            raise UnreadableFileError(
                "too_many_machines", f"The file lists more than {MAX_MACHINES_INVENTORY} servers. Part it."
            )
        if len(ready) == MACHINES_A_CHUNK:
            yield findings.chunk(ready, done=min(done, size_bytes), total=size_bytes)
            ready = []
    yield findings.chunk(ready, done=size_bytes, total=size_bytes)


def _checked(server: Server, seen: dict[str, int]) -> ParsedMachine | None:
    """The machine of a row, or None with an error that says what to do."""
    place: dict[str, Any] = {"row": server.number}
    extra = [value for value in server.values[max(server.columns.values()) + 1 :] if value.strip()]
    if extra:
        message = f"There are more cells than headings: {cells.quoted(extra[0])}. Quote texts that hold the separator."
        server.findings.error("too_many_cells", message, **place)
        return None
    for name in MANDATORY:
        if not server.text(name):
            server.findings.error("missing_value", f"{name} is empty; it is mandatory.", column=name, **place)
            return None
    before = len(server.findings.problems)
    record = _record(server)
    for name, value in (("cores", record.cores), ("memory", record.memory_mb)):
        if value is None:
            del server.findings.problems[before:]
            message = f"{cells.quoted(server.cell(name))} is not a whole number of 0 or more; {name} is mandatory."
            server.findings.error("unreadable_cell", message, column=name, **place)
            return None
    if record.source_id in seen:
        message = f"{cells.quoted(record.name)} stands in row {seen[record.source_id]}, too; the first counts."
        server.findings.error("duplicate_name", message, column="server name", **place)
        return None
    refused = valid_record(record)
    if refused:
        server.findings.error("out_of_range", refused, **place)
        return None
    seen[record.source_id] = server.number
    return ParsedMachine(record=record, row=server.number, utilization=_utilization(server, record), names_are_ids=True)


def _record(server: Server) -> MachineRecord:
    name = server.text("server name")
    return MachineRecord(
        source_id=name,
        name=name,
        operating_system=_operating_system(server),
        boot_type=_boot_type(server),  # type: ignore[arg-type]  # a value of BOOT_TYPES
        cores=server.whole("cores"),
        memory_mb=server.whole("memory"),
        disks=_disks(server),
        nics=_nics(server),
    )


def _operating_system(server: Server) -> str:
    """Name, version where the name does not hold it, and the width in bits as vSphere writes it."""
    name, version = server.text("os name"), server.text("os version")
    if version and version.lower() not in name.lower():
        name = f"{name} {version}"
    written = server.text("os architecture")
    bits = ARCHITECTURES.get(written.lower())
    if written and bits is None:
        server.warn("unknown_value", f"{cells.quoted(written)} is no architecture that is known.", "os architecture")
    return f"{name} ({bits})" if bits and bits not in name else name


def _boot_type(server: Server) -> str:
    written = server.text("boot type")
    found = BOOT_TYPES.get(written.lower(), "unknown")
    if written and found == "unknown" and written.lower() != "unknown":
        server.warn("unknown_value", f"{cells.quoted(written)} is neither BIOS nor UEFI.", "boot type")
    return found


def _disks(server: Server) -> list[DiskRecord]:
    disks = []
    for number in range(1, MAX_DISK_COLUMNS + 1):
        size_gb = server.rate(f"disk {number} size", highest=1e7)
        if size_gb:
            disks.append(DiskRecord(f"disk {number}", f"Disk {number}", size_gb))
        elif any(server.text(f"disk {number} {column}") for column in RATES.values()):
            server.warn("disk_without_size", f"Disk {number} has no size; it is left out.", f"disk {number} size")
    stated = server.whole("number of disks")
    if stated is not None and stated != len(disks):
        message = f"{stated} disks are stated and {len(disks)} have a size; those with a size are taken."
        server.warn("disk_count_differs", message, "number of disks")
    return disks


def _nics(server: Server) -> list[NicRecord]:
    """As many as are stated; addresses go to the first, for nobody says which has which."""
    good, bad = cells.addresses(server.cell("ip addresses"))
    if bad:
        server.warn(
            "invalid_address", f"{cells.quoted(' '.join(bad))} is no IP address; it is left out.", "ip addresses"
        )
    mac_address = cells.mac_address(server.cell("mac address"))
    count = server.whole("network adapters")
    if count is None:
        count = 1 if good or mac_address else 0
    nics = [NicRecord(f"nic {number + 1}") for number in range(min(count, MAX_NICS))]
    if nics:
        nics[0].ip_addresses, nics[0].mac_address = good[:MAX_IP_ADDRESSES], mac_address
    return nics


def _utilization(server: Server, record: MachineRecord) -> Utilization | None:
    """What the row states; None when it states nothing."""
    figures = {name: server.rate(column, highest=10_000) for name, column in PERCENTS.items()}
    for name, value in figures.items():
        if value is not None and value > 100:
            server.warn("over_100_percent", f"{value:g} % is more than all.", PERCENTS[name])
    figures |= {name: server.rate(column) for name, column in chain(TOTALS.items(), NETWORK.items())}
    disks = {}
    for disk in record.disks:
        rates = {name: server.rate(f"{disk.source_id} {column}") for name, column in RATES.items()}
        if any(value is not None for value in rates.values()):
            disks[disk.source_id] = DiskRates(**rates)
    stated = Utilization(**figures, disks=disks)
    return stated if stated != Utilization() else None
