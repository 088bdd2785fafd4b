"""The points of a performance CSV as blocks of the project's machines: who is meant, which disk, and the storing.

Runs in the transaction of the import. The blocks carry the import's id as their appliance, epoch 0 and its sequence:
an appliance always wins over them, storing them twice changes nothing, and undoing deletes them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from ingest.bulk import plain_array, rows, run, text_array
from ingest.imports.models import FileImport
from ingest.imports.parsed import Chunk, ParsedPoints, Problem
from ingest.models import Disk, Machine, Nic
from ingest.packing import DAY_SECONDS, VALUE
from ingest.partitions import make_partitions
from ingest.series import Layout, Series, store_layouts
from migrate_hub.tenants.context import current_tenant_id

EPOCH = 0
NAMES_A_QUERY = 5_000
MACHINES_A_DELETION = 1_000
Names = tuple[tuple[str, str, str], ...]

# A machine that another one stands for gives its points to that one.
FIND_MACHINES = """
SELECT wanted.name, coalesce(m.duplicate_of_id, m.id), 0 FROM unnest(%(names)s::text[]) AS wanted (name)
JOIN ingest_machine m ON m.tenant_id = %(tenant)s AND m.project_id = %(project)s AND m.source_id = wanted.name
UNION ALL
SELECT wanted.name, coalesce(m.duplicate_of_id, m.id), 1 FROM unnest(%(names)s::text[]) AS wanted (name)
JOIN ingest_machine m ON m.tenant_id = %(tenant)s AND m.project_id = %(project)s
     AND m.name_lower = lower(wanted.name) AND m.removed_at IS NULL
"""
STORE_BLOCKS = """
INSERT INTO ingest_performanceblock (tenant_id, machine_id, start_at, appliance_id, epoch, sequence, layout_id,
                                     received_at, interval_seconds, points, "values")
SELECT %(tenant)s, b.machine_id, to_timestamp(b.start), %(import)s, %(epoch)s, %(sequence)s, b.layout_id, %(now)s,
       b.seconds, b.points, substring(%(values)s::bytea FROM b.first FOR b.length)
FROM unnest(%(machines)s::uuid[], %(starts)s::bigint[], %(layouts)s::uuid[], %(intervals)s::smallint[],
            %(points)s::smallint[], %(offsets)s::int[], %(lengths)s::int[])
     AS b (machine_id, start, layout_id, seconds, points, first, length)
ON CONFLICT DO NOTHING
"""
# A removed machine keeps its points as long as others, so its imported ones go as well.
DELETE_BLOCKS = """
DELETE FROM ingest_performanceblock
WHERE tenant_id = %s AND machine_id = ANY(%s::uuid[]) AND appliance_id = %s AND epoch = 0
"""


@dataclass(frozen=True)
class _Parts:
    """The disks and nics of a machine as (source_id, other name), in their order."""

    disks: list[tuple[str, str]] = field(default_factory=list)
    nics: list[tuple[str, str]] = field(default_factory=list)


class PointStore:
    """Stores what the parser of a performance CSV yields. A dry run matches and counts, and stores nothing."""

    def __init__(self, file_import: FileImport, now: datetime) -> None:
        self._import = file_import
        self._now = now
        self._rows_of: dict[str, int] = {}
        self._machine_of: dict[str, UUID] | None = None
        self._layouts: dict[Names, Layout] = {}
        self._days: set[int] = set()
        self._told: set[tuple[str, str, str]] = set()
        self.counts: Counter[str] = Counter()

    def add(self, chunk: Chunk) -> list[Problem]:
        """Stores the points of a chunk; returns what is to be said of its machines, disks and nics."""
        self._rows_of.update(chunk.machine_rows)
        if not chunk.points:
            return []
        problems: list[Problem] = []
        if self._machine_of is None:
            self._machine_of, found = _matched(self._rows_of, self._import.project_id)
            problems += found
            self.counts["machines"] = len(self._machine_of)
            self.counts["unknown_machines"] = len(self._rows_of) - len(self._machine_of)
        known = [block for block in chunk.points if block.machine in self._machine_of]
        parts = _parts_of({self._machine_of[block.machine] for block in known})
        ready = [
            (self._machine_of[block.machine], placed)
            for block in known
            if (placed := self._placed(block, parts[self._machine_of[block.machine]], problems))
        ]
        self._store(ready)
        return problems

    def _placed(self, block: ParsedPoints, parts: _Parts, problems: list[Problem]) -> ParsedPoints | None:
        """A block with its series named by the source ids of the inventory; None when no series is left."""
        names = [self._renamed(block.machine, name, parts, problems) for name in block.series]
        if names == block.series:
            return block
        kept = sorted({name for name in names if name})
        if not kept:
            return None
        values = np.frombuffer(block.values, dtype=VALUE).reshape(len(names), block.points)
        merged = [np.fmax.reduce(values[[at for at, name in enumerate(names) if name == one]]) for one in kept]
        return ParsedPoints(
            machine=block.machine,
            start_at=block.start_at,
            interval_seconds=block.interval_seconds,
            points=block.points,
            series=kept,
            values=np.stack(merged).astype(VALUE).tobytes(),
        )

    def _renamed(
        self, machine: str, name: tuple[str, str, str], parts: _Parts, problems: list[Problem]
    ) -> tuple[str, str, str] | None:
        part, device, series = name
        if not part:
            return name
        listed = parts.disks if part == "disk" else parts.nics
        if not device:
            return self._without_device(machine, name, listed, problems)
        found = _device(device, listed)
        if found is None:
            self._tell(machine, "unknown_device", f'has no {part} "{device[:60]}" in the inventory', problems)
        return part, found or device, series

    def _without_device(
        self, machine: str, name: tuple[str, str, str], listed: list[tuple[str, str]], problems: list[Problem]
    ) -> tuple[str, str, str] | None:
        """A total of all disks or nics: the only one's, and the first nic's, since traffic adds up over the nics."""
        part, _, series = name
        if len(listed) == 1 or (listed and part == "nic"):
            return part, listed[0][0], series
        what = f"has {len(listed)} disks" if part == "disk" else "has no nic in the inventory"
        self._tell(machine, f"{part}_not_named", f"{what}, and the rows do not say which one is meant", problems)
        return None

    def _tell(self, machine: str, code: str, what: str, problems: list[Problem]) -> None:
        """A warning, once a machine and message."""
        if (machine, code, what) not in self._told:
            self._told.add((machine, code, what))
            problems.append(Problem("warning", code, f'"{machine[:60]}" {what}.'))

    def _store(self, ready: Sequence[tuple[UUID, ParsedPoints]]) -> None:
        if not ready:
            return
        layouts = [self._layout(block) for _, block in ready]
        values = b"".join(block.values for _, block in ready)
        self.counts["points"] += int((~np.isnan(np.frombuffer(values, dtype=VALUE))).sum())
        if self._import.dry_run:
            return
        self._make_partitions(block.start_at // DAY_SECONDS for _, block in ready)
        lengths = [len(block.values) for _, block in ready]
        offsets = np.concatenate([[1], 1 + np.cumsum(lengths)[:-1]]).tolist()
        run(
            STORE_BLOCKS,
            {
                "tenant": current_tenant_id(),
                "import": self._import.id,
                "epoch": EPOCH,
                "sequence": self._import.sequence,
                "now": self._now,
                "machines": plain_array(machine for machine, _ in ready),
                "starts": plain_array(block.start_at for _, block in ready),
                "layouts": plain_array(layout.id for layout in layouts),
                "intervals": plain_array(block.interval_seconds for _, block in ready),
                "points": plain_array(block.points for _, block in ready),
                "offsets": plain_array(offsets),
                "lengths": plain_array(lengths),
                "values": values,
            },
        )

    def _layout(self, block: ParsedPoints) -> Layout:
        names = tuple(block.series)
        if names not in self._layouts:
            layout = self._layouts[names] = Layout(tuple(Series(*name) for name in names))
            if not self._import.dry_run:
                store_layouts(current_tenant_id(), [layout])
        return self._layouts[names]

    def _make_partitions(self, days: Iterable[int]) -> None:
        fresh = set(days) - self._days
        if fresh:
            make_partitions(datetime.fromtimestamp(day * DAY_SECONDS, UTC).date() for day in fresh)
            self._days |= fresh


def _matched(rows_of: Mapping[str, int], project_id: UUID) -> tuple[dict[str, UUID], list[Problem]]:
    """The machine that each name of the file means: by source id, else by a name that only one machine has.

    Of two names for one machine the source id counts; whatever else is wrong costs only its own rows.
    """
    found: dict[str, list[set[UUID]]] = defaultdict(lambda: [set(), set()])
    for names in _pages(sorted(rows_of)):
        wanted = {"names": text_array(names), "tenant": current_tenant_id(), "project": project_id}
        for name, machine_id, how in rows(FIND_MACHINES, wanted):
            found[name][how].add(machine_id)
    matched: dict[str, UUID] = {}
    problems: list[Problem] = []
    taken: dict[UUID, str] = {}
    for name in sorted(rows_of, key=lambda name: (not found[name][0], name)):
        candidates = found[name][0] or found[name][1]
        machine_id = next(iter(candidates), None)
        if machine_id is None or len(candidates) > 1:
            problems.append(_unmatched(name, rows_of[name], len(candidates)))
        elif machine_id in taken:
            message = f'"{name[:60]}" ({rows_of[name]:,} rows) is the same machine as "{taken[machine_id][:60]}", '
            problems.append(
                Problem("error", "machine_twice", f"{message}whose rows count. Use one name for a machine.")
            )
        else:
            matched[name] = machine_id
            taken[machine_id] = name
    return matched, problems


def _pages(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[first : first + NAMES_A_QUERY] for first in range(0, len(names), NAMES_A_QUERY))


def _unmatched(name: str, count: int, candidates: int) -> Problem:
    if candidates:
        message = f'{candidates} machines are called "{name[:60]}" ({count:,} rows). Name them by their source id.'
        return Problem("error", "ambiguous_machine", message)
    message = (
        f'The project has no machine "{name[:60]}" ({count:,} rows). Send its inventory first, then this file again.'
    )
    return Problem("error", "unknown_machine", message)


def _parts_of(machine_ids: set[UUID]) -> dict[UUID, _Parts]:
    found: dict[UUID, _Parts] = {machine_id: _Parts() for machine_id in machine_ids}
    disks = Disk.objects.filter(machine_id__in=machine_ids).order_by("position")
    for machine_id, source_id, name in disks.values_list("machine_id", "source_id", "name"):
        found[machine_id].disks.append((source_id, name or ""))
    nics = Nic.objects.filter(machine_id__in=machine_ids).order_by("position")
    for machine_id, source_id, mac in nics.values_list("machine_id", "source_id", "mac_address"):
        found[machine_id].nics.append((source_id, mac or ""))
    return found


def _device(device: str, listed: list[tuple[str, str]]) -> str | None:
    """The source id of a disk or nic called by its source id, or by a name or address that only one has."""
    if any(device == source_id for source_id, _ in listed):
        return device
    alike = [source_id for source_id, name in listed if device.lower() in (source_id.lower(), name.lower())]
    return alike[0] if len(alike) == 1 else None


def delete_blocks(import_id: UUID, project_id: UUID) -> int:
    """Deletes the points that an import brought; returns how many blocks they were."""
    machine_ids = Machine.objects.filter(project_id=project_id).order_by("id").values_list("id", flat=True)
    deleted = 0
    last: UUID | None = None
    while page := list((machine_ids.filter(id__gt=last) if last else machine_ids)[:MACHINES_A_DELETION]):
        deleted += run(DELETE_BLOCKS, [current_tenant_id(), plain_array(page), import_id])
        last = page[-1]
    return deleted
