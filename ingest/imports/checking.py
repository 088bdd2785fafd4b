"""What a parser finds wrong, collected until the next chunk, and the last look at a machine before it is yielded."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from ingest.imports.cells import CellError
from ingest.imports.parsed import Chunk, ParsedMachine, Problem
from ingest.records import MachineRecord

Value = TypeVar("Value")


class Findings:
    """Problems, skipped rows and counts of one file since the last chunk."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.skipped: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def error(self, code: str, message: str, **place: Any) -> None:
        self._add("error", code, message, place)

    def warning(self, code: str, message: str, **place: Any) -> None:
        self._add("warning", code, message, place)

    def _add(self, severity: Literal["error", "warning"], code: str, message: str, place: dict[str, Any]) -> None:
        self.problems.append(Problem(severity=severity, code=code, message=message, **place))

    def read(self, convert: Callable[[object], Value], value: object, **place: Any) -> Value | None:
        """A cell through one of the functions of cells.py; what cannot be read is a warning and missing."""
        try:
            return convert(value)
        except CellError as error:
            self.warning("unreadable_cell", f"{error} The value is taken as missing.", **place)
            return None

    def chunk(self, machines: list[ParsedMachine] | None = None, *, done: int = 0, total: int = 0) -> Chunk:
        """Everything found since the last one, with these machines."""
        problems, self.problems = self.problems, []
        skipped, self.skipped = self.skipped, Counter()
        counts, self.counts = self.counts, Counter()
        return Chunk(
            machines=machines or [],
            problems=problems,
            skipped=dict(+skipped),
            counts=dict(+counts),
            done=done,
            total=total,
        )


def valid_record(record: MachineRecord) -> str | None:
    """Why a record could not be stored, or None: it is held against the same ranges as an appliance's."""
    try:
        msgspec.convert(msgspec.to_builtins(record), MachineRecord)
    except msgspec.ValidationError as error:
        return str(error).replace(" - at `$.", ": `")
    return None
