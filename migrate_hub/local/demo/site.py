"""What the appliance of one site has to tell: machines, changes and history, in uploads of a fixed size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from migrate_hub.local.demo.wire import Machine, MachinePoints

# The most points a machine may have in one upload; generated history is seeded by blocks of this length.
BLOCK_POINTS = 288
# Larger uploads are not faster, and smaller ones keep the memory of both ends low and the progress bar moving.
BATCH_MACHINES = 125


class Site(Protocol):
    """One site's estate: generated, or played from a recording."""

    interval_seconds: int
    start_at: datetime
    point_count: int
    groups: dict[str, list[str]]

    @property
    def source_ids(self) -> Sequence[str]:
        """Every machine that the site ever lists."""
        ...

    def inventory(self, block: int) -> list[Machine]:
        """Machines that are new or changed when the block begins; block 0 gives all there are then."""
        ...

    def points(self, source_ids: Sequence[str], block: int) -> list[MachinePoints]:
        """The block's points of these machines; a machine without any is left out."""
        ...


@dataclass(frozen=True)
class Step:
    """One upload of a site: the inventory as a block begins, or the points of some machines in that block.

    A block behind the last one stands for the end of the history, when all machines are told once more.
    """

    block: int
    source_ids: tuple[str, ...] | None

    @property
    def is_inventory(self) -> bool:
        return self.source_ids is None


def upload_steps(site: Site, *, batch_machines: int) -> list[Step]:
    """All uploads of a site, oldest first: for each block its inventory changes, then its points in batches.

    The last one is a snapshot of the inventory, so that machines that never changed are seen to be there still.
    """
    blocks = block_count(site)
    history = [step for block in range(blocks) for step in _steps_of_block(site, block, batch_machines)]
    return [*history, Step(blocks, None)]


def block_count(site: Site) -> int:
    return -(-site.point_count // BLOCK_POINTS)


def closing_inventory(site: Site) -> list[Machine]:
    """Every machine that was listed, as it is at the end of the history."""
    told = (machine for block in range(block_count(site)) for machine in site.inventory(block))
    return list({machine.source_id: machine for machine in told}.values())


def _steps_of_block(site: Site, block: int, batch_machines: int) -> Iterator[Step]:
    yield Step(block, None)
    ids = site.source_ids
    for first in range(0, len(ids), batch_machines):
        yield Step(block, tuple(ids[first : first + batch_machines]))
