"""Usage and limits of the tenant, for its owners."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse

from ingest.usage import Use, requests_a_minute, usage
from migrate_hub.portal.access import PortalView
from migrate_hub.portal.figures import file_size, number
from migrate_hub.tenants.models import Role

NEARLY_FULL = 0.8
# Name of a limit: what it is called, and what happens when it is reached.
TEXTS = {
    "stored_bytes": ("Stored files", "Reports and imported files. When it is full, delete old ones."),
    "running_jobs": ("Work at a time", "Assessments, imports and reports beyond it wait for their turn."),
    "machines_a_project": ("Machines of one project", "Of the largest project, with those that vanished."),
    "projects": ("Projects", "Deleted ones do not count."),
    "members": ("Members", "People who may open this tenant."),
    "tokens": ("Access tokens", "Valid ones; revoked and expired ones do not count."),
}


class Line(NamedTuple):
    """One limit as it is shown; `fill` is the color of its bar."""

    name: str
    hint: str
    used: str
    limit: str
    share: float
    fill: str
    is_own: bool

    @property
    def percent(self) -> int:
        return round(self.share * 100)


def line_of(use: Use) -> Line:
    name, hint = TEXTS[use.name]
    shown = file_size if use.name == "stored_bytes" else number
    fill = "not-ready" if use.share >= 1 else "conditions" if use.share >= NEARLY_FULL else "accent"
    if use.name == "running_jobs":
        fill = "accent"  # busy is not too much
    return Line(name, hint, shown(use.used), shown(use.limit), use.share, fill, use.is_own)


class UsageView(PortalView):
    section = "usage"
    reads_need = Role.OWNER

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"lines": [line_of(use) for use in usage()], "requests": requests_a_minute()}
        return self.page("portal/usage.html", context)
