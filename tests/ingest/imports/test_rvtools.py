"""RVTools workbooks with the traps of both dialects."""

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.imports.parsed import UnreadableFileError
from ingest.imports.rvtools import parse
from tests.ingest.imports.files import disk, host, info, nic, rvtools, uuid, without, workbook
from tests.ingest.imports.parsing import Found, answered, found

OF_4 = {"Total disk capacity MiB", "Firmware", "SMBIOS UUID", "SRM Placeholder", "VI SDK UUID"}


def of_3(number: int, **changes: Any) -> dict[str, Any]:
    """A row of vInfo as 3.x writes it: MB, no ids, stray spaces in headings."""
    row = without(info(number), *OF_4, "VM UUID", "VM ID", "Provisioned MiB", "In Use MiB", "Powerstate")
    return row | {"Powerstate ": "poweredOn", " Provisioned MB ": 204800, "In Use MB": 5} | changes


def read(tmp_path: Path, **sheets: Any) -> Found:
    return found(parse, workbook(**sheets), tmp_path)


def test_a_4x_export_names_machines_by_their_instance_uuid(tmp_path: Path) -> None:
    record = found(parse, rvtools(1), tmp_path).machines["vm-1"].record
    assert (record.source_id, record.instance_uuid, record.bios_uuid) == (uuid(1), UUID(uuid(1)), UUID(uuid(1, 4)))
    assert (record.cores, record.memory_mb, record.boot_type, record.power_state) == (4, 8192, "uefi", "on")
    assert record.operating_system == "Microsoft Windows Server 2019 (64-bit)"
    assert record.path == "DC1/Cluster-A/esx-01/Prod"
    assert [(part.source_id, part.size_gb) for part in record.disks] == [("scsi0:0", 100.0), ("scsi0:1", 200.0)]


def test_a_3x_export_without_ids_has_mib_in_mb_columns_and_stray_spaces(tmp_path: Path) -> None:
    sheets = {
        "vInfo": [of_3(1), of_3(2, **{"Powerstate ": "poweredOff"})],
        "vPartition": [
            {"VM": "vm-1", "Disk": "E:\\", "Capacity MB": 51200},
            {"VM": "vm-1", "Disk": "C:\\", "Capacity MB": 81920},
        ],
        "vNetwork": [{"VM": "vm-1", "NIC label": "Network adapter 1", "IP Address ": "10.0.0.1, fe80::1"}],
    }
    result = read(tmp_path, **sheets)
    one, two = result.machines["vm-1"], result.machines["vm-2"]
    assert one.names_are_ids
    assert one.record.source_id == "vm-1"
    assert [(part.source_id, part.size_gb) for part in one.record.disks] == [("C:\\", 80.0), ("E:\\", 50.0)]
    assert one.record.nics[0].ip_addresses == ["10.0.0.1", "fe80::1"]
    assert (two.record.power_state, two.record.boot_type) == ("off", "unknown")
    assert [(part.name, part.size_gb) for part in two.record.disks] == [("Provisioned", 200.0)]
    assert result.codes == ["disks_from_partitions", "disk_from_capacity"]


def test_templates_placeholders_and_phantoms_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = [
        info(1, Template=False),
        info(2, Template="True"),
        info(3, Template=True),
        None,
        info(4, **{"SRM Placeholder": "TRUE"}),
        *[None] * 1000,
        info(5),
    ]
    result = found(parse, rvtools(vInfo=rows, vDisk=[disk(2, 0, Template="True")]), tmp_path)
    assert set(result.machines) == {"vm-1", "vm-5"}
    assert result.skipped == {"template": 2, "srm_placeholder": 1, "phantom_row": 1001}
    assert result.machines["vm-5"].row == 1007


@pytest.mark.parametrize(
    ("missing", "source_id", "names_are_ids"),
    [
        ((), uuid(1), False),
        (("VM UUID",), f"{uuid(1, 9)}/vm-1001", False),
        (("VM UUID", "VI SDK UUID"), "vm-1001", False),
        (("VM UUID", "VM ID"), "vm-1", True),
    ],
)
def test_the_surest_id_of_the_file_is_taken(
    missing: tuple[str, ...], source_id: str, names_are_ids: bool, tmp_path: Path
) -> None:
    one = read(tmp_path, vInfo=[without(info(1), *missing)]).machines["vm-1"]
    assert (one.record.source_id, one.names_are_ids) == (source_id, names_are_ids)


def test_machines_of_one_name_keep_their_own_disks(tmp_path: Path) -> None:
    same = {"VM": "twin"}
    sheets = {
        "vInfo": [info(1, **same), info(2, **same, Host="esx-02")],
        "vDisk": [disk(1, 0, **same), disk(2, 0, **same), disk(2, 1, **same)],
        "vNetwork": [nic(1, **same), nic(2, **same)],
    }
    machines = read(tmp_path, **sheets).all_machines
    assert [len(machine.record.disks) for machine in machines] == [1, 2]


def test_machines_of_one_name_that_nothing_tells_apart_are_not_guessed(tmp_path: Path) -> None:
    disks = [without(disk(1, 0), "VM UUID", "VM ID"), without(disk(2, 0, VM="vm-1"), "VM UUID", "VM ID")]
    result = found(parse, rvtools(vInfo=[info(1), info(2, VM="vm-1")], vDisk=disks), tmp_path)
    assert result.codes.count("ambiguous_disks") == 2
    assert result.machines["vm-1"].record.disks == []
    without_ids = [of_3(1), of_3(2, VM="vm-1")]
    result = read(tmp_path, vInfo=without_ids)
    assert result.problem("duplicate_name").row == 3
    assert list(result.machines) == ["vm-1"]


def test_a_broken_row_costs_only_itself(tmp_path: Path) -> None:
    rows = [
        info(1, CPUs="many"),
        {"VM": "broken", "Powerstate": "poweredOn"},
        info(3, VM=None),
        info(4, **{"VM UUID": uuid(1)}),
        info(5, CPUs=10**7),
        info(6),
    ]
    result = found(parse, rvtools(vInfo=rows), tmp_path)
    assert set(result.machines) == {"vm-1", "vm-6"}
    assert result.machines["vm-1"].record.cores is None
    errors = {(problem.row, problem.code) for problem in result.problems if problem.severity == "error"}
    assert errors == {(3, "incomplete_row"), (4, "missing_name"), (5, "duplicate_machine"), (6, "out_of_range")}
    assert (result.problem("unreadable_cell").row, result.problem("unreadable_cell").column) == (2, "CPUs")


def test_numbers_of_any_locale_are_read(tmp_path: Path) -> None:
    for written in ("8192", "8,192", "8.192", "8 192", "8\u00a0192", "8'192", 8192.0, "8192.0"):
        record = read(tmp_path, vInfo=[info(1, Memory=written)]).machines["vm-1"].record
        assert record.memory_mb == 8192, written


def test_custom_columns_between_change_nothing(tmp_path: Path) -> None:
    row = {"owner": "x", **info(1)}
    mixed = dict(sorted(row.items())) | {f"Attribute {number}": number for number in range(200)}
    assert read(tmp_path, vInfo=[mixed]).machines["vm-1"].record == read(tmp_path, vInfo=[row]).machines["vm-1"].record


def test_cores_and_memory_come_from_their_own_sheets_where_vinfo_has_none(tmp_path: Path) -> None:
    sheets = {
        "vInfo": [without(info(1), "CPUs", "Memory")],
        "vCPU": [{"VM": "vm-1", "CPUs": 6}],
        "vMemory": [{"VM": "vm-1", "Size MB": 4096}],
    }
    record = read(tmp_path, **sheets).machines["vm-1"].record
    assert (record.cores, record.memory_mb) == (6, 4096)


def test_without_vnetwork_nics_are_as_many_as_vinfo_counts(tmp_path: Path) -> None:
    result = read(tmp_path, vInfo=[info(1, NICs=2, **{"Network #1": "Prod", "Network #2": None})], vDisk=[disk(1, 0)])
    first, second = result.machines["vm-1"].record.nics
    assert (first.network, first.ip_addresses, second.network, second.ip_addresses) == ("Prod", ["10.0.0.2"], None, [])
    assert result.codes == ["no_nic_sheet", "disk_count_differs"]


def test_the_host_tells_the_cpu_model(tmp_path: Path) -> None:
    result = found(parse, rvtools(vHost=[host("ESX-01", "AMD EPYC")]), tmp_path)
    assert result.machines["vm-1"].record.cpu_model == "AMD EPYC"


def test_a_workbook_that_understates_its_size_is_read_whole(tmp_path: Path) -> None:
    source, target = zipfile.ZipFile(io.BytesIO(rvtools(3))), io.BytesIO()
    with zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            text = source.read(name)
            if name.startswith("xl/worksheets/"):
                text = text.replace(
                    text[text.index(b"<dimension") : text.index(b"/>", text.index(b"<dimension"))],
                    b'<dimension ref="A1"',
                )
            changed.writestr(name, text)
    assert len(found(parse, target.getvalue(), tmp_path).machines) == 3


def test_a_workbook_of_something_else_is_told_so(tmp_path: Path) -> None:
    for sheets, code in (({"Sheet1": [{"a": 1}]}, "wrong_sheets"), ({"vInfo": [{"Name": 1}]}, "missing_column")):
        with pytest.raises(UnreadableFileError) as refused:
            read(tmp_path, **sheets)
        assert refused.value.code == code


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 5000), bytes_=st.binary(min_size=1, max_size=40))
def test_damage_never_crashes_the_parser(position: int, bytes_: bytes, tmp_path: Path) -> None:
    whole = bytearray(SMALL)
    whole[position % len(whole) : position % len(whole) + len(bytes_)] = bytes_
    answer = answered(parse, bytes(whole), tmp_path)
    assert isinstance(answer, Found) or answer.detail


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.dictionaries(
        st.sampled_from(sorted(info(1))),
        st.one_of(
            st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False),
            st.text(st.characters(blacklist_categories=["Cc", "Cs", "Cn", "Co"]), max_size=50),
        ),
    )
)  # fmt: skip
def test_whatever_stands_in_a_row_is_a_machine_or_a_problem(cells: dict[str, Any], tmp_path: Path) -> None:
    result = read(tmp_path, vInfo=[info(1, **cells), info(2)])
    row = [problem for problem in result.problems if problem.row == 2 and problem.severity == "error"]
    placed = [machine for machine in result.machines.values() if machine.row == 2]
    assert len(row) + len(placed) + sum(result.skipped.values()) == 1
    assert any(machine.row == 3 for machine in result.machines.values()) or "duplicate_machine" in result.codes


SMALL = rvtools(1)
