"""One walk over a worksheet: what the rows of interest hold, and what stands where a table will grow."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from openpyxl.utils.cell import column_index_from_string, coordinate_from_string

from ingest.imports.parsed import UnreadableFileError
from reports.own_workbook.package import refuse_reaching_out
from reports.own_workbook.references import Area, area_of
from reports.own_workbook.xml_copy import Attributes, XmlReader

FORMULAS = frozenset({"f", "formula", "formula1", "formula2"})
TEXTS = FORMULAS | {"v", "t"}


@dataclass(slots=True)
class Cell:
    """A cell: the number of its style, its kind (`s` is a shared text), its formula, its value or text."""

    style: int
    kind: str = "n"
    formula: str | None = None
    value: str = ""


@dataclass(slots=True)
class Seen:
    """What a walk found. `below` holds, per watched area, the first cell under it that holds something."""

    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    rows: dict[int, Attributes] = field(default_factory=dict)
    column_styles: list[tuple[int, int, int]] = field(default_factory=list)
    below: dict[Area, str] = field(default_factory=dict)
    merged: list[Area] = field(default_factory=list)
    arrays: list[Area] = field(default_factory=list)
    shared: list[Area] = field(default_factory=list)

    def style_of(self, row: int, column: int) -> int:
        """The style that a cell has or would have when something were written into it."""
        cell = self.cells.get((row, column))
        if cell is not None:
            return cell.style
        attributes = self.rows.get(row, {})
        if attributes.get("customFormat") in ("1", "true"):
            return int(attributes.get("s", "0"))
        return next((style for first, last, style in self.column_styles if first <= column <= last), 0)


class SheetReader(XmlReader):
    """Keeps the cells of `rows`, and watches what stands under `areas`."""

    def __init__(self, rows: set[int], areas: Sequence[Area]) -> None:
        super().__init__()
        self.seen = Seen()
        self._rows, self._areas = rows, areas
        self._row = self._column = 0
        self._cell: Cell | None = None
        self._inside = ""
        self._characters: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        local = self.local(name)
        if local == "c":
            self._start_cell(attributes)
        elif local == "row":
            row = int(attributes.get("r", self._row + 1))
            if row <= self._row:
                raise UnreadableFileError(
                    "damaged_workbook", "Rows of a sheet are out of order. Save it again in Excel."
                )
            self._row, self._column = row, 0
            if self._row in self._rows:
                self.seen.rows[self._row] = dict(attributes)
        elif local == "col" and "style" in attributes:
            self.seen.column_styles.append((int(attributes["min"]), int(attributes["max"]), int(attributes["style"])))
        elif local == "mergeCell":
            self._keep(self.seen.merged, attributes)
        elif local in TEXTS or name.endswith(":f"):
            self._inside, self._characters = local if local in TEXTS else "f", []
            if local == "f" and attributes.get("t") in ("array", "dataTable"):
                self._keep(self.seen.arrays, attributes)
            elif local == "f" and attributes.get("t") == "shared":
                self._keep(self.seen.shared, attributes)

    def _keep(self, areas: list[Area], attributes: Attributes) -> None:
        area = area_of(attributes.get("ref", ""))
        if area:
            areas.append(area)

    def _start_cell(self, attributes: Attributes) -> None:
        if "r" in attributes:
            self._column = column_index_from_string(coordinate_from_string(attributes["r"])[0])
        else:
            self._column += 1
        self._cell = Cell(int(attributes.get("s", "0")), attributes.get("t", "n"))

    def text(self, text: str) -> None:
        if self._inside:
            self._characters.append(text)

    def end(self, name: str) -> None:
        local = self.local(name)
        if self._inside and (local in TEXTS or name.endswith(":f")):
            self._end_text("".join(self._characters))
        elif local == "c" and self._cell is not None:
            self._end_cell(self._cell)
            self._cell = None

    def _end_text(self, text: str) -> None:
        if self._inside in FORMULAS:
            refuse_reaching_out(text)
        if self._cell is not None:
            if self._inside == "f":
                self._cell.formula = text
            else:
                self._cell.value += text
        self._inside = ""

    def _end_cell(self, cell: Cell) -> None:
        if self._row in self._rows:
            self.seen.cells[self._row, self._column] = cell
        if cell.value or cell.formula is not None:
            for area in self._areas:
                if self._row > area.last_row and area.first_column <= self._column <= area.last_column:
                    self.seen.below.setdefault(area, Area(self._row, self._row, self._column, self._column).ref)


class SharedStrings(XmlReader):
    """The texts of some numbers in the table of shared texts, without those for pronunciation."""

    def __init__(self, wanted: set[int]) -> None:
        super().__init__()
        self.texts: dict[int, str] = {}
        self._wanted, self._number = wanted, -1
        self._is_text = self._is_sound = False

    def start(self, name: str, attributes: Attributes) -> None:
        local = self.local(name)
        if local == "si":
            self._number += 1
        self._is_sound = self._is_sound or local == "rPh"
        self._is_text = local == "t" and not self._is_sound and self._number in self._wanted

    def end(self, name: str) -> None:
        self._is_text = False
        if self.local(name) == "rPh":
            self._is_sound = False

    def text(self, text: str) -> None:
        if self._is_text:
            self.texts[self._number] = self.texts.get(self._number, "") + text
