"""The tables of any report as CSV files in a zip, and as JSON lines: the same rows as in its workbook.

Each table grows in a file of its own while the report is read once, so memory does not grow with the rows.
"""

import csv
import io
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import msgspec

from reports.workbook.cleaning import clean_text
from reports.workbook.layouts import LAYOUTS, NEWEST_LAYOUT, Layout
from reports.workbook.properties import property_lines
from reports.workbook.sheets import PROPERTIES, SCHEMA_VERSION, Sheet, left_out, sheets_of
from reports.workbook.summary import Line, plain_summary_lines
from reports.workbook.values import Report

# What a spreadsheet takes for the start of a formula, full-width forms included; cut off by a leading apostrophe.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
EPOCH = (1980, 1, 1, 0, 0, 0)  # of the members of a zip: the same report gives the same bytes
BYTE_ORDER_MARK = "\ufeff"  # Excel reads UTF-8 only with it
COPY_BYTES = 1024 * 1024

Write = Callable[[Sequence[Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a text form holds: `head` is the first JSON line, of the table `table`; `pairs` are labels with values.

    `batches` starts from the first row at each call; a batch has the rows of a sheet as the attribute that the sheet's
    key names.
    """

    table: str
    head: dict[str, Any]
    pairs: Sequence[tuple[str, Sequence[Line]]]
    currency: str
    sheets: Sequence[Sheet]
    batches: Callable[[], Iterable[Any]]


def _content(report: Report, layout: Layout) -> Content:
    return Content(
        table="report",
        head=_head(report),
        pairs=_pairs(report, layout),
        currency=report.settings.currency,
        sheets=sheets_of(report, layout),
        batches=report.chunks,
    )


# --- CSV --------------------------------------------------------------------------------------------------------------


def write_csv(report: Report, target: IO[bytes], *, layout: str = NEWEST_LAYOUT) -> None:
    """A zip with one CSV file a table (RFC 4180, UTF-8): headings as in the workbook's layout, figures unrounded."""
    write_content_csv(_content(report, LAYOUTS[layout]), target)


def write_content_csv(content: Content, target: IO[bytes]) -> None:
    """As `write_csv`, of any report."""
    with (
        _streamed(content, _csv_writer(content.currency)) as paths,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, lines in content.pairs:
            archive.writestr(_member(f"{name}.csv"), _csv_pairs(lines))
        for sheet, path in zip(content.sheets, paths, strict=True):
            _add_file(archive, f"{sheet.name}.csv", path)


def _pairs(report: Report, layout: Layout) -> list[tuple[str, list[Line]]]:
    lines = [*plain_summary_lines(report), Line(label="Schema version", value=SCHEMA_VERSION)]
    lines += [Line(label=label, value=words) for label, words in left_out(report, layout)]
    pairs = [("Assessment_Summary", lines)]
    if report.choice.has(PROPERTIES):
        pairs.append((PROPERTIES, property_lines(report.settings)))
    return pairs


def _csv_pairs(lines: Iterable[Line]) -> str:
    """Labels and values, through the same writer as the tables."""
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    csv.writer(text).writerows([csv_cell(line.label), csv_cell(line.value)] for line in lines)
    return text.getvalue()


def _csv_writer(currency: str) -> Callable[[Sheet, IO[str]], Write]:
    def start(sheet: Sheet, file: IO[str]) -> Write:
        writer = csv.writer(file)
        file.write(BYTE_ORDER_MARK)
        writer.writerow([column.heading.replace("{currency}", currency).strip() for column in sheet.columns])
        cells = [(column.cell, column.missing) for column in sheet.columns]

        def write(rows: Sequence[Any]) -> None:
            writer.writerows([csv_cell(_or(cell(row), missing)) for cell, missing in cells] for row in rows)

        return write

    return start


def _or(value: Any, missing: str | None) -> Any:
    return missing if value is None or value == "" else value


def csv_cell(value: Any) -> str:
    """One cell: text that no spreadsheet takes for a formula, plain decimals, instants in UTC, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = clean_text(value)
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)


# --- JSON lines -------------------------------------------------------------------------------------------------------


def write_jsonl(report: Report, target: IO[bytes]) -> None:
    """JSON lines: first one of the table `report`, then a line a row, table after table.

    Codes and names are those of the API, the fields the keys of the documented schema; money and exact quantities are
    decimal strings; what has no value is left out.
    """
    write_content_jsonl(_content(report, LAYOUTS[NEWEST_LAYOUT]), target)


def write_content_jsonl(content: Content, target: IO[bytes]) -> None:
    """As `write_jsonl`, of any report."""
    target.write(_encode({"table": content.table, **content.head}) + b"\n")
    with _streamed(content, _json_writer) as paths:
        for path in paths:
            with path.open("rb") as file:
                shutil.copyfileobj(file, target, COPY_BYTES)


def _head(report: Report) -> dict[str, Any]:
    head = {
        "schema_version": SCHEMA_VERSION,
        "project_name": report.project_name,
        "group_name": report.group_name,
        "assessment_name": report.assessment_name,
        "created_at": report.created_at.astimezone(UTC),
        "settings": asdict(report.settings),
        "summary": asdict(report.summary),
        "scenario_totals": [asdict(total) for total in report.scenario_totals],
    }
    told = left_out(report, LAYOUTS[NEWEST_LAYOUT])
    if told:
        head["choice"] = dict(told)
    return head if report.origin is None else {**head, "origin": asdict(report.origin)}


def _json_writer(sheet: Sheet, file: IO[str]) -> Write:
    fields = [(column.key, column.code) for column in sheet.columns]
    table = sheet.name

    def write(rows: Sequence[Any]) -> None:
        for row in rows:
            told: dict[str, Any] = {"table": table}
            for name, value_of in fields:
                value = value_of(row)
                if value is not None and value not in ("", ()):
                    told[name] = value
            file.write(_encode(told).decode() + "\n")

    return write


_encoder = msgspec.json.Encoder()


def _encode(value: Any) -> bytes:
    """A lone surrogate, which no JSON may hold, is shown as replaced."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(value))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value


# --- both -------------------------------------------------------------------------------------------------------------


@contextmanager
def _streamed(content: Content, start: Callable[[Sheet, IO[str]], Write]) -> Iterator[list[Path]]:
    """Reads the rows once; gives the files of the tables, which are gone afterwards."""
    sheets = content.sheets
    with TemporaryDirectory(prefix="tables-") as folder:
        paths = [Path(folder) / sheet.key for sheet in sheets]
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("w", encoding="utf-8", newline="")) for path in paths]
            writers = [start(sheet, file) for sheet, file in zip(sheets, files, strict=True)]
            for batch in content.batches():
                for sheet, write in zip(sheets, writers, strict=True):
                    write(getattr(batch, sheet.key))
        yield paths


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, EPOCH)
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return member


def _add_file(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    member = _member(name)
    member.file_size = path.stat().st_size  # known ahead: tells whether the entry needs ZIP64
    with archive.open(member, "w") as entry, path.open("rb") as file:
        shutil.copyfileobj(file, entry, COPY_BYTES)
