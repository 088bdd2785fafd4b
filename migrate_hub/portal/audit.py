"""The audit trail, newest first."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from migrate_hub.portal.access import PortalView
from migrate_hub.portal.paging import page_of
from migrate_hub.tenants.models import AuditEvent, Role, User


class AuditView(PortalView):
    section = "audit"
    reads_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        page = page_of(AuditEvent.objects.all(), request, order_by="at", descending=True)
        return self.page("portal/audit.html", {"page": page, "rows": with_actors(page.rows)})


def with_actors(events: Sequence[AuditEvent]) -> list[tuple[AuditEvent, str]]:
    """Each event and who did it: a person's address, an appliance, or the operator at a terminal."""
    emails = dict(User.objects.filter(id__in={event.user_id for event in events}).values_list("id", "email"))
    return [(event, _actor(event, emails)) for event in events]


def _actor(event: AuditEvent, emails: dict[Any, str]) -> str:
    if event.by_operator:
        return "an operator"
    if event.user_id is not None:
        return emails.get(event.user_id, "a person who is gone")
    return "an appliance" if event.appliance_id is not None else "the operator"
