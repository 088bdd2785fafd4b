"""Signed links to a report's file: what is inside the signature, and the row that is checked at each use.

`download_url` lives ten minutes and leaves no trace; a `ReportLink` is given to others, lives as long as was chosen, is
listed, and can be revoked without the report. All links to a report die with its link generation, and with its file.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from migrate_hub.errors import not_found
from reports.models import Report, ReportLink

SALT, SHARED_SALT = "reports.download", "reports.shared"
LINK_SECONDS = int(timedelta(minutes=10).total_seconds())


@dataclass(frozen=True)
class SignedLink:
    """What a signature vouches for: a report at a link generation, or the link that somebody was given."""

    tenant_id: int
    report_id: UUID | None = None
    generation: int = 0
    link_id: UUID | None = None


def download_url(report: Report) -> str:
    """An absolute URL that needs no token and expires."""
    content = {"tenant": report.tenant_id, "report": report.id.hex, "generation": report.link_generation}
    return _url(signing.dumps(content, salt=SALT))


def shared_url(link: ReportLink) -> str:
    """The absolute URL of a link that was given out."""
    return _url(signing.dumps({"tenant": link.tenant_id, "link": link.id.hex}, salt=SHARED_SALT))


def _url(signed: str) -> str:
    base: str = settings.PUBLIC_URL
    return base.rstrip("/") + reverse("report-download", args=[signed])


def read_link(signed: str) -> SignedLink:
    """What a link says; 404 for a forged or expired one, like for one that never was."""
    try:
        content = signing.loads(signed, salt=SALT, max_age=LINK_SECONDS)
        return SignedLink(content["tenant"], UUID(hex=content["report"]), content["generation"])
    except signing.BadSignature:
        pass  # it may be one of those that live longer
    try:
        content = signing.loads(signed, salt=SHARED_SALT)  # the row says until when
    except signing.BadSignature:
        raise not_found() from None
    return SignedLink(content["tenant"], link_id=UUID(hex=content["link"]))


def report_behind(signed: SignedLink) -> Report:
    """The report that a link leads to, if its file may still be had through it. Needs the tenant's context."""
    if signed.link_id is not None:
        links = ReportLink.objects.filter(id=signed.link_id, revoked_at=None, expires_at__gt=timezone.now())
        report_id = links.values_list("report_id", flat=True).first()
        if report_id is None:
            raise not_found()
        return downloadable(report_id)
    assert signed.report_id is not None  # one of the two is there
    report = downloadable(signed.report_id)
    if report.link_generation != signed.generation:
        raise not_found()
    return report


def downloadable(report_id: UUID) -> Report:
    """The report with this id, if its file may still be had. Needs the tenant's context."""
    report = Report.objects.select_related("file").filter(id=report_id, revoked_at=None).first()
    if report is None or report.file is None or report.expires_at <= timezone.now():
        raise not_found()
    return report  # type: ignore[no-any-return]
