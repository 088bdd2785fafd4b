"""CSV files and JSON lines hold what the workbook holds, and no spreadsheet takes a name in them for a formula."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.workbook import OWN_SHEETS, SCHEMA_VERSION, Chunk, MachineRow, Report, write_csv, write_jsonl
from tests.reports.test_workbook_text import CLEANED, HARMLESS
from tests.reports.workbooks import FULL_REPORT, FULL_ROWS, ROWS, TERM, opened, records, with_rows

TABLES = ["All_Assessed_Machines", "All_Assessed_Disks", *(sheet.name for sheet in OWN_SHEETS)]


def csv_files(report: Report = FULL_REPORT, **options: Any) -> dict[str, list[list[str]]]:
    target = io.BytesIO()
    write_csv(report, target, **options)
    with zipfile.ZipFile(target) as archive:
        texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    return {name: list(csv.reader(io.StringIO(text, newline=""))) for name, text in texts.items()}


def json_lines(report: Report = FULL_REPORT) -> list[dict[str, Any]]:
    target = io.BytesIO()
    write_jsonl(report, target)
    return [json.loads(line) for line in target.getvalue().splitlines()]


def named(names: list[str]) -> Report:
    return with_rows(machines=[MachineRow(machine_name=name, group_name=name, readiness="ready") for name in names])


def test_the_zip_has_a_file_for_each_table_and_for_the_pairs() -> None:
    names = ["Assessment_Summary", "Assessment_Properties", *TABLES]
    assert list(csv_files()) == [f"{name}.csv" for name in names]


@pytest.mark.parametrize("table", TABLES)
def test_csv_has_the_headings_and_rows_of_the_workbook(table: str) -> None:
    header, *rows = csv_files()[f"{table}.csv"]
    expected = records(opened(FULL_REPORT)[table])
    assert header == list(expected[0])
    for row, cells in zip(rows, expected, strict=True):
        for text, value in zip(row, cells.values(), strict=True):
            same = Decimal(text) == Decimal(str(value)) if isinstance(value, int | float) else text == (value or "")
            assert same, (text, value)


def test_csv_tells_the_totals_and_the_version() -> None:
    lines = dict(csv_files()["Assessment_Summary.csv"])
    assert lines["Total monthly cost estimate USD"] == "121.628616"
    assert lines["Created on (UTC)"] == "2026-11-20T10:30:00Z"
    assert lines["Schema version"] == SCHEMA_VERSION


def test_an_older_layout_has_its_own_columns() -> None:
    assert len(csv_files(layout="2020")["All_Assessed_Machines.csv"][0]) == 28


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_csv_cell_begins_as_a_formula(start: str) -> None:
    rows = csv_files(named([f"{start}1+1"]))["All_Assessed_Machines.csv"]
    assert rows[1][0] == f"'{start}1+1"


def test_hostile_names_stay_what_they_are_behind_the_apostrophe() -> None:
    names = [*HARMLESS, *CLEANED]
    rows = csv_files(named(names))["All_Assessed_Machines.csv"][1:]
    assert len(rows) == len(names)
    for row, name in zip(rows, [*HARMLESS, *CLEANED.values()], strict=True):
        assert row[0].removeprefix("'") == name.removeprefix("'")
        assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_negative_amount_stays_a_number() -> None:
    discount = replace(TERM, kind="discount", amount=Decimal("-1.5"))
    header, row = csv_files(with_rows(FULL_REPORT, FULL_ROWS, price_lines=[discount]))["Price_Lines.csv"]
    assert row[header.index("Monthly amount USD")] == "-1.5"


def test_json_lines_begin_with_the_report_and_hold_every_row() -> None:
    head, *lines = json_lines()
    assert (head["table"], head["schema_version"], head["assessment_name"]) == ("report", SCHEMA_VERSION, "Production")
    assert head["summary"]["compute_monthly_cost"] == "101.138616"
    counts = {table: sum(line["table"] == table for line in lines) for table in TABLES}
    assert counts == {table: len(records(opened(FULL_REPORT)[table])) for table in TABLES}
    web = next(line for line in lines if line["table"] == "All_Assessed_Machines")
    assert (web["machine_name"], web["readiness"], web["compute_monthly_cost"]) == ("web-01", "ready", "101.138616")
    assert (web["cores"], web["ip_addresses"]) == (4, [["10.0.0.4", "fe80::1"], ["10.0.1.4"]])


def test_json_leaves_out_what_has_no_value() -> None:
    old = next(line for line in json_lines() if line.get("machine_name") == "old-01")
    assert "compute_monthly_cost" not in old
    assert None not in old.values()


def test_hostile_names_are_whole_in_json() -> None:
    names = [name for name in HARMLESS if name]
    read = [line["machine_name"] for line in json_lines(named(names)) if line["table"] == "All_Assessed_Machines"]
    assert read == names
    lone = [line["machine_name"] for line in json_lines(named(["\ud800x"])) if "machine_name" in line]
    assert lone[0] == "\ufffdx"


def test_pandas_reads_both() -> None:
    target = io.BytesIO()
    write_csv(FULL_REPORT, target)
    with zipfile.ZipFile(target) as archive, archive.open("Price_Lines.csv") as file:
        assert pd.read_csv(file)["Monthly amount USD"].sum() == pytest.approx(107.028616)
    lines = io.BytesIO()
    write_jsonl(FULL_REPORT, lines)
    frame = pd.read_json(io.BytesIO(lines.getvalue()), lines=True)
    assert set(frame["table"]) == {"report", *TABLES}


def test_the_same_report_gives_the_same_bytes() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    write_csv(FULL_REPORT, first)
    write_csv(FULL_REPORT, second)
    assert first.getvalue() == second.getvalue()


@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_a_source_that_fails_leaves_nothing_behind(write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[Chunk]:
        yield ROWS
        raise ConnectionError("the database went away")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ConnectionError):
        write(replace(FULL_REPORT, chunks=failing), io.BytesIO())
    assert list(tmp_path.iterdir()) == []
