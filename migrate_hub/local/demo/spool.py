"""Uploads on disk until the hub has acknowledged them: what was taken in once is never lost by the sender."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from migrate_hub.local.demo.private_files import write_private


@dataclass(frozen=True)
class Batch:
    """One upload as it lies in the spool."""

    path: Path

    @property
    def kind(self) -> str:
        return self.path.name.split("_")[1]

    @property
    def idempotency_key(self) -> str:
        return self.path.name.split("_")[2].removesuffix(".json.gz")

    def body(self) -> bytes:
        return self.path.read_bytes()

    def set_aside(self) -> None:
        """Keeps a batch that was refused for good where people find it, out of the way of the others."""
        self.path.rename(self.path.with_name(self.path.name + ".refused"))

    def delete(self) -> None:
        self.path.unlink()


class Spool:
    """Batches that the hub has not acknowledged yet, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add(self, *, kind: str, sequence: int, body: bytes) -> Batch:
        """Writes the batch to disk, for real, under a fresh idempotency key."""
        path = self.folder / f"{sequence:012d}_{kind}_{uuid4()}.json.gz"
        write_private(path, body)
        return Batch(path)

    def batches(self) -> list[Batch]:
        return [Batch(path) for path in sorted(self.folder.glob("*.json.gz"))]
