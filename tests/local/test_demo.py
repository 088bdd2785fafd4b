"""`manage.py demo` as a person runs it: interrupted, resumed, repeated, with a recording. Real services, real API."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from uuid import uuid4

import openpyxl
import pytest

from migrate_hub.local.demo.trace import COLUMNS
from migrate_hub.local.environment import PROJECT_DIR
from tests.conftest import free_port, wait_until

OF_THE_TESTS = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL", "PLAIN_HTTP"}
MACHINES = 24


class Demo:
    """One installation in a folder of its own; `mark` stands in the environment of every process it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"demo-{uuid4()}"
        self.port = free_port()
        self.where_to_look: list[str] = []

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
        command = [sys.executable, "-u", str(PROJECT_DIR / "manage.py"), "demo", "--port", str(self.port)]
        places = ["--data-dir", str(self.folder), "--output-dir", str(self.folder / "output"), "--workers", "1"]
        return subprocess.Popen(
            [*command, *places, *arguments],
            env=environment | {"DEMO_MARK": self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """What the demo printed; it must end by itself, with success."""
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=240)
        assert process.returncode == 0, printed
        return printed

    def processes(self) -> list[str]:
        return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_ours(entry)]

    def _is_ours(self, entry: Path) -> bool:
        try:
            return self.mark.encode() in (entry / "environ").read_bytes()
        except OSError:
            return False

    def notes(self) -> dict[str, bytes]:
        """Ids, tokens and the number of the next upload of each appliance."""
        files = [self.folder / "demo" / "state.json", *(self.folder / "demo").rglob("registration.json")]
        return {str(path): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="mh-demo-"))
    folder.chmod(0o755)  # as root, PostgreSQL's own user must walk through it
    yield Demo(folder)
    shutil.rmtree(folder, ignore_errors=True)


def workbooks(printed: str) -> list[Path]:
    return [Path(line.split(maxsplit=1)[1]) for line in printed.splitlines() if line.startswith("workbook")]


def where_to_look(printed: str) -> list[str]:
    """The last lines: workbooks, site, user names and passwords."""
    return [line for line in printed.splitlines() if line.startswith(("workbook", "site", "sign in"))]


def test_1_sigterm_ends_everything_the_demo_started(demo: Demo) -> None:
    process = demo.start("--machines", str(MACHINES))
    assert process.stdout is not None
    before = list(takewhile(lambda line: "enrolled" not in line, process.stdout))
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, (before, printed)
    assert "stopped" in printed
    wait_until(lambda: not demo.processes(), seconds=10, what="the end of every process")


def test_2_the_next_run_goes_on_to_the_workbooks(demo: Demo) -> None:
    printed = demo.run("--machines", str(MACHINES))
    found = workbooks(printed)
    assert len(found) == 2
    demo.where_to_look = where_to_look(printed)
    for workbook in found:
        rows = openpyxl.load_workbook(workbook)["All_Assessed_Machines"].iter_rows(min_row=2, values_only=True)
        assert len([row for row in rows if row[0]]) == MACHINES // 2
    assert len(re.findall(r"^sign in\s+user \S+@\S+\s+password \S{20} ", printed, re.MULTILINE)) == 2
    assert f"http://127.0.0.1:{demo.port}" in printed
    assert re.search(rf"^ pay as you go +[\d,]+ +\d+/{MACHINES // 2} ", printed, re.MULTILINE)
    assert demo.processes() == []


def test_3_a_further_run_changes_nothing(demo: Demo) -> None:
    before = demo.notes()
    printed = demo.run("--machines", str(MACHINES), "--once")
    assert demo.notes() == before
    assert len(workbooks(printed)) == 2
    assert "enrolled" not in printed


def test_4_a_recording_is_played_and_its_repairs_are_told(demo: Demo, tmp_path: Path) -> None:
    trace = tmp_path / "short.csv"
    rows = [
        f"{vm},{1_375_308_176 + 300 * slot},2,{105 if slot == 7 else 12},4194304,1048576,10,20,1,2"
        for vm in (1, 2)
        for slot in (*range(400), 7)
    ]
    trace.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    printed = demo.run("--trace", str(trace))
    counted = {
        text.strip(): int(number.replace(",", "")) for number, text in re.findall(r"^ *([\d,]+) (.+)$", printed, re.M)
    }
    assert counted["rows read"] == 802
    assert counted["points played"] == 800
    assert counted["duplicate rows merged, the peak kept"] == 2
    assert len(workbooks(printed)) == 2


def test_5_lost_notes_are_made_up_from_what_exists(demo: Demo) -> None:
    shutil.rmtree(demo.folder / "demo")
    printed = demo.run("--machines", str(MACHINES))
    assert where_to_look(printed) == demo.where_to_look


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--machines", "1"], "give a whole number from 2 to 20,000"),
        (["--machines", "many"], "give a whole number from 2 to 20,000"),
        (["--trace", "/nowhere/trace.csv"], "cannot be read"),
    ],
)
def test_wrong_arguments_are_named_before_anything_starts(demo: Demo, arguments: list[str], said: str) -> None:
    process = demo.start(*arguments)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert said in printed
    assert "starting" not in printed
