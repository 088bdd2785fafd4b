"""The child process that reads files: what it may, what it may not, and that it never outlives whoever wanted it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.imports.child import MIB, ChildCrashedError, Limits, parsed_chunks, scratch_folder
from ingest.imports.parsed import Chunk, Options, UnreadableFileError
from ingest.imports.room import RESERVE_BYTES, SCRATCH_PREFIX, keep_reserve
from tests.conftest import wait_until

PARSERS = {"performance_csv": "tests.ingest.misbehaving_parsers"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as made:
        yield made


def read(folder: Path, wanted: str, **limits: float) -> Iterator[Chunk]:
    """The chunks of a file that makes the parser misbehave, under limits."""
    path = folder / "file.csv"
    path.write_text(f"machine,timestamp,metric,value\n{wanted}\n")
    options, allowed = Options(now=datetime.now(UTC)), Limits(**limits)  # type: ignore[arg-type]
    return parsed_chunks("performance_csv", path, options, limits=allowed, parsers=PARSERS)


def is_running(process: int) -> bool:
    """Not gone, and not a zombie that nobody has buried yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_child_has_no_secrets_no_database_and_no_framework(folder: Path) -> None:
    first, second = read(folder, "names")
    names = second.problems[0].message.split("\n")
    assert first.counts["process"] != os.getpid()
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= set(os.environ)
    assert not {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY"} & set(names)
    assert not {"django", "psycopg2", "redis", "celery"} & set(names)
    assert not [name for name in names if name.startswith("socket:")]


def test_the_child_cannot_look_into_the_process_that_started_it(folder: Path) -> None:
    assert Path("/proc/self/environ").read_bytes(), "it itself can"
    _, second = read(folder, "names")
    assert [problem.message for problem in second.problems[1:]] == ["Permission denied"] * 3


def test_what_libraries_print_does_not_disturb(folder: Path) -> None:
    assert len(list(read(folder, "print"))) == 1


def test_large_chunks_arrive_whole(folder: Path) -> None:
    _, second = read(folder, "large")
    assert [len(problem.message) for problem in second.problems] == [3_000_000] * 5


@pytest.mark.parametrize(
    ("wanted", "limits", "code", "advice"),
    [
        ("memory", {"memory_bytes": 300 * MIB}, "memory_limit", "more than 300 MiB of memory"),
        ("sleep", {"clock_seconds": 1.5}, "time_limit", "Split it"),
        ("spin", {"processor_seconds": 1}, "time_limit", "longer than 1 seconds"),
        ("write", {"spill_bytes": MIB}, "disk_limit", "more than 1 MiB on disk"),
        (
            "fill",
            {"spill_bytes": MIB},
            "no_room",
            f"the folder {tempfile.gettempdir()} of the workers has less than 512",
        ),
        ("refuse", {}, "refused", "Do something else."),
    ],
)
def test_what_is_the_files_fault_is_said(
    folder: Path, wanted: str, limits: dict[str, float], code: str, advice: str
) -> None:
    chunks = read(folder, wanted, **limits)
    child = next(chunks).counts["process"]
    with pytest.raises(UnreadableFileError) as refused:
        list(chunks)
    assert refused.value.code == code
    assert advice in refused.value.detail
    assert not is_running(child)


def test_no_more_is_written_than_leaves_a_reserve(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    keep_reserve(folder, free - 2 * RESERVE_BYTES)
    with pytest.raises(UnreadableFileError, match="no_room"):
        keep_reserve(folder, free)


def test_within_its_limits_the_same_file_is_read(folder: Path) -> None:
    assert list(read(folder, "memory", memory_bytes=600 * MIB))[1].counts == {"bytes": 400 * MIB}
    assert len(list(read(folder, "write", spill_bytes=5 * MIB))) == 1


@pytest.mark.parametrize(("wanted", "kind"), [("defect", "ValueError"), ("die", "status 7")])
def test_a_defect_is_no_fault_of_the_file_and_tells_nothing_of_it(folder: Path, wanted: str, kind: str) -> None:
    with pytest.raises(ChildCrashedError) as crashed:
        list(read(folder, wanted))
    assert kind in str(crashed.value)
    assert "sql-01" not in str(crashed.value)


def test_a_killed_child_is_noticed(folder: Path) -> None:
    chunks = read(folder, "sleep")
    os.kill(next(chunks).counts["process"], signal.SIGKILL)
    with pytest.raises(ChildCrashedError):
        list(chunks)


def test_whoever_stops_listening_ends_the_child(folder: Path) -> None:
    chunks = read(folder, "sleep")
    child = next(chunks).counts["process"]
    chunks.close()  # type: ignore[attr-defined]  # a generator
    assert not is_running(child)


def test_storing_slowly_is_not_the_files_time(folder: Path) -> None:
    chunks = read(folder, "print", clock_seconds=2)
    next(chunks)
    time.sleep(2.5)
    assert list(chunks) == []


PARENT = """
    import sys, time
    from datetime import UTC, datetime
    from ingest.imports.child import parsed_chunks, scratch_folder
    from ingest.imports.parsed import Options
    with scratch_folder() as folder:
        path = folder / "file.csv"
        path.write_text("machine,timestamp,metric,value\\n" + sys.argv[1] + "\\n")
        parsers = {"performance_csv": "tests.ingest.misbehaving_parsers"}
        chunks = parsed_chunks("performance_csv", path, Options(now=datetime.now(UTC)), parsers=parsers)
        print(next(chunks).counts["process"], folder, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("busy", ["sleep", "spin"])
def test_a_parent_killed_leaves_neither_child_nor_file(busy: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), busy]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child, folder = parent.stdout.readline().split()
        assert is_running(int(child))
        assert Path(folder).is_dir()
        parent.kill()
    wait_until(lambda: not is_running(int(child)), seconds=10, what="the end of the child")
    assert not Path(folder).exists()


def aged(folder: Path) -> Path:
    """A folder that nobody has touched for two days."""
    two_days_ago = time.time() - 2 * 86_400
    os.utime(folder, (two_days_ago, two_days_ago))
    return folder


def test_a_folder_that_is_held_stays_and_one_that_nobody_holds_goes(folder: Path) -> None:
    left = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    (left / "file").write_bytes(b"somebody's estate")
    for one in (folder, left):
        aged(one)
    with scratch_folder() as other:
        assert (folder.exists(), left.exists()) == (True, False)
        assert other.stat().st_mode & 0o777 == 0o700
