"""Disks and NICs of RVTools machines: rows of other sheets, joined by the surest id that both sheets have."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ingest.imports import cells
from ingest.imports.checking import Findings
from ingest.imports.rvtools_machines import IDENTITIES, Draft, identity, skipped_because
from ingest.imports.sheets import Row, Sheet
from ingest.limits import MAX_DISKS, MAX_IP_ADDRESSES, MAX_NICS
from ingest.records import DiskRecord, NicRecord

MIB_PER_GIB = 1024
CONTROLLER = re.compile(r"(scsi|ide|sata|ahci|nvme)\D*(\d+)", re.IGNORECASE)
LAST_NUMBER = re.compile(r"(\d+)\D*$")
SYSTEM_PARTITIONS = frozenset({"c:", "c:\\", "/"})
Key = tuple[str, ...]
Part = TypeVar("Part", DiskRecord, NicRecord)


@dataclass(frozen=True)
class Join:
    """How rows of a sheet find their machine: by which columns, and which machines share a key and so have none."""

    columns: Key
    place: int
    ambiguous: frozenset[Key]

    def of_row(self, row: Row) -> Key | None:
        return identity(row, self.columns)

    def of_draft(self, draft: Draft) -> Key | None:
        return draft.identities[self.place]


def join_of(sheet: Sheet, drafts: Sequence[Draft]) -> Join | None:
    """The surest columns that the sheet has and that vInfo fills in."""
    for place, columns in enumerate(IDENTITIES):
        keys = Counter(draft.identities[place] for draft in drafts)
        if set(columns) <= sheet.columns.keys() and any(key is not None for key in keys):
            twice = frozenset(key for key, count in keys.items() if key is not None and count > 1)
            return Join(columns, place, twice)
    return None


def single_values(
    sheet: Sheet | None, column: str, *, drafts: Sequence[Draft], info: Sheet
) -> Iterator[tuple[Draft, object]]:
    """Each machine that a sheet with one row a machine knows, with its cell in a column."""
    join = join_of(sheet, drafts) if sheet is not None else None
    if sheet is None or join is None:
        return
    values = {join.of_row(row): row[column] for row in sheet.rows()}
    for draft in drafts:
        key = join.of_draft(draft)
        if key is not None and key not in join.ambiguous and key in values:
            yield draft, values[key]


class Parts:
    """The parts of one kind of all machines: read() once, give() each machine its own, tell_unused() at the end."""

    kind = ""

    def __init__(self, drafts: Sequence[Draft], info: Sheet, findings: Findings) -> None:
        self.drafts = drafts
        self.info = info
        self.findings = findings
        self.join: Join | None = None
        self.sheet = ""
        self.found: dict[Key, list[Row]] = {}
        self.used: set[Key] = set()

    def read(self, *sheets: Sheet | None) -> None:
        """Keeps the rows of the first of these sheets that is there."""
        for sheet in sheets:
            self.join = join_of(sheet, self.drafts) if sheet is not None else None
            if sheet is not None and self.join is not None:
                self.sheet = sheet.name
                self._keep(sheet, self.join)
                return
        self.findings.warning(f"no_{self.kind}_sheet", self._nothing_found())

    def _keep(self, sheet: Sheet, join: Join) -> None:
        wanted = [place for heading in self.headings for place in (sheet.columns.get(heading),) if place is not None]
        columns = {heading: i for i, heading in enumerate(h for h in self.headings if h in sheet.columns)}
        for row in sheet.rows():
            if skipped_because(row):
                continue
            key = join.of_row(row)
            if key is None:
                message = f"The row does not say which machine it belongs to ({', '.join(join.columns)})."
                self.findings.warning("part_without_machine", message, sheet=sheet.name, row=row.number)
                continue
            kept = Row(row.number, tuple(row.cells[i] if i < len(row.cells) else None for i in wanted), columns)
            self.found.setdefault(key, []).append(kept)

    headings: tuple[str, ...] = ()

    def _nothing_found(self) -> str:
        raise NotImplementedError

    def rows_of(self, draft: Draft) -> list[Row] | None:
        """A machine's rows; None when nobody can tell which are its own."""
        key = self.join.of_draft(draft) if self.join else None
        if self.join is None or key is None or key in self.join.ambiguous:
            return None
        self.used.add(key)
        return self.found.get(key, [])

    def give(self, draft: Draft) -> None:
        raise NotImplementedError

    def tell_unused(self) -> None:
        """Says how many rows name machines that vInfo does not list. Ambiguous ones were told before."""
        ambiguous = self.join.ambiguous if self.join else frozenset()
        lost = [
            row for key, rows in self.found.items() if key not in self.used and key not in ambiguous for row in rows
        ]
        if lost:
            self.findings.warning(
                f"{self.kind}_of_no_machine",
                f"{len(lost)} {'row names a machine' if len(lost) == 1 else 'rows name machines'} not imported from "
                f"vInfo; the first stands in row {lost[0].number}.",
                sheet=self.sheet,
                row=lost[0].number,
            )

    def tell_ambiguous(self, draft: Draft) -> None:
        message = (
            f"Several machines share the key of {cells.quoted(draft.record.name)} in {self.sheet}: its {self.kind}s "
            "cannot be told apart and are missing. Export with the columns VM UUID or VM ID."
        )
        self.findings.warning(f"ambiguous_{self.kind}s", message, sheet="vInfo", row=draft.row)


class Disks(Parts):
    """Disks from vDisk; without that sheet from vPartition; without rows there the capacity that vInfo states."""

    kind = "disk"
    headings = ("disk", "disk key", "capacity", "controller", "label", "unit #")

    def read(self, *sheets: Sheet | None) -> None:
        super().read(*sheets)
        if self.sheet == "vPartition":
            self.findings.warning(
                "disks_from_partitions",
                "There is no sheet vDisk: each partition is taken as a disk. Sizes and numbers of disks are estimates.",
                sheet="vPartition",
            )

    def _nothing_found(self) -> str:
        return "There is neither vDisk nor vPartition: each machine gets one disk of the capacity that vInfo states."

    def give(self, draft: Draft) -> None:
        rows = self.rows_of(draft)
        if rows is None and self.join is not None:
            self.tell_ambiguous(draft)
            return
        if rows:
            draft.record.disks = self._disks(rows, draft)
        if self.sheet != "vDisk":
            if not rows:
                self._from_capacity(draft)
        elif draft.disks is not None and draft.disks != len(rows or []):
            self.findings.warning(
                "disk_count_differs",
                f"{cells.quoted(draft.record.name)} has {draft.disks} disks by vInfo and {len(rows or [])} by vDisk; "
                "those of vDisk are taken.",
                sheet="vInfo",
                row=draft.row,
                column="Disks",
            )

    def _disks(self, rows: list[Row], draft: Draft) -> list[DiskRecord]:
        disks: dict[str, DiskRecord] = {}
        for row in sorted(rows, key=_number_of_disk):
            place = {"sheet": self.sheet, "row": row.number, "column": "Capacity"}
            size = self.findings.read(_capacity, row["capacity"], **place)
            if size is None:
                self.findings.warning("disk_without_size", "The disk has no capacity.", **place)
            source_id = _unique(_disk_id(row, len(disks)), disks)
            size_gb = None if size is None else round(size / MIB_PER_GIB, 4)
            disks[source_id] = DiskRecord(source_id, cells.text(row["disk"])[:255] or None, size_gb)
        return _at_most(list(disks.values()), MAX_DISKS, draft, self.findings)

    def _from_capacity(self, draft: Draft) -> None:
        """One disk for all, from `Total disk capacity` (4.x) or `Provisioned`; none where neither is stated."""
        column, size = "Total disk capacity", draft.capacity_mib
        if not size:
            column, size = "Provisioned", draft.provisioned_mib
        place = {"sheet": "vInfo", "row": draft.row}
        name = cells.quoted(draft.record.name)
        if not size:
            self.findings.warning("no_disks", f"Nothing in the file says which disks {name} has.", **place)
            return
        message = f"{name} has no row in vDisk or vPartition: one disk of `{column}` is taken, which may be too large."
        self.findings.warning("disk_from_capacity", message, column=column, **place)
        draft.record.disks = [DiskRecord("capacity", column, round(size / MIB_PER_GIB, 4))]


def _capacity(value: object) -> float | None:
    size = cells.number(value, whole=True)
    if size is not None and size < 0:
        raise cells.CellError(f"{cells.quoted(value)} is no size.")
    return size


def _number_of_disk(row: Row) -> tuple[int, int]:
    """Hard disk 1, C: or / first, which holds the operating system; the others in the order of the sheet."""
    name = cells.text(row["disk"]).lower()
    found = LAST_NUMBER.search(name) if name.startswith("hard disk") else None
    return (int(found[1][-9:]) if found else int(name not in SYSTEM_PARTITIONS), row.number)


def _disk_id(row: Row, position: int) -> str:
    """The disk as an appliance names it ("scsi0:1"), else its key, else its name."""
    unit = cells.text(row["unit #"])
    for column in ("label", "controller"):
        found = CONTROLLER.search(cells.text(row[column]))
        if found and unit:
            return f"{found[1].lower()}{found[2]}:{unit}"[:200]
    return (cells.text(row["disk key"]) or cells.text(row["disk"]) or f"disk {position + 1}")[:200]


def _unique(source_id: str, taken: dict[str, DiskRecord] | dict[str, NicRecord]) -> str:
    number, unique = 1, source_id
    while unique in taken:
        number += 1
        unique = f"{source_id} ({number})"
    return unique


class Nics(Parts):
    """NICs from vNetwork; without that sheet as many as vInfo counts, with the networks it names."""

    kind = "nic"
    headings = ("nic label", "network", "mac address", "ipv4 address", "ipv6 address")

    def _nothing_found(self) -> str:
        return "There is no sheet vNetwork: NICs are taken from vInfo, without MAC addresses."

    def give(self, draft: Draft) -> None:
        rows = self.rows_of(draft)
        if self.join is None:
            draft.record.nics = self._from_info(draft)
        elif rows is None:
            self.tell_ambiguous(draft)
        else:
            nics: dict[str, NicRecord] = {}
            for row in rows:
                label = cells.text(row["nic label"])[:200] or f"nic {len(nics) + 1}"
                nics.setdefault(_unique(label, nics), self._nic(row, _unique(label, nics)))
            draft.record.nics = _at_most(list(nics.values()), MAX_NICS, draft, self.findings)

    def _nic(self, row: Row, source_id: str) -> NicRecord:
        found: list[str] = []
        for column in ("ipv4 address", "ipv6 address"):
            good, bad = cells.addresses(row[column])
            found += good
            if bad:
                message = f"{cells.quoted(' '.join(bad))} is no IP address; it is left out."
                self.findings.warning("invalid_address", message, sheet=self.sheet, row=row.number, column=column)
        return NicRecord(
            source_id=source_id,
            mac_address=cells.mac_address(row["mac address"]),
            ip_addresses=list(dict.fromkeys(found))[:MAX_IP_ADDRESSES],
            network=cells.text(row["network"])[:255] or None,
        )

    def _from_info(self, draft: Draft) -> list[NicRecord]:
        count = min(draft.nics if draft.nics is not None else len(draft.networks), MAX_NICS)
        first, _ = cells.addresses(draft.primary_address)
        return [
            NicRecord(
                source_id=f"Network adapter {number + 1}",
                ip_addresses=first if number == 0 else [],
                network=draft.networks[number][:255] if number < len(draft.networks) else None,
            )
            for number in range(count)
        ]


def _at_most(parts: list[Part], limit: int, draft: Draft, findings: Findings) -> list[Part]:
    if len(parts) > limit:
        message = f"{cells.quoted(draft.record.name)} has {len(parts)} parts of a kind; the first {limit} are kept."
        findings.warning("too_many_parts", message, sheet="vInfo", row=draft.row)
    return parts[:limit]
