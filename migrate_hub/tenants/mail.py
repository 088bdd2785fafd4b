"""Mail to people, where the operator has set EMAIL_URL. A hub without mail, air-gapped or not, works without it."""

import smtplib

import structlog
from django.conf import settings
from django.core.mail import send_mail

log = structlog.get_logger(__name__)


def is_configured() -> bool:
    return bool(settings.MAIL_IS_CONFIGURED)


def sent(*, to: str, subject: str, body: str) -> bool:
    """Whether the mail server took it. A refusal is logged without the address, for the caller to tell or to retry."""
    try:
        return send_mail(subject, body, None, [to]) == 1
    except (smtplib.SMTPException, OSError) as error:
        log.warning("mail_not_sent", error=type(error).__name__)
        return False
