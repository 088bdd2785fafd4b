"""The parent's side: what a workbook holds is asked of a child, what a report says is handed to it to be filled in."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import msgspec

from ingest.imports.child import Limits, parsed_chunks
from ingest.imports.parsed import Options
from reports.own_workbook.child import LENGTH_BYTES
from reports.own_workbook.findings import FILLED, FOUND, TASK, FillTask, Found, FoundTable, Value, rows_file
from reports.own_workbook.names import CELLS, TABLE_BY_KEY
from reports.workbook import LAYOUTS, NEWEST_LAYOUT, Choice, Report
from reports.workbook.cleaning import clean_text
from reports.workbook.columns import Cell, Column
from reports.workbook.rows import serial
from reports.workbook.sheets import sheets_of

MIB = 1024 * 1024
PARSERS = {"workbook": "reports.own_workbook.child"}
# While a person waits for the answer to an upload, and while a worker makes a report.
READING = Limits(memory_bytes=512 * MIB, processor_seconds=20, clock_seconds=40, spill_bytes=16 * MIB)
FILLING = Limits(memory_bytes=512 * MIB, processor_seconds=900, clock_seconds=1_800, spill_bytes=4096 * MIB)


def read_workbook(path: Path, limits: Limits = READING) -> Found:
    """What of a workbook in a scratch folder would be filled. Raises UnreadableFileError for what may not be."""
    for _ in parsed_chunks("workbook", path, Options(now=datetime.now(UTC)), limits=limits, parsers=PARSERS):
        pass
    return msgspec.msgpack.decode((path.parent / FOUND).read_bytes(), type=Found)


def sheets_needed(found: Found) -> frozenset[str]:
    """The sheets of ours whose rows the workbook's tables take."""
    return frozenset(TABLE_BY_KEY[table.fills].sheet for table in found.tables) - {""}


def fill_workbook(report: Report, path: Path, found: Found, target: IO[bytes]) -> None:
    """The workbook at `path`, alone in a scratch folder, with the report filled in; the same report, the same bytes."""
    folder = path.parent
    cells = {cell.name: plain_value(cell.value(report)) for cell in CELLS}
    rows = _write_rows(report, found.tables, folder)
    (folder / TASK).write_bytes(msgspec.msgpack.encode(FillTask(cells, rows)))
    read_workbook(path, FILLING)
    with (folder / FILLED).open("rb") as filled:
        shutil.copyfileobj(filled, target, MIB)


def plain_value(value: Cell) -> Value:
    """A value as the child takes it: dates are days since Excel's epoch, money a double as in every workbook."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, date):
        return float(serial(value))
    return float(value) if isinstance(value, Decimal) else value


def _write_rows(report: Report, tables: Sequence[FoundTable], folder: Path) -> list[int]:
    """One pass over the report: the rows of each table go to its own file. How many there are."""
    columns = _columns(report, tables)
    counts = [0] * len(tables)
    with ExitStack() as stack:
        files = [stack.enter_context((folder / rows_file(number)).open("wb")) for number in range(len(tables))]

        def add(number: int, rows: Iterable[Any]) -> None:
            values = [_row(columns[number], row) for row in rows]
            packed = msgspec.msgpack.encode(values)
            files[number].write(len(packed).to_bytes(LENGTH_BYTES, "little") + packed)
            counts[number] += len(values)

        streamed = [(number, table.fills) for number, table in enumerate(tables) if TABLE_BY_KEY[table.fills].sheet]
        for chunk in report.chunks():
            for number, key in streamed:
                add(number, getattr(chunk, key))
        for number, table in enumerate(tables):
            if not TABLE_BY_KEY[table.fills].sheet:
                add(number, getattr(report, table.fills))
    return counts


def _row(columns: Sequence[Column[Any]], row: Any) -> list[Value]:
    found = []
    for column in columns:
        value = column.cell(row)
        found.append(plain_value(column.missing if value is None or value == "" else value))
    return found


def _columns(report: Report, tables: Sequence[FoundTable]) -> list[list[Column[Any]]]:
    """Per table the columns of ours in the order in which they stand there."""
    known: dict[str, Mapping[str, Column[Any]]] = {
        table.key: {column.key: column for column in table.columns} for table in TABLE_BY_KEY.values()
    }
    for sheet in sheets_of(replace(report, choice=Choice()), LAYOUTS[NEWEST_LAYOUT]):
        known[sheet.key] = {column.key: column for column in sheet.columns}
    return [[known[table.fills][column.key] for column in table.columns if column.key] for table in tables]
