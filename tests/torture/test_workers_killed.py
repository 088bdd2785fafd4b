"""`kill -9` of the worker in the middle of folding and of a file import: the points and machines are there once."""

import random
import time
from typing import Any

import pytest

from tests.conftest import wait_until
from tests.torture.fleet import uploading
from tests.torture.hub import Hub, times

pytestmark = pytest.mark.torture

QUEUE_FOLDS = "from django.utils import timezone; from ingest.fold_jobs import queue_folds; queue_folds(timezone.now())"
# A transaction of the worker that has taken blocks away and has not committed.
IN_A_FOLD = """
SELECT pid FROM pg_stat_activity
WHERE usename = current_user AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')
  AND (query LIKE '%WITH taken AS%' OR query LIKE '%INTO ingest_foldedday%')
"""
# Blocks of days that ended long enough ago to be folded, whatever the hour.
CLOSED_BLOCKS = """
SELECT count(*) FROM ingest_performanceblock
WHERE epoch > 0 AND start_at < date_trunc('day', now() - interval '2 hours', 'UTC')
"""
OPEN_FOLDS = "SELECT id FROM jobs_job WHERE task = 'ingest.fold' AND state IN ('queued', 'running')"
HELD = "SELECT id FROM jobs_job WHERE state = 'running' AND queue <> 'maintenance'"
IMPORTED = 4000


def killed_in_a_fold(hub: Hub) -> bool:
    """Queues folds and kills the worker when it is in one; False when it was through before that was seen."""
    hub.manage("shell", "-c", QUEUE_FOLDS)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        caught, still_open = hub.rows(IN_A_FOLD, OPEN_FOLDS)
        if caught:
            hub.kill("worker")
            return True
        if not still_open:
            return False
    raise AssertionError("folding neither began nor ended in a minute")


def fold_everything(hub: Hub) -> None:
    def is_folded() -> bool:
        blocks, still_open = hub.rows(CLOSED_BLOCKS, OPEN_FOLDS)
        if blocks[0][0] and not still_open:
            hub.manage("shell", "-c", QUEUE_FOLDS)
        return not blocks[0][0] and not still_open

    wait_until(is_folded, seconds=180, what="folding")


def test_folding_survives_its_worker_while_appliances_send(hub: Hub) -> None:
    hub.start("beat")
    with uploading(hub) as fleet:
        kills = 0
        while kills < times(2, 15):
            fleet.wait_for("acknowledged", 8)
            hub.start("worker")
            kills += killed_in_a_fold(hub)
            if "worker" in hub.processes:
                hub.kill("worker")
        fleet.deliver_all()
        hub.start("worker")
        fold_everything(hub)
        assert hub.rows("SELECT count(*) FROM ingest_foldedday")[0][0][0] > 0


def template() -> bytes:
    """Azure Migrate's import template with IMPORTED servers."""
    heading = "*Server name,IP addresses,*Cores,*Memory (In MB),*OS name,OS version,OS architecture,Number of disks"
    rows = [f"imported-{i:05},10.0.0.5,{i % 64 + 1},4096,Windows Server 2016,,x64,1" for i in range(IMPORTED)]
    return "\r\n".join([heading, *rows, ""]).encode()


class Import:
    """A file that somebody sent."""

    def __init__(self, hub: Hub) -> None:
        parts = {"format": "azure_migrate_csv", "dry_run": "false"}
        sent = hub.people.post(f"projects/{hub.project}/imports/", data=parts, files={"file": ("a.csv", template())})
        self.hub, self.id = hub, hub.ok(sent)["id"]

    def state(self) -> Any:
        return self.hub.get(f"imports/{self.id}/")

    def is_taken(self, attempt: int) -> bool:
        """Whether a worker holds the job for this time, or it is all done."""
        return bool(self.hub.rows(f"{HELD} AND attempt = {attempt}")[0]) or self.is_completed()

    def is_completed(self) -> bool:
        state = self.state()
        assert state["status"] != "failed", state
        return bool(state["status"] == "completed")


def test_an_import_survives_its_worker_and_is_done_once(hub: Hub, dice: random.Random) -> None:
    hub.start("beat")
    made = Import(hub)
    for attempt in range(1, times(2, 4) + 1):
        hub.start("worker")
        wait_until(lambda attempt=attempt: made.is_taken(attempt), seconds=60, what="the import")
        time.sleep(dice.uniform(0, 1))
        hub.kill("worker")
        if not made.is_completed():
            assert hub.machine_ids() == {}, "half of a file is seen"
    hub.start("worker")
    wait_until(made.is_completed, seconds=120, what="the import")
    assert made.state()["counts"]["created"] == IMPORTED
    assert len(hub.machine_ids()) == IMPORTED
