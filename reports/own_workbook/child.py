"""What reads and fills a tenant's own workbook in a process of its own: parsers for ingest.imports.child.

Beside the workbook, in the same folder, stand what to fill in (findings.TASK and the files of rows) and afterwards what
was found (findings.FOUND) and made (findings.FILLED).
"""

import heapq
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import msgspec
from openpyxl.formula.translate import Translator
from openpyxl.styles.numbers import is_date_format
from openpyxl.utils.cell import get_column_letter

from ingest.imports.parsed import Chunk, Options, UnreadableFileError
from ingest.imports.sheets import readable
from reports.own_workbook.findings import FILLED, FOUND, TASK, FillTask, Value, rows_file
from reports.own_workbook.names import CELL_BY_NAME
from reports.own_workbook.package import local, parsed
from reports.own_workbook.parts import (
    CALC_CHAIN,
    ChartCopy,
    PivotCopy,
    Styles,
    StylesCopy,
    TableCopy,
    WithoutCalcChain,
    WorkbookCopy,
    date_format,
)
from reports.own_workbook.reading import Block, Plan, read_plan
from reports.own_workbook.references import PLAIN, Area, Growth
from reports.own_workbook.sheet_copy import Formula, Put, SheetCopy
from reports.own_workbook.xml_copy import Attributes, XmlCopy

MAX_SHEET_ROWS = 1_048_576
LENGTH_BYTES = 4
THIS_ROW = re.compile(r"(?<![\w.\]])\[\[#This Row\]", re.IGNORECASE)
CHARTS = "xl/charts/chart"
PIVOT_CACHES = "xl/pivotCache/pivotCacheDefinition"
OF_ONE_ROW = ("r", "spans", "hidden")


def parse(path: Path, _options: Options) -> Iterator[Chunk]:
    """Reads the workbook; fills it as well when there is a task."""
    with zipfile.ZipFile(path) as archive:
        with readable("an Excel workbook (.xlsx)"):
            plan = read_plan(archive)
        (path.parent / FOUND).write_bytes(msgspec.msgpack.encode(plan.found))
        task = path.parent / TASK
        if task.exists():
            _fill(plan, msgspec.msgpack.decode(task.read_bytes(), type=FillTask), path.parent)
    yield Chunk()


def _fill(plan: Plan, task: FillTask, folder: Path) -> None:
    growths = [_growth(block, rows) for block, rows in zip(plan.blocks, task.rows, strict=True)]
    styles = _styles(plan)
    copies = _copies(plan, task, folder, growths=growths, styles=styles)
    with zipfile.ZipFile(folder / FILLED, "w", zipfile.ZIP_DEFLATED) as book:
        # Worksheets first: only then is it known which styles are added. Members keep their order and their dates.
        made = {name: _copied(plan, name, copies[name], folder) for name in copies if name in plan.seen}
        for member in plan.package.archive.infolist():
            if member.filename.endswith(f"/{CALC_CHAIN}"):
                continue
            copy = zipfile.ZipInfo(member.filename, member.date_time)
            copy.compress_type, copy.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            if member.filename in copies:
                source = made.get(member.filename) or _copied(plan, member.filename, copies[member.filename], folder)
                _add(book, copy, source)
            else:
                with plan.package.archive.open(member) as content:
                    copy.file_size = member.file_size
                    _pour(content, book, copy)


def _add(book: zipfile.ZipFile, member: zipfile.ZipInfo, source: Path) -> None:
    member.file_size = source.stat().st_size  # known ahead: tells whether the entry needs ZIP64
    with source.open("rb") as content:
        _pour(content, book, member)
    source.unlink()


def _pour(content: IO[bytes], book: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with book.open(member, "w") as target:
        for piece in iter(lambda: content.read(1024 * 1024), b""):
            target.write(piece)


def _copied(plan: Plan, name: str, copy: Callable[[Callable[[str], object]], XmlCopy], folder: Path) -> Path:
    target = folder / f"part-{name.replace('/', '-')}"
    with plan.package.archive.open(name) as source, target.open("w", encoding="utf-8", newline="") as file:
        copy(file.write).read(source, name)
    return target


def _growth(block: Block, rows: int) -> Growth:
    last = block.data.first_row + max(rows, 1) - 1
    if last > MAX_SHEET_ROWS:
        detail = f"{block.name} would need {rows:,} rows, more than a worksheet has below its headings."
        raise UnreadableFileError("too_many_rows", f"{detail} Take it out of the template.")
    return Growth(block.sheet.name, block.data, last)


def _copies(
    plan: Plan, task: FillTask, folder: Path, *, growths: Sequence[Growth], styles: Styles
) -> dict[str, Callable[[Callable[[str], object]], XmlCopy]]:
    """What copies each part that changes."""
    names = plan.package.archive.namelist()
    copies: dict[str, Callable[[Callable[[str], object]], XmlCopy]] = {
        plan.package.workbook: partial(WorkbookCopy, growths=growths)
    }
    rels = plan.package.workbook.replace("workbook.xml", "_rels/workbook.xml.rels")
    for name in names:
        if name in ("[Content_Types].xml", rels):
            copies[name] = WithoutCalcChain
        elif name.startswith(CHARTS) and name.endswith(".xml"):
            copies[name] = partial(ChartCopy, growths=growths)
        elif name.startswith(PIVOT_CACHES):
            copies[name] = partial(PivotCopy, growths=growths)
    for block, growth in zip(plan.blocks, growths, strict=True):
        if block.part is not None:
            area = block.part.area
            whole = Area(area.first_row, growth.last_row, area.first_column, area.last_column)
            copies[block.part.part] = partial(TableCopy, area=whole)
    for part in plan.seen:
        copies[part] = partial(_sheet_copy, plan=plan, task=task, folder=folder, part=part, growths=growths,
                               styles=styles)  # fmt: skip
    if plan.package.styles:
        copies[plan.package.styles] = partial(StylesCopy, added=styles.added)
    return copies


def _sheet_copy(
    write: Callable[[str], object],
    *,
    plan: Plan,
    task: FillTask,
    folder: Path,
    part: str,
    growths: Sequence[Growth],
    styles: Styles,
) -> XmlCopy:
    sheet = next(sheet for sheet in plan.package.sheets if sheet.part == part)
    sources: list[Iterator[Put]] = [iter(_cell_puts(plan, task, part, styles))]
    blocks = [(number, block) for number, block in enumerate(plan.blocks) if block.sheet.part == part]
    for number, block in blocks:
        sources.append(_row_puts(plan, block, folder / rows_file(number), styles))
    return SheetCopy(
        write,
        sheet=sheet.name,
        puts=heapq.merge(*sources, key=lambda put: put.row),
        growths=growths,
        model_row=partial(_model_row, plan, [block for _, block in blocks]),
    )


def _model_row(plan: Plan, blocks: Sequence[Block], row: int) -> Attributes:
    """A new row of a table looks as its first one."""
    for block in blocks:
        first = plan.seen[block.sheet.part].rows.get(block.data.first_row, {})
        if row > block.data.first_row:
            return {key: value for key, value in first.items() if key not in OF_ONE_ROW}
    return {}


def _cell_puts(plan: Plan, task: FillTask, part: str, styles: Styles) -> list[Put]:
    puts = {}
    for name, sheet, area in plan.cells:
        if sheet.part == part:
            row, column = area.first_row, area.first_column
            style = styles.of(plan.seen[part].style_of(row, column), date_format(CELL_BY_NAME[name].kind))
            puts[row, column] = Put(row, column, column, [(column, style, task.cells.get(name))])
    return [puts[place] for place in sorted(puts)]


def _row_puts(plan: Plan, block: Block, rows: Path, styles: Styles) -> Iterator[Put]:
    data, seen = block.data, plan.seen[block.sheet.part]
    kinds = {column.key: column.kind for column in block.table.columns}
    columns = range(data.first_column, data.last_column + 1)
    looks = [
        styles.of(seen.style_of(data.first_row, column), date_format(kinds.get(key or "")))
        for column, key in zip(columns, block.keys, strict=True)
    ]
    formulas = [_repeated(formula, block.name, data.first_row, column)
                for column, formula in zip(columns, block.formulas, strict=True)]  # fmt: skip
    row = data.first_row
    for values in _rows_of(rows):
        filled = iter(values)
        cells: list[tuple[int, int, Value | Formula]] = [
            (column, look, next(filled) if key else (formula(row) if formula else None))
            for column, look, key, formula in zip(columns, looks, block.keys, formulas, strict=True)
        ]
        yield Put(row, data.first_column, data.last_column, cells, is_of_table=True)
        row += 1
    blank = list(zip(columns, looks, [None] * len(looks), strict=True))
    for left in range(row, data.last_row + 1):
        yield Put(left, data.first_column, data.last_column, blank, is_of_table=True)


def _rows_of(path: Path) -> Iterator[list[Value]]:
    decoder = msgspec.msgpack.Decoder(list[list[Value]])
    with path.open("rb") as file:
        while head := file.read(LENGTH_BYTES):
            yield from decoder.decode(file.read(int.from_bytes(head, "little")))


def _repeated(formula: str | None, table: str, first_row: int, column: int) -> Callable[[int], Formula] | None:
    """The formula of the first row for each row: moved along where it names cells, as it is where it names columns."""
    if formula is None:
        return None
    # Excel always names the table; some writers do not, and then other offices do not know which.
    text, letter = THIS_ROW.sub(f"{table}[[#This Row]", formula.removeprefix("=")), get_column_letter(column)
    if not PLAIN.search(_without_names(text)):
        return lambda _row: Formula(text)
    origin = Translator(f"={text}", origin=f"{letter}{first_row}")
    return lambda row: Formula(origin.translate_formula(f"{letter}{row}")[1:])


def _without_names(formula: str) -> str:
    """Without texts in quotes and names in brackets, which may look like cells."""
    kept, depth, quote = [], 0, ""
    for character in formula:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[]":
            depth += 1 if character == "[" else -1
        elif not depth:
            kept.append(character)
    return "".join(kept)


def _styles(plan: Plan) -> Styles:
    """The number format of each style, and which custom formats show dates."""
    if plan.package.styles is None:
        return Styles([], frozenset())
    root = parsed(plan.package.archive, plan.package.styles)
    dates, formats = set(), list[int]()
    for group in root:
        if local(group) == "numFmts":
            dates = {int(one.get("numFmtId", "0")) for one in group if is_date_format(one.get("formatCode", ""))}
        elif local(group) == "cellXfs":
            formats = [int(one.get("numFmtId", "0")) for one in group]
    return Styles(formats, frozenset(dates))
