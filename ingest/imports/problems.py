"""The problems of an import: kept in bulk, told as JSON and as CSV that no spreadsheet takes for formulas."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ingest.bulk import plain_array, run, text_array
from ingest.csv_text import csv_response
from ingest.imports.models import FileImport, ImportProblem
from ingest.imports.parsed import Problem
from ingest.text import shown
from migrate_hub.errors import DomainError
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import uuid7

# Beyond this nobody reads on; the counts go on.
MAX_KEPT = 100_000
ROWS_A_STATEMENT = 5000
SHOWN = 100
MESSAGE_LENGTH, SHEET_LENGTH, COLUMN_LENGTH = 500, 64, 255
HEADINGS = ("severity", "code", "sheet", "row", "column", "message")

KEEP = """
INSERT INTO ingest_importproblem (tenant_id, file_import_id, id, number, severity, code, message, sheet, "row",
                                  "column")
SELECT %(tenant)s, %(import)s, p.*
FROM unnest(%(ids)s::uuid[], %(numbers)s::int[], %(severities)s::text[], %(codes)s::text[], %(messages)s::text[],
            %(sheets)s::text[], %(rows)s::int[], %(columns)s::text[]) AS p
"""


def keep_problems(import_id: UUID, problems: Sequence[Problem], *, after: int) -> None:
    """Stores problems, numbered from `after` on; those beyond MAX_KEPT are only counted."""
    kept = problems[: max(0, MAX_KEPT - after)]
    for start in range(0, len(kept), ROWS_A_STATEMENT):
        part = kept[start : start + ROWS_A_STATEMENT]
        run(
            KEEP,
            {
                "tenant": current_tenant_id(),
                "import": import_id,
                "ids": plain_array(uuid7() for _ in part),
                "numbers": plain_array(after + start + i for i in range(len(part))),
                "severities": text_array(problem.severity for problem in part),
                "codes": text_array(problem.code for problem in part),
                "messages": text_array(shown(problem.message, MESSAGE_LENGTH) for problem in part),
                "sheets": text_array(shown(problem.sheet, SHEET_LENGTH) for problem in part),
                "rows": plain_array(problem.row for problem in part),
                "columns": text_array(shown(problem.column, COLUMN_LENGTH) for problem in part),
            },
        )


def first_problems(file_import: FileImport, now: datetime) -> list[ImportProblem]:
    """What a page or an answer shows; nothing once their time is over."""
    problems = ImportProblem.objects.filter(file_import=file_import).order_by("number")
    return list(problems[:SHOWN]) if now < file_import.kept_until else []


def problems_csv(request: HttpRequest, file_import: FileImport, now: datetime) -> HttpResponseBase:
    """All problems as a file. Raises DomainError 410 problems_forgotten once their time is over."""
    if now >= file_import.kept_until:
        raise DomainError(
            code="problems_forgotten",
            status=410,
            detail=f"The problems of this import were kept until {file_import.kept_until:%Y-%m-%d}. Their counts stay.",
        )
    problems = ImportProblem.objects.filter(file_import=file_import).order_by("number").values_list(*HEADINGS)
    cells = problems.iterator(chunk_size=ROWS_A_STATEMENT)
    return csv_response(request, HEADINGS, cells, file_name=f"import-{file_import.id}-errors.csv")
