"""The disk runs full under load: uploads wait, and go on by themselves when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.torture.fleet import uploading
from tests.torture.hub import Hub, Prepared, times
from tests.torture.small_disk import SmallDisk, identity, small_disk

pytestmark = pytest.mark.torture

DATABASE_MIB, TEMPORARY_MIB = 256, 8


@pytest.fixture
def disks(prepared: Prepared) -> Iterator[tuple[Hub, SmallDisk]]:
    """A hub whose cluster lies on a small disk."""
    hub = Hub(prepared)
    with ExitStack() as stack:
        stack.callback(hub.stop)
        cluster = hub.postgres.cluster
        kept = cluster.rename(cluster.with_name("kept"))
        folder = hub.postgres.home / "cluster"
        folder.mkdir(mode=0o700)
        os.chown(folder, kept.stat().st_uid, kept.stat().st_gid)
        disk = stack.enter_context(small_disk(folder, size_mib=DATABASE_MIB))
        stack.callback(hub.postgres.stop, mode="immediate")
        hub.postgres.cluster = disk.path
        subprocess.run(["cp", "-a", f"{kept}/.", disk.path], check=True, cwd="/", **identity())
        hub.postgres.start()
        hub.redis.start()
        hub.start_web()
        hub.make_project()
        yield hub, disk


def test_a_full_disk_is_told_and_passes(disks: tuple[Hub, SmallDisk]) -> None:
    hub, disk = disks
    web = hub.processes["web"]
    with uploading(hub, machines=100) as fleet:
        for _ in range(times(1, 5)):
            disk.fill()
            fleet.wait_for("disk_full", 8)
            disk.make_room()
            fleet.wait_for("acknowledged", 8)
            fleet.must_be_whole()
        assert fleet.count("lost") == 0
    assert web.poll() is None
