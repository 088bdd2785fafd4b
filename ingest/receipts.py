"""At-least-once made harmless, first level: an upload's key and the SHA-256 of its inflated body, kept 30 days.

The receipt is written in the transaction of the data, so there is never one without the other.
"""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from ingest.bulk import run
from ingest.models import Appliance, UploadKind, UploadReceipt
from migrate_hub.errors import DomainError


def upload_key(request: Request) -> UUID:
    """The Idempotency-Key of a request; 400 when it is missing or no UUID."""
    text = request.headers.get("Idempotency-Key", "")
    if not text:
        raise DomainError(
            code="idempotency_key_missing",
            detail="Send the header `Idempotency-Key`: a UUID made for this batch, the same on each retry.",
        )
    try:
        return UUID(text.strip())
    except ValueError:
        raise DomainError(
            code="idempotency_key_invalid", detail="The header `Idempotency-Key` must be a UUID."
        ) from None


def earlier_answer(*, appliance: Appliance, kind: UploadKind, key: UUID, body: bytes) -> dict[str, Any] | None:
    """What this upload was answered before, or None; holds the key until the transaction ends.

    Raises 409 idempotency_key_reused when the key came with another body or to the other endpoint.
    """
    run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"upload:{appliance.id}:{key}"])
    receipt: UploadReceipt | None = UploadReceipt.objects.filter(appliance=appliance, key=key).first()
    if receipt is None:
        return None
    if receipt.kind != kind or bytes(receipt.body_sha256) != hashlib.sha256(body).digest():
        raise DomainError(
            code="idempotency_key_reused",
            status=409,
            detail="This Idempotency-Key came before, with another content or elsewhere. Make a key for each batch.",
        )
    answer: dict[str, Any] = receipt.answer
    return answer


def keep_answer(
    *, appliance: Appliance, kind: UploadKind, key: UUID, body: bytes, answer: dict[str, Any], now: datetime
) -> None:
    UploadReceipt.objects.create(
        appliance=appliance,
        kind=kind,
        key=key,
        body_sha256=hashlib.sha256(body).digest(),
        answer=answer,
        created_at=now,
    )
