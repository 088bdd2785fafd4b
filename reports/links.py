"""Signed links to a report: tenant and report inside the signature, a few minutes to live, the row checked at use."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone

from migrate_hub.errors import not_found
from reports.models import Report

SALT = "reports.download"
LINK_SECONDS = int(timedelta(minutes=10).total_seconds())


def download_url(report: Report) -> str:
    """An absolute URL that needs no token and expires."""
    signed = signing.dumps({"tenant": report.tenant_id, "report": report.id.hex}, salt=SALT)
    base: str = settings.PUBLIC_URL
    return base.rstrip("/") + reverse("report-download", args=[signed])


def read_link(signed: str) -> tuple[int, UUID]:
    """Tenant and report of a link; 404 for a forged or expired one, like for one that never was."""
    try:
        content = signing.loads(signed, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        raise not_found() from None
    return content["tenant"], UUID(hex=content["report"])


def downloadable(report_id: UUID) -> Report:
    """The report behind a link, if its file may still be had. Needs the tenant's context."""
    report = Report.objects.select_related("file").filter(id=report_id, revoked_at=None).first()
    if report is None or report.file is None or report.expires_at <= timezone.now():
        raise not_found()
    return report  # type: ignore[no-any-return]
