"""Failed sign-ins per account and per address: counted in PostgreSQL under row locks, answered with growing delays.

An account that nobody has is counted and delayed like one that exists, so the answers tell nothing.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from migrate_hub.jobs.tasks import every_hour
from migrate_hub.tenants.models import SignInThrottle, User

FREE_FAILURES = 5
FIRST_DELAY_SECONDS = 2
LONGEST_DELAY_SECONDS = 900
FORGET_AFTER = timedelta(hours=1)
# An address may be a whole office: its delay doubles with every fifth failure, an account's with each.
# The second step counts apart from the password, whose success clears the account's failures.
FAILURES_A_DOUBLING = {"account": 1, "second step": 1, "reset": 1, "address": 5, "resets of address": 5}
CLEARED_BY_SUCCESS = frozenset({"account", "second step"})

LOCKED_ROWS = """
INSERT INTO tenants_signinthrottle (key_sha256, failures, last_failure_at) SELECT key, 0, %(now)s
FROM unnest(%(keys)s::bytea[]) AS key ORDER BY key
ON CONFLICT (key_sha256) DO UPDATE SET failures =
    CASE WHEN tenants_signinthrottle.last_failure_at < %(forgotten)s THEN 0 ELSE tenants_signinthrottle.failures END
RETURNING key_sha256, failures, blocked_until
"""


@dataclass(frozen=True)
class Subject:
    """What failures are counted for: an account or an address, known to the table only by its hash."""

    kind: str
    value: str

    @property
    def key(self) -> bytes:
        return hashlib.sha256(f"{self.kind}:{self.value}".encode()).digest()


def subjects_of(email: str, ip_address: str | None) -> tuple[Subject, ...]:
    """The account and the address of an attempt. An IPv6 network of 64 bits is one address: it has one owner."""
    return _with_address(Subject("account", email.strip().lower()), "address", ip_address)


def second_step_subjects_of(user: User, ip_address: str | None) -> tuple[Subject, ...]:
    """Who tries codes of a second factor, and from where."""
    return _with_address(Subject("second step", str(user.pk)), "address", ip_address)


def reset_subjects_of(email: str, ip_address: str | None) -> tuple[Subject, ...]:
    """Whose password is asked for, and from where; each asking counts."""
    return _with_address(Subject("reset", email.strip().lower()), "resets of address", ip_address)


def _with_address(subject: Subject, kind: str, ip_address: str | None) -> tuple[Subject, ...]:
    return (subject, Subject(kind, _network(ip_address))) if ip_address else (subject,)


def _network(ip_address: str) -> str:
    try:
        address = ipaddress.ip_address(ip_address)
    except ValueError:
        return ip_address[:64]
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


class Attempt:
    """One attempt to sign in, which holds the locks of its counters until the transaction ends."""

    def __init__(self, subjects: Sequence[Subject], now: datetime) -> None:
        self.subjects = subjects
        self.now = now
        with connection.cursor() as cursor:
            keys = [subject.key for subject in subjects]
            cursor.execute(LOCKED_ROWS, {"keys": keys, "now": now, "forgotten": now - FORGET_AFTER})
            rows = cursor.fetchall()
        self.failures = {bytes(key): failures for key, failures, _ in rows}
        self.blocked_until = max((until for *_, until in rows if until is not None), default=now)

    @property
    def wait_seconds(self) -> int:
        """How long until the password will be looked at; 0 when it is now."""
        return max(0, -(-(self.blocked_until - self.now) // timedelta(seconds=1)))

    def failed(self) -> None:
        for subject in self.subjects:
            failures = self.failures[subject.key] + 1
            wait = delay(failures, FAILURES_A_DOUBLING[subject.kind])
            # No wait is no instant: that of an attempt at the same moment may lie a little before this one's.
            SignInThrottle.objects.filter(key_sha256=subject.key).update(
                failures=failures, last_failure_at=self.now, blocked_until=self.now + wait if wait else None
            )

    def succeeded(self) -> None:
        """Forgets the account's failures, but not the address's: an attacker may own one of the accounts."""
        accounts = [subject.key for subject in self.subjects if subject.kind in CLEARED_BY_SUCCESS]
        SignInThrottle.objects.filter(key_sha256__in=accounts).delete()


def delay(failures: int, failures_a_doubling: int) -> timedelta:
    """How long the next attempt has to wait after so many failures."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min((failures - FREE_FAILURES) // failures_a_doubling, 20)
    return timedelta(seconds=min(FIRST_DELAY_SECONDS * 2**doublings, LONGEST_DELAY_SECONDS))


def wait_in_words(seconds: int) -> str:
    """30 -> 30 seconds, 600 -> 10 minutes; rounded up, since it is told to people who wait."""
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{-(-seconds // 60)} minutes"


def too_many(wait_seconds: int) -> str:
    return f"Too many failed attempts. Wait {wait_in_words(wait_seconds)}, then try again."


@every_hour
def forget_old_failures() -> None:
    """Keeps the table small; a counter starts anew after FORGET_AFTER anyway."""
    SignInThrottle.objects.filter(last_failure_at__lt=timezone.now() - 2 * FORGET_AFTER).delete()
