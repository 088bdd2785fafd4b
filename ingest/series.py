"""Which series there are: their names, their order in a block's array, and the layouts that blocks share."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from ingest.bulk import plain_array, rows, run, text_array
from ingest.limits import MAX_PERCENT, MAX_RATE

MACHINE_SERIES = ("cpu_percent", "memory_percent")
DISK_SERIES = ("read_mbps", "write_mbps", "read_iops", "write_iops")
NIC_SERIES = ("received_mbps", "transmitted_mbps")

STORE_LAYOUTS = """
INSERT INTO ingest_serieslayout (tenant_id, id, series)
SELECT %s, l.id, l.series FROM unnest(%s::uuid[], %s::text[]::jsonb[]) AS l (id, series) ORDER BY l.id
ON CONFLICT (tenant_id, id) DO NOTHING
"""
READ_LAYOUTS = "SELECT id, series::text FROM ingest_serieslayout WHERE tenant_id = %s AND id = ANY(%s::uuid[])"


class Series(NamedTuple):
    """One series of a machine: of itself (part ""), of a disk or of a nic; `name` may end in _average or _count."""

    part: str
    source_id: str
    name: str


def _names(series: tuple[str, ...]) -> tuple[str, ...]:
    """The fields of an upload in their order: the peaks, then what is optional beside them."""
    return (*series, *(f"{name}_average" for name in series), *(f"{name}_count" for name in series))


MACHINE_FIELDS, DISK_FIELDS, NIC_FIELDS = _names(MACHINE_SERIES), _names(DISK_SERIES), _names(NIC_SERIES)


@dataclass(frozen=True)
class Layout:
    """The series of a block in the order of its array's rows."""

    series: tuple[Series, ...]

    @cached_property
    def id(self) -> UUID:
        """Made from the content, so that equal layouts are one row and need not be looked up."""
        return UUID(bytes=hashlib.sha256(self.as_json().encode()).digest()[:16])

    def as_json(self) -> str:
        return msgspec.json.encode(self.series).decode()

    @cached_property
    def maxima(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """The largest value accepted in each row."""
        return np.array([MAX_PERCENT if "_percent" in series.name else MAX_RATE for series in self.series])


def all_series(disks: Iterable[str], nics: Iterable[str]) -> list[Series]:
    """Every series that a machine with these disks and nics may have, in the order of an upload's fields."""
    return [
        *(Series("", "", name) for name in MACHINE_FIELDS),
        *(Series("disk", disk, name) for disk in disks for name in DISK_FIELDS),
        *(Series("nic", nic, name) for nic in nics for name in NIC_FIELDS),
    ]


def store_layouts(tenant_id: int, layouts: Iterable[Layout]) -> None:
    by_id = {layout.id: layout for layout in layouts}
    run(
        STORE_LAYOUTS,
        [tenant_id, plain_array(by_id), text_array(layout.as_json() for layout in by_id.values())],
    )


def read_layouts(tenant_id: int, ids: Iterable[UUID]) -> dict[UUID, Layout]:
    found = rows(READ_LAYOUTS, [tenant_id, plain_array(ids)])
    return {layout_id: Layout(tuple(msgspec.json.decode(stored, type=list[Series]))) for layout_id, stored in found}
