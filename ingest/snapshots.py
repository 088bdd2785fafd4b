"""Snapshots that would remove too much are held back until a person confirms, or three in a row say the same."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ingest.models import Appliance, HeldSnapshot

SMALL_ESTATE = 20
AGREEING_SNAPSHOTS = 3
# Machines come and go between two snapshots, so equal sets are not asked for.
SHARE_IN_COMMON = 0.9
UUID_BYTES = 16


class SuspiciousSnapshotError(Exception):
    """A snapshot is held back. What must be remembered of it is written: the caller's transaction must commit."""

    def __init__(self, held: HeldSnapshot) -> None:
        self.removes = len(held.removes) // UUID_BYTES
        self.known_machines = held.known_machines
        super().__init__(f"{self.removes} of {self.known_machines} machines would be removed")


def refuse_suspicious_snapshot(
    *, appliance: Appliance, order: tuple[int, int], removes: Sequence[UUID], known_machines: int, now: datetime
) -> None:
    """Raises SuspiciousSnapshotError when more than half of more than 20 machines would go and nobody confirmed it."""
    held: HeldSnapshot | None = HeldSnapshot.objects.filter(appliance=appliance).first()
    if known_machines <= SMALL_ESTATE or len(removes) * 2 <= known_machines:
        if held is not None and order > (held.epoch, held.sequence):
            held.delete()
        return
    agrees = held is not None and _agree(bytes(held.removes), removes)
    if held is not None and agrees and (held.confirmed_at or _agreeing(held, order) >= AGREEING_SNAPSHOTS):
        held.delete()
        return
    raise SuspiciousSnapshotError(
        _hold(held if agrees else None, appliance, order=order, removes=removes, known_machines=known_machines, now=now)
    )


def _agreeing(held: HeldSnapshot, order: tuple[int, int]) -> int:
    """How many snapshots in a row agree, with this one; a repetition of the same one counts once."""
    return held.agreeing + (order > (held.epoch, held.sequence))


def _agree(earlier: bytes, removes: Sequence[UUID]) -> bool:
    before = {earlier[i : i + UUID_BYTES] for i in range(0, len(earlier), UUID_BYTES)}
    after = {machine_id.bytes for machine_id in removes}
    return len(before & after) >= SHARE_IN_COMMON * len(before | after)


def _hold(
    agreeing_with: HeldSnapshot | None,
    appliance: Appliance,
    *,
    order: tuple[int, int],
    removes: Sequence[UUID],
    known_machines: int,
    now: datetime,
) -> HeldSnapshot:
    if agreeing_with is not None:
        agreeing_with.agreeing = _agreeing(agreeing_with, order)
        agreeing_with.epoch, agreeing_with.sequence = max(order, (agreeing_with.epoch, agreeing_with.sequence))
        agreeing_with.save(update_fields=["agreeing", "epoch", "sequence"])
        return agreeing_with
    HeldSnapshot.objects.filter(appliance=appliance).delete()
    held: HeldSnapshot = HeldSnapshot.objects.create(
        appliance=appliance,
        epoch=order[0],
        sequence=order[1],
        removes=b"".join(machine_id.bytes for machine_id in removes),
        known_machines=known_machines,
        held_at=now,
    )
    return held
