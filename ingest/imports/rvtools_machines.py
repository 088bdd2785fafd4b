"""One row of vInfo as a machine that still lacks its parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.imports import cells
from ingest.imports.checking import Findings
from ingest.imports.sheets import Row
from ingest.records import MachineRecord

POWER_STATES = {"poweredon": "on", "poweredoff": "off", "suspended": "suspended"}
FIRMWARE = {"efi": "uefi", "uefi": "uefi", "bios": "bios"}
# The columns that tell machines apart, the surest first. A moref is unique within its vCenter only.
IDENTITIES = (("vm uuid",), ("vm id", "vi sdk uuid"), ("vm id", "vi sdk server"), ("vm id",), ("vm",))
NETWORKS = 8


@dataclass(slots=True)
class Draft:
    """A machine as vInfo has it. `identities` are its values in IDENTITIES, None where one is missing.

    The figures that only count when another sheet is missing: disks, capacity_mib, provisioned_mib, nics, networks.
    """

    row: int
    record: MachineRecord
    names_are_ids: bool
    identities: tuple[tuple[str, ...] | None, ...]
    disks: int | None
    capacity_mib: float | None
    provisioned_mib: float | None
    nics: int | None
    primary_address: str
    networks: list[str]


def skipped_because(row: Row) -> str:
    """Why a row of vInfo is no machine to move, though nothing is wrong with it."""
    if cells.boolean(row["template"]):
        return "template"
    return "srm_placeholder" if cells.boolean(row["srm placeholder"]) else ""


def identity(row: Row, columns: tuple[str, ...]) -> tuple[str, ...] | None:
    """What a row says in these columns, or None when it leaves one out. UUIDs and ids in small letters."""
    values = tuple(cells.text(row[column]) for column in columns)
    if not all(values):
        return None
    return values if columns == ("vm",) else tuple(value.lower() for value in values)


# Columns with figures, and how problems name them: as RVTools does.
FIGURES = {
    "cpus": "CPUs",
    "memory": "Memory",
    "nics": "NICs",
    "disks": "Disks",
    "total disk capacity": "Total disk capacity",
    "provisioned": "Provisioned",
}


def draft_of(row: Row, cpu_models: Mapping[str, str], findings: Findings) -> Draft | None:
    """The machine of a row; None, with an error, for a row without a name."""
    name = cells.text(row["vm"])
    place = {"sheet": "vInfo", "row": row.number}
    if not name:
        findings.error("missing_name", "The row has no VM name.", column="VM", **place)
        return None
    source_id, names_are_ids = _source_id(row, name)
    figures = {
        column: findings.read(cells.whole_number, row[column], column=heading, **place)
        for column, heading in FIGURES.items()
    }
    record = MachineRecord(
        source_id=source_id,
        name=name,
        path=_path(row),
        host=cells.text(row["host"]) or None,
        cluster=cells.text(row["cluster"]) or None,
        power_state=POWER_STATES.get(cells.text(row["powerstate"]).lower(), "unknown"),  # type: ignore[arg-type]
        operating_system=_operating_system(row),
        boot_type=FIRMWARE.get(cells.text(row["firmware"]).lower(), "unknown"),  # type: ignore[arg-type]
        cores=figures["cpus"],
        memory_mb=figures["memory"],
        cpu_model=cpu_models.get(cells.text(row["host"]).lower()) or None,
        instance_uuid=cells.uuid(row["vm uuid"]),
        bios_uuid=cells.uuid(row["smbios uuid"]),
    )
    networks = (cells.text(row[f"network #{number}"]) for number in range(1, NETWORKS + 1))
    return Draft(
        row=row.number,
        record=record,
        names_are_ids=names_are_ids,
        identities=tuple(identity(row, columns) for columns in IDENTITIES),
        disks=figures["disks"],
        capacity_mib=figures["total disk capacity"],
        provisioned_mib=figures["provisioned"],
        nics=figures["nics"],
        primary_address=cells.text(row["primary ip address"]),
        networks=[network for network in networks if network],
    )


def _source_id(row: Row, name: str) -> tuple[str, bool]:
    """The instance UUID, as an appliance names the machine; else vCenter and moref; else the name."""
    instance = cells.uuid(row["vm uuid"])
    if instance is not None:
        return str(instance), False
    moref = cells.text(row["vm id"])
    if moref:
        center = cells.text(row["vi sdk uuid"]) or cells.text(row["vi sdk server"])
        return (f"{center}/{moref}" if center else moref), False
    return name, True


def _path(row: Row) -> str | None:
    parts = [cells.text(row[column]).strip("/") for column in ("datacenter", "cluster", "host", "folder")]
    return "/".join(part for part in parts if part)[:1024] or None


def _operating_system(row: Row) -> str | None:
    """What VMware Tools saw running; else what the configuration file was made for."""
    seen = cells.text(row["os according to the vmware tools"])
    return seen or cells.text(row["os according to the configuration file"]) or None
