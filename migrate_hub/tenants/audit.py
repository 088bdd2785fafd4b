"""The audit trails, of a tenant and of a person: one line in the transaction of what it tells about."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db import models

from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import AccountEvent, AuditEvent, User


def record(action: str, subject: models.Model | None = None, **detail: Any) -> None:
    """Notes that the current actor did `action` to `subject`. `detail` holds ids and settings, never secrets."""
    actor = current_actor.get()
    subject_id = subject.pk if subject is not None and isinstance(subject.pk, UUID) else None
    AuditEvent.objects.create(
        action=action,
        object_type=subject._meta.model_name or "" if subject is not None else "",
        object_id=subject_id,
        detail=detail,
        user_id=actor.user_id,
        token_id=actor.token_id,
        appliance_id=actor.appliance_id,
        by_operator=actor.is_operator,
        ip_address=actor.ip_address,
        request_id=actor.request_id,
    )


def matching(
    *, action: str = "", user: UUID | None = None, since: date | None = None, until: date | None = None
) -> "models.QuerySet[AuditEvent]":
    """Events of an action (`group.create`) or a group of them (`group`), by a person, from a day in UTC to another."""
    rows: models.QuerySet[AuditEvent] = AuditEvent.objects.all()
    if action:
        rows = rows.filter(models.Q(action=action) | models.Q(action__startswith=f"{action}."))
    if user is not None:
        rows = rows.filter(user_id=user)
    if since is not None:
        rows = rows.filter(at__gte=datetime.combine(since, time.min, UTC))
    # Compared by the last instant, since the day after the last one there can be is no date.
    return rows if until is None else rows.filter(at__lte=datetime.combine(until, time.max, UTC))


def record_account(action: str, user: User, *, by_operator: bool = False) -> None:
    """Notes in the person's own trail what happened to their account. It belongs to no tenant, so no owner reads it."""
    actor = current_actor.get()
    AccountEvent.objects.create(
        user_id=user.pk,
        action=action,
        by_operator=by_operator,
        ip_address=actor.ip_address,
        request_id=actor.request_id,
    )
