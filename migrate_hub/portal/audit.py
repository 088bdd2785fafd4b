"""The audit trail, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.http import HttpRequest, HttpResponse

from assessments.models import Assessment
from groups.models import Group
from ingest.imports.models import FileImport
from ingest.models import Appliance
from migrate_hub.portal.access import PortalView
from migrate_hub.portal.audit_words import ACTIONS, action_in_words, details_in_words
from migrate_hub.portal.paging import page_of
from migrate_hub.portal.wording import plain
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import AuditEvent, Membership, Project, Role, TokenLabel, User
from migrate_hub.tenants.serializers import AuditQuery
from reports.models import Report

# Whose names are looked up, also of what was deleted since; others are named by their ids.
# Each by the field that holds the id of the event's object, and the one that holds its name.
NAMED: dict[str, tuple[type[models.Model], str, str]] = {
    "project": (Project, "id", "name"),
    "appliance": (Appliance, "id", "name"),
    "group": (Group, "id", "name"),
    "assessment": (Assessment, "id", "name"),
    "fileimport": (FileImport, "id", "file_name"),
    "token": (TokenLabel, "token_id", "name"),
    "report": (Report, "id", "assessment__name"),
    "membership": (Membership, "id", "user__email"),
}

FILTERS = ("action", "user", "since", "until")
MAX_PEOPLE = 1000


@dataclass(frozen=True)
class Row:
    """An entry in the words of people."""

    event: AuditEvent
    actor: str
    action: str
    kind: str
    name: str
    details: list[tuple[str, str]]


class AuditView(PortalView):
    section = "audit"
    reads_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        given = {name: value for name, value in request.GET.items() if name in FILTERS and value}
        query = AuditQuery(data=given)
        events = audit.matching(**query.validated_data) if query.is_valid() else AuditEvent.objects.none()
        page = page_of(events, request, order_by="at", descending=True)
        people = Membership.objects.filter(tenant=current_tenant_id()).order_by("user__email")
        context = {
            "page": page,
            "rows": rows_of(page.rows),
            "given": given,
            "wrong": sorted(query.errors),
            "kinds": [(kind, plain(kind)) for kind in sorted({action.partition(".")[0] for action in ACTIONS})],
            "people": [(str(id), email) for id, email in people.values_list("user_id", "user__email")[:MAX_PEOPLE]],
        }
        return self.page("portal/audit.html", context)


def rows_of(events: Sequence[AuditEvent]) -> list[Row]:
    """Each event with who did it: a person's address, an appliance, or the operator at a terminal; to what."""
    emails, names = _emails(events), _names(events)
    return [
        Row(
            event=event,
            actor=_actor(event, emails),
            action=action_in_words(event.action),
            kind=plain(event.object_type),
            name=names.get(event.object_id, ""),
            details=details_in_words(event.detail, emails),
        )
        for event in events
    ]


def _emails(events: Sequence[AuditEvent]) -> dict[str, str]:
    """The addresses of those who did something, and of those it was done to, by id."""
    ids = {str(event.user_id) for event in events if event.user_id}
    ids |= {str(event.detail["user"]) for event in events if event.detail.get("user")}
    return {str(id): email for id, email in User.objects.filter(id__in=ids).values_list("id", "email")}


def _names(events: Sequence[AuditEvent]) -> dict[UUID | None, str]:
    """The names of what the events are about, by id; one query for each kind."""
    found: dict[UUID | None, str] = {}
    for kind, (model, id_field, name_field) in NAMED.items():
        ids = {event.object_id for event in events if event.object_type == kind}
        rows: Any = model._default_manager.filter(**{f"{id_field}__in": ids}).values_list(id_field, name_field)
        found |= {id: name or "" for id, name in rows} if ids else {}
    return found


def _actor(event: AuditEvent, emails: dict[str, str]) -> str:
    if event.by_operator:
        return "an operator"
    if event.user_id is not None:
        return emails.get(str(event.user_id), "a person who is gone")
    # With its registration key it is nobody yet.
    by_appliance = event.appliance_id is not None or event.action == "appliance.register"
    return "an appliance" if by_appliance else "the operator"
