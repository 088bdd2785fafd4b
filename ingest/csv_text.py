"""CSV by RFC 4180 that no spreadsheet takes for formulas, written while the request's transaction lasts."""

import csv
import io
import itertools
import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from migrate_hub.files.storage import spool_response

SPOOL_BYTES = 1024 * 1024
ROWS_A_WRITE = 1000
# What makes a spreadsheet take a cell for a formula, also in full width.
FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def csv_response(
    request: HttpRequest, headings: Sequence[str], rows: Iterable[Sequence[object]], *, file_name: str
) -> HttpResponseBase:
    """A file to download. The rows wait in a temporary file: an answer is sent after the tenant's transaction."""
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  the response closes it
    spool.write(_lines([headings]).encode())
    _write(spool, rows)
    response = spool_response(request, spool, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _write(spool: IO[bytes], rows: Iterable[Sequence[object]]) -> None:
    left = iter(rows)
    while chunk := [[harmless(cell) for cell in row] for row in itertools.islice(left, ROWS_A_WRITE)]:
        spool.write(_lines(chunk).encode())


def harmless(cell: object) -> object:
    """A cell as it may stand in a spreadsheet: empty for None, a text that would be a formula behind an apostrophe.

    Instants are ISO 8601, as in the API.
    """
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
    return "" if cell is None else cell


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
