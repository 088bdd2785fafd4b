"""Why an offer was refused, in words for people."""

from typing import Any

import pytest

from migrate_hub.portal.wording import refusal_in_words

SPENT = "60 credits at first, 24 an hour and 576 at most are spent by day 3, 04:00 of the history"


def credits(required: str | None, offered: str | None, detail: str | None) -> dict[str, Any]:
    return {"constraint": "cpu_credits", "required": required, "offered": offered, "short_by": None, "detail": detail}


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            credits("2.6", "1.6433", SPENT),
            f"its CPU credits carry 1.64 cores at this load, headroom included, and 2.6 are needed: {SPENT}",
        ),
        (credits(None, None, "the window is shorter than 7 days"), "burstable, and the window is shorter than 7 days"),
        (credits(None, None, None), "burstable"),
    ],
)
def test_credits_tell_what_they_carry_or_why_it_is_not_known(refusal: dict[str, Any], words: str) -> None:
    assert refusal_in_words(refusal) == words
