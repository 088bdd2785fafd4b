"""A disk of a few MiB that can really be filled: a tmpfs, seen through the process that holds its mount.

Needs the right to mount: a user and mount namespace (`unshare -rm`), or root. The server's own user holds the mount,
so that the server may walk to it; when that process ends, so does the disk.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from migrate_hub.local.postgres import _system_user

MOUNT = "mount -t tmpfs -o size={size}m,mode=700 tmpfs {folder} && echo mounted && exec cat"


class SmallDisk:
    """`path` leads to it. `fill()` takes all the space that is left, `make_room()` gives it back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Written by the server's user: in the namespace there is no other."""
        with suppress(subprocess.CalledProcessError):
            subprocess.run(
                ["sh", "-c", f"cat /dev/zero > {self._ballast}"], check=True, cwd="/", capture_output=True, **identity()
            )

    def make_room(self) -> None:
        self._ballast.unlink(missing_ok=True)


def identity() -> dict[str, Any]:
    """For subprocess: the user that runs PostgreSQL."""
    user = _system_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


@contextmanager
def small_disk(folder: Path, *, size_mib: int) -> Iterator[SmallDisk]:
    """A disk of `size_mib` at an empty folder; fails the test, with the reason, where nobody may mount."""
    with _namespace(folder, size_mib) as holder:
        if holder is not None:
            yield SmallDisk(Path(f"/proc/{holder}/root{folder}"))
            return
    with _mounted_by_root(folder, size_mib):
        yield SmallDisk(folder)


@contextmanager
def _namespace(folder: Path, size_mib: int) -> Iterator[int | None]:
    """The id of a process in a namespace with the mount; None where namespaces are not allowed."""
    script = MOUNT.format(size=size_mib, folder=folder)
    holder = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **identity(),
    )
    assert holder.stdout is not None
    try:
        yield holder.pid if holder.stdout.readline() == b"mounted\n" else None
    finally:
        holder.kill()
        holder.communicate()


@contextmanager
def _mounted_by_root(folder: Path, size_mib: int) -> Iterator[None]:
    options = f"size={size_mib}m,mode=700"
    user = _system_user()
    if user:
        options += f",uid={user.pw_uid},gid={user.pw_gid}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False) if shutil.which("mount") else None
    if made is None or made.returncode:
        reason = made.stderr.strip() if made else "there is no `mount`"
        pytest.fail(
            f"A full disk needs the right to mount: neither `unshare -rm` nor `mount` is allowed to user {os.getuid()} "
            f"({reason}). Run this as root, or allow user namespaces.",
            pytrace=False,
        )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
