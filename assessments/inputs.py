"""Rows to engine values. What is read of a machine is written down as plain JSON first, and the engine's arrays are
made from that: the same JSON is stored with the result, so the decision trace is computed again from equal inputs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from assessments.credit_history import CreditAnswers, as_text, credits_of
from assessments.engine.fixed_point import IntArray, scaled
from assessments.engine.machines import BOOT_TYPES, Disks, DiskTotals, Machines, Nics, NicTotals
from assessments.engine.values import Observed
from assessments.models import AssessedDisk, AssessedMachine
from ingest.imports.models import ImportedUtilization
from ingest.models import DiscoveredBy, Disk, Machine, Nic
from ingest.rollups import NOTHING_SEEN, Versions
from ingest.utilization import Measured, Utilization, utilization

DISK_METRICS = ("read_iops", "write_iops", "read_mbps", "write_mbps")
NIC_METRICS = ("received_mbps", "transmitted_mbps")
MACHINE_METRICS = ("cpu_percent", "memory_percent")


@dataclass(frozen=True)
class LoadedDisks:
    """One entry a disk, in the order of the engine's arrays."""

    ids: list[UUID]
    machine_ids: list[UUID]
    positions: list[int]
    source_ids: list[str]
    names: list[str]
    size_gb: list[float]
    observed: list[dict[str, Measured]]


@dataclass(frozen=True)
class LoadedMachines:
    """Machines as rows know them and as the engine takes them, in the same order."""

    ids: list[UUID]
    names: list[str]
    configuration_versions: list[int]
    inputs: list[dict[str, Any]]
    disks: LoadedDisks
    values: Machines

    def __len__(self) -> int:
        return len(self.ids)


class MachineRow(NamedTuple):
    """What is read of a machine; a model instance for each would cost more than the query."""

    id: UUID
    name: str
    configuration_version: int
    operating_system: str | None
    boot_type: str
    discovered_by: str
    power_state: str
    host: str | None
    cpu_model: str | None
    cores: int | None
    memory_mb: int | None


class NicRow(NamedTuple):
    """What is read of a nic."""

    machine_id: UUID
    source_id: str
    mac_address: str | None
    ip_addresses: list[str]
    network: str | None


class DiskRow(NamedTuple):
    """What is read of a disk."""

    id: UUID
    machine_id: UUID
    source_id: str
    name: str | None
    size_gb: float | None


Row = TypeVar("Row", MachineRow, NicRow, DiskRow)


def _rows_of(kind: type[Row], found: QuerySet[Any]) -> list[Row]:
    return [kind._make(values) for values in found.values_list(*kind._fields)]


def load_machines(
    machine_ids: Sequence[UUID],
    *,
    start_at: datetime,
    end_at: datetime,
    percentile: float,
    performance_based: bool,
    credit_terms: IntArray | None = None,
    seen: Versions = NOTHING_SEEN,
) -> LoadedMachines:
    """Machines with parts and utilization in [start_at, end_at), by a fixed number of queries.

    With `credit_terms` also what the history asks of burstable sizes with these terms. `seen` is what
    `rollups.refresh` answered, where it was called before.
    """
    machines = _rows_of(MachineRow, Machine.objects.filter(id__in=machine_ids).order_by("id"))
    ids = [machine.id for machine in machines]
    answers = None if credit_terms is None else CreditAnswers(start_at, end_at, credit_terms)
    used = (
        utilization(ids, start_at, end_at, percentile, seen, each=answers.each if answers else None)
        if performance_based
        else Utilization.nothing(ids, start_at, end_at)
    )
    row_of = {id: row for row, id in enumerate(ids)}
    nics: list[list[dict[str, Any]]] = [[] for _ in ids]
    for nic in _rows_of(NicRow, Nic.objects.filter(machine_id__in=ids).order_by("machine_id", "position", "id")):
        nics[row_of[nic.machine_id]].append(_nic(nic, used))
    stated = stated_utilization(machines) if performance_based else {}
    credits = answers.of(ids, seen) if answers else None
    inputs = [
        _machine(machine, row, used, nics[row])
        | _stated(stated.get(machine.id), used, row)
        | ({} if credits is None else {"cpu_credits": as_text(credits.get(machine.id))})
        for row, machine in enumerate(machines)
    ]
    disks = _load_disks(ids, used, stated)
    return LoadedMachines(
        ids=ids,
        names=[machine.name for machine in machines],
        configuration_versions=[machine.configuration_version for machine in machines],
        inputs=inputs,
        disks=disks,
        values=engine_machines(inputs, [row_of[id] for id in disks.machine_ids], disks.size_gb, disks.observed),
    )


def _machine(machine: MachineRow, row: int, used: Utilization, nics: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "operating_system": machine.operating_system or "",
        "boot_type": machine.boot_type,
        "imported": machine.discovered_by == DiscoveredBy.IMPORT,
        "power_state": machine.power_state,
        "host": machine.host,
        "cpu_model": machine.cpu_model,
        "cores": machine.cores or 0,
        "memory_mb": machine.memory_mb or 0,
        "expected_points": int(used.expected_points[row]),
        "cpu_percent": used.machine(row, "cpu_percent"),
        "memory_percent": used.machine(row, "memory_percent"),
        "nics": nics,
    }


def stated_utilization(machines: Sequence[MachineRow]) -> dict[UUID, ImportedUtilization]:
    """What files stated of the machines that only files know; an appliance's own figures never mix with a file's."""
    imported = [machine.id for machine in machines if machine.discovered_by == DiscoveredBy.IMPORT]
    if not imported:
        return {}
    return {found.machine_id: found for found in ImportedUtilization.objects.filter(machine_id__in=imported)}


def _stated(stated: ImportedUtilization | None, used: Utilization, row: int) -> dict[str, Any]:
    """Single values of a file where the machine has no series: no points, so no percentile moves them."""
    if stated is None:
        return {}
    own = {metric: used.machine(row, metric) for metric in MACHINE_METRICS}
    return {
        **{metric: _or_value(measured, getattr(stated, metric)) for metric, measured in own.items()},
        "disk_totals": {metric: _value(getattr(stated, metric)) for metric in DISK_METRICS},
        "nic_totals": {metric: _value(getattr(stated, metric)) for metric in NIC_METRICS},
    }


def _value(number: float | None) -> Measured:
    """A value without points, rounded as every utilization is."""
    return [None if number is None else round(number, 4), 0]


def _or_value(measured: Measured, number: float | None) -> Measured:
    return measured if measured[0] is not None else _value(number)


def _nic(nic: NicRow, used: Utilization) -> dict[str, Any]:
    return {
        "source_id": nic.source_id,
        "mac_address": nic.mac_address,
        "ip_addresses": list(nic.ip_addresses),
        "network": nic.network,
        **{metric: used.part(nic.machine_id, "nic", nic.source_id, metric) for metric in NIC_METRICS},
    }


def _load_disks(
    machine_ids: Sequence[UUID], used: Utilization, stated: Mapping[UUID, ImportedUtilization]
) -> LoadedDisks:
    disks = _rows_of(DiskRow, Disk.objects.filter(machine_id__in=machine_ids).order_by("machine_id", "position", "id"))
    positions: dict[UUID, int] = {}
    return LoadedDisks(
        ids=[disk.id for disk in disks],
        machine_ids=[disk.machine_id for disk in disks],
        positions=[_next(positions, disk.machine_id) for disk in disks],
        source_ids=[disk.source_id for disk in disks],
        names=[disk.name or disk.source_id for disk in disks],
        size_gb=[round(disk.size_gb or 0, 4) for disk in disks],
        observed=[_disk(disk, used, stated.get(disk.machine_id)) for disk in disks],
    )


def _disk(disk: DiskRow, used: Utilization, stated: ImportedUtilization | None) -> dict[str, Measured]:
    series = {metric: used.part(disk.machine_id, "disk", disk.source_id, metric) for metric in DISK_METRICS}
    values = ((stated.disks or {}) if stated else {}).get(disk.source_id)
    if values is None:
        return series
    return {metric: _or_value(measured, values.get(metric)) for metric, measured in series.items()}


def _next(counters: dict[UUID, int], key: UUID) -> int:
    counters[key] = counters.get(key, -1) + 1
    return counters[key]


def engine_machines(
    inputs: Sequence[dict[str, Any]],
    disk_owners: Sequence[int],
    disk_size_gb: Sequence[float],
    disk_observed: Sequence[dict[str, Measured]],
) -> Machines:
    """The engine's arrays from plain JSON; `disk_owners` are rows of `inputs`, sorted."""
    systems = sorted({machine["operating_system"] for machine in inputs})
    number_of = {name: number for number, name in enumerate(systems)}
    nics = [(row, nic) for row, machine in enumerate(inputs) for nic in machine["nics"]]
    return Machines(
        cores=_integers(machine["cores"] for machine in inputs),
        memory_mb=_integers(machine["memory_mb"] for machine in inputs),
        operating_systems=tuple(systems),
        operating_system=_integers(number_of[machine["operating_system"]] for machine in inputs),
        boot_type=_integers(BOOT_TYPES.index(machine["boot_type"]) for machine in inputs),
        imported=np.array([machine["imported"] for machine in inputs], dtype=np.bool_),
        cpu_percent=_observed(machine["cpu_percent"] for machine in inputs),
        memory_percent=_observed(machine["memory_percent"] for machine in inputs),
        expected_points=_integers(machine["expected_points"] for machine in inputs),
        disks=Disks(
            machine=_integers(disk_owners),
            size_gb=scaled(disk_size_gb),
            **{metric: _observed(observed[metric] for observed in disk_observed) for metric in DISK_METRICS},
        ),
        nics=Nics(
            machine=_integers(row for row, _ in nics),
            **{metric: _observed(nic[metric] for _, nic in nics) for metric in NIC_METRICS},
        ),
        disk_totals=_totals(DiskTotals, inputs, "disk_totals", DISK_METRICS),
        nic_totals=_totals(NicTotals, inputs, "nic_totals", NIC_METRICS),
        credits=credits_of(machine.get("cpu_credits") for machine in inputs),
    )


Totals = TypeVar("Totals", DiskTotals, NicTotals)
NOTHING: Measured = [None, 0]


def _totals(kind: type[Totals], inputs: Sequence[dict[str, Any]], key: str, metrics: Sequence[str]) -> Totals | None:
    """Totals that files stated, unknown for the other machines; None where no machine has any."""
    stated = [machine.get(key, {}) for machine in inputs]
    if not any(stated):
        return None
    return kind(**{metric: _observed(totals.get(metric, NOTHING) for totals in stated) for metric in metrics})


def _integers(values: Iterable[int]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array(list(values), dtype=np.int64)


def _observed(measured: Iterable[Measured]) -> Observed:
    listed = list(measured)
    return Observed.quantities([value for value, _ in listed], [int(points or 0) for _, points in listed])


def stored_machine(machine: AssessedMachine, disks: Sequence[AssessedDisk]) -> Machines:
    """One machine as a run saw it, from the rows that the run stored; disks in order of position."""
    return stored_machines([(machine, disks)])


def stored_machines(assessed: Sequence[tuple[AssessedMachine, Sequence[AssessedDisk]]]) -> Machines:
    """Machines as a run saw them, each with its disks in order of position."""
    disks = [(row, disk) for row, (_, owned) in enumerate(assessed) for disk in owned]
    return engine_machines(
        [machine.inputs for machine, _ in assessed],
        [row for row, _ in disks],
        [float(disk.size_gb) for _, disk in disks],
        [disk.observed for _, disk in disks],
    )
