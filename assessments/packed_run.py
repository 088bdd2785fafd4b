"""A run's inputs packed by shard: what the engine took, so that a whole run is read at once and not row by row.

The JSON that is stored with each machine explains one machine; these arrays answer questions about all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from assessments.engine.fixed_point import IntArray
from assessments.engine.machines import Credits, Disks, DiskTotals, Machines, Nics, NicTotals
from assessments.engine.values import Observed
from assessments.inputs import DISK_METRICS, MACHINE_METRICS, NIC_METRICS, LoadedMachines
from assessments.models import AssessmentRun, RunShard, ShardArrays
from migrate_hub.errors import DomainError

WHOLE: "np.dtype[Any]" = np.dtype("<i8")
YES_NO: "np.dtype[Any]" = np.dtype("?")
ID_BYTES = 16
OBSERVED = (*MACHINE_METRICS, *(f"disks.{name}" for name in DISK_METRICS), *(f"nics.{name}" for name in NIC_METRICS))
TOTALS = {"disk_totals": DISK_METRICS, "nic_totals": NIC_METRICS}
COLUMNS = {
    **dict.fromkeys(("cores", "memory_mb", "operating_system", "boot_type", "expected_points"), WHOLE),
    "imported": YES_NO,
    **dict.fromkeys(("disks.machine", "disks.size_gb", "nics.machine"), WHOLE),
    **{f"{name}.values": WHOLE for name in OBSERVED},
    **{f"{name}.known": YES_NO for name in OBSERVED},
    **{f"{name}.points": WHOLE for name in OBSERVED},
}
# What a shard has only where its machines have it: totals that files stated, answers about the credits of burstable
# sizes. They need 32 bits.
TOTAL_COLUMNS = {
    f"{part}.{name}.{column}": dtype
    for part, names in TOTALS.items()
    for name in names
    for column, dtype in (("values", WHOLE), ("known", YES_NO), ("points", WHOLE))
}
CREDIT_NUMBER: "np.dtype[Any]" = np.dtype("<u4")
CREDIT_COLUMNS = {
    "credits.terms": CREDIT_NUMBER,
    "credits.known": YES_NO,
    "credits.carried": CREDIT_NUMBER,
    "credits.spent_minute": CREDIT_NUMBER,
}


class PackedInputs(msgspec.Struct):
    """One shard on disk: ids of 16 bytes, and one little-endian array a column of COLUMNS and of what it has beside."""

    machine_ids: bytes
    operating_systems: list[str]
    disk_source_ids: list[str]
    nic_source_ids: list[str]
    columns: dict[str, bytes]


_decoder = msgspec.msgpack.Decoder(PackedInputs)


@dataclass(frozen=True)
class RunInputs:
    """The machines of a whole run (or of one shard) as the engine took them, with the ids that rows know them by."""

    machine_ids: list[UUID]
    disk_source_ids: list[str]
    nic_source_ids: list[str]
    machines: Machines

    def __len__(self) -> int:
        return len(self.machine_ids)

    @cached_property
    def row_of(self) -> dict[UUID, int]:
        return {machine_id: row for row, machine_id in enumerate(self.machine_ids)}

    @cached_property
    def nbytes(self) -> int:
        """Memory of the arrays, and about that of the ids."""
        return _array_bytes(self.machines) + 100 * (len(self) + len(self.disk_source_ids) + len(self.nic_source_ids))


def refuse_without_inputs(run: AssessmentRun) -> None:
    """Raises DomainError 409 for a run of which some shard was computed before runs kept their inputs packed."""
    if ShardArrays.objects.filter(run=run).count() != RunShard.objects.filter(run=run).count():
        raise DomainError(
            code="run_without_inputs",
            status=409,
            detail=f"Run {run.number} was computed by an older version that kept no inputs. Recalculate first.",
        )


def load_inputs(run: AssessmentRun) -> RunInputs:
    """The inputs of a run that has completed, in the order of its shards; DomainError 409 when it kept none."""
    refuse_without_inputs(run)
    return unpacked(ShardArrays.objects.filter(run=run).order_by("part").values_list("inputs", flat=True))


def save_inputs(run: AssessmentRun, part: int, machines: LoadedMachines) -> None:
    """Writes the arrays of one shard; what an earlier try left is replaced."""
    ShardArrays.objects.filter(run=run, part=part).delete()
    ShardArrays.objects.create(run=run, part=part, machine_count=len(machines), inputs=packed(machines))


def packed(loaded: LoadedMachines) -> bytes:
    """One shard's inputs as bytes."""
    machines = loaded.values
    columns = dict(COLUMNS)
    if machines.disk_totals is not None or machines.nic_totals is not None:
        columns |= {name: dtype for name, dtype in TOTAL_COLUMNS.items() if _has(machines, name)}
    if machines.credits is not None:
        columns |= CREDIT_COLUMNS
    return msgspec.msgpack.encode(
        PackedInputs(
            machine_ids=b"".join(machine_id.bytes for machine_id in loaded.ids),
            operating_systems=list(machines.operating_systems),
            disk_source_ids=loaded.disks.source_ids,
            nic_source_ids=[nic["source_id"] for machine in loaded.inputs for nic in machine["nics"]],
            columns={name: _column(machines, name).astype(dtype).tobytes() for name, dtype in columns.items()},
        )
    )


def _has(machines: Machines, name: str) -> bool:
    return getattr(machines, name.partition(".")[0]) is not None


def _column(machines: Machines, name: str) -> NDArray[Any]:
    found: Any = machines
    for part in name.split("."):
        found = getattr(found, part)
    return np.asarray(found)


def unpacked(blobs: Iterable[bytes]) -> RunInputs:
    """The shards of a run, in this order, as one."""
    shards = [_decoder.decode(blob) for blob in blobs]
    columns: dict[str, NDArray[Any]] = {
        name: np.frombuffer(b"".join(shard.columns[name] for shard in shards), dtype=dtype)
        for name, dtype in COLUMNS.items()
    }
    systems = tuple(sorted({name for shard in shards for name in shard.operating_systems}))
    ids = b"".join(shard.machine_ids for shard in shards)
    return RunInputs(
        machine_ids=[UUID(bytes=ids[i : i + ID_BYTES]) for i in range(0, len(ids), ID_BYTES)],
        disk_source_ids=[source_id for shard in shards for source_id in shard.disk_source_ids],
        nic_source_ids=[source_id for shard in shards for source_id in shard.nic_source_ids],
        machines=Machines(
            cores=columns["cores"],
            memory_mb=columns["memory_mb"],
            operating_systems=systems,
            operating_system=_renumbered(columns["operating_system"], shards, systems),
            boot_type=columns["boot_type"],
            imported=columns["imported"],
            cpu_percent=_observed(columns, "cpu_percent"),
            memory_percent=_observed(columns, "memory_percent"),
            expected_points=columns["expected_points"],
            disks=Disks(
                machine=_owners(columns["disks.machine"], shards, [len(shard.disk_source_ids) for shard in shards]),
                size_gb=columns["disks.size_gb"],
                **{name: _observed(columns, f"disks.{name}") for name in DISK_METRICS},
            ),
            nics=Nics(
                machine=_owners(columns["nics.machine"], shards, [len(shard.nic_source_ids) for shard in shards]),
                **{name: _observed(columns, f"nics.{name}") for name in NIC_METRICS},
            ),
            disk_totals=_totals(shards, "disk_totals", DiskTotals),
            nic_totals=_totals(shards, "nic_totals", NicTotals),
            credits=_credits(shards),
        ),
    )


Totals = TypeVar("Totals", DiskTotals, NicTotals)


def _totals(shards: Sequence[PackedInputs], part: str, kind: type[Totals]) -> Totals | None:
    """The totals of all shards, unknown for the machines of a shard that has none; None where no shard has any."""
    if not any(f"{part}.{TOTALS[part][0]}.known" in shard.columns for shard in shards):
        return None
    names = [f"{part}.{name}" for name in TOTALS[part]]
    columns = {
        f"{name}.{column}": np.concatenate([_column_or_nothing(shard, f"{name}.{column}") for shard in shards])
        for name in names
        for column in ("values", "known", "points")
    }
    return kind(**{name.partition(".")[2]: _observed(columns, name) for name in names})


def _column_or_nothing(shard: PackedInputs, name: str) -> NDArray[Any]:
    packed = shard.columns.get(name)
    dtype = TOTAL_COLUMNS[name]
    return np.zeros(_machine_count(shard), dtype=dtype) if packed is None else np.frombuffer(packed, dtype=dtype)


def _credits(shards: Sequence[PackedInputs]) -> Credits | None:
    """The credits of all shards; not known for the machines of a shard whose histories all were too short."""
    if not any("credits.known" in shard.columns for shard in shards):
        return None
    return same_terms([_credits_of(shard) for shard in shards])


def same_terms(parts: Sequence[Credits]) -> Credits:
    """The credits of several shards as one. A shard whose histories all were too short tells of no terms."""
    terms = max((part.terms for part in parts), key=len)
    carried, spent_minute = (
        np.concatenate([_widened(getattr(part, name), len(terms)) for part in parts])
        for name in ("carried", "spent_minute")
    )
    return Credits(terms, np.concatenate([part.known for part in parts]), carried=carried, spent_minute=spent_minute)


def _credits_of(shard: PackedInputs) -> Credits:
    columns = {name: np.frombuffer(shard.columns.get(name, b""), dtype=dtype) for name, dtype in CREDIT_COLUMNS.items()}
    count, terms = _machine_count(shard), columns["credits.terms"].reshape(-1, 3).astype(np.int64)
    known = columns["credits.known"] if len(columns["credits.known"]) else np.zeros(count, dtype=np.bool_)
    carried, spent_minute = (
        columns[name].reshape(count, len(terms)).astype(np.int64)
        for name in ("credits.carried", "credits.spent_minute")
    )
    return Credits(terms, known, carried=carried, spent_minute=spent_minute)


def _widened(answers: IntArray, count: int) -> IntArray:
    return answers if answers.shape[1] == count else np.zeros((len(answers), count), dtype=np.int64)


def _observed(columns: dict[str, NDArray[Any]], name: str) -> Observed:
    return Observed(columns[f"{name}.values"], columns[f"{name}.known"], columns[f"{name}.points"])


def _machine_count(shard: PackedInputs) -> int:
    return len(shard.machine_ids) // ID_BYTES


def _machine_counts(shards: Sequence[PackedInputs]) -> list[int]:
    return [_machine_count(shard) for shard in shards]


def _owners(owner: IntArray, shards: Sequence[PackedInputs], parts: Sequence[int]) -> IntArray:
    """Rows of the run for rows of the shards; `parts` is how many disks or NICs each shard has."""
    counts = np.array(_machine_counts(shards), dtype=np.int64)
    return owner + np.repeat(np.cumsum(counts) - counts, parts)


def _renumbered(system: IntArray, shards: Sequence[PackedInputs], systems: tuple[str, ...]) -> IntArray:
    """Indexes into `systems` for indexes into each shard's own names."""
    number_of = {name: number for number, name in enumerate(systems)}
    counts = _machine_counts(shards)
    first = np.cumsum([0, *(len(shard.operating_systems) for shard in shards)])[:-1]
    numbers = np.array([number_of[name] for shard in shards for name in shard.operating_systems], dtype=np.int64)
    return numbers[system + np.repeat(first, counts)] if len(system) else system


def _array_bytes(value: object) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if is_dataclass(value):
        return sum(_array_bytes(getattr(value, field.name)) for field in fields(value))
    return 0
