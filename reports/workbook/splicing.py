"""Puts streamed rows into the worksheets that XlsxWriter wrote with their headers only."""

import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from reports.workbook.rows import Part

END_OF_ROWS = b"</sheetData>"
COPY_BYTES = 1024 * 1024
_DIMENSION = re.compile(rb'<dimension ref="A1(:[A-Z]+)?1?"/>')


def splice(frame: Path, parts: Mapping[str, Part], target: IO[bytes]) -> None:
    """Copy the workbook `frame` to an open file, each member that `parts` names with its rows.

    Members keep their order and their fixed date, so that the same rows give the same bytes.
    """
    with zipfile.ZipFile(frame) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        for member in source.infolist():
            content = source.read(member)
            copy = zipfile.ZipInfo(member.filename, member.date_time)
            copy.compress_type, copy.external_attr = zipfile.ZIP_DEFLATED, member.external_attr
            part = parts.get(member.filename)
            if part is None or not part.rows:
                book.writestr(copy, content)
            else:
                _write_with_rows(book, copy, content, part)


def _write_with_rows(book: zipfile.ZipFile, member: zipfile.ZipInfo, content: bytes, part: Part) -> None:
    before, end, after = content.partition(END_OF_ROWS)
    if not end:
        raise ValueError(f"{member.filename} has no end of rows")
    before = _DIMENSION.sub(rf'<dimension ref="A1\g<1>{part.rows + 1}"/>'.encode(), before)
    member.file_size = len(content) + part.path.stat().st_size  # known ahead: tells whether the entry needs ZIP64
    with book.open(member, "w") as sheet, part.path.open("rb") as rows:
        sheet.write(before)
        shutil.copyfileobj(rows, sheet, COPY_BYTES)
        sheet.write(end + after)
