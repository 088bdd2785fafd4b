"""Sessions of the portal with their owner in a column: a person sees where they are signed in, and ends the others.

Django's documented way of extending database sessions; the data stay what they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from migrate_hub.tenants.context import current_actor
from migrate_hub.tenants.models import PersonSession, User

STARTED = "started"
MAX_SESSIONS_SHOWN = 50


class SessionStore(DatabaseSessionStore):
    """What SESSION_ENGINE names."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return PersonSession  # type: ignore[return-value]  # the stubs know only Django's own model

    def create_model_instance(self, data: Mapping[str, Any]) -> Any:
        row: Any = super().create_model_instance(dict(data))
        owner = data.get(SESSION_KEY)
        row.user_id = UUID(str(owner)) if owner else None
        return row


@dataclass(frozen=True)
class SignedIn:
    """One place where a person is signed in."""

    started_at: datetime
    ip_address: str
    browser: str
    is_this: bool


def note_start(request: HttpRequest) -> None:
    """Keeps when and from where a session was begun, for the person's own list."""
    request.session[STARTED] = {
        "at": timezone.now().isoformat(),
        "ip_address": current_actor.get().ip_address or "",
        "browser": request.headers.get("User-Agent", "")[:400],
    }


def sessions_of(user: User, this_key: str | None) -> list[SignedIn]:
    """Where a person is signed in, newest first, this session before all."""
    rows = PersonSession.objects.filter(user_id=user.id, expire_date__gt=timezone.now()).order_by("-expire_date")
    found = [_signed_in(row, this_key) for row in rows[:MAX_SESSIONS_SHOWN]]
    return sorted(found, key=lambda each: (each.is_this, each.started_at), reverse=True)


def _signed_in(row: PersonSession, this_key: str | None) -> SignedIn:
    started = row.get_decoded().get(STARTED, {})
    expires: datetime = row.expire_date
    return SignedIn(
        started_at=datetime.fromisoformat(started["at"]) if "at" in started else expires,
        ip_address=started.get("ip_address", ""),
        browser=started.get("browser", ""),
        is_this=row.session_key == this_key,
    )


def end_sessions(user: User, *, but: str | None = None) -> int:
    """Ends the person's sessions, all or all but one, and says how many."""
    ended, _ = PersonSession.objects.filter(user_id=user.id).exclude(session_key=but or "").delete()
    return ended


def forget_expired_sessions() -> None:
    PersonSession.objects.filter(expire_date__lt=timezone.now()).delete()
