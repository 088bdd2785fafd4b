"""Copies a worksheet with cells put in: rows that a table gains, named cells; formulas lose the values they had."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from openpyxl.utils.cell import column_index_from_string, coordinate_from_string, get_column_letter

from reports.own_workbook.findings import Value
from reports.own_workbook.references import Area, Growth, area_of, grow_areas, grow_formula
from reports.own_workbook.xml_copy import Attributes, XmlCopy, escaped, tag
from reports.workbook.rows import number_xml, text_xml

GROWING = frozenset({"conditionalFormatting", "dataValidation", "autoFilter"})


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula to write, without its leading equals sign."""

    text: str


@dataclass(frozen=True, slots=True)
class Put:
    """Cells that take the place of all that stands from `first` to `last` in one row: (column, style, content).

    A row of a table is shown, also where a saved filter hid it: its new values are others.
    """

    row: int
    first: int
    last: int
    cells: Sequence[tuple[int, int, Value | Formula]]
    is_of_table: bool = False


@dataclass(slots=True)
class _Row:
    attributes: Attributes
    number: int
    cells: list[tuple[int, str]] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Cell:
    name: str
    attributes: Attributes
    column: int
    inner: list[str] = field(default_factory=list)
    has_formula: bool = False


class SheetCopy(XmlCopy):
    """`puts` come in the order of their rows; a row that is new takes the look of `model_rows` at its own number."""

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        sheet: str,
        puts: Iterator[Put],
        growths: Sequence[Growth],
        model_row: Callable[[int], Attributes],
    ) -> None:
        super().__init__(write)
        self._to_file = write
        self._sheet, self._growths, self._model_row = sheet, growths, model_row
        self._puts = ((row, list(some)) for row, some in groupby(puts, key=lambda put: put.row))
        self._next: tuple[int, list[Put]] | None = next(self._puts, None)
        self._row: _Row | None = None
        self._cell: _Cell | None = None
        self._last_row = 0
        self._skipped = ""
        self._arrays: list[Area] = []
        self._is_sparkline = False
        self._held: list[str] | None = None

    # --- what is copied and what is changed ---------------------------------------------------------------------------

    def start(self, name: str, attributes: Attributes) -> None:
        local = self.local(name)
        if self._skipped:
            return
        if local == "dimension" or (self._cell is not None and local == "v" and self._loses_value(self._cell)):
            self._skipped = name
        elif local == "row":
            self._start_row(attributes)
        elif local == "c" and self._row is not None:
            self._start_cell(name, attributes, self._row)
        else:
            self._start_other(local, name, attributes)

    def _start_other(self, local: str, name: str, attributes: Attributes) -> None:
        if self._cell is not None and local == "f":
            self._cell.has_formula = True
            area = area_of(attributes.get("ref", "")) if attributes.get("t") == "array" else None
            if area:
                self._arrays.append(area)
        super().start(name, attributes)
        self._start_newer(name)

    def change(self, name: str, attributes: Attributes) -> None:
        if name in GROWING:
            for key in ("sqref", "ref"):
                if key in attributes:
                    attributes[key] = grow_areas(attributes[key], self._sheet, self._growths)

    def end(self, name: str) -> None:
        if self._skipped:
            self._skipped = "" if name == self._skipped else self._skipped
            return
        self._end_newer(name)
        local = self.local(name)
        if local == "c" and self._cell is not None:
            self._end_cell(self._cell)
        elif local == "row" and self._row is not None:
            self._end_row(self._row)
        else:
            if local == "sheetData":
                self._write_rows_before(None)
            super().end(name)

    def text(self, text: str) -> None:
        if self._held is not None:
            self._held.append(text)
        elif not self._skipped:
            super().text(text)

    # --- rules, lists and sparklines that came with Excel 2010: their areas are the text of elements ------------------

    def _start_newer(self, name: str) -> None:
        last = name.rpartition(":")[2]
        if last == "sparkline":
            self._is_sparkline = True
        elif last != name and last == ("f" if self._is_sparkline else "sqref"):
            self._held = []

    def _end_newer(self, name: str) -> None:
        if self._held is not None:
            text, self._held = "".join(self._held), None
            grown = grow_formula(text, self._growths) if self._is_sparkline else None
            super().text(grow_areas(text, self._sheet, self._growths) if grown is None else grown)
        if self._is_sparkline and name.endswith(":sparkline"):
            self._is_sparkline = False

    def _loses_value(self, cell: _Cell) -> bool:
        """What a formula came to before is no longer so; no value is better than a wrong one."""
        if cell.has_formula:
            return True
        row = self._row.number if self._row else 0
        place = Area(row, row, cell.column, cell.column)
        return any(area.meets(place) for area in self._arrays)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _start_row(self, attributes: Attributes) -> None:
        number = int(attributes.get("r", self._last_row + 1))
        self._write_rows_before(number)
        self._row = _Row(attributes, number)
        self._last_row = number
        self.write = self._row.rest.append

    def _end_row(self, row: _Row) -> None:
        self._row, self.write = None, self._to_file
        if self._next is not None and self._next[0] == row.number:
            for put in self._next[1]:
                row.cells = [cell for cell in row.cells if not put.first <= cell[0] <= put.last]
                row.cells += self._cells_of(put)
                if put.is_of_table:
                    row.attributes.pop("hidden", None)
            row.attributes.pop("spans", None)
            row.cells.sort(key=itemgetter(0))
            self._next = next(self._puts, None)
        self._write_row(row)

    def _write_rows_before(self, number: int | None) -> None:
        while self._next is not None and (number is None or self._next[0] < number):
            at, puts = self._next
            row = _Row({**self._model_row(at), "r": str(at)}, at)
            for put in puts:
                row.cells += self._cells_of(put)
            row.cells.sort(key=itemgetter(0))
            self._write_row(row)
            self._next = next(self._puts, None)

    def _write_row(self, row: _Row) -> None:
        name = f"{self.prefix}row"
        cells = "".join([xml for _, xml in row.cells])
        self._to_file(f"{tag(name, row.attributes)}{cells}{''.join(row.rest)}</{name}>")

    # --- cells --------------------------------------------------------------------------------------------------------

    def _start_cell(self, name: str, attributes: Attributes, row: _Row) -> None:
        if "r" in attributes:
            column = column_index_from_string(coordinate_from_string(attributes["r"])[0])
        else:
            column = row.cells[-1][0] + 1 if row.cells else 1
        self._cell = _Cell(name, attributes, column)
        self.write = self._cell.inner.append

    def _end_cell(self, cell: _Cell) -> None:
        self._cell = None
        assert self._row is not None
        self.write = self._row.rest.append
        if self._loses_value(cell):
            cell.attributes.pop("t", None)
        cell.attributes["r"] = f"{get_column_letter(cell.column)}{self._row.number}"
        xml = f"{tag(cell.name, cell.attributes)}{''.join(cell.inner)}</{cell.name}>"
        self._row.cells.append((cell.column, xml))

    def _cells_of(self, put: Put) -> Iterator[tuple[int, str]]:
        for column, style, content in put.cells:
            yield column, self._cell_xml(f"{get_column_letter(column)}{put.row}", style, content)

    def _cell_xml(self, place: str, style: int, content: Value | Formula) -> str:
        p = self.prefix
        start = f'<{p}c r="{place}" s="{style}"' if style else f'<{p}c r="{place}"'
        if content is None:
            return f"{start}/>"
        if isinstance(content, Formula):
            return f"{start}><{p}f>{escaped(content.text)}</{p}f></{p}c>"
        if isinstance(content, str):
            text = text_xml(content)
            if p:
                text = f"<{p}t{text[2:-4]}</{p}t>"
            return f'{start} t="inlineStr"><{p}is>{text}</{p}is></{p}c>'
        return f"{start}><{p}v>{number_xml(content)}</{p}v></{p}c>"
