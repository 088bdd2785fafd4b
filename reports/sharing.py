"""Links to a report that are given to others: made for some time, listed, revoked one by one or all at once."""

from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import Membership
from migrate_hub.tenants.quotas import count_alone
from reports.models import Report, ReportLink

MAX_LIFETIME_HOURS = 30 * 24
DEFAULT_LIFETIME_HOURS = 7 * 24
MAX_LINKS = 100


def share_report(report: Report, *, lifetime_hours: int, now: datetime) -> ReportLink:
    """A link for whoever holds it, which lives no longer than the report's file. 409 where there is no file."""
    if report.file_id is None or report.expires_at <= now:
        raise DomainError(
            code="no_file", status=409, detail="This report has no file to link to: it is not finished, or expired."
        )
    count_alone("report_links", report.tenant_id)
    if live_links(report, now).count() >= MAX_LINKS:
        raise DomainError(
            code="limit_reached", status=409, detail=f"A report has at most {MAX_LINKS} links. Revoke some."
        )
    link: ReportLink = ReportLink.objects.create(
        report=report,
        created_by=current_actor.get().user_id,
        created_at=now,
        expires_at=min(now + timedelta(hours=lifetime_hours), report.expires_at),
    )
    audit.record("report.share", report, link=str(link.id), expires_at=link.expires_at.isoformat())
    return link


def live_links(report: Report, now: datetime) -> "QuerySet[ReportLink]":
    """Links that still work."""
    rows: QuerySet[ReportLink] = ReportLink.objects.filter(report=report, revoked_at=None, expires_at__gt=now)
    return rows


def revoke_link(link: ReportLink, now: datetime) -> None:
    """It stops working at once; a second time changes nothing."""
    if link.revoked_at is None:
        link.revoked_at = now
        link.save(update_fields=["revoked_at"])
        audit.record("report.revoke_link", link.report, link=str(link.id))


def revoke_links_made_by(membership: Membership) -> None:
    """Links die with the membership of whoever gave them out; other people's links to the same reports live on."""
    given = ReportLink.objects.filter(created_by=membership.user_id, revoked_at=None)
    given.update(revoked_at=timezone.now())


def revoke_links(report: Report, now: datetime) -> None:
    """Every link to the report stops working at once, those of ten minutes too; the report stays."""
    ReportLink.objects.filter(report=report, revoked_at=None).update(revoked_at=now)
    Report.objects.filter(id=report.id).update(link_generation=F("link_generation") + 1)
    audit.record("report.revoke_links", report)
