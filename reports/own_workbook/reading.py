"""What of a tenant's own workbook will be filled: its names and tables, told to people and to whoever fills it."""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ingest.imports.parsed import UnreadableFileError
from reports.own_workbook.findings import Found, FoundCell, FoundColumn, FoundTable, Unknown
from reports.own_workbook.names import (
    CELL_BY_NAME,
    PREFIX,
    TABLE_BY_NAME,
    TABLES,
    NamedTable,
    column_of,
    near_headings,
    near_names,
)
from reports.own_workbook.package import Package, SheetPart, TablePart, local, parsed, read_package
from reports.own_workbook.references import Area, place_of
from reports.own_workbook.sheet_reading import Cell, Seen, SharedStrings, SheetReader

MAX_NAMES = 2_000
MAX_UNKNOWN = 200
BUILT_IN = "_xlnm."


@dataclass(slots=True)
class Block:
    """A table, or a range with headings, that will be filled. `data` is what stands under the headings now."""

    table: NamedTable
    name: str
    sheet: SheetPart
    data: Area
    part: TablePart | None = None
    headings: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    formulas: list[str | None] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """Everything that is to be filled, and what was seen on each sheet by its part."""

    package: Package
    found: Found
    blocks: list[Block] = field(default_factory=list)
    cells: list[tuple[str, SheetPart, Area]] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)


def read_plan(archive: zipfile.ZipFile) -> Plan:
    """Raises UnreadableFileError with a code of its own for each thing that cannot be filled or may not be there."""
    plan = Plan(read_package(archive), Found())
    if len(plan.package.names) > MAX_NAMES:
        raise UnreadableFileError("too_many_names", f"The workbook has more than {MAX_NAMES:,} names. Delete some.")
    _find_tables(plan)
    _find_names(plan)
    _refuse_overlaps(plan.blocks)
    for sheet in plan.package.sheets:
        _read_sheet(plan, sheet)
    _read_headings(plan)
    for block in plan.blocks:
        _describe(plan, block)
    _add_notes(plan)
    return plan


def _find_tables(plan: Plan) -> None:
    for sheet in plan.package.sheets:
        for part in sheet.tables:
            where = f"{sheet.name}!{part.area.ref}"
            table = TABLE_BY_NAME.get(part.name.casefold())
            if table is None:
                _add_unknown(plan.found, part.name, "table", where, _why_table(part))
                continue
            _refuse_table(part, where)
            area = part.area
            data = Area(area.first_row + 1, max(area.last_row, area.first_row + 1), area.first_column, area.last_column)
            plan.blocks.append(Block(table, part.name, sheet, data, part))


def _why_table(part: TablePart) -> str:
    alike = [table for table in TABLES
             if all(column_of(table, heading)[0] for heading in part.headings)]  # fmt: skip
    if alike:
        return f"Its headings are those of {alike[0].name}: name the table so, and it is filled."
    return "A table of your own: it stays as it is."


def _refuse_table(part: TablePart, where: str) -> None:
    if part.has_totals:
        detail = f"The table {part.name} ({where}) has a totals row, which its rows would run over. Switch it off "
        raise UnreadableFileError("below_table", f"{detail}(Table Design > Total Row) and put totals above the table.")
    if not part.has_heading:
        detail = f"The table {part.name} ({where}) has no row of headings. Switch it on: Table Design > Header Row."
        raise UnreadableFileError("table_without_headings", detail)


def _add_unknown(found: Found, name: str, kind: str, where: str, why: str) -> None:
    if len(found.unknown) < MAX_UNKNOWN:
        near = near_names(name)
        found.unknown.append(Unknown(name, "table" if kind == "table" else "name", where, why, near))


def _find_names(plan: Plan) -> None:
    sheets = {sheet.name: sheet for sheet in plan.package.sheets}
    for name, text in plan.package.names:
        if name.startswith(BUILT_IN):
            continue
        lower, place = name.casefold(), place_of(text)
        if lower in CELL_BY_NAME or lower in TABLE_BY_NAME:
            if place is None or place[0] not in sheets:
                _add_unknown(plan.found, name, "name", text[:100], "It refers to no cell or range of a worksheet.")
            elif lower in TABLE_BY_NAME:
                _add_range(plan, name, sheets[place[0]], place[1])
            else:
                _add_cell(plan, name, sheets[place[0]], place[1])
        elif lower.startswith(PREFIX) or near_names(name):
            _add_unknown(plan.found, name, "name", text[:100], "There is no such name to be filled.")
        else:
            plan.found.kept_names += 1


def _add_cell(plan: Plan, name: str, sheet: SheetPart, area: Area) -> None:
    known = CELL_BY_NAME[name.casefold()]
    top_left = Area(area.first_row, area.first_row, area.first_column, area.first_column)
    plan.cells.append((known.name, sheet, top_left))
    plan.found.cells.append(FoundCell(name, sheet.name, top_left.ref, known.meaning))


def _add_range(plan: Plan, name: str, sheet: SheetPart, area: Area) -> None:
    data = Area(area.first_row + 1, max(area.last_row, area.first_row + 1), area.first_column, area.last_column)
    plan.blocks.append(Block(TABLE_BY_NAME[name.casefold()], name, sheet, data))


def _refuse_overlaps(blocks: Sequence[Block]) -> None:
    for number, block in enumerate(blocks):
        column_wide = Area(block.data.first_row - 1, 1_048_576, block.data.first_column, block.data.last_column)
        for other in blocks[number + 1 :]:
            theirs = Area(other.data.first_row - 1, 1_048_576, other.data.first_column, other.data.last_column)
            if block.sheet is other.sheet and column_wide.meets(theirs):
                detail = f"{block.name} and {other.name} stand below one another or overlap on {block.sheet.name}: rows"
                detail += " of the one would run over the other. Put them side by side or on two sheets."
                raise UnreadableFileError("below_table", detail)


def _read_sheet(plan: Plan, sheet: SheetPart) -> None:
    blocks = [block for block in plan.blocks if block.sheet is sheet]
    cells = [area for _, place, area in plan.cells if place is sheet]
    rows = {area.first_row for area in cells}
    rows |= {row for block in blocks for row in (block.data.first_row - 1, block.data.first_row)}
    reader = SheetReader(rows, [block.data for block in blocks])
    with plan.package.archive.open(sheet.part) as source:
        reader.read(source, sheet.part)
    plan.seen[sheet.part] = reader.seen
    for block in blocks:
        _refuse_what_is_below(block, reader.seen)
    for area in cells:
        for block in blocks:
            if area.meets(block.data):
                detail = f"A named cell, {area.ref} on {sheet.name}, stands among the rows of {block.name}. Move it."
                raise UnreadableFileError("below_table", detail)


def _refuse_what_is_below(block: Block, seen: Seen) -> None:
    data = block.data
    under = Area(data.first_row - 1, 1_048_576, data.first_column, data.last_column)
    places = [seen.below[data]] if data in seen.below else []
    places += [area.ref for area in seen.merged if area.meets(under)]
    places += [area.ref for area in seen.arrays if area.meets(under)]
    # Its first cell holds the formula of all of them, so that must not go.
    places += [area.ref for area in seen.shared if area.meets(under) and not area.is_within_columns_of(data)]
    places += [table.area.ref for table in block.sheet.tables
               if table is not block.part and table.area.meets(under)]  # fmt: skip
    if places:
        detail = f"{places[0]} on {block.sheet.name} stands where the rows of {block.name} will be. Move it beside or "
        raise UnreadableFileError("below_table", f"{detail}above the table, or onto another sheet.")


def _read_headings(plan: Plan) -> None:
    """Keys and formulas of each block's columns: of tables from their parts, of ranges from their cells."""
    wanted = {int(cell.value) for cell in _heading_cells(plan) if cell.kind == "s" and cell.value.isdigit()}
    texts = _shared(plan.package, wanted) if wanted else {}
    for block in plan.blocks:
        seen, data = plan.seen[block.sheet.part], block.data
        columns = range(data.first_column, data.last_column + 1)
        for place, column in enumerate(columns):
            heading = _heading(block, place, seen.cells.get((data.first_row - 1, column)), texts)
            key, currency = column_of(block.table, heading)
            first = seen.cells.get((data.first_row, column))
            formula = block.part.formulas[place] if block.part and place < len(block.part.formulas) else None
            formula = formula or (first.formula if first else None) or None
            block.headings.append(heading)
            block.keys.append(key)
            block.formulas.append(None if key else formula)
            if currency and currency not in plan.found.currencies:
                plan.found.currencies.append(currency)


def _heading_cells(plan: Plan) -> Iterable[Cell]:
    for block in plan.blocks:
        for (row, _), cell in plan.seen[block.sheet.part].cells.items():
            if row == block.data.first_row - 1:
                yield cell


def _heading(block: Block, place: int, cell: Cell | None, texts: dict[int, str]) -> str:
    if block.part is not None:
        return block.part.headings[place] if place < len(block.part.headings) else ""
    if cell is None:
        return ""
    return texts.get(int(cell.value), "") if cell.kind == "s" and cell.value.isdigit() else cell.value


def _shared(package: Package, wanted: set[int]) -> dict[int, str]:
    if package.strings is None:
        return {}
    reader = SharedStrings(wanted)
    with package.archive.open(package.strings) as source:
        reader.read(source, package.strings)
    return reader.texts


def _describe(plan: Plan, block: Block) -> None:
    columns, data = [], block.data
    for heading, key, formula in zip(block.headings, block.keys, block.formulas, strict=True):
        if key:
            columns.append(FoundColumn(heading, "value", key))
        elif formula:
            columns.append(FoundColumn(heading, "formula"))
        else:
            columns.append(FoundColumn(heading, "nothing", near=near_headings(block.table, heading)))
    ref = Area(data.first_row - 1, data.last_row, data.first_column, data.last_column).ref
    found = FoundTable(block.name, block.table.key, block.sheet.name, ref, columns, is_range=block.part is None)
    plan.found.tables.append(found)


def _add_notes(plan: Plan) -> None:
    found, archive = plan.found, plan.package.archive
    if not found.cells and not found.tables:
        found.notes.append("Nothing of this workbook would be filled: it has no name of the list.")
    if any(name.startswith("xl/pivotTables/") for name in archive.namelist()):
        found.notes.append(
            "Pivot tables are told to refresh when the workbook is opened; until then they show what they show now."
        )
    for block in plan.blocks:
        for drawing in block.sheet.drawings:
            if _drawn_below(plan.package, drawing, block.data):
                found.notes.append(
                    f"A chart or picture on {block.sheet.name} stands below {block.name}: its rows will run beneath it."
                )
                break


def _drawn_below(package: Package, drawing: str, data: Area) -> bool:
    """Whether something is anchored under the table; its place counts from 0."""
    for anchor in parsed(package.archive, drawing):
        marks = {local(mark): mark for mark in anchor}
        if "from" not in marks:
            continue
        place = {local(number): int(number.text or 0) for number in marks["from"]}
        right = {local(number): int(number.text or 0) for number in marks.get("to", marks["from"])}
        if right.get("row", 0) + 1 > data.last_row and (
            place.get("col", 0) + 1 <= data.last_column and data.first_column <= right.get("col", 0) + 1
        ):
            return True
    return False
