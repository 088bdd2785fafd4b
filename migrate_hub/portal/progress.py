"""How long work has taken and how long it will still take, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Before so much is done, an estimate would be a guess.
MIN_SHARE = 0.05
MIN_ELAPSED = timedelta(seconds=2)
SECONDS_A_MINUTE, MINUTES_AN_HOUR = 60, 60


@dataclass(frozen=True)
class Times:
    """`elapsed` since the start, `remaining` at the speed so far; '' where it is not known."""

    elapsed: str
    remaining: str


def progress_times(started_at: datetime | None, now: datetime, *, done: int, total: int) -> Times:
    if started_at is None:
        return Times("", "")
    elapsed = max(now - started_at, timedelta(0))
    share = done / total if total else 0.0
    if share < MIN_SHARE or elapsed < MIN_ELAPSED:
        return Times(in_words(elapsed), "")
    return Times(in_words(elapsed), in_words(elapsed * (1 - share) / share) if share < 1 else "")


def in_words(length: timedelta) -> str:
    """45 seconds, 3 minutes, 2 hours 5 minutes."""
    seconds = round(length.total_seconds())
    if seconds < 2 * SECONDS_A_MINUTE:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = round(seconds / SECONDS_A_MINUTE)
    if minutes < 2 * MINUTES_AN_HOUR:
        return f"{minutes} minutes"
    hours, rest = divmod(minutes, MINUTES_AN_HOUR)
    return f"{hours} hours {rest} minutes" if rest else f"{hours} hours"
