"""What a parser of a file yields, and how it says that a file cannot be read at all.

Parsers run in a child process that knows no Django and no database: this module, ingest.records, ingest.limits and
ingest.text are all of ours that they import. A parser is a module with one function

    def parse(path: Path, options: Options) -> Iterator[Chunk]

named in PARSERS. It yields chunks of bounded size, which travel to the parent as msgpack; the parent stores them.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ingest.records import MachineRecord, SourceId

PARSERS = {
    "rvtools": "ingest.imports.rvtools",
    "azure_migrate_csv": "ingest.imports.azure_migrate_csv",
    "performance_csv": "ingest.imports.performance_csv",
}
MACHINES_A_CHUNK = 500
MAX_CELL_CHARACTERS = 200

Percent = Annotated[float, Meta(ge=0, le=10_000)] | None
Rate = Annotated[float, Meta(ge=0, le=1e9)] | None


class UnreadableFileError(Exception):
    """The file as a whole is refused: a stable `code`, and a `detail` that says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Options(Struct, frozen=True):
    """What the person asked for, and the clock. `shift_to_now`: old points are moved so that the last ends now.

    `timezone` is the IANA name of the zone in which instants are meant that name none; empty refuses them. Points
    older than `retention_days` are not kept.
    """

    now: datetime
    shift_to_now: bool = False
    timezone: str = ""
    retention_days: int = 35


class Problem(Struct, frozen=True, gc=False):
    """One thing that is wrong. `row` as a spreadsheet counts (1 is the first line), `column` the heading of the file.

    An error cost its row; a warning did not.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    sheet: str = ""
    row: int | None = None
    column: str = ""


class DiskRates(Struct, omit_defaults=True):
    """What one disk was seen to do: megabytes (10^6) and operations a second."""

    read_mbps: Rate = None
    write_mbps: Rate = None
    read_iops: Rate = None
    write_iops: Rate = None


class Utilization(Struct, omit_defaults=True):
    """Single values that a file states instead of a history. `disks` by source_id, the four others are their totals."""

    cpu_percent: Percent = None
    memory_percent: Percent = None
    read_mbps: Rate = None
    write_mbps: Rate = None
    read_iops: Rate = None
    write_iops: Rate = None
    received_mbps: Rate = None
    transmitted_mbps: Rate = None
    disks: dict[SourceId, DiskRates] = {}


class ParsedMachine(Struct):
    """A machine with the place it stood in the file.

    `names_are_ids`: the file holds no id of the machine, so `record.source_id` is made of its name.
    """

    record: MachineRecord
    row: int
    sheet: str = ""
    utilization: Utilization | None = None
    names_are_ids: bool = False


class ParsedPoints(Struct, gc=False):
    """Consecutive points of one machine, never more than one UTC day.

    `machine` is what the file calls it: a source id, a name or a UUID. `start_at` in Unix seconds, on the grid.
    `series` names the rows of `values`, `(part, source_id, series)` each as ingest.series has them; `values` is a
    little-endian float32 array of shape (series, points), NaN where there is no data.
    """

    machine: SourceId
    start_at: int
    interval_seconds: Literal[300, 600]
    points: Annotated[int, Meta(ge=1, le=288)]
    series: list[tuple[str, str, str]]
    values: bytes


class Chunk(Struct, omit_defaults=True):
    """A part of what a file holds. Counts add up over the chunks; `done` and `total` only need one unit.

    `skipped` says why rows were left out without being wrong, e.g. {"template": 3, "phantom_row": 997}; `counts` holds
    what else is worth telling, e.g. {"rows": 10_000}. `done` is how far the parser is, the largest one counts.
    `machine_rows` names every machine that points will be told of, with its rows; it comes before the first points.
    """

    machines: list[ParsedMachine] = []
    points: list[ParsedPoints] = []
    machine_rows: dict[str, int] = {}
    problems: list[Problem] = []
    skipped: dict[str, int] = {}
    counts: dict[str, int] = {}
    done: int = 0
    total: int = 0
