"""A parser for the tests of the child process: what it does stands in the file that it is given."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ingest.imports.parsed import Chunk, Options, Problem, UnreadableFileError


def parse(path: Path, options: Options) -> Iterator[Chunk]:
    """Yields one chunk, then does what the second line of the file names."""
    wanted = path.read_text().splitlines()[1]
    yield Chunk(counts={"process": os.getpid()})
    match wanted:
        case "names":
            opened = [link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
            names = "\n".join([*os.environ, *sys.modules, *opened])
            looked = [Problem("warning", name, _opened(name)) for name in ("environ", "mem", "maps")]
            yield Chunk(problems=[Problem("warning", "names", names), *looked])
        case "print":
            print("a library prints")
            subprocess.run(["echo", "so does its child"], check=True)
        case "memory":
            yield Chunk(counts={"bytes": len(bytearray(400 * 1024 * 1024))})
        case "sleep":
            time.sleep(600)
        case "spin":
            while True:
                pass
        case "write":
            (path.parent / "spill").write_bytes(bytes(4 * 1024 * 1024))
        case "fill":
            Path("/dev/full").write_bytes(b"x")
        case "refuse":
            raise UnreadableFileError("refused", "Do something else.")
        case "defect":
            raise ValueError("sql-01 is a secret")
        case "die":
            os._exit(7)
        case "large":
            yield Chunk(problems=[Problem("warning", "large", "x" * 3_000_000)] * 5)


def _opened(name: str) -> str:
    """What comes of opening a file of the parent's in /proc."""
    try:
        Path(f"/proc/{os.getppid()}/{name}").open("rb").close()
    except OSError as error:
        return str(error.strerror)
    return "opened"
