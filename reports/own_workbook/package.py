"""The parts of a workbook: its sheets, names and tables, and the refusal of what reaches out of it."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from openpyxl.packaging.relationship import get_dependents

from ingest.imports.parsed import UnreadableFileError
from reports.own_workbook.references import Area, area_of
from reports.own_workbook.xml_copy import damaged

HYPERLINK = "/hyperlink"
HARMLESS_SCHEMES = frozenset({"http", "https", "mailto"})
# Run or load something when the workbook is opened, or would be broken by any change.
FORBIDDEN_PARTS = {
    "xl/webextensions/": "an Office add-in",
    "customui/": "a ribbon of its own",
    "_xmlsignatures/": "a digital signature, which filling would break",
}
# Functions that fetch or call something outside of the workbook, and references to other files.
REACHES_OUT = re.compile(
    r"(?<![\w.])(?:_xlfn\.)?(?:_xlws\.)?(?:WEBSERVICE|IMAGE|RTD|DDE|CALL|REGISTER(?:\.ID)?|EXEC)\s*\("
    r"|\|\s*'[^']*'\s*!|\[[^\]]*\.xl\w+\]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TablePart:
    """A table as its part describes it; `area` with its heading."""

    part: str
    name: str
    area: Area
    headings: tuple[str, ...]
    formulas: tuple[str | None, ...]
    has_heading: bool
    has_totals: bool


@dataclass(slots=True)
class SheetPart:
    """A worksheet, its tables, and the names of the parts with its drawings."""

    name: str
    part: str
    tables: list[TablePart] = field(default_factory=list)
    drawings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Package:
    """A workbook's structure. `names` are (name, what it refers to), those of single sheets as well."""

    archive: zipfile.ZipFile
    workbook: str
    sheets: list[SheetPart]
    names: list[tuple[str, str]]
    styles: str | None
    strings: str | None


def read_package(archive: zipfile.ZipFile) -> Package:
    """Raises UnreadableFileError: damaged_workbook, external_links, macros."""
    _refuse_outside(archive)
    workbook = _only(archive, "_rels/.rels", "/officeDocument")
    root = parsed(archive, workbook)
    related = {relation.Id: relation for relation in get_dependents(archive, rels_of(workbook))}
    sheets = []
    for entry in _children(root, "sheets"):
        found = related.get(next((value for key, value in entry.attrib.items() if key.endswith("}id")), ""))
        if found is not None and (found.Type or "").endswith("/worksheet"):
            sheets.append(_sheet(archive, entry.get("name", ""), found.Target))
    names = [(entry.get("name", ""), entry.text or "") for entry in _children(root, "definedNames")]
    for _, text in names:
        refuse_reaching_out(text)
    by_kind = {(relation.Type or "").rpartition("/")[2]: relation.Target for relation in related.values()}
    return Package(archive, workbook, sheets, names, by_kind.get("styles"), by_kind.get("sharedStrings"))


def refuse_reaching_out(formula: str) -> None:
    """Raises UnreadableFileError external_links for a formula that would fetch from elsewhere."""
    if REACHES_OUT.search(formula):
        detail = "A formula of the workbook fetches or calls something outside of it (WEBSERVICE, IMAGE, RTD, DDE, a "
        raise UnreadableFileError("external_links", f"{detail}link to another file). Take it out and send it again.")


def parsed(archive: zipfile.ZipFile, part: str) -> Element:
    """A small part as a tree."""
    try:
        with archive.open(part) as source:
            root = ElementTree.parse(source, forbid_dtd=True).getroot()
    except (KeyError, ElementTree.ParseError) as error:
        raise damaged(part) from error
    if root is None:
        raise damaged(part)
    return root


def rels_of(part: str) -> str:
    """The part that says what a part is related to."""
    return posixpath.join(posixpath.dirname(part), "_rels", f"{posixpath.basename(part)}.rels")


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(root: Element, name: str) -> Iterator[Element]:
    return (child for parent in root if local(parent) == name for child in parent)


def _only(archive: zipfile.ZipFile, rels: str, kind: str) -> str:
    if rels not in archive.namelist():
        raise damaged(rels)
    found = [relation for relation in get_dependents(archive, rels) if (relation.Type or "").endswith(kind)]
    if not found:
        raise damaged(rels)
    return str(found[0].Target).lstrip("/")


def _sheet(archive: zipfile.ZipFile, name: str, part: str) -> SheetPart:
    sheet, rels = SheetPart(name, part), rels_of(part)
    if rels in archive.namelist():
        for relation in get_dependents(archive, rels):
            if (relation.Type or "").endswith("/table"):
                sheet.tables.append(_table(archive, relation.Target))
            elif (relation.Type or "").endswith("/drawing"):
                sheet.drawings.append(relation.Target)
    return sheet


def _table(archive: zipfile.ZipFile, part: str) -> TablePart:
    root = parsed(archive, part)
    area = area_of(root.get("ref", ""))
    if area is None:
        raise damaged(part)
    columns = list(_children(root, "tableColumns"))
    formulas = [next((child.text for child in column if local(child) == "calculatedColumnFormula"), None)
                for column in columns]  # fmt: skip
    for formula in formulas:
        refuse_reaching_out(formula or "")
    return TablePart(
        part=part,
        name=root.get("displayName") or root.get("name") or "",
        area=area,
        headings=tuple(unescaped(column.get("name", "")) for column in columns),
        formulas=tuple(formulas),
        has_heading=root.get("headerRowCount", "1") != "0",
        has_totals=root.get("totalsRowCount", "0") != "0",
    )


def unescaped(text: str) -> str:
    """`_x000a_` in a heading is a line break."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def _refuse_outside(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    for prefix, what in FORBIDDEN_PARTS.items():
        if any(name.lower().startswith(prefix) for name in names):
            detail = f"The workbook holds {what}. Take it out, save the workbook as .xlsx and send it again."
            raise UnreadableFileError("macros", detail)
    for rels in (name for name in names if name.endswith(".rels")):
        for relation in parsed(archive, rels):
            if relation.get("TargetMode") == "External" and not _is_link_to_click(relation):
                raise UnreadableFileError(
                    "external_links",
                    "The workbook loads something from elsewhere (a linked picture, another file, or a link that is "
                    "neither http, https nor mailto). Embed or delete it, save the workbook and send it again.",
                )


def _is_link_to_click(relation: Element) -> bool:
    scheme = urlsplit(relation.get("Target", "")).scheme.lower()
    return relation.get("Type", "").endswith(HYPERLINK) and scheme in HARMLESS_SCHEMES
