"""What a parser makes of a file, gathered from its chunks."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ingest.imports.parsed import Chunk, Options, ParsedMachine, Problem, UnreadableFileError

Parse = Callable[[Path, Options], Iterator[Chunk]]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Found:
    """Everything a file holds: machines, the last of each name also by it, problems, skipped rows."""

    machines: dict[str, ParsedMachine] = field(default_factory=dict)
    all_machines: list[ParsedMachine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    def problem(self, code: str) -> Problem:
        return next(problem for problem in self.problems if problem.code == code)


def found(parse: Parse, content: bytes, folder: Path) -> Found:
    path = folder / "file"
    path.write_bytes(content)
    gathered = Found()
    for chunk in parse(path, Options(now=NOW)):
        gathered.machines |= {machine.record.name: machine for machine in chunk.machines}
        gathered.all_machines += chunk.machines
        gathered.problems += chunk.problems
        gathered.skipped.update(chunk.skipped)
    return gathered


def answered(parse: Parse, content: bytes, folder: Path) -> Found | UnreadableFileError:
    """What a file holds, or how it is refused; anything else fails the test."""
    try:
        return found(parse, content, folder)
    except UnreadableFileError as refused:
        return refused
