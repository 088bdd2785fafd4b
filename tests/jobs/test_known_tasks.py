"""Every process knows every kind of work, whatever it has loaded before."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT_DIR

NAMES = "from migrate_hub.jobs.handlers import known_tasks; print(*known_tasks(), sep='\\n')"


@pytest.mark.parametrize("loaded", ["", "import reports.tasks; ", "import assessments.tasks; "])
def test_a_process_that_is_no_worker_knows_all_kinds_of_work(loaded: str) -> None:
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), "shell", "--verbosity", "0", "-c", loaded + NAMES]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"ingest.import", "reports.make", "assessments.shard"} <= set(names), names
