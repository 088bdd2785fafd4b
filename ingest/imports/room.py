"""Room on the disk that imports work on: asked for before it is taken, with a reserve that others may need.

The scratch may share its disk with the database, which stops when it cannot write.
"""

import errno
import shutil
from pathlib import Path

from ingest.imports.parsed import UnreadableFileError

MIB = 1024 * 1024
SCRATCH_PREFIX = "mh-import-"
RESERVE_BYTES = 512 * MIB
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def keep_reserve(folder: Path, need_bytes: int) -> None:
    """Raises UnreadableFileError no_room when writing so much more below `folder` would take from the reserve."""
    if shutil.disk_usage(folder).free < need_bytes + RESERVE_BYTES:
        raise no_room(folder, need_bytes)


def no_room(folder: Path, need_bytes: int = 0) -> UnreadableFileError:
    """The refusal of a file for which the disk has no room: the same again would only fill it again."""
    need_mib = -(-(need_bytes + RESERVE_BYTES) // MIB)
    shown = folder.parent if folder.name.startswith(SCRATCH_PREFIX) else folder
    return UnreadableFileError(
        "no_room",
        f"The disk with the folder {shown} of the workers has less than {need_mib:,} MiB free. Ask the operator "
        "to make room or to set TMPDIR to a larger disk, then send the file again; or split it.",
    )
