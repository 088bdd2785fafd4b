"""Azure Migrate's import template, as it was, as it is, and as spreadsheets of all countries save it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.imports.azure_migrate_csv import parse
from ingest.imports.parsed import DiskRates, UnreadableFileError
from tests.ingest.imports.files import AZURE_HEADINGS, azure, server
from tests.ingest.imports.parsing import Found, answered, found

OLD = (
    "*Server Name,IP address,*Cores,*Memory,*OS name,OS version,OS architecture,Number of disks,Disk 1 size,"
    "Disk 1 read ops,Disk 1 write ops,Disk 1 read throughput,Disk 1 write throughput,CPU utilization %,"
    "Memory utilization %,Total disks read ops,Total disks write ops,Total disks read throughput,"
    "Total disks write throughput,Network In throughput,Network Out throughput,Firmware type,MAC address"
)
MANDATORY = "*Server name,*Cores,*Memory (In MB),*OS name"


def read(tmp_path: Path, content: bytes) -> Found:
    return found(parse, content, tmp_path)


def test_a_row_of_the_template_becomes_a_machine_with_utilization(tmp_path: Path) -> None:
    one = read(tmp_path, azure(server())).machines["fs-01"]
    record, stated = one.record, one.utilization
    assert (record.source_id, record.cores, record.memory_mb, record.boot_type) == ("fs-01", 2, 4096, "uefi")
    assert record.operating_system == "Windows Server 2016 Standard (64-bit)"
    assert [(part.source_id, part.size_gb) for part in record.disks] == [("disk 1", 60.0)]
    assert [nic.ip_addresses for nic in record.nics] == [["10.0.0.5"]]
    assert stated is not None
    assert (stated.cpu_percent, stated.memory_percent, stated.received_mbps, stated.transmitted_mbps) == (50, 40, 5, 6)
    assert stated.disks == {"disk 1": DiskRates(read_mbps=3, write_mbps=2, read_iops=300, write_iops=250)}
    assert stated.read_iops is None


def test_the_older_headings_without_units_are_understood(tmp_path: Path) -> None:
    row = "web-01,10.0.0.1;10.0.0.2,4,8192,Ubuntu,20.04,x86,1,100,1,2,3,4,5,6,7,8,9,10,11,12,BIOS,00-50-56-AA-BB-CC"
    one = read(tmp_path, azure(row, headings=OLD)).machines["web-01"]
    assert one.record.operating_system == "Ubuntu 20.04 (32-bit)"
    assert one.record.boot_type == "bios"
    assert one.record.nics[0].mac_address == "00:50:56:aa:bb:cc"
    assert one.record.nics[0].ip_addresses == ["10.0.0.1", "10.0.0.2"]
    stated = one.utilization
    assert stated is not None
    assert (stated.read_iops, stated.write_iops, stated.read_mbps, stated.write_mbps) == (7, 8, 9, 10)
    assert stated.disks["disk 1"] == DiskRates(read_iops=1, write_iops=2, read_mbps=3, write_mbps=4)


def test_up_to_twenty_disks_are_taken_and_the_next_column_is_told(tmp_path: Path) -> None:
    headings = MANDATORY + "".join(f",Disk {number} size (In GB)" for number in range(1, 22))
    row = "big,1,1024,Linux" + "".join(f",{number}" for number in range(1, 22))
    result = read(tmp_path, azure(row, headings=headings))
    assert [part.size_gb for part in result.machines["big"].record.disks] == list(range(1, 21))
    assert (result.codes, result.problem("unknown_column").column) == (["unknown_column"], "Disk 21 size (In GB)")


def test_a_boot_type_that_is_not_stated_stays_unknown(tmp_path: Path) -> None:
    one = read(tmp_path, azure("a,1,1024,Linux", headings=MANDATORY)).machines["a"]
    assert (one.record.boot_type, one.record.disks, one.record.nics, one.utilization) == ("unknown", [], [], None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators_of_spreadsheets_are_read(encoding: str, separator: str, tmp_path: Path) -> None:
    lines = f"{MANDATORY}\r\nmünchen-01,2,4096,Windows Server 2019\r\n".replace(",", separator)
    result = read(tmp_path, lines.encode(encoding))
    assert set(result.machines) == {"münchen-01"}
    assert result.codes == (["not_utf8"] if encoding == "cp1252" else [])


def test_the_line_that_excel_reads_the_separator_from_is_no_row(tmp_path: Path) -> None:
    lines = f"sep=;\r\n{MANDATORY}\r\na,2,4096,Linux\r\n".replace(",", ";")
    assert read(tmp_path, lines.encode()).machines["a"].row == 3


def test_quotes_thousands_and_decimal_commas_are_read(tmp_path: Path) -> None:
    headings = f"{MANDATORY},CPU utilization percentage,Disk 1 size (In GB)"
    row = '"srv, ""one""","2","16,384",Linux,"12,5","1.024,5"'
    one = read(tmp_path, azure(row, headings=headings)).machines['srv, "one"']
    assert (one.record.memory_mb, one.record.disks[0].size_gb) == (16384, 1024.5)
    assert one.utilization is not None
    assert one.utilization.cpu_percent == 12.5


def test_each_wrong_row_is_told_with_row_and_column_and_costs_only_itself(tmp_path: Path) -> None:
    rows = [
        "a,1,1024,Linux",
        ",1,1024,Linux",
        "b,x,1024,Linux",
        "c,1,,Linux",
        "a,1,1024,Linux",
        "d,1,1,1024,Linux",
        "",
        "e,-1,1024,Linux",
        "f,1,1024,Linux",
    ]
    result = read(tmp_path, azure(*rows, headings=MANDATORY))
    assert set(result.machines) == {"a", "f"}
    assert [(problem.row, problem.code, problem.column) for problem in result.problems] == [
        (3, "missing_value", "server name"),
        (4, "unreadable_cell", "cores"),
        (5, "missing_value", "memory"),
        (6, "duplicate_name", "server name"),
        (7, "too_many_cells", ""),
        (9, "unreadable_cell", "cores"),
    ]
    assert {problem.severity for problem in result.problems} == {"error"}
    assert result.skipped == {"blank_row": 1}


def test_what_cannot_be_true_is_missing_and_told(tmp_path: Path) -> None:
    result = read(
        tmp_path, azure(server("a", cpu=-5), server("b", cpu=250), server("c", cpu="n.a."), server("d", disk_gb=""))
    )
    assert {name: one.utilization.cpu_percent for name, one in result.machines.items() if one.utilization} == {
        "a": None,
        "b": 250.0,
        "c": None,
        "d": 50.0,
    }
    assert result.codes == [
        "out_of_range",
        "over_100_percent",
        "unreadable_cell",
        "disk_without_size",
        "disk_count_differs",
    ]
    assert result.machines["d"].record.disks == []


def test_a_file_without_the_mandatory_columns_is_told_which(tmp_path: Path) -> None:
    for content in (b"Server name,Cores\na,1\n", b"", b"\n\n", b'"'):
        with pytest.raises(UnreadableFileError) as refused:
            read(tmp_path, content)
        assert refused.value.code == "missing_column"
    assert "os name" in refused.value.detail


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=300), headed=st.booleans())
def test_any_bytes_get_an_answer(tail: bytes, headed: bool, tmp_path: Path) -> None:
    answer = answered(parse, (AZURE_HEADINGS.encode() + b"\n" if headed else b"") + tail, tmp_path)
    assert isinstance(answer, Found) or answer.detail
