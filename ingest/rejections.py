"""Records that were refused, kept for people: one row for a machine and a reason, however often it happens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ingest.bulk import plain_array, run, text_array
from ingest.csv_text import csv_response
from ingest.filters import possible_text
from ingest.models import Appliance, RejectedRecord, UploadKind
from ingest.text import shown
from ingest.uploads import Rejection
from migrate_hub.tenants.models import uuid7

MESSAGE_LENGTH = 500
HEADINGS = ("source_id", "code", "message", "kind", "occurrences", "retryable", "first_rejected_at", "last_rejected_at")
ROWS_A_READ = 5000
Rejected = QuerySet[RejectedRecord]

KEEP = """
INSERT INTO ingest_rejectedrecord (tenant_id, appliance_id, kind, id, source_id, code, message, retryable, occurrences,
                                   first_rejected_at, last_rejected_at)
SELECT %(tenant)s, %(appliance)s, %(kind)s, r.id, r.source_id, r.code, r.message, r.retryable, 1, %(now)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(source_ids)s::text[], %(codes)s::text[], %(messages)s::text[], %(retryable)s::bool[])
     AS r (id, source_id, code, message, retryable)
ORDER BY r.source_id, r.code
ON CONFLICT (tenant_id, appliance_id, kind, source_id, code) DO UPDATE
SET message = excluded.message, retryable = excluded.retryable, last_rejected_at = excluded.last_rejected_at,
    occurrences = ingest_rejectedrecord.occurrences + 1
"""


def keep_rejections(
    *, appliance: Appliance, kind: UploadKind, rejected: Sequence[Rejection], now: datetime
) -> list[dict[str, Any]]:
    """Stores the refused records and returns them as the appliance is told of them."""
    told = [
        {
            "source_id": shown(item.source_id),
            "code": item.code,
            "message": shown(item.message, MESSAGE_LENGTH),
            "retryable": item.retryable,
        }
        for item in rejected
    ]
    # One statement may touch a row only once.
    distinct = list({(item["source_id"], item["code"]): item for item in told}.values())
    if distinct:
        run(
            KEEP,
            {
                "tenant": appliance.tenant_id,
                "appliance": appliance.id,
                "kind": kind,
                "now": now,
                "ids": plain_array(uuid7() for _ in distinct),
                "source_ids": text_array(str(item["source_id"]) for item in distinct),
                "codes": text_array(str(item["code"]) for item in distinct),
                "messages": text_array(str(item["message"]) for item in distinct),
                "retryable": plain_array(item["retryable"] for item in distinct),
            },
        )
    return told


def with_code(records: Rejected, code: str) -> Rejected:
    """Those with this code; all where none is named."""
    return records.filter(code=possible_text("code", code)) if code else records


def counted_codes(records: Rejected) -> list[tuple[str, int]]:
    """How many records there are of each code, most first."""
    counted = records.order_by().values("code").annotate(count=Count("*")).order_by("-count", "code")
    return [(row["code"], row["count"]) for row in counted]


def rejected_csv(request: HttpRequest, records: Rejected, *, code: str) -> HttpResponseBase:
    """These records as a file, newest first."""
    cells = with_code(records, code).order_by("-last_rejected_at", "id").values_list(*HEADINGS)
    return csv_response(request, HEADINGS, cells.iterator(chunk_size=ROWS_A_READ), file_name="refused-records.csv")
