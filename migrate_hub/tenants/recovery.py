"""A forgotten password: a signed link that sets a new one once, mailed by the hub or issued by its operator.

The link is signed over the password's hash and the last sign-in, so using it, changing the password or signing in ends
it; it needs no row. It is the operator who issues it, not an owner of a tenant: a person may be in several.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.tenants import audit, mail
from migrate_hub.tenants.models import ResetRequest, User
from migrate_hub.tenants.sessions import end_sessions

LINK_HOURS = 24
# A mail that could not be sent is tried again until the person has given up waiting.
TRIED_FOR = timedelta(hours=1)
MAILS_A_ROUND = 50
MAIL_SUBJECT = "Set a new password"
MAIL_BODY = """Somebody, hopefully you, asked for a new password of {email} at {hub}.

Open this link within {hours} hours to choose one. It works once:

{link}

If it was not you, do nothing: your password stays as it is.
"""


class ResetLinks(PasswordResetTokenGenerator):
    """Django's signed tokens; PASSWORD_RESET_TIMEOUT is LINK_HOURS."""

    key_salt = "migrate_hub.tenants.recovery"


_links = ResetLinks()


def reset_link(user: User) -> str:
    """The address that sets a new password of this person once."""
    path = reverse("portal:reset-password", args=[user.pk.hex, _links.make_token(user)])
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def issue_reset_link(email: str) -> str:
    """A link that the operator hands to a person whom they know."""
    user = person(email)
    audit.record_account("password.reset_link", user, by_operator=True)
    return reset_link(user)


def person(email: str) -> User:
    """The active person with this address; 404 otherwise. For operators: a page must not tell who has an account."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None:
        raise DomainError(code="not_found", status=404, detail=f"There is no active account of {email}.")
    return user


def person_of_link(user_hex: str, token: str) -> User | None:
    """Whose password a link may set now; the row is locked, so that a link that is sent twice at once works once."""
    try:
        user = User.objects.select_for_update().filter(pk=UUID(hex=user_hex), is_active=True).first()
    except ValueError:
        return None
    return user if user is not None and _links.check_token(user, token) else None


def set_password(user: User, password: str) -> None:
    """A new password by a link: ends every session; the way here shows that the address is theirs.

    Raises Django's ValidationError for a password that is too weak.
    """
    validate_password(password, user)
    user.set_password(password)
    user.address_unproven = False
    user.save(update_fields=["password", "address_unproven"])
    end_sessions(user)
    audit.record_account("password.reset", user)


def ask_for_reset(email: str) -> None:
    """Leaves the address for the worker. Nothing is looked up here, so the answer takes as long for a stranger's."""
    ResetRequest.objects.create(email=email.strip().lower())


def mail_reset_links(now: datetime | None = None) -> int:
    """Mails a link for each address that waits and has an account; how many. Inside a transaction."""
    now = now or timezone.now()
    ResetRequest.objects.filter(created_at__lt=now - TRIED_FOR).delete()
    waiting = ResetRequest.objects.select_for_update(skip_locked=True).order_by("id")[:MAILS_A_ROUND]
    done = {request.pk: _mail_reset_link(request.email) for request in waiting}
    ResetRequest.objects.filter(pk__in=[pk for pk, sent in done.items() if sent is not None]).delete()
    return sum(sent is True for sent in done.values())


def _mail_reset_link(email: str) -> bool | None:
    """True: sent. False: nobody has this address. None: not sent, there is no mail server or it did not take it."""
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None:
        return False
    if not mail.is_configured():
        return None
    body = MAIL_BODY.format(email=email, hub=settings.PUBLIC_URL, hours=LINK_HOURS, link=reset_link(user))
    if not mail.sent(to=email, subject=MAIL_SUBJECT, body=body):
        return None
    audit.record_account("password.reset_mailed", user)
    return True
