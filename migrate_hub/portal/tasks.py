"""What the worker must know of the portal: its hourly clean-ups, registered by importing them, and mails."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.portal.recovery import MAIL_TASK
from migrate_hub.portal.sent_forms import forget_sent_forms
from migrate_hub.portal.throttle import forget_old_failures
from migrate_hub.tenants import recovery
from migrate_hub.tenants.invitations import forget_old_invitations, tenants_with_old_invitations
from migrate_hub.tenants.sessions import forget_expired_sessions

__all__ = ["forget_old_failures", "forget_sent_forms", "mail_reset_links"]

every_hour(forget_expired_sessions)


@every_hour
def forget_invitations() -> None:
    """Who was invited once is told by the audit trail; the address need not stay."""
    now = timezone.now()
    each_tenant(lambda tenant: forget_old_invitations(tenant.id, now), tenants_with_old_invitations(now))


@shared_task(name=MAIL_TASK)
def mail_reset_links() -> None:
    """Mails what people asked for; run twice at once, each takes other rows."""
    with transaction.atomic():
        recovery.mail_reset_links()
