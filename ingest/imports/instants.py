"""Instants as monitoring systems write them, as seconds since 1970: ISO 8601 with a zone, or Unix time."""

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ingest.imports.parsed import UnreadableFileError

UNREADABLE, NAIVE = -1, -2
UNIX = re.compile(r"\d{9,19}(\.\d+)?")
# By their number of digits: seconds, milliseconds, microseconds, nanoseconds.
UNIX_DIVISORS = ((11, 1), (14, 1_000), (17, 1_000_000), (19, 1_000_000_000))
ZONE_APART = re.compile(r"\s+(?=(Z|[+-]\d\d:?\d\d)$)")
UTC_BY_NAME = re.compile(r"\s*(UTC|GMT)$", re.IGNORECASE)
LAST_SECOND = 2**32 - 1
REMEMBERED = 500_000


def zone_named(name: str) -> tzinfo | None:
    """The zone of the option `timezone`; None when it is empty. Raises UnreadableFileError for an unknown one."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        detail = f'"{name[:60]}" is no IANA time zone. Name one like Europe/Berlin, or UTC.'
        raise UnreadableFileError("unknown_timezone", detail) from error


def is_zone(name: str) -> bool:
    """Whether this is the IANA name of a zone."""
    try:
        return zone_named(name) is not None
    except UnreadableFileError:
        return False


class Instants:
    """Reads instants and remembers them: a file holds the same few again and again."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._known: dict[str, int] = {}

    def seconds(self, texts: list[str]) -> NDArray[np.int64]:
        """Seconds since 1970 of each text; UNREADABLE, or NAIVE for one without a zone when none was given."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        known = self._known
        return np.array(
            [known[text] if text in known else known.setdefault(text, self._read(text)) for text in texts],
            dtype=np.int64,
        )

    def _read(self, text: str) -> int:
        text = text.strip()
        if UNIX.fullmatch(text):
            return _from_unix(text)
        text = UTC_BY_NAME.sub("Z", ZONE_APART.sub("", text))
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return UNREADABLE
        if found.tzinfo is None and self._zone is None:
            return NAIVE
        try:
            # A time that the clocks show twice in autumn is taken as the first of the two.
            aware = found if found.tzinfo else found.replace(tzinfo=self._zone)
            return _within(int(aware.astimezone(UTC).timestamp()))
        except OverflowError:
            return UNREADABLE


def _from_unix(text: str) -> int:
    whole = text.partition(".")[0]
    divisor = next(divisor for digits, divisor in UNIX_DIVISORS if len(whole) <= digits)
    return _within(int(whole) // divisor)


def _within(seconds: int) -> int:
    return seconds if 0 <= seconds <= LAST_SECOND else UNREADABLE
