"""Runs a parser in a process of its own, which has no database, no secrets, and limits of memory and time.

    for chunk in parsed_chunks("rvtools", path, options): ...

A file from outside is hostile until proved otherwise, and the libraries that read it are large. The child gets the
path, the options and a pipe; what it finds comes back as frames of msgpack. It has no privileges and cannot look into
the process that started it; files that the worker's user may read, it may read too (docs/adr/0021). It ends when the
parent ends, however that happens: its standard input breaks off, and its limit of processor time holds for the case
that it does not listen.
"""

import contextlib
import errno
import fcntl
import importlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from ingest.imports.confinement import give_up_privileges, hide_this_process
from ingest.imports.judging import judge
from ingest.imports.parsed import PARSERS, Chunk, Options, UnreadableFileError
from ingest.imports.room import NO_SPACE, SCRATCH_PREFIX, no_room

MIB = 1024 * 1024
PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
MAX_FRAME_BYTES = 64 * MIB
HEADER_BYTES = 4
READ_BYTES = 256 * 1024
# Freed when memory ran out, so that there is some left to say so.
BALLAST_BYTES = 8 * MIB
FORGOTTEN_AFTER_SECONDS = 60
KILLED_BY_LIMIT = (-signal.SIGXCPU,)
KILLED_AFTER_SECONDS = 5
# Threads of a numerical library take address space each, and there is nothing here to multiply.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}


class ChildCrashedError(Exception):
    """The parser ended in a way that is no fault of the file: a defect of ours, or the system took its memory."""


@dataclass(frozen=True)
class Limits:
    """What a child may use. `spill_bytes` is the largest file that it may write.

    Processor time is what a file costs; by the clock a busy machine may take longer.
    """

    memory_bytes: int = 512 * MIB
    processor_seconds: float = 120
    clock_seconds: float = 480
    spill_bytes: int = 0


SPILL_BYTES = 16 * 1024 * MIB
# A long history may take longer: so much for each byte of it, packed or not, up to an hour.
SECONDS_A_BYTE = 1 / 100_000
MAX_SECONDS = 3600


def limits_for(file_format: str, size_bytes: int) -> Limits:
    """512 MiB and two minutes of processor time; a performance CSV may take longer and write to its scratch."""
    if file_format != "performance_csv":
        return Limits()
    seconds = min(MAX_SECONDS, 120 + size_bytes * SECONDS_A_BYTE)
    return Limits(processor_seconds=seconds, clock_seconds=4 * seconds, spill_bytes=SPILL_BYTES)


class Task(msgspec.Struct):
    """What the child is told on its standard input."""

    parser: str
    file_format: str
    path: str
    options: Options
    memory_bytes: int
    processor_seconds: float
    spill_bytes: int


class Refusal(msgspec.Struct, tag=True):
    code: str
    detail: str


class Crash(msgspec.Struct, tag=True):
    """An exception by its class and the lines it went through; no text, which might hold what stands in the file."""

    kind: str
    frames: list[str]


class End(msgspec.Struct, tag=True):
    """Everything was sent. Without it the child died."""


class Sent(msgspec.Struct, tag=True):
    chunk: Chunk


Frame = Sent | Refusal | Crash | End


# --- the parent's side ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of our own for the copy of a file; removed at the end, or by its child when this process is killed.

    What is left all the same (killed before there was a child, no power) is removed by the next one that comes along.
    """
    _remove_forgotten()
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _remove_forgotten() -> None:
    """Removes scratch folders that nobody holds; the youngest may be about to be held."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.stat()
            if status.st_uid == os.getuid() and status.st_mtime < time.time() - FORGOTTEN_AFTER_SECONDS:
                _remove_unheld(folder)


def _remove_unheld(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(held)


def parsed_chunks(
    file_format: str,
    path: Path,
    options: Options,
    *,
    limits: Limits | None = None,
    parsers: Mapping[str, str] = PARSERS,
) -> Iterator[Chunk]:
    """What a file in a scratch folder holds, chunk by chunk, read by a child process that ends with this iterator.

    Raises UnreadableFileError for what is the file's fault, also when it needs more memory or time than it may, and
    ChildCrashedError for what is not.
    """
    limits = limits or limits_for(file_format, path.stat().st_size)
    task = Task(
        parser=parsers[file_format],
        file_format=file_format,
        path=str(path),
        options=options,
        memory_bytes=limits.memory_bytes,
        processor_seconds=limits.processor_seconds,
        spill_bytes=limits.spill_bytes,
    )
    child = _start(path.parent)
    try:
        yield from _received(child, task, limits)
    finally:
        _end(child)


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    """A child in a session of its own: Ctrl-C on a terminal reaches the worker, which decides.

    `-m` looks for modules in the current directory first, so that is ours and not the folder with the file.
    """
    hide_this_process()
    return subprocess.Popen(
        [sys.executable, "-m", "ingest.imports.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT_DIR,
        env={**ENVIRONMENT, "TMPDIR": str(folder)},
        start_new_session=True,
        bufsize=0,
    )


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()


def _received(child: "subprocess.Popen[bytes]", task: Task, limits: Limits) -> Iterator[Chunk]:
    assert child.stdin is not None
    try:
        _write_frame(child.stdin, msgspec.msgpack.encode(task))
    except BrokenPipeError as error:
        raise ChildCrashedError("the parser did not start") from error
    decoder = msgspec.msgpack.Decoder(Frame)
    for packed in _frames(child, limits):
        match decoder.decode(packed):
            case Sent(chunk):
                yield chunk
            case Refusal(code, detail):
                raise UnreadableFileError(code, detail)
            case Crash(kind, frames):
                raise ChildCrashedError(kind, *frames)
            case End():
                return
    raise _why_it_died(child.wait(), limits)


def _why_it_died(status: int, limits: Limits) -> Exception:
    if status in KILLED_BY_LIMIT:
        return _too_slow(limits.processor_seconds)
    return ChildCrashedError(f"the parser ended with status {status}")


def _too_slow(seconds: float) -> UnreadableFileError:
    detail = f"Reading the file took longer than {seconds:.0f} seconds. Split it and send the parts one by one."
    return UnreadableFileError("time_limit", detail)


def _too_large(memory_bytes: int) -> UnreadableFileError:
    detail = f"The file needs more than {memory_bytes // MIB} MiB of memory to be read. Split it and send the parts."
    return UnreadableFileError("memory_limit", detail)


def _too_long(spill_bytes: int) -> UnreadableFileError:
    detail = f"The file needs more than {spill_bytes // MIB:,} MiB on disk to be sorted. Split it and send the parts."
    return UnreadableFileError("disk_limit", detail)


def _frames(child: "subprocess.Popen[bytes]", limits: Limits) -> Iterator[bytes]:
    """The frames that the child writes; ends when it closes its pipe.

    Raises when waiting for it takes too long altogether: the time in which the parent stores is not the file's.
    """
    assert child.stdout is not None
    buffer, allowance = bytearray(), limits.clock_seconds
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            while (frame := _taken(buffer)) is not None:
                yield frame
            before = time.monotonic()
            if allowance <= 0 or not selector.select(allowance):
                raise _too_slow(limits.clock_seconds)
            allowance -= time.monotonic() - before
            piece = os.read(child.stdout.fileno(), READ_BYTES)
            if not piece:
                return
            buffer += piece


def _taken(buffer: bytearray) -> bytes | None:
    """Takes the first frame out of the buffer when it is whole."""
    if len(buffer) < HEADER_BYTES:
        return None
    end = HEADER_BYTES + int.from_bytes(buffer[:HEADER_BYTES], "little")
    if end > MAX_FRAME_BYTES:
        raise ChildCrashedError("the parser sent a frame that is too large")
    if len(buffer) < end:
        return None
    frame = bytes(memoryview(buffer)[HEADER_BYTES:end])
    del buffer[:end]
    return frame


def _write_frame(pipe: IO[bytes], packed: bytes) -> None:
    view = memoryview(len(packed).to_bytes(HEADER_BYTES, "little") + packed)
    while view:
        view = view[pipe.write(view) :]


# --- the child's side -----------------------------------------------------------------------------------------------


def main() -> None:
    """Reads a task, runs its parser and writes what it yields. Prints of libraries go nowhere."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb", buffering=0)
    task = msgspec.msgpack.decode(_read_frame(source), type=Task)
    watcher = threading.Thread(target=_end_with_parent, args=(source, Path(task.path).parent), daemon=True)
    watcher.start()
    module = importlib.import_module(task.parser)
    give_up_privileges()
    _limit(task)
    try:
        for frame in _answers(task, module.parse):
            _write_frame(pipe, frame)
    except BrokenPipeError:
        watcher.join()


def _answers(task: Task, parse: Callable[[Path, Options], Iterator[Chunk]]) -> Iterator[bytes]:
    """Frames: every chunk of the file, then how it ended."""
    ballast, pack = bytearray(BALLAST_BYTES), msgspec.msgpack.encode
    try:
        judge(Path(task.path), task.file_format)
        for chunk in parse(Path(task.path), task.options):
            yield pack(Sent(chunk))
        yield pack(End())
    except MemoryError:
        del ballast
        yield pack(_as_refusal(_too_large(task.memory_bytes)))
    except UnreadableFileError as error:
        yield pack(_as_refusal(error))
    except OSError as error:
        yield pack(_of_disk(error, task))
    except Exception as error:
        yield pack(_crash(error))


def _of_disk(error: OSError, task: Task) -> Refusal | Crash:
    """A file that needs more disk than it may or than there is would need it again."""
    if error.errno == errno.EFBIG:
        return _as_refusal(_too_long(task.spill_bytes))
    return _as_refusal(no_room(Path(task.path).parent)) if error.errno in NO_SPACE else _crash(error)


def _as_refusal(error: UnreadableFileError) -> Refusal:
    return Refusal(error.code, error.detail)


def _crash(error: Exception) -> Crash:
    lines = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    return Crash(type(error).__name__, lines)


def _read_frame(source: IO[bytes]) -> bytes:
    size = int.from_bytes(_read_exactly(source, HEADER_BYTES), "little")
    return _read_exactly(source, size)


def _read_exactly(source: IO[bytes], size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = source.read(size - len(found))
        if not piece:
            os._exit(1)
        found += piece
    return found


def _end_with_parent(source: IO[bytes], folder: Path) -> None:
    """Nothing more comes on standard input: when it ends, the parent has ended, and nobody wants what is found.

    The parent of a killed child removes the folder; of a killed parent the child does.
    """
    source.read(1)
    if folder.name.startswith(SCRATCH_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _limit(task: Task) -> None:
    """Sets the limits of this process. Too much processor time is SIGXCPU, which tells the parent why it ended."""
    seconds = max(1, int(task.processor_seconds))
    for kind, limit, last in (
        (resource.RLIMIT_AS, task.memory_bytes, task.memory_bytes),
        (resource.RLIMIT_CPU, seconds, seconds + KILLED_AFTER_SECONDS),
        (resource.RLIMIT_FSIZE, task.spill_bytes, task.spill_bytes),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = last if hard == resource.RLIM_INFINITY else min(last, hard)
        resource.setrlimit(kind, (min(limit, most), most))
    # Writing past RLIMIT_FSIZE shall raise, not kill.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


if __name__ == "__main__":
    main()
