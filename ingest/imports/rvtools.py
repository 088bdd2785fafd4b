"""RVTools workbooks, 3.x and 4.x: vInfo with the parts from vDisk (or vPartition), vNetwork and vHost.

What RVTools calls MB is MiB. There is no history in the file: `Overall` CPU and `Active` memory are one instant, so no
utilization is taken from it. What stands in which sheet and version: docs/adr/0020.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openpyxl.workbook.workbook import Workbook

from ingest.imports import cells
from ingest.imports.checking import Findings, valid_record
from ingest.imports.parsed import MACHINES_A_CHUNK, Chunk, Options, ParsedMachine, UnreadableFileError
from ingest.imports.rvtools_machines import Draft, draft_of, skipped_because
from ingest.imports.rvtools_parts import Disks, Nics, Parts, single_values
from ingest.imports.sheets import Sheet, opened_workbook, sheet_of
from ingest.limits import MAX_MACHINES_INVENTORY

ALIASES = {
    "vcenter uuid": "vi sdk uuid",
    "ip address": "ipv4 address",
    "vm instance uuid": "vm uuid",
    "vm name": "vm",
}
STEPS = 6


def parse(path: Path, options: Options) -> Iterator[Chunk]:
    """The machines of a workbook. Raises UnreadableFileError when it is none, or not one of RVTools."""
    with opened_workbook(path) as book:
        yield from _parse(book)


def _parse(book: Workbook) -> Iterator[Chunk]:
    findings = Findings()
    info = _sheet(book, "vInfo")
    if info is None:
        names = ", ".join(cells.quoted(sheet.title) for sheet in book.worksheets[:10])
        raise UnreadableFileError(
            "wrong_sheets",
            f"There is no sheet vInfo: this is no export of RVTools. The sheets are {names}. Export all to xlsx.",
        )
    if "vm" not in info.columns:
        raise UnreadableFileError("missing_column", "The sheet vInfo has no column VM, so no machine can be named.")
    drafts = _drafts(info, _cpu_models(book), findings)
    yield findings.chunk(done=1, total=STEPS)
    _fill_in(book, drafts, info, findings)
    yield findings.chunk(done=2, total=STEPS)
    disks: Parts = Disks(drafts, info, findings)
    disks.read(_sheet(book, "vDisk"), _sheet(book, "vPartition"))
    yield findings.chunk(done=4, total=STEPS)
    nics: Parts = Nics(drafts, info, findings)
    nics.read(_sheet(book, "vNetwork"))
    yield findings.chunk(done=5, total=STEPS)
    yield from _machines(drafts, [disks, nics], findings)


def _sheet(book: Workbook, name: str) -> Sheet | None:
    return sheet_of(book, name, ALIASES)


def _drafts(info: Sheet, cpu_models: Mapping[str, str], findings: Findings) -> list[Draft]:
    """The machines of vInfo; templates, placeholders and phantoms are counted, broken rows reported."""
    drafts: list[Draft] = []
    for row in info.rows():
        reason = skipped_because(row)
        if reason:
            findings.skipped[reason] += 1
            continue
        draft = draft_of(row, cpu_models, findings)
        if draft is not None:
            drafts.append(draft)
            if len(drafts) > MAX_MACHINES_INVENTORY:
                raise UnreadableFileError(
                    "too_many_machines", f"The file lists more than {MAX_MACHINES_INVENTORY} machines. Part it."
                )
    findings.skipped["phantom_row"] += info.phantom_rows
    return drafts


def _cpu_models(book: Workbook) -> dict[str, str]:
    """The CPU model of each host that vHost lists."""
    hosts = _sheet(book, "vHost")
    if hosts is None:
        return {}
    return {cells.text(row["host"]).lower(): cells.text(row["cpu model"]) for row in hosts.rows() if row["cpu model"]}


def _fill_in(book: Workbook, drafts: list[Draft], info: Sheet, findings: Findings) -> None:
    """Cores and memory from vCPU and vMemory where vInfo has no such column."""
    for name, wanted, sheet, column in (("cores", "cpus", "vCPU", "cpus"), ("memory_mb", "memory", "vMemory", "size")):
        if wanted in info.columns:
            continue
        for draft, value in single_values(_sheet(book, sheet), column, drafts=drafts, info=info):
            place = {"sheet": sheet, "column": column}
            setattr(draft.record, name, findings.read(cells.whole_number, value, **place))


def _machines(drafts: list[Draft], parts: list[Parts], findings: Findings) -> Iterator[Chunk]:
    """The finished machines in chunks; each source id once."""
    seen: dict[str, int] = {}
    ready: list[ParsedMachine] = []
    for draft in drafts:
        record, place = draft.record, dict[str, Any](sheet="vInfo", row=draft.row)
        if record.cores is None and record.memory_mb is None:
            message = f"{cells.quoted(record.name)} has neither CPUs nor memory: the row is incomplete."
            findings.error("incomplete_row", message, **place)
            continue
        if record.source_id in seen:
            findings.error(*_twice(draft, seen[record.source_id]), **place)
            continue
        for part in parts:
            part.give(draft)
        refused = valid_record(record)
        if refused:
            findings.error("out_of_range", refused, **place)
            continue
        seen[record.source_id] = draft.row
        ready.append(ParsedMachine(record=record, row=draft.row, sheet="vInfo", names_are_ids=draft.names_are_ids))
        if len(ready) == MACHINES_A_CHUNK:
            yield findings.chunk(ready, done=5, total=STEPS)
            ready = []
    for part in parts:
        part.tell_unused()
    yield findings.chunk(ready, done=STEPS, total=STEPS)


def _twice(draft: Draft, first: int) -> tuple[str, str]:
    name = cells.quoted(draft.record.name)
    if draft.names_are_ids:
        return "duplicate_name", (
            f"{name} stands in row {first}, too, and the file has no ids to tell them apart; the first counts. Export "
            "with the columns VM UUID or VM ID."
        )
    return "duplicate_machine", f"{name} has the id of the machine in row {first}; the first counts."
