"""The small parts of a workbook that change when it is filled: names, tables, styles, charts, pivots, its contents."""

from collections.abc import Callable, Sequence

from reports.own_workbook.findings import DATES
from reports.own_workbook.references import Area, Growth, area_of, grow_areas, grow_formula
from reports.own_workbook.xml_copy import Attributes, XmlCopy, escaped, tag
from reports.workbook.columns import Kind

CALC_CHAIN = "calcChain.xml"
# What may stand behind calcPr in a workbook's part; it is put before the first of them where there is none.
BEHIND_CALCULATION = frozenset({
    "oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr", "smartTagTypes", "webPublishing", "fileRecoveryPr",
    "webPublishObjects", "extLst",
})  # fmt: skip
# Excel's numbers for formats that show an instant, a day or a time.
DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})


class WorkbookCopy(XmlCopy):
    """Everything is computed anew when the workbook is opened; names of a table's cells reach its new end."""

    def __init__(self, write: Callable[[str], object], growths: Sequence[Growth]) -> None:
        super().__init__(write)
        self._growths = growths
        self._has_calculation = self._is_name = False

    def start(self, name: str, attributes: Attributes) -> None:
        local = self.local(name)
        if local in BEHIND_CALCULATION:
            self._add_calculation()
        self._is_name = local == "definedName"
        super().start(name, attributes)

    def change(self, name: str, attributes: Attributes) -> None:
        if name == "calcPr":
            self._has_calculation = True
            attributes["fullCalcOnLoad"] = "1"

    def end(self, name: str) -> None:
        if self.local(name) == "workbook":
            self._add_calculation()
        self._is_name = False
        super().end(name)

    def text(self, text: str) -> None:
        super().text(grow_formula(text, self._growths) if self._is_name else text)

    def _add_calculation(self) -> None:
        if not self._has_calculation:
            self._has_calculation = True
            self.write(f'<{self.prefix}calcPr fullCalcOnLoad="1"/>')


class TableCopy(XmlCopy):
    """A table and its filter reach the new last row."""

    def __init__(self, write: Callable[[str], object], area: Area) -> None:
        super().__init__(write)
        self._area = area

    def change(self, name: str, attributes: Attributes) -> None:
        if name in ("table", "autoFilter"):
            attributes["ref"] = self._area.ref


class ChartCopy(XmlCopy):
    """References of a chart to a table's columns reach its new end."""

    def __init__(self, write: Callable[[str], object], growths: Sequence[Growth]) -> None:
        super().__init__(write)
        self._growths, self._is_reference = growths, False

    def start(self, name: str, attributes: Attributes) -> None:
        self._is_reference = name.rpartition(":")[2] == "f"
        super().start(name, attributes)

    def end(self, name: str) -> None:
        self._is_reference = False
        super().end(name)

    def text(self, text: str) -> None:
        super().text(grow_formula(text, self._growths) if self._is_reference else text)


class PivotCopy(XmlCopy):
    """The cache of a pivot table reads its source anew when the workbook is opened, to the table's new end."""

    def __init__(self, write: Callable[[str], object], growths: Sequence[Growth]) -> None:
        super().__init__(write)
        self._growths = growths

    def change(self, name: str, attributes: Attributes) -> None:
        if name == "pivotCacheDefinition":
            attributes["refreshOnLoad"] = "1"
        elif name == "worksheetSource" and area_of(attributes.get("ref", "")):
            attributes["ref"] = grow_areas(attributes["ref"], attributes.get("sheet", ""), self._growths)


class WithoutCalcChain(XmlCopy):
    """The list of parts, or of relations, without the order of calculation, which no longer holds."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__(write)
        self._is_left_out = False

    def start(self, name: str, attributes: Attributes) -> None:
        target = attributes.get("PartName") or attributes.get("Target") or ""
        self._is_left_out = target.endswith(CALC_CHAIN)
        if not self._is_left_out:
            super().start(name, attributes)

    def end(self, name: str) -> None:
        if not self._is_left_out:
            super().end(name)
        self._is_left_out = False


class StylesCopy(XmlCopy):
    """The styles, and behind them the ones of `added`: (style to take after, number format), in this order."""

    def __init__(self, write: Callable[[str], object], added: Sequence[tuple[int, int]]) -> None:
        super().__init__(write)
        self._to_file, self._added = write, added
        self._depth, self._kept = 0, list[tuple[Attributes, list[str]]]()

    def start(self, name: str, attributes: Attributes) -> None:
        local = self.local(name)
        if local == "cellXfs":
            self._depth = 1
            attributes["count"] = str(int(attributes.get("count", "0")) + len(self._added))
        elif self._depth:
            self._depth += 1
            if self._depth == 2:
                self._kept.append((dict(attributes), []))
                self._to_file(tag(name, attributes))
                return
        self._note(tag(name, attributes))
        super().start(name, attributes)

    def end(self, name: str) -> None:
        if self._depth == 1 and self.local(name) == "cellXfs":
            for style, number_format in self._added:
                self._to_file(self._restyled(style, number_format))
        if self._depth > 2:
            self._note(f"</{name}>")
        self._depth = max(0, self._depth - 1)
        super().end(name)

    def _note(self, xml: str) -> None:
        if self._depth > 2:
            self._kept[-1][1].append(xml)

    def _restyled(self, style: int, number_format: int) -> str:
        attributes, inner = self._kept[style] if style < len(self._kept) else ({}, [])
        changed = {**attributes, "numFmtId": str(number_format), "applyNumberFormat": "1"}
        name = f"{self.prefix}xf"
        return f"{tag(name, changed)}{''.join(inner)}</{name}>"

    def text(self, text: str) -> None:
        self._note(escaped(text))
        super().text(text)


class Styles:
    """Numbers of styles for cells of a kind: as the workbook has them, unless a date would be shown as a number."""

    def __init__(self, formats: Sequence[int], custom_dates: frozenset[int]) -> None:
        self._formats, self._custom_dates = formats, custom_dates
        self.added: list[tuple[int, int]] = []

    def of(self, style: int, number_format: int | None) -> int:
        """The style itself, or a new one like it that shows a date; `number_format` None for what is no date."""
        if number_format is None or self._shows_dates(style):
            return style
        wanted = (style, number_format)
        if wanted not in self.added:
            self.added.append(wanted)
        return len(self._formats) + self.added.index(wanted)

    def _shows_dates(self, style: int) -> bool:
        if style >= len(self._formats):
            return False
        return self._formats[style] in DATE_FORMATS or self._formats[style] in self._custom_dates


def date_format(kind: Kind | None) -> int | None:
    """The number format for a kind of value that is a date."""
    return None if kind is None else DATES.get(kind)
