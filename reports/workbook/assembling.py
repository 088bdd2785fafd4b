"""How every workbook is put together: a frame with the small sheets, the rows of large ones beside it, then spliced."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from xlsxwriter import Workbook

from reports.workbook.formats import Book
from reports.workbook.rows import Part, RowWriter
from reports.workbook.sheets import Sheet
from reports.workbook.splicing import splice

MAX_SHEET_ROWS = 1_048_576  # Excel's limit, the header row included


def assemble(write_sheets: Callable[[Workbook, Path], dict[str, Part]], target: Path | IO[bytes]) -> None:
    """Writes a workbook to a path or an open binary file.

    `write_sheets` gets the frame and a folder for rows, and gives the rows of each worksheet by the worksheet's name in
    the file. When it raises, so does this, and nothing is written to the target.
    """
    with TemporaryDirectory(prefix="workbook-") as name:
        folder = Path(name)
        with closing(_frame(folder)) as workbook:  # closed on errors too: open row files would leak
            parts = write_sheets(workbook, folder)
        with (folder / "workbook.xlsx").open("w+b") as finished:
            splice(folder / "frame.xlsx", parts, finished)
            finished.seek(0)
            _deliver(finished, target)


def stream(
    batches: Iterable[object], sheets: Sequence[Sheet], book: Book, *, folder: Path, max_sheet_rows: int
) -> list[list[Part]]:
    """One pass: the rows that each batch has under the key of a sheet go to that sheet's own files."""
    with ExitStack() as stack:
        writers = []
        for sheet in sheets:
            own = folder / sheet.key
            own.mkdir()
            writer = RowWriter(own, sheet.columns, book.styles, max_sheet_rows=max_sheet_rows)
            stack.callback(writer.abandon)
            writers.append(writer)
        for batch in batches:
            for sheet, writer in zip(sheets, writers, strict=True):
                writer.write(getattr(batch, sheet.key))
        return [writer.close() for writer in writers]


def _frame(folder: Path) -> Workbook:
    """The workbook `frame.xlsx` in a folder that also takes its temporary files."""
    options = {
        "constant_memory": True,
        "tmpdir": str(folder),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "use_zip64": True,
    }
    return Workbook(str(folder / "frame.xlsx"), options)


def _deliver(finished: IO[bytes], target: Path | IO[bytes]) -> None:
    if not isinstance(target, Path):
        shutil.copyfileobj(finished, target)
        return
    with target.open("wb") as file:
        shutil.copyfileobj(finished, file)
