"""Workbooks as people make them: formulas, a chart, a picture, rules, a table and names, known and unknown ones."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence

import xlsxwriter

from tests.estate import png

HEADINGS = (
    "Recommended size", "Machine", "Compute monthly cost", "storage_monthly_cost", "A year", "Twice", "Our note",
    "Recomended type",
)  # fmt: skip


def own_workbook(*, headings: Sequence[str] = HEADINGS, below: str = "", table: str = "mh_machines") -> bytes:
    """Three sheets: a dashboard with names, formulas, a chart and a picture; a table of machines; a named range."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    board, data, plan = (book.add_worksheet(name) for name in ("Dash board", "Data", "Plan"))
    money = book.add_format({"num_format": "#,##0.00", "bg_color": "#FFEECC"})
    for row, label in enumerate(("Our report", "", "Assessment", "Total", "Made", "Sum", "Count", "Years")):
        board.write(row, 0, label)
    board.write("H1", 0.19)
    board.write_formula("B6", f"=SUM({table}[Compute monthly cost])+SUM({table}[storage_monthly_cost])", money, 123)
    board.write_formula("B7", f"=COUNTA({table}[Machine])", None, 2)
    board.write_formula("B8", f"=SUM({table}[A year])", None, 7)
    for name, cell in (("mh_assessment_name", "B3"), ("mh_total_monthly", "B4"), ("mh_created_at", "B5"),
                       ("mh_totl_monthly", "B9"), ("vat", "H1")):  # fmt: skip
        book.define_name(name, f"='Dash board'!${cell[0]}${cell[1:]}")
    _add_table(data, headings, table, money)
    data.write("K6", "beside stays")
    data.write("K20", "far below stays")
    if below:
        data.write("C9", below)
    chart = book.add_chart({"type": "column"})
    chart.add_series({"categories": "=Data!$C$5:$C$6", "values": "=Data!$D$5:$D$6"})
    board.insert_chart("D3", chart)
    board.insert_image("A12", "logo.png", {"image_data": io.BytesIO(png(60, 30))})
    plan.write_row("A2", ["Scenario", "Compute monthly cost", "Priced?"])
    book.define_name("mh_scenario_totals", "=Plan!$A$2:$C$3")
    book.close()
    return file.getvalue()


def _add_table(
    data: "xlsxwriter.worksheet.Worksheet", headings: Sequence[str], table: str, money: "xlsxwriter.format.Format"
) -> None:
    year = f"={table}[[#This Row],[Compute monthly cost]]*12"
    columns = [{"header": name, **({"formula": year} if name == "A year" else {})} for name in headings]
    data.add_table(3, 1, 5, len(headings), {"name": table, "columns": columns})
    for row in (4, 5):
        data.write_row(row, 1, ["Size", "sample"])
        data.write_row(row, 3, [1.5, 2.5], money)
        data.write_formula(row, 6, f"=D{row + 1}*2", None, 3)
    data.conditional_format("D5:D6", {"type": "data_bar"})
    data.data_validation("H5:H6", {"validate": "list", "source": ["yes", "no"]})
    data.set_column(1, 9, 18)


def changed(content: bytes, changes: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """A workbook with parts changed, or added: a change of a part that is not there gets nothing."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, changes.get(name, bytes)(source.read(name)))
        for name in changes.keys() - set(source.namelist()):
            target.writestr(name, changes[name](b""))
    return file.getvalue()


PIVOT = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PIVOT_KINDS = {
    "/xl/pivotCache/pivotCacheDefinition1.xml": "pivotCacheDefinition",
    "/xl/pivotTables/pivotTable1.xml": "pivotTable",
}


def with_pivot(content: bytes) -> bytes:
    """The workbook of `own_workbook` with a pivot table on its plan over the cells of its table of machines."""
    fields = "".join(f'<cacheField name="{name}" numFmtId="0"><sharedItems/></cacheField>' for name in HEADINGS)
    cache = (
        f'<?xml version="1.0" encoding="UTF-8"?><pivotCacheDefinition xmlns="{PIVOT}" saveData="0" refreshOnLoad="0" '
        f'createdVersion="6" recordCount="0"><cacheSource type="worksheet"><worksheetSource ref="B4:I6" sheet="Data"/>'
        f'</cacheSource><cacheFields count="{len(HEADINGS)}">{fields}</cacheFields></pivotCacheDefinition>'
    )
    columns = ['<pivotField axis="axisRow" showAll="0"><items count="1"><item t="default"/></items></pivotField>']
    columns += ['<pivotField showAll="0"/>', '<pivotField dataField="1" showAll="0"/>']
    columns += ['<pivotField showAll="0"/>'] * (len(HEADINGS) - 3)
    table = (
        f'<?xml version="1.0" encoding="UTF-8"?><pivotTableDefinition xmlns="{PIVOT}" name="ByScenario" cacheId="1" '
        'dataCaption="Values" createdVersion="6"><location ref="G2:H3" firstHeaderRow="1" firstDataRow="1" '
        f'firstDataCol="1"/><pivotFields count="{len(HEADINGS)}">{"".join(columns)}</pivotFields><rowFields count="1">'
        '<field x="0"/></rowFields><dataFields count="1"><dataField name="Sum of cost" fld="2"/></dataFields>'
        "</pivotTableDefinition>"
    )
    return changed(content, {
        "xl/pivotCache/pivotCacheDefinition1.xml": lambda _: cache.encode(),
        "xl/pivotTables/pivotTable1.xml": lambda _: table.encode(),
        "xl/worksheets/_rels/sheet3.xml.rels": lambda _: _relations("../pivotTables/pivotTable1.xml", "pivotTable"),
        "xl/pivotTables/_rels/pivotTable1.xml.rels": lambda _: _relations(
            "../pivotCache/pivotCacheDefinition1.xml", "pivotCacheDefinition"
        ),
        "xl/workbook.xml": lambda part: part.replace(
            b"</workbook>", b'<pivotCaches><pivotCache cacheId="1" r:id="rId99"/></pivotCaches></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": lambda part: part.replace(b"</Relationships>", _relation(
            "rId99", "pivotCache/pivotCacheDefinition1.xml", "pivotCacheDefinition") + b"</Relationships>"),
        "[Content_Types].xml": lambda part: part.replace(b"</Types>", "".join(
            f'<Override PartName="{name}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
            f'{kind}+xml"/>' for name, kind in PIVOT_KINDS.items()).encode() + b"</Types>"),
    })  # fmt: skip


def _relation(name: str, target: str, kind: str) -> bytes:
    return f'<Relationship Id="{name}" Type="{RELATIONS}/{kind}" Target="{target}"/>'.encode()


def _relations(target: str, kind: str) -> bytes:
    start = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    return start + _relation("rId1", target, kind) + b"</Relationships>"
